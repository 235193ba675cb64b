#!/bin/bash
# turtles-tables.sh: what a CPUID and a VMCALL of a guest of Debian's KVM cost on the model, single-level, nested, and nested without
# VMCS shadowing, beside the Turtles paper (Ben-Yehuda et al., OSDI 2010) and what is known of silicon. The boot runs in `step`, the model
# takes over at the first CPUID of the guest that is measured. MODEL=skylake-sp: another core.
set -u
O=${O:-o} GUESTS=${GUESTS:-o/guests} VMXRAY=${VMXRAY:-$O/vmxray} MODEL=${MODEL:-golden-cove}
logs=$O/tests/timing/turtles
mkdir -p "$logs"

measure() { # NAME LEVEL WORDS
	printf '%s\n' "catch exit CPUID if level == $2" continue delete "timing $MODEL" continue 'info cycles' quit |
		timeout "${TIMEOUT:-900}" "$VMXRAY" -kernel "$GUESTS/vmlinuz" -initrd "$GUESTS/turtles-tables.cpio" \
			-append "console=ttyS0 reboot=t panic=-1 levels=$2 $3" -m 1G -nographic -no-reboot -S >"$logs/$1" 2>&1
}
cost() { # NAME INSTRUCTION
	tr -d '\r' <"$logs/$1" | awk -v name="$2" '$1 == "cost" && $2 == name && $3 ~ /^[0-9]+$/ { print $3; found = 1 } END { if (!found) print "-" }'
}
row() { # TEXT PAPER SILICON NAME INSTRUCTION
	printf '%-36s %8s %10s   %s\n' "$1" "$(cost "$4" "$5")" "$2" "$3"
}

measure single 1 ''
measure shadowing 2 ''
measure nested 2 kvm0=enable_shadow_vmcs=0
echo "cycles of one exit, with what KVM does for it; $MODEL"
printf '%-36s %8s %10s   %s\n' '' ours paper 'other measurements'
row 'CPUID, single-level' 2501 '1018 to 1100 (kvm-unit-tests)' single CPUID
row 'CPUID, nested, VMCS shadowing (DRW)' 28201 '13100 to 14900 (kvm-unit-tests), 18890 (Linux 564ad0aa85b3)' shadowing CPUID
row 'CPUID, nested' 58493 '' nested CPUID
row 'VMCALL, single-level' - '1530 (kvm-unit-tests)' single VMCALL
row 'VMCALL, nested, VMCS shadowing' - '13200 to 14900 (kvm-unit-tests)' shadowing VMCALL
row 'VMCALL, nested' - '' nested VMCALL
echo "The paper's machine was a Xeon of 2008, whose exits and entries took about 1000 cycles, and its KVM that of 2009."
one=$(cost single CPUID) two=$(cost shadowing CPUID) three=$(cost nested CPUID)
[[ $one$two$three =~ ^[0-9]+$ ]] || { echo "turtles-tables: not all was measured; see $logs"; exit 1; }
((one < two && two < three)) || { echo 'turtles-tables: the order is not that of the paper'; exit 1; }
echo 'The order is that of the paper: single-level < nested with shadowing < nested.'

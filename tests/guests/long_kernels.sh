#!/bin/bash
# Debian's two kernels, cloud and general, with one processor and with four: each boots without a complaint and ends the
# process with 0 when it powers off. The general one also from its vmlinux by the PVH entry, if xz can unpack it.
. "$(dirname "$0")/../claim.bash"
dir=$O/tests/guests/kernels
mkdir -p "$dir"
trouble='Kernel panic|BUG|Oops|WARNING|general protection fault|segfault|unchecked MSR|Call Trace|rcu: INFO'
trouble+='|ACPI.*([Ee]rror|[Ww]arning|\[Firmware Bug\]|invalid|mismatch)|unstable|Firmware Bug'

boots() { # NAME KERNEL OPTION...
	local name=$1 kernel=$2 out=$dir/${1// /-}.out status
	shift 2
	timeout 900 "$VMXRAY" -kernel "$kernel" -initrd "$GUESTS/initramfs.cpio" -append "console=ttyS0 vmxray=boot" \
		-m 512 -nographic "$@" >"$out" 2>&1 </dev/null
	status=$?
	((status == 0)) && grep -q '^== powering off' "$out" && grep -q 'reboot: Power down' "$out"
	claim $? "$name: boots, powers off, status 0" "status $status; $(tail -n 2 "$out" | tr '\n' ';')"
	! grep -qE "$trouble" "$out"
	claim $? "$name: no complaints" "$(grep -E "$trouble" "$out" | head -n 3 | tr '\n' ';')"
}

general=$GUESTS/vmlinuz-general
[[ -e $general ]] || make -s GUESTS="$GUESTS" "$general"
for processors in 1 4; do
	boots "cloud kernel with $processors" "$GUESTS/vmlinuz" -smp $processors
	boots "general kernel with $processors" "$general" -smp $processors
	grep -qE "smp: Brought up 1 node, $processors CPU" "$dir/general-kernel-with-$processors.out"
	claim $? "$processors processors came up"
done

# The payload of a bzImage: setup header, payload_offset at 248H and payload_length at 24CH from the code's beginning.
word() { od -An -t u"$3" -j "$2" -N "$3" "$1" | tr -d ' '; }
begin=$((($(word "$general" 497 1) + 1) * 512 + $(word "$general" 584 4))) length=$(word "$general" 588 4)
if tail -c +$((begin + 1)) "$general" | head -c $((length - 4)) | xz -dc >"$dir/vmlinux" 2>/dev/null; then
	boots 'vmlinux by PVH' "$dir/vmlinux"
	boots 'vmlinux by PVH with 4' "$dir/vmlinux" -smp 4
else
	echo 'ok vmlinux by PVH # SKIP no xz, or not packed with it'
fi
rm -f "$dir/vmlinux"

#!/bin/bash
# Guests of guests: Debian's KVM on the processor runs Debian's kernel (L1), whose KVM runs it again (L2), each to the
# shell of its busybox and its power-off; what `make nested` shows, as claims.
. "$(dirname "$0")/../claim.bash"
log=$O/tests/guests/nested.log
mkdir -p "${log%/*}"

exits() { # LEVEL REASON: how many VM exits, from the account
	awk -v level="$1" -v reason="$2" '$1 == level && $2 == reason { n += $3 } END { print n + 0 }' "$log"
}

said=$(LOG=$log tests/guests/nested.sh | grep -a '^nested: ')
[[ $said == 'nested: all is well' ]]
claim $? "make nested says that all is well" "${said//$'\n'/; }"

for level in L1 L2; do
	has "$level boots" "^== $level: Linux 6"
	has "the shell of $level answers what is typed" "^the shell of $level computes 42"
	for check in 'the kernel has no complaint' 'timer interrupts' 'a sleep takes its time' md5sum 'processors: 1' \
		'interrupts of the console'; do
		has "$level: $check" "^== $level: ok $check\$"
	done
	has "$level switches itself off" "^== (L1: )?$level ended with status 0"
done
has "L1 loads KVM" '^== L1: loaded kvm-intel.ko'
has "small guests under L1's KVM" '^kvm-mini: 31 passed, 0 failed'

# From the start of the machine to that of its guest, KVM says nothing.
complaints=$(tr -d '\r' <"$log" | sed '/^== booting L1/,$d' | grep -aiE '^\[[ 0-9.]*\] (kvm|kvm_intel|vmx)')
[[ -z $complaints ]] && grep -aq '^== booting L1' "$log"
claim $? "KVM loads without a complaint" "${complaints//$'\n'/; }"

# At either level KVM has everything it looks for.
for parameter in ept vpid unrestricted_guest flexpriority vnmi enable_apicv pml enable_shadow_vmcs nested \
	preemption_timer eptad; do
	count=$(tr -d '\r' <"$log" | grep -acE "^ +$parameter +[Y1]\$")
	((count == 2))
	claim $? "kvm_intel uses $parameter at both levels" "$count say so"
done

for reason in CPUID IO_INSTRUCTION EPT_VIOLATION; do
	count=$(exits 2 $reason)
	((count > 1000))
	claim $? "the account has L2's exits: $reason" "$count"
done
# KVM enters L2 by VMRESUME in L1, which exits; with a shadow VMCS few VMREADs do.
resumes=$(exits 1 VMRESUME) reads=$(exits 1 VMREAD) entries=$(awk '$1 == 2 && /VM entries/ { print $NF }' "$log")
((resumes > 10000 && entries > resumes))
claim $? "L2 is entered through L1's VMRESUME" "$resumes VMRESUMEs, $entries entries"
((reads < resumes))
claim $? "VMCS shadowing saves VMREADs" "$reads VMREADs, $resumes VMRESUMEs"

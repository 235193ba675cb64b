#!/bin/bash
# -why: what goes wrong explains itself on stderr when it happens, after what the guest printed before, and at the end; it changes
# nothing of the run. docs/monitor.md has the rules.
. "$(dirname "$0")/lib.bash"

image=$dir/mistakes
gcc -m32 -nostdlib -static -Wl,-Ttext=0x200000 -Wl,--build-id=none tests/monitor/mistakes/mistakes.S -o "$image" || exit 2
number_of() { # NAME
	sed -nE 's/^MISTAKE\((\w+),.*/\1/p' tests/monitor/mistakes/mistake.def | grep -nx "$1" | cut -d : -f 1
}
machine=(-kernel "$image" -cpu server,feature_control=0 -device isa-debug-exit,iobase=0xf4,iosize=0x04)
with() { # NAME ARGUMENT...
	local name=$1
	shift
	vmxray "${machine[@]}" -append "bug=$(number_of "$name")" "$@" </dev/null
}
tells() { # NAME PATTERN
	[[ $err =~ $2 ]]
	claim $? "$1" "status $status: $err"
}

with guest_rflags_zero -why on
tells 'a failed VM entry' 'VM entry failed: .*Reserved bit 1 must be 1.*hint: .*write at least 2'
with guest_rflags_zero -why off
[[ $err != *'VM entry failed'* ]]
claim $? '-why off is silent' "$err"
with guest_rflags_zero
[[ $err != *'VM entry failed'* ]]
claim $? 'so it is without a terminal' "$err"
with no_vmxe -why on -no-reboot
tells 'a triple fault, with its cause' 'triple fault at level 0.*VMXON with CR4.VMXE = 0.*hint: set CR4.VMXE'
with no_vmxe -why on -steps 100000
[[ $(grep -c 'triple fault at level' <<<"$err") == 1 && $err == *'again and again'*'more VM entries failed, or triple faults came'* ]]
claim $? 'a loop of resets: one explanation, one warning, the rest is counted' "$err"
with vmptrld_revision -why on
tells 'what led to it is told with it' 'VM entry failed.*Before that:.*VMPTRLD fails if bits 30:0'
with vmclear_alignment -why on
tells 'a VMX instruction that failed is told at the end' 'vmclear .*failed: VMfailInvalid.*VMCLEAR fails if the VMCS pointer is not 4-KByte aligned'
with rip_not_advanced -why on -steps 6000000
[[ $(grep -c 'times in a row without progress' <<<"$err") == 1 && $err == *'440CH'* ]]
claim $? 'a loop of VM exits, once' "$err"
with guest_activity_sipi -why on
tells 'a stuck guest' "the guest is stuck.*waits for a start-up IPI"
vmxray -kernel "$(guest spin)" -why on -steps 3000000 </dev/null
[[ $err != *spins* ]] # INC is in its loop: registers change
claim $? 'a loop that does something does not spin' "$err"
printf '.code32\n.long 0x1badb002, 0, -0x1badb002\n.globl _start\n_start: cli\n1: jmp 1b\n' >"$dir/jump.S"
gcc -m32 -nostdlib -static -Wl,-Ttext=0x200000 -Wl,--build-id=none "$dir/jump.S" -o "$dir/jump" || exit 2
vmxray -kernel "$dir/jump" -why on -steps 3000000 </dev/null
[[ $(grep -c 'processor 0 spins' <<<"$err") == 1 && $err == *'RFLAGS.IF is 0'* ]]
claim $? 'a jump to itself with interrupts off' "$err"

# What the guest said last stands before what is said of it.
vmxray -kernel "$(guest stuck)" -why on </dev/null
printf '.long 0x1badb002, 0, -0x1badb002\n.globl _start\n_start: mov $0x3f8, %%dx\nmov $0x78, %%al\nout %%al, %%dx\ncli\nhlt\n' >"$dir/last.S"
gcc -m32 -nostdlib -static -Wl,-Ttext=0x200000 -Wl,--build-id=none "$dir/last.S" -o "$dir/last" || exit 2
timeout 20 "$VMXRAY" -kernel "$dir/last" -why on </dev/null >"$dir/both" 2>&1
[[ $(<"$dir/both") == x*'the guest is stuck'*'halted with RFLAGS.IF=0'* ]]
claim $? "the guest's last character comes before that it is stuck" "$(<"$dir/both")"

# The run is the same.
for name in guest_rflags_zero rip_not_advanced interrupt_dropped ept_stale; do
	with "$name" -why on -hash -steps 1500000
	on=$(grep ^hash <<<"$err")
	with "$name" -why off -hash -steps 1500000
	[[ -n $on && $on == "$(grep ^hash <<<"$err")" ]]
	claim $? "$name: the hash is as without -why" "$on, $err"
done
if has_terminal; then
	script -qec "$VMXRAY ${machine[*]} -append bug=$(number_of guest_rflags_zero)" /dev/null </dev/null >"$dir/terminal" 2>&1
	[[ $(<"$dir/terminal") == *'VM entry failed'* ]]
	claim $? 'on a terminal it is on' "$(head -c 400 "$dir/terminal")"
else
	echo "ok on a terminal it is on $no_terminal"
fi

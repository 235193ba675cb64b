#!/bin/bash
# origin of a hundred and eighty values that went through eighteen chains of copies: of eleven (origin.S) each ends at the
# instruction that has it as a constant, of one at a device; and of six between a hypervisor and its guest (tool_origin_vm.c) at what
# made it.
. "$(dirname "$0")/lib.bash"

gcc -m32 -nostdlib -static -Wl,-Ttext=0x200000 -Wl,--build-id=none -o "$dir/origin" "$(dirname "$0")/origin.S" || exit 1
chains=('the stack' 'the stack and registers' 'REP MOVS' 'XCHG' 'LODS and STOS' 'WRMSR and RDMSR' 'CR2' 'an argument' \
	'CMOV' 'VMWRITE and VMREAD' 'XMM registers')
{
	printf 'continue\n'
	for ((i = 0; i < 120; i++)); do printf 'echo value %d\norigin u32[result + %d]\n' $i $((4 * i)); done
} >"$dir/ask"
timeout 60 "$VMXRAY" -S -x "$dir/ask" -kernel "$dir/origin" -device isa-debug-exit,iobase=0xf4,iosize=0x04 </dev/null >"$dir/out" 2>&1

# The last instruction of each answer, and what is said of it.
for ((chain = 0; chain < 11; chain++)); do
	bad=
	for ((n = 0; n < 10; n++)); do
		wanted=$(printf '0x5a%04x%02x' $chain $n)
		answer=$(sed -n "/^value $((10 * chain + n))\$/,/^value/p" "$dir/out" | grep -B1 '^  [a-z][a-z ]*\( made it\|a constant of the instruction\|instruction\)$' | tail -n 2)
		[[ $answer == *"$wanted"*$'\n  a constant of the instruction' ]] || bad+="$wanted: $answer; "
	done
	[[ -z $bad ]]
	claim $? "ten values through ${chains[chain]} come from their constants" "$bad"
done

bad=
for ((n = 0; n < 10; n++)); do
	answer=$(sed -n "/^value $((110 + n))\$/,/^value/p" "$dir/out")
	[[ $answer == *'-> 0x554d4551'*'a device stored it'*$'\n  a device delivered it'* ]] || bad+="$n: $answer; "
done
[[ -z $bad ]]
claim $? 'ten values that came by DMA come from the device' "$bad"

# Through VM exits and VM entries.
gcc -g -O1 -nostdlib -static -fno-pic -no-pie -mno-red-zone -mgeneral-regs-only -fcf-protection=none -fno-stack-protector \
	-Wl,-Ttext=0x200000 -Wl,--build-id=none -o "$dir/origin_vm" tests/gdb/tool_hypervisor.c tests/monitor/tool_origin_vm.c || exit 1
chains=("a VM exit's save of RSP" 'a VM-exit MSR-store area' 'a VM-entry MSR-load area' 'a VM-exit MSR-load area' 'VMWRITE and a VM entry' \
	"a VM exit's save of an MSR")
{
	printf 'continue\n'
	for ((i = 0; i < 60; i++)); do printf 'echo value %d\norigin u64[result + %d]\n' $i $((8 * i)); done
} >"$dir/ask"
timeout 60 "$VMXRAY" -S -x "$dir/ask" -kernel "$dir/origin_vm" -device isa-debug-exit,iobase=0xf4,iosize=0x04 </dev/null >"$dir/out" 2>&1
for ((chain = 0; chain < 6; chain++)); do
	bad=
	for ((n = 0; n < 10; n++)); do
		wanted=$(printf '0x5b00%02x%02x' $chain $n)
		answer=$(sed -n "/^value $((10 * chain + n))\$/,/^value/p" "$dir/out" | tail -n 6)
		[[ $answer == *" -> $wanted"*'<make_value+'*$'\n  this instruction made it'* ]] || bad+="$wanted: $answer; "
	done
	[[ -z $bad ]]
	claim $? "ten values through ${chains[chain]} come from where they were made" "$bad"
done

# A store of an equal value is a store: origin follows the last one. And what a symbol names has its size.
ask() { # COMMAND...
	{ printf 'continue\n'; printf '%s\n' "$@"; } >"$dir/ask"
	timeout 60 "$VMXRAY" -S -x "$dir/ask" -kernel "$dir/origin" -device isa-debug-exit,iobase=0xf4,iosize=0x04 </dev/null 2>&1
}
out=$(ask 'origin u32[equal]')
[[ $out == *'0x5a000a00 once more'*'mov [0x'*'], ebx'*'mov ebx, 0x5a000a00'*'a constant of the instruction'* ]]
claim $? 'origin follows a store of an equal value' "$out"
out=$(ask 'origin GUEST_RSP')
[[ $out == *'0x5a000909 once more'*'vmwrite'*'mov ebp, 0x5a000909'*'a constant of the instruction'* ]]
claim $? 'origin follows a VMWRITE of an equal value' "$out"
out=$(ask 'origin IA32_SYSENTER_EIP')
[[ $out == *'0x5a000509 once more'*'wrmsr'*'mov eax, 0x5a000509'*'a constant of the instruction'* ]]
claim $? 'origin follows a WRMSR of an equal value' "$out"
out=$(ask 'origin cr3')
[[ $out == *'once more'*'mov cr3, edi'*'mov edi, 0x'*'a constant of the instruction'* ]]
claim $? 'origin follows a MOV to CR3 of an equal value' "$out"
out=$(ask 'when-written -all equal')
[[ $out == *'0x5a000a00 once more'*'], ebx'* ]]
claim $? 'what a symbol names has its size' "$out"

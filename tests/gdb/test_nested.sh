#!/bin/bash
# A nested session: Debian's KVM runs Debian's kernel, whose KVM runs it again. A VM exit of level 2 is caught in level 0:
# names at all three levels, the calls across them, what such exits cost, who wrote the VMCS; then gdb goes on, by name
# inside KVM. One boot serves all of it.
. "$(dirname "$0")/lib.bash"
[[ -z ${SAN:-}${COV:-} ]] || { echo "ok a nested session # SKIP too slow with sanitizers or coverage"; exit; }
kernel=$dir/kernel.elf
machine=(-kernel "$GUESTS/vmlinuz" -initrd "$GUESTS/nested.cpio" -m 1G -nographic -no-reboot -steps 6100M
	-append "console=ttyS0 reboot=t panic=-1 quiet vmxray=nested levels=2 guest=quiet")

# When level 2 begins, the modules of level 1 were just loaded; when the kernel in it (not one of
# kvm-mini's guests before) executes XSETBV, it is mapped.
printf '%s\n' 'symbols kallsyms level 2' 'catch level 2' continue 'delete' 'symbols kallsyms' \
	'tcatch exit XSETBV if level == 2 && rip >> 31 == 0x1ffffffff' continue \
	'symbols clear' 'symbols kallsyms' symbols where 'level 1' where 'level 2' where 'level auto' 'x/i @2:GUEST_RIP' 'p @1:modules == @0:modules' 'bt @2' \
	'exits cost' 'exits cost CPUID' exits 'vmcs merge' "export $kernel level 0" >"$dir/script"
start -x "$dir/script"
hypervisor=$kernel
session <<EOT
info symbol \$rip
break nested_vmx_reflect_vmexit thread 1.1
continue
info symbol \$rip
monitor bt
delete
break nested_vmx_vmexit thread 1.1
continue
info symbol \$rip
printf "reason %d\n", \$vmcs.exit_reason
delete
detach
EOT
gdb_said=$said
printf "%s\n" "$said" >"$dir/gdb"
finish
log=$dir/out

part() { sed -n "/^(vmxray) $1\$/,/^(vmxray) /p" "$dir/out" | sed '1d;$d'; } # what a command said, for the last time
has "what is asked for before it is there is looked for later" \
	'^symbols kallsyms: level 2: nothing has run there yet on processor 0; its kernel is looked for at later stops$'
has "level 2's kernel is then read by itself" '^symbols: level 2: [0-9]+ names of Linux 6\..* were read now$'
said=$(part symbols)
for level in 0 1 2; do says "level $level has a kernel of its own" "^level $level +[0-9]{5,} symbols  kallsyms, Linux 6\."; done
# Of the kernel that waits most is no more in the EPT that KVM has for it; the process that runs it has it.
for level in 0 1; do says "level $level has KVM's modules, also when they were not read before" "^level $level .*modules of Linux \(3\): kvm_intel, kvm, irqbypass\$"; done
[[ $(grep -oE ' at ffffffff[0-9a-f]+$' <<<"$said" | sort -u | wc -l) == 3 ]]
claim $? "KASLR has put each elsewhere" "$said"

places=$(grep -aA 20 -e '^(vmxray) where$' "$dir/out" | grep -aE '^  [0-9a-f]{16} <' | head -n 3)
[[ $places =~ \<vmx_vmexit\>.*\<__vmx_vcpu_run\+0x[0-9a-f]+\>\ +0f01c[23]\ +vm(launch|resume).*\<[a-z_0-9.]+\+0x[0-9a-f]+\>\ +0f01d1\ +xsetbv ]]
claim $? "level 0 is where VM exits come to, level 1 where it enters, level 2 at XSETBV, by name" "$places"

# name after name, of each level
said=$(part 'bt @2')
calls=$(sed -nE 's/^#[0-9]+ +[0-9a-f]+ <([^+>]*)(\+0x[0-9a-f]+)?>( \?)?$/\1\3/p; s/^level ([0-9]).*/\1:/p' <<<"$said" | tr '\n' ' ')
kvm='vmx_vcpu_enter_exit vmx_vcpu_run kvm_arch_vcpu_ioctl_run kvm_vcpu_ioctl __x64_sys_ioctl do_syscall_64 entry_SYSCALL_64_after_hwframe'
[[ $calls == *" 1: __vmx_vcpu_run $kvm 0: vmx_vmexit $kvm " ]]
claim $? "the calls of level 1 and of level 0, each through KVM up to the system call" "$calls"
[[ $calls =~ ^2:\ [a-z_0-9.]+\ .*\ (start_kernel|x86_64_start_kernel|secondary_startup_64).*\ 1:\  && $calls != *'?'* ]]
claim $? "those of level 2 from its first function on" "$calls"
says "a kernel's stack has an end" '^    \((the end of the stack|nothing says who called)\)$'
says "what called KVM is user code" '^    \(user code\)$'

said=$(part 'exits cost')
says "the price of level 2's exits by reason" '^CPUID +[0-9]+ +[1-9][.0-9]* +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9]+  [0-9]+$'
sums=$(awk '$2 ~ /^[0-9]+$/ && NF == 8 && ($5 + $6 > $4 + 0.2 || $5 + $6 < $4 - 0.2) { print }' <<<"$said")
[[ -z $sums ]]
claim $? "levels 0 and 1 together are the whole" "$sums"
said=$(part 'exits cost CPUID')
says "which exits were made for a CPUID" '^    level 1  VMRESUME +1\.00 +[0-9.]+$'
says "with the numbers of MSRs" '^    level 1  RDMSR 0x1d9 IA32_DEBUGCTL +[0-9.]+ +[0-9.]+$'
count=$(part 'exits cost' | awk '$1 == "CPUID" { print $2 }')
[[ -n $count && $count == "$(part exits | awk '$1 == 2 && $2 == "CPUID" { print $3 }')" ]]
claim $? "exits counts the same" "$count"

said=$(part 'vmcs merge')
says "what level 2 loaded itself" '^GUEST_RIP .*  L2 itself, saved by the exit at step [0-9]+$'
says "what level 0 wrote, and where" '^EPT_POINTER .*  L0 at step [0-9]+ <vmx_load_mmu_pgd\+0x[0-9a-f]+>$'
says "what it took over from level 1" '^CR4_MASK .*  L0 at step [0-9]+ <.*>, as vmcs12 had it from L1 at step [0-9]+ <.*>$'
says "the host state is level 0's, whatever it equals" '^HOST_CS_SELECTOR .*  L0 at step [0-9]+ <vmx_set_constant_host_state\+0x[0-9a-f]+>'

said=$gdb_said
says "gdb knows where level 0 is, in KVM" '^(vmx_vmexit|__vmx_vcpu_run \+ [0-9]+) in section \.text'
says "a breakpoint in a function of KVM's nesting" '^(Thread 1\.1 .*hit )?Breakpoint 1, .* nested_vmx_reflect_vmexit'
says "the calls that led there, in gdb" '^#1 .* <vmx_handle_exit\+0x[0-9a-f]+>$'
says "another, for an exit that it leaves to level 1" '^(Thread 1\.1 .*hit )?Breakpoint 2, .* nested_vmx_vmexit'
says "and its reason" '^reason [0-9]+$'
[[ $status == 6 ]]
claim $? "the machine runs on to its limit" "status $status: $(tail -n 3 "$dir/out")"

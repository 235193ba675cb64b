#!/bin/bash
# gdb at Debian's kernel, whose KVM runs the same kernel as a guest: functions of both kernels and of KVM by name, a step
# across VM exits, registers of both levels. The kernel has no symbols; the monitor finds them,
# and those of KVM's modules, in its memory for gdb.
. "$(dirname "$0")/lib.bash"
kernel=$dir/kernel.elf
steps=3000M
[[ -z ${SAN:-}${COV:-} ]] || { echo "ok KVM and gdb # SKIP too slow with sanitizers or coverage"; exit; }
machine=(-kernel "$GUESTS/vmlinuz" -initrd "$GUESTS/nested.cpio" -m 1G -nographic -no-reboot --steps "$steps" --hash
	-append "console=ttyS0 reboot=t panic=-1 vmxray=nested levels=1 guest=nokaslr nokaslr")

free=$("$VMXRAY" "${machine[@]}" </dev/null 2>&1 | grep '^hash')
printf '%s\n' 'catch entry' continue 'symbols kallsyms level 0' "export $kernel level 0" delete >"$dir/script"
start -x "$dir/script"
hypervisor=$kernel
session <<EOT
add-inferior
inferior 2
symbol-file $kernel
attach 2
set schedule-multiple on
info threads
break start_kernel thread 2.1
continue
info symbol \$rip
printf "guest rip %d, paging %d\n", \$rip == \$vmcs.guest_rip, (\$cr0 & 0x80000000) != 0
thread 1.1
info symbol \$rip
delete
break vmx_handle_exit thread 1.1
continue
info symbol \$rip
printf "reason %d\n", \$vmcs.exit_reason
info registers rip rsp cr3
thread 2.1
set \$before = \$rip
info registers rip rsp cr3 rax
delete
stepi
printf "moved %d\n", \$rip != \$before
info threads
info symbol \$rip
break _printk thread 2.1
continue
bt 3
delete
detach inferiors 2 1
EOT
finish
says "two levels" '^\* 2\.1 .*level 1: runs, VMCS'
says "a breakpoint in a function of the guest's kernel" '^Thread 2\.1 .*hit Breakpoint 1.* start_kernel'
says "the host waits in KVM" '^(vmx_vmexit|__vmx_vcpu_run) '
says "a breakpoint in KVM's exit handler" '^Thread 1\.1 .*hit Breakpoint 2.* vmx_handle_exit'
says "the exit's reason" '^reason [0-9]+$'
says "the host's registers there" '^rip .*<vmx_handle_exit'
for register in rip rsp cr3; do
	(($(grep -E "^$register " <<<"$said" | sort -u | wc -l) == 2))
	claim $? "$register of both levels" "$said"
done
says "a step of the guest passes over it" '^moved 1$'
[[ $status == 6 ]]
claim $? "the machine runs on to its limit" "status $status: $(tail -n 3 "$dir/out")"
[[ $hash == "$free" && -n $free ]]
claim $? "in the state of a free run" "$hash, not $free"

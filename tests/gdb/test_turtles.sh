#!/bin/bash
# gdb at the teaching hypervisor three levels deep: it runs itself, and that a guest. One image, three inferiors.
. "$(dirname "$0")/lib.bash"
hypervisor=$O/turtles.elf
machine=(-kernel "$hypervisor" -append depth=2 -m 64 -nographic -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=4 --hash)

free=$("$VMXRAY" "${machine[@]}" </dev/null 2>&1 | grep '^hash')
printf '%s\n' 'catch entry if level == 2' continue delete >"$dir/script"
start -x "$dir/script"
session <<EOT
inferior 1
add-inferior -exec $hypervisor
inferior 2
attach 2
add-inferior -exec $hypervisor
inferior 3
attach 3
add-inferior -exec $hypervisor
inferior 4
attach 4
info threads
detach inferior 4
inferior 3
set schedule-multiple on
break payload thread 3.1
continue
info threads
printf "L2 rip %d\n", (long) \$rip == (long) &payload
thread 2.1
info symbol \$rip
printf "L1 waits in its VMCS %d\n", (long) \$rip == (long) \$vmcs.guest_rip
thread 1.1
info symbol \$rip
printf "L0 waits %d\n", (long) \$rip == (long) \$vmcs.host_rip
delete
tbreak exit_handle thread 1.1
continue
printf "L0 sees reason %d\n", \$vmcs.exit_reason & 0xffff
info registers rip rsp cr3
thread 3.1
set \$before = \$rip
thread 2.1
tbreak exit_handle thread 2.1
continue
info threads
info registers rip rsp cr3
thread 3.1
stepi
printf "L2 moved on %d\n", \$rip != \$before
info threads
detach inferiors 3 2 1
EOT
finish
says "a level that has not run yet" 'processor 0, level 3: nothing has run there'
says "a breakpoint in the guest's guest" '^Thread 3\.1 .*hit Breakpoint 1.* payload'
says "which runs" '^\* 3\.1 .*level 2: runs, VMCS'
says "at its function" '^L2 rip 1'
says "L1 waits in its VMCS" '^L1 waits in its VMCS 1'
says "L0 waits for the next VM exit" '^L0 waits 1'
says "the VM exit comes to L0 first" '^Thread 1\.1 .*hit Temporary breakpoint 2.* exit_handle'
says "with a reason" '^L0 sees reason [0-9]+'
says "and then to L1" '^Thread 2\.1 .*hit Temporary breakpoint 3.* exit_handle'
for register in 'rip .*<exit_handle' 'rsp' 'cr3'; do
	(($(grep -cE "^$register" <<<"$said") == 2))
	claim $? "${register%% *} of both handlers' levels" "$said"
done
says "a step of L2 passes over both" '^L2 moved on 1'
[[ $hash == "$free" && -n $free ]]
claim $? "the machine ends in the state of a free run" "status $status, $hash, not $free"

# The first instruction of a function whose fetch makes an EPT violation is attempted twice: to its call all the same.
machine=(-kernel "$hypervisor" -append depth=1 -m 64 -nographic -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=4 --hash)
start
session <<EOT
inferior 1
$(attach_guest)
break start thread 2.1
inferior 1
continue
delete
thread 2.1
stepi
stepi
stepi
reverse-finish
printf "the guest at its call %d\\n", *(unsigned char *) \$pc == 0xe8
monitor quit
detach inferiors 2 1
EOT
finish
says "reverse-finish over an attempt that made an EPT violation" '^the guest at its call 1$'

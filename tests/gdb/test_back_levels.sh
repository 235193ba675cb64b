#!/bin/bash
# gdb goes back across VM exits at three levels of the teaching hypervisor: each inferior in its own level's instructions.
# With schedule-multiple on gdb does not say in which inferior a step back is meant.
. "$(dirname "$0")/lib.bash"
hypervisor=$O/turtles.elf
machine=(-kernel "$hypervisor" -append depth=2 -m 64 -nographic -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=4 --hash)

free=$("$VMXRAY" "${machine[@]}" </dev/null 2>&1 | grep '^hash')
printf '%s\n' 'catch entry if level == 2' continue delete >"$dir/script"
start -x "$dir/script"
session <<EOT
inferior 1
$(attach_guest)
add-inferior -exec $hypervisor
inferior 3
attach 3
break payload thread 3.1
continue
delete
thread 2.1
tbreak exit_handle thread 2.1
continue
set \$handler = \$rip
stepi
stepi
set \$third = \$rip
stepi
set schedule-multiple off
reverse-stepi
printf "L1 a step back %d\\n", \$rip == \$third
thread 3.1
set \$exiting = \$rip
reverse-stepi
printf "L2 at the attempt that made the VM exit %d\\n", \$rip == \$exiting
info threads
reverse-stepi
set \$before = \$rip
printf "L2 before its VM exit %d\\n", \$before != \$exiting
stepi
printf "L2 at its VM exit again %d\\n", \$rip == \$exiting
reverse-stepi
printf "L2 back once more %d\\n", \$rip == \$before
thread 1.1
break exit_handle thread 1.1
reverse-continue
printf "L0 had a VM exit before %d\\n", \$rip == (long) &exit_handle || \$rip > (long) &exit_handle
delete
set \$level0 = \$rip
stepi
reverse-stepi
printf "L0 a step back %d\\n", \$rip == \$level0
delete
thread 2.1
break exit_handle thread 2.1
set schedule-multiple on
continue
printf "L1 forth to the same VM exit %d\\n", \$rip == \$handler
delete
monitor goto end
detach inferiors 3 2 1
EOT
finish
says 'L1 goes back in its handler' '^L1 a step back 1$'
says 'L2 goes back to the attempt that made its VM exit, which L0 and L1 handled' '^L2 at the attempt that made the VM exit 1$'
says 'and across it' '^L2 before its VM exit 1$'
says 'where it runs' '^\* 3\.1 .*level 2: runs'
says 'and forth across it' '^L2 at its VM exit again 1$'
says 'and back' '^L2 back once more 1$'
says 'L0 goes back to a breakpoint in its handler' '^L0 had a VM exit before 1$'
says 'and by a step' '^L0 a step back 1$'
says 'forth to the VM exit that it was' '^L1 forth to the same VM exit 1$'
[[ $hash == "$free" && -n $free ]]
claim $? 'the machine ends in the state of a free run' "status $status, $hash, not $free"

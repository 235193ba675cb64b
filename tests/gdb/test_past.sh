#!/bin/bash
# gdb goes back in a hypervisor and its guest: each level steps back in its own instructions.
. "$(dirname "$0")/lib.bash"

free=$("$VMXRAY" "${machine[@]}" </dev/null 2>&1 | grep '^hash')

start
session <<EOT
break handle_exit
continue
continue
continue
printf "exits %d\\n", exits
set \$there = \$rsp
stepi
stepi
stepi
set \$third = \$pc
stepi
reverse-stepi
printf "a step back %d\\n", \$pc == \$third
reverse-continue
printf "the handler again %d, exits %d\\n", \$rsp == \$there, exits
reverse-continue
printf "one before, exits %d\\n", exits
reverse-continue
reverse-continue
printf "at the beginning %d\\n", \$pc == (long) _start
continue
printf "forward again, exits %d\\n", exits
delete
$(attach_guest)
break guest_work thread 2.1
continue
stepi
stepi
set \$last = \$pc
stepi
reverse-stepi
printf "the guest a step back %d\\n", \$pc == \$last
delete
watch window[1]
continue
continue
set \$value = window[1]
stepi
reverse-continue
printf "the same write %d\\n", window[1] != \$value
delete
monitor history
monitor goto end
detach inferiors 2 1
EOT
finish
says "three exits" '^exits 2$'
says "reverse-stepi" '^a step back 1$'
says "reverse-continue to a breakpoint" '^the handler again 1, exits 2$'
says "and to the one before" '^one before, exits 1$'
says "to the beginning of the past" '(No more reverse-execution history|Reached end of recorded history)'
says "which is the first instruction" '^at the beginning 1$'
says "forward through what happened" '^forward again, exits 0$'
says "the guest steps back in its own instructions" '^the guest a step back 1$'
says "back to a write of its memory: the value before" '^the same write 1$'
says "the monitor's commands are there" 'The past is kept from step 0'
[[ $hash == "$free" && -n $free ]]
claim $? "the machine ends in the state of a free run" "status $status, $hash, not $free"

# From the monitor's commands, and at both ends of the past.
start -on-end stop
session <<EOT
break handle_exit
continue
set \$here = \$pc
monitor goto 0
maintenance flush register-cache
printf "gone to the beginning %d\\n", \$pc == (long) _start
continue
printf "and back to the breakpoint %d\\n", \$pc == \$here
delete
continue
printf "stopped where the run ended\\n"
set \$last = \$pc
reverse-stepi
printf "a step back from there %d\\n", \$pc != \$last
reverse-continue
printf "all the way back %d\\n", \$pc == (long) _start
continue
printf "to the end of the past %d\\n", \$pc == \$last
monitor when-written rsp
monitor quit
kill
EOT
finish
says "monitor goto" '^gone to the beginning 1$'
says "a breakpoint on the way forth" '^and back to the breakpoint 1$'
says "the end of the run is a stop" '^stopped where the run ended$'
says "from which one can go back" '^a step back from there 1$'
says "up to the beginning" '^all the way back 1$'
says "and forth to the end" '^to the end of the past 1$'
says "questions about the past are the monitor's" '^rsp(:| has)'

# Lines and functions, in the hypervisor and in its guest.
start
session <<EOT
break handle_exit
continue
continue
next
next
set \$line = \$pc
next
reverse-next
printf "a line back %d\\n", \$pc == \$line
delete
reverse-finish
printf "at its call %d\\n", *(unsigned char *) \$pc == 0xe8
$(attach_guest)
break guest_work thread 2.1
continue
continue
printf "the guest works %d\\n", \$_inferior == 2
delete
stepi
stepi
set schedule-multiple off
reverse-finish
printf "the guest at its call %d\\n", *(unsigned char *) \$pc == 0xe8 && \$_inferior == 2
set schedule-multiple on
break guest_work thread 2.1
continue
set \$work = \$pc
next
set schedule-multiple off
reverse-next
printf "a line of the guest back %d\\n", \$pc <= \$work + 16 && \$_inferior == 2
delete
monitor quit
detach inferiors 2 1
EOT
finish
says "reverse-next" '^a line back 1$'
says "reverse-finish" '^at its call 1$'
says "reverse-next in the guest" '^a line of the guest back 1$'
says "the guest is come to" '^the guest works 1$'
says "reverse-finish in the guest" '^the guest at its call 1$'

# The past cannot be changed: branch makes it the present.
start
typed <<EOT
break handle_exit
continue
continue
reverse-continue
set \$rax = 5
set var exits = 77
printf "exits are %d\\n", exits
monitor branch
set \$rax = 6
printf "rax is %d\\n", \$rax
monitor quit
kill
EOT
finish
says "a register of the past is refused, with what to do" 'the past cannot be changed; monitor branch'
says "memory too" '^(\(gdb\) )?exits are 0$'
says "after branch it is written" '^(\(gdb\) )?rax is 6$'

#!/bin/bash
# gdb at a hypervisor and its guest: each an inferior with registers, memory and breakpoints of its own.
. "$(dirname "$0")/lib.bash"

free=$("$VMXRAY" "${machine[@]}" </dev/null 2>&1 | grep '^hash')

start
session <<EOT
break handle_exit
continue
printf "exits %d\\n", exits
printf "argument %d\\n", guest->rax
delete
$(attach_guest)
info threads
printf "reason %d\\n", \$vmcs.exit_reason
printf "rax %x\\n", \$rax
printf "same rip %d\\n", \$rip == \$vmcs.guest_rip
x/gx &window
break guest_work thread 2.1
continue
info threads
thread 1.1
printf "exit entry %d\\n", \$rip == (long) exit_entry
printf "host cr3 %d\\n", \$cr3 == \$vmcs.host_cr3
x/gx &window
thread 2.1
stepi
printf "stepped %d\\n", (long) \$rip - (long) guest_work
watch window[1]
continue
delete
tbreak handle_exit thread 1.1
continue
bt 1
stepi
info threads
thread 2.1
set \$before = \$pc
stepi
printf "still exiting %d\\n", \$pc == \$before
info symbol \$pc
info threads
monitor catch exit CPUID
continue
monitor delete
detach inferiors 2 1
EOT
finish
says "stops at a breakpoint in the host" '^Breakpoint 1, handle_exit '
says "memory of the host" '^exits 0$'
says "an argument by its debug information" '^argument 4660$'
says "an inferior for the guest, which waits" '2\.1 .*processor 0, level 1: waits, VMCS [0-9a-f]+\) .*guest_main'
says "a field of its VMCS" '^reason 10$'
says "a general register that the host has saved somewhere" '^rax 1234$'
says "RIP is in the VMCS" '^same rip 1$'
says "the guest's memory is seen through EPT" '<window>:[[:space:]]0x0000000000002222'
says "a breakpoint in the guest" '^Thread 2\.1 .*hit Breakpoint .* guest_work \(n=.*1\)'
says "then the guest runs" '^\* 2\.1 .*processor 0, level 1: runs'
says "and the host waits" '^  1\.1 .*processor 0, level 0: waits'
says "where the next VM exit will take it" '^exit entry 1$'
says "with the page tables of the VMCS" '^host cr3 1$'
says "it sees other memory at the same address" '<window>:[[:space:]]0x0000000000001111'
says "a step in the guest" '^stepped [2-9]$'
says "a watchpoint in the guest: old value" '^Old value = 0$'
says "a watchpoint in the guest: new value" '^New value = 1$'
says "from the guest to the host's handler" '^Thread 1\.1 .*hit Temporary breakpoint .* handle_exit'
says "a step of the guest passes over the exit" '^still exiting 0$'
says "and ends behind the instruction that exited" '^guest_main \+ '
says "a catch of the monitor's stops gdb and says what it caught" '^VM exit CPUID'
[[ $status == 43 ]]
claim $? "detached, the machine runs to its end" "status $status: $(<"$dir/out")"
[[ $hash == "$free" && -n $free ]]
claim $? "in the state of a free run" "$hash, not $free"

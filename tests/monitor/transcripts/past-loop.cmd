# guest turtles depth=1 bug=loop
# A broken hypervisor, from its end backwards: nothing happens any more. Who wrote the EPT entry that lacks the right?
run-to 3000000
why
when-mapped @1:gpa:guest_physical_address
quit

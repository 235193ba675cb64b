# guest turtles depth=1 bug=state
# A broken hypervisor: the VM entry fails. Why?
catch failed-entry
continue
why
quit

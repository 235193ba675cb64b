# guest turtles depth=1 bug=if
# A broken hypervisor: a VM entry fails, after a thousand that succeeded. Why?
catch failed-entry
continue
why
quit

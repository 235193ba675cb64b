# guest turtles depth=1 bug=lost
# A broken hypervisor: the guest waits for an interrupt that never comes.
continue
why
events
quit

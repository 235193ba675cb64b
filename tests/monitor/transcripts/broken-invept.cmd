# guest turtles depth=1 bug=invept
# A broken hypervisor: the guest reads something else than it has written. Stop at the first check that fails.
symbols turtles.elf
tbreak @1:check if dil == 0
continue
stale
quit

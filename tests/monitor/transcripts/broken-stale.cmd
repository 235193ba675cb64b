# guest turtles depth=2 bug1=invept
# A broken hypervisor that is a guest itself: L1 forgets INVEPT, so that level 0 keeps what it has merged.
symbols turtles.elf
tbreak @2:check if dil == 0
continue
stale
walk 0xffb000
quit

# guest turtles depth=1 bug=invept
# A broken hypervisor, from its end backwards: a check of the guest failed. What had it read?
continue
last level == 1 && rip == check && dil == 0
goto 719707
stale
quit

# guest turtles depth=1 bug=lost
# A broken hypervisor, from its end backwards: the guest waits for ever. Where was its interrupt forgotten?
continue
why
goto 722011
reverse-finish
quit

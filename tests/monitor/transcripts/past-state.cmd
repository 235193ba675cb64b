# guest turtles depth=1 bug=state
# A broken hypervisor, from its end backwards: the VM entry failed. Which line made the wrong value?
continue
why
origin GUEST_TR_RIGHTS
quit

# guest turtles depth=1 bug=if
# A broken hypervisor, from its end backwards: a VM entry failed. Which line injects an interrupt that the guest cannot take?
continue
why
origin ENTRY_INTERRUPTION
quit

# guest turtles depth=2
# What a nested guest's VMCS was made of, and what of the guests would exit.
symbols turtles.elf
catch entry if level == 2
continue
vmcs merge
vmcs vmcs12 GUEST_C
vmcs check
intercepts
intercepts @1
stale 1
delete
catch exception
continue
why
why exit
events
exits
quit

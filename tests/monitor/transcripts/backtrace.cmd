# guest turtles depth=2
# Calls of every level, by the call frame information of the kernel's file; what a VM exit comes to has none.
backtrace
catch exit CPUID if level == 2
continue
bt
bt @2
bt @1 2
tcatch entry if level == 2
delete 1
continue
bt
step 2
bt 3
level 1
bt 1
bt @4
bt 0
bt @x
symbols clear
bt 2
quit

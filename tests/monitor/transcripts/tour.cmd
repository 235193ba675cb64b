# guest turtles
# A tour: what one CPUID of a guest's guest costs, and who does it.
symbols turtles.elf
catch exit CPUID if level == 2
continue
info levels
x/2i @2:rip
translate @2:rip
walk @1:guest_exited
delete
stepentry
tcatch entry if level == 2
continue
info exits
quit

# guest turtles depth=2
# The same for a guest's guest: while level 0 has its exit before it; while level 1 has it, in the shadow VMCS.
symbols turtles.elf
tcatch exit CPUID if level == 2
continue
set @2:rip = payload
info levels
set @1:rip = guest_exited
set @2:rip = payload + 0x14
stepentry
p/a @2:rip
set @2:rip = payload + 0x16
p/a @2:rip
set @2:dr7 = 0x400
delete
tcatch entry if level == 2
continue
quit

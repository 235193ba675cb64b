# guest turtles depth=2
# A guest of a guest: every stage of its translations, and what level 0 made of them.
symbols turtles.elf
tcatch exit CPUID if level == 2
continue
translate @2:rip
walk @2:rip
walk @2:gpa:0x3ff000
walk @1:gpa:0x100000
walk eptp12=0 @2:gpa:0x1000
walk eptp12=0 @1:gpa:0x1000
walk cr3=0 @2:0x1000
tcatch exit EPT_VIOLATION if level == 2
continue
walk @2:gpa:gpa
quit

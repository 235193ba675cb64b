# guest turtles depth=2
# What exits of level 2 cost: at each level, and by the exits that were made for them.
exits cost
catch exit CPUID if level == 2
continue
exits cost
delete
continue
exits
exits cost
exits cost CPUID
exits cost RDMSR
exits cost EPT_V
exits cost IO_INSTRUCTION level 2
exits cost level 3
exits cost HLT level 1
exits cost NONSENSE
exits cost E
quit

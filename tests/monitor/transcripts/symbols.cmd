# guest vmx
# Symbols by level, moved, and refused.
symbols
p inner
symbols nothing
p inner
symbols vmx level 1
p inner
where
symbols clear
symbols vmx at 0x100000
p/x inner
symbols clear
symbols map
p/a 0xffffffff81000123
symbols map level 0 at 0xffffffff90000000
symbols
p/a 0xffffffff90000123
symbols kallsyms
symbols kallsyms level 2
symbols kallsyms at 0x1000
symbols nothing
symbols running.cmd
symbols vmx level 99
symbols vmx bogus
export exported.elf level 0
symbols clear
symbols exported.elf
p/a 0xffffffff90000123
# break *ADDRESS is an address; what is seldom meant is remarked.
break *inside + 1
break *0x1000000000000
break @1: *0x1234
break 0x200200
info breakpoints
symbols clear
export exported.elf
export
quit

# guest vmx
# The same pages for the level that runs and for one that waits.
symbols vmx
info levels
level 1
stepentry 2
info levels
info registers
level 0
where
info registers
info segments
info control
info fpu
disas
level auto
level 9
cpu
cpu 3
info segments
info control
info exits
info tlb
quit

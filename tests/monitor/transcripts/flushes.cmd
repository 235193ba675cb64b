# guest turtles depth=2 bug=invept
# Catches of what is flushed from the TLB, and what Enter repeats.
symbols turtles.elf
tcatch flush
tcatch invlpg if linear == 0xffb000
tcatch invept
info breakpoints
continue
delete 1
continue
step -l 1

quit

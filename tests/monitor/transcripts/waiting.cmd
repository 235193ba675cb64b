# guest turtles depth=0
# An interrupt that waits: the timer's, while the processor has interrupts off.
tcatch io 0x40 if value >= 0x80 && !write
continue
why
why interrupt
quit

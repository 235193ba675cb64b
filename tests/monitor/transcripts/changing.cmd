# guest spin
# What is changed by hand, and that the run says so.
symbols spin
break 1b
tbreak put
continue
set eax = 0x41
write/b hello, "J"
x/s hello
write/w phys:stack, 1, 2, 0x10
x/3xw stack
write 0xf0000000, 1
write
write hello
write hello, "
set
set nothing = 1
set step = 1
set IA32_EFER = 0xffff
set IA32_PAT = 0x0007040600070406
p IA32_PAT
set rip = put
where
set cr2 = 5
info control
run-to 250
# what does not fit
write/b 0x1000, 256
write/h 0x1000, -0x8001
find 0x1000, -1, 1

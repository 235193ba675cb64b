# guest turtles depth=2
# Asking when a value changed last: of any kind, of any level, in memory, on the processor, in a device. The present stays where it is.
symbols turtles.elf
when-written rax
run-to 1000000
when-written
when-written rax
when-written al
when-written rflags
when-written cr3
when-written IA32_EFER
when-written rsp
when-written pc
when-written @0:rip
when-written GUEST_RIP
when-written @2:GUEST_CR3
when-written vmcs:0x11b000:GUEST_CR3
when-written vmcs:0x11b000:NOTHING
when-written u64[rsp]
when-written -all u64[rsp]
when-written u64[rsp] before 750000
when-written phys:0x11a000, 4
when-written phys:0xffd, 8
when-written phys:0x1000, 9
when-written @2:0x7fffffff0000
when-written ioapic.index
when-written pit.counter[0].mode
when-written pit.counter[9].mode
when-written nothing
when-written rax before 1000001
when-written rax before
when-mapped rip
when-mapped @2:gpa:0x1000
when-mapped phys:0x1000
where
goto 900000
when-written rax
where
goto end
hash

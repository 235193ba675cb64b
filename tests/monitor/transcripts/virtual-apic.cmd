# guest vmx
# The virtual APIC of a guest, and why what is in it waits. The guest has none: its VMCS is given one by hand.
symbols vmx
info vapic
tcatch exit CPUID
continue
info vapic
why interrupt
set PIN_CONTROLS = PIN_CONTROLS | 0x81
set PROC_CONTROLS = PROC_CONTROLS | 0x200000
set VIRTUAL_APIC_ADDRESS = 0x300000
set TPR_THRESHOLD = 3
write/w phys:0x300080, 0x20
info vapic
why interrupt
set PROC2_CONTROLS = PROC2_CONTROLS | 0x310
set GUEST_INTERRUPT_STATUS = 0x3125
set EOI_EXIT_BITMAP0 = 1 << 0x31
write/w phys:0x300210, 0x20
write/w phys:0x300220, 2
write/w phys:0x300110, 0x20000
write/w phys:0x3000a0, 0x30
set POSTED_DESCRIPTOR = 0x301000
set POSTED_VECTOR = 0xf2
write phys:0x301010, 4
info vapic @1
set GUEST_INTERRUPT_STATUS = 0x41
set GUEST_RFLAGS = 0x202
write/w phys:0x3000a0, 0x20
write/b phys:0x301020, 1
why interrupt
set PROC_CONTROLS = PROC_CONTROLS | 4
why interrupt
set GUEST_INTERRUPT_STATUS = 0x50
why interrupt
set VIRTUAL_APIC_ADDRESS = 0xf0000000
set POSTED_DESCRIPTOR = 0xf0000000
info vapic
info vapic @2
info vapic @1 1
quit

# guest turtles depth=2
# Everything that can be watched, at every level: as large as the expression or the symbol says.
symbols turtles.elf
watch u8[gdt + 1]
watch -a [bug]
watch @1:gdt
watch -r @2:u16[gdt]
watch @1:s32[gpa:checks]
watch *(u32*)our_level
watch u16[phys:0x500], 3
watch @1:gdt, 4
watch gpa:0x1000
watch gpa:[0x700]
watch u64[0x1000] + 1
watch u8[0x1000
watch u64[]
info breakpoints
delete
echo an MSR is written
watch IA32_EFER
continue
delete
echo a control register
watch cr4
continue
delete
echo an MSR is read
watch -r IA32_VMX_PROCBASED_CTLS2
continue
delete
echo a register
watch rbx
continue
delete
echo VMCS fields: written by level 0, then by level 1, read by level 0
watch GUEST_CR3
continue
delete
watch GUEST_RIP if level == 1
continue
delete
watch -r EXIT_REASON if value == CPUID
continue
delete
echo linear, of level 2
watch @2:u8[checks + 3]
continue
translate @2:checks
delete
echo guest-physical, of level 2
watch @2:u32[gpa:checks]
continue
delete
echo physical: the same memory
watch -a u32[phys:0x3115f14]
continue
delete
echo linear, of level 1, reads
watch -r @1:u64[our_gpr]
continue
delete
echo the payload's counter, which is at the same linear address at every level
watch @2:checks if value == 8
continue
watch -r @2:checks
continue
delete
echo either, of an MSR, by level 0 for level 2
watch -a IA32_APIC_BASE
continue
continue
quit

# guest vmx
# The pages of info.
run-to 2138
info registers
info control
info segments
info fpu
info sse
info apic
info ioapic
info pic
info pit
info hpet
info rtc
info uart
info pci
info map
info cpuid 0xb
info cpuid 0x15
info msr IA32_PAT
info msr 0x174
info msr 0x12345
info tlb
info exits
info device pm
info device uart 1
info device nothing
info breakpoints
info symbols
info mem
info p
info nothing
info map 3
stepexit
info mem
info tlb

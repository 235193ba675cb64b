# guest vmx
# What catch knows, one after the other.
symbols vmx
catch cr
continue
catch msr IA32_FEATURE_CONTROL
delete 1
continue
p/x msr
p value
catch mode
catch vmx
continue
p number == VMXON
delete
catch vmx VMPTRLD
continue
catch vmwrite GUEST_RIP
continue
p value == inner
tcatch entry
continue
catch level 0
continue
delete
catch exit EPT_VIOLATION if level == 1 && gpa == 0x40000000
continue
p gpa
p qualification
p @1:rip
delete
catch exit IO_INSTRUCTION
continue
p reason
catch vmread EXIT_REASON
continue
delete
catch level
continue
continue
delete
catch exception
catch exception 14
catch interrupt
catch injection
catch triple
catch io 0xf4
catch cpuid
catch invept
catch invvpid
catch failed-entry
info breakpoints
continue
p port
continue
catch
catch nothing
catch i
catch exit 99
# numbers that cannot be
catch vmx VMRESUME
catch vmx CPUID
catch io 65536
catch exception 32
catch level 9

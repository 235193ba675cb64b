# guest vmx
# Registers and memory of a level that waits: in its VMCS.
symbols vmx
stepentry
set @0:rip = exit + 1
p @0:rip
p HOST_RIP
set @0:rflags = 2
set @0:rax = 1
set @0:cs.limit = 5
set @0:efer = 0
set @0:rip = exit
set @0:IA32_PAT = 0
stepexit
set @1:rip = 0x123456789a
p @1:rip
set @1:cs = 0x12345
p @1:cs
set @1:ss.rights = 0x1c093
p/x @1:ss.rights
set @1:rsp = 0x208000
set @1:rcx = 5
set @1:cr2 = 5
set @1:efer = 1
set GUEST_RIP = inner
set EXIT_REASON = 1
set @1:step = 1
vmcs GUEST_RIP GUEST_RSP GUEST_CS_SEL GUEST_SS_RIGHTS
write/w @1:inner, 0x90909090
x/2i @1:inner
set @2:rip = 1
where
quit

# guest turtles depth=1
# What is asked about moments that were altered by hand, about what is not there, and where nothing is found.
run-to 100000
write phys:0x3000, 5
mark written
origin u32[phys:0x3000]
step 5
when-written u32[phys:0x3000]
when-written u32[phys:0x3000] -all
values u32[phys:0x3000] from 99990
goto 100000
print u32[phys:0x3000]
goto written
print u32[phys:0x3000]
goto end
watch u32[phys:0x3000]
reverse-continue
reverse-continue
continue
delete 1
goto end
set rax = 77
when-written rax
values rax from 99995
step
when-written rax
print u64[0x5000]
write u32[0x5000], 0x41
print u64[0x5000]
print u32[0]
write/b u32[0x5000], 0x42
print u64[0x5000]
when-written vmcs:0x117001:GUEST_RIP
when-written vmcs:0x4000:GUEST_RIP
when-written phys:0x4000000
origin u8[gpa:0xffffffffffff]
first port == 0x3f8
last msr == 0x10 to 5000
when-written port
when-written phys:0x1000, 4096
mark poked
step
mark poked
mark end
goto 100+5
where
goto 1k
goto +5
goto -5
goto end
reverse-step -l 5
reverse-stepexit
reverse-stepentry
where
first step == 777
values rip
when-mapped 0x4000000000
where

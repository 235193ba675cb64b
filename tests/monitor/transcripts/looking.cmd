# guest vmx
# Values, memory, instructions.
symbols vmx
break exit
continue
print eax
print/x eip + 0x10
print/d -1
print/u -1
print/t 0b1010 | 1
print/o 8
print/c 0x41
print/a inner
print $1 + $
p *(u32*)vmcs_pointer == vmcs_region
p u16[gdt_register]
p s8[gdt + 9]
p [phys:gdt + 8]
p (1 + 2) * 3 << 2 > 35 && !0 || ~0 ^ 1
p 7 % 4 - 1 ? 10 : 20
p EPT_VIOLATION
p GUEST_RIP
p @1:eip == inner + 5
p @1:cs.limit
p @0:rsp
p IA32_FEATURE_CONTROL
p cr0 & 1
p $eax
p
p 1 +
p (1
p 0x
p nobody
p 1 / 0
p [0xfffffff0]
p/z 1
p @1:rax
p @2:rip
x/4xb gdt
x/2xh gdt+8
x/4xw controls
x/2xg gdt

x/2dw fields
x/2ub gdt_register
x/8cb gdt
x/1tb gdt_register
x/2aw gdt
x/1og gdt
x/3i inner
x/2i @1:rip
x/2s phys:hello
x phys:0xf0000000
x/q 0
disas
disas inner, 3
disas 0x90000000
find/b 0x200000, 0x1000, 0x0f, 0xa2
find/w 0x200000, 0x8000, 0x681e, inner
find 0x200000, 0x1000
translate exit
translate @1:inner
tr gpa:0x10
tr @1:gpa:0x40000000
walk exit
walk @1:inner
walk @1:0x40000000
walk phys:0xfee00000
walk eptp=0x2040de 0x1000
walk cr3=0x203000 0x90000000
walk
print 5M + 3k
print 20000000000G
print 0x5k
print 7mb

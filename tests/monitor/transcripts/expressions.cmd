# guest vmx
# What expressions can be, and what they cannot.
help expressions
print 1 + 2 * 3 << 1 == 14 && ~0 > 1 ? 0b101 : 7
print -8 / 2
print /d -8 / 2
print $1 + $
print u8[rip] << 4 | s8[rip] & 0xf
print *(u16*)rip == u16[linear:eip]
print 0x1ffffffffffffffff
print 5 / 0
print 1 +
print (1
print rip rip
print @9:rip
print GUEST_RIP
print @1:rax

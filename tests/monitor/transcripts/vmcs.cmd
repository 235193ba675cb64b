# guest vmx
# VMCSs: all of one, some fields, what the checks say, two compared.
symbols vmx
vmcs
vmcs check
tcatch vmwrite GUEST_RIP
continue
vmcs check
stepentry
vmcs
stepexit
vmcs GUEST_R EXIT_REASON
vmcs @1 EPT
vmcs entry:@1 GUEST_RIP
vmcs diff entry:@1 current
vmcs 207000 PIN_CONTROLS
vmcs check
vmcs NO_SUCH
vmcs @9
vmcs @2
vmcs 12345678000
vmcs diff current
vmcs diff reset current
vmcs reset EPT
intercepts vmcs12
vmcs check now
vmcs merge
vmcs vmcs12
# what is the address of none
vmcs 1234
vmcs entry:0x1234
vmcs 3000
vmcs 0xa0000
info vapic 0x3000
quit

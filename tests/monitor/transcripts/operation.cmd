# guest vmx
# VMX operation, what is left of it, what a VM exit changes, control registers behind masks, and events by hand.
symbols vmx
info vmx
info tsc
vmcs exit
tcatch vmwrite GUEST_RIP
continue
info vmx
info control
tcatch vmwrite ENTRY_CONTROLS
continue
vmcs exit
tcatch entry
continue
info vmx
vmcs exit
info tsc
info control
level 0
vmcs exit
info segments
level auto
stepexit
vmcs exit
vmcs exit @1
vmcs exit entry:@1
vmcs exit 1234567000
vmcs exit now
set CR0_MASK = 0x60000020
set CR0_SHADOW = 0x40000000
set GUEST_CR4 = 0x10
level 1
info control
level auto
set PROC_CONTROLS = PROC_CONTROLS | 8
set TSC_OFFSET = -1000
info tsc
set PROC2_CONTROLS = PROC2_CONTROLS | 1 << 25
set TSC_MULTIPLIER = 3 << 47
set PROC_CONTROLS = PROC_CONTROLS | 0x1000
info tsc
raise
raise 0x41
raise 15
raise 0x100
raise everything
why interrupt
raise init
step
info vmx
why interrupt
raise nmi
why interrupt
step
info vmx
quit

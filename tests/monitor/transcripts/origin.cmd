# guest turtles depth=2
# Where a value was made: followed through copies, VM exits and VM entries, from level to level.
origin
origin cr3
run-to 1000000
origin GUEST_CR3
origin vmcs:0x11a000:GUEST_RIP
origin cr3
origin rax
origin rdi
origin u64[rsp]
origin GUEST_RSP before 750000
origin vmcs:0x11b000:EPT_POINTER
origin vmcs:0x11b000:PROC_CONTROLS
origin vmcs:0x11b000:ENTRY_INTERRUPTION
origin u32[phys:0x11a000]
origin IA32_EFER
origin rsp
origin nothing
origin rax before
where
hash

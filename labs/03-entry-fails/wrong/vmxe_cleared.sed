s/vmwrite\(GUEST_CR4, cr4_read\(\)\)/vmwrite(GUEST_CR4, cr4_read() \& ~CR4_VMXE)/

s/\| CR4_VMXE//

/vmxoff/d; /~CR4_VMXE/d

s/control\(MSR_VMX_TRUE_PROC, BIT\(PROC_HLT_EXITING\)\)/0xffffffff/

s/\(uint32_t\)rdmsr\(MSR_VMX_BASIC\) & 0x7fffffff/1/

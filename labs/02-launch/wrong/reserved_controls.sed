s/control\(MSR_VMX_TRUE_PIN, 0\)/0/

s/gpr\[RAX\] = FEATURE_CONTROL_LOCK/gpr[RAX] = (uint32_t)rdmsr(guest.gpr[RCX])/

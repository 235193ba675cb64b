s/gpr\[RDX\] = value >> 32/gpr[RDX] = value/

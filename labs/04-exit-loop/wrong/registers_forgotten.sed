/gpr\[RBX\] = c/d

s/guest.gpr\[RBX\] \+ guest.gpr\[RCX\]/0/

s/window_exiting\(true\)/vmwrite(GUEST_RFLAGS, vmread(GUEST_RFLAGS) | RFLAGS_IF), inject(0x40 | EXTERNAL)/

s/inject\(13 \| EXCEPTION \| ERROR_CODE\)/vmwrite(GUEST_RFLAGS, vmread(GUEST_RFLAGS) | RFLAGS_IF), inject(13 | EXTERNAL)/

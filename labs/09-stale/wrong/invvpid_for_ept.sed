s/invept\(SINGLE_CONTEXT, ept_pointer\(ept\)\)/invvpid(SINGLE_CONTEXT, 1)/

s/invvpid\(SINGLE_CONTEXT, 1\)/invvpid(SINGLE_CONTEXT, 7)/

s/invept\(SINGLE_CONTEXT, ept_pointer\(ept\)\)/invept(SINGLE_CONTEXT, ept_pointer(page_new()))/

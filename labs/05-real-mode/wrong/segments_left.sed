s/_LIMIT, 0xffff\)/_LIMIT, 0xffffffff)/

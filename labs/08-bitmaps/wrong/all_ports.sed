s/    a\[0x80/    memset(a, 0xff, PAGE);\n&/

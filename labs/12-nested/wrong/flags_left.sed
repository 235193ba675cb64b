s/ & ~\(uint64_t\)\(CF \| PF \| AF \| ZF \| SF \| OF\)\) \| flags/) | flags | CF/

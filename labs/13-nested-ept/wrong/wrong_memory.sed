s/\(uint64_t \*\)walk_01\(entry & ~\(PAGE - 1\)\).to/(uint64_t *)(entry \& 0xfffffff000)/

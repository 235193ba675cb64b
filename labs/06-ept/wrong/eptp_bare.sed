s/\(uint64_t\)root \| WRITE_BACK \| LENGTH_4/root/

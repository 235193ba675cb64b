s/EPT_WRITE_BACK/(3ull << 3)/

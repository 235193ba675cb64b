s/page = \(uint64_t\)end_of_lab; page/page = (uint64_t)end_of_lab + PAGE; page/

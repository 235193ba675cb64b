s/-rdtsc/rdtsc/

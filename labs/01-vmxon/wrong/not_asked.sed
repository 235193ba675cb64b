s/return cpuid\(1, 0\)[^;]*;/return true;/

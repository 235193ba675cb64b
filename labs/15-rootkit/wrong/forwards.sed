s/vmread\(TSC_OFFSET\) - cycles - EXIT_AND_ENTRY/vmread(TSC_OFFSET) + cycles + EXIT_AND_ENTRY/

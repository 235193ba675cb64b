s/    uint64_t \*root = ept_identity\(\);/    const uint64_t end = (uint64_t)page_new();\n&/; s/^    const uint64_t end = \(uint64_t\)page_new\(\);$//

s/ __attribute__.*aligned.*/ __attribute__((aligned(PAGE)));/; s/region\[PAGE\]/region[2 * PAGE]/; s/return vmxon\(region\)/return vmxon(region + 16)/

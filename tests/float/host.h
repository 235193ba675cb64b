// The host's operations (cpu/vector/float_host.h) against the integer arithmetic, bit for bit and flag for flag.
#pragma once

// One claim for each operation, over `count` operands each.
void host_compare(unsigned count);

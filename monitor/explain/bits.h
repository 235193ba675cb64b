// The names of registers' bits, from bit.def.
#ifndef MONITOR_EXPLAIN_BITS_H
#define MONITOR_EXPLAIN_BITS_H
#include "monitor/explain/text.h"
#include <stdint.h>

enum bit_group {
    BITS_CR0,
    BITS_CR4,
    BITS_EFER,
    BITS_RFLAGS,
    BITS_DR6,
    BITS_DR7,
    BITS_MXCSR,
    BITS_APIC_BASE,
    BITS_COUNT
};
void bit_names(struct text *text, uint64_t value, enum bit_group group); // adds "  PG WP NE"

#endif

// The names of registers' bits; see bits.h.
#include "monitor/explain/bits.h"

static const struct {
    enum bit_group group;
    unsigned bit;
    const char *name;
} bits[] = {
#define BITNAME(group, bit, name) {BITS_##group, bit, name},
#include "monitor/explain/bit.def"
#undef BITNAME
};

void bit_names(struct text *text, uint64_t value, enum bit_group group) {
    const char *between = "  ";
    for (unsigned i = 0; i < sizeof bits / sizeof *bits; i++) {
        if (bits[i].group != group || !(value >> bits[i].bit & 1)) continue;
        text_add(text, "%s%s", between, bits[i].name);
        between = " ";
    }
}

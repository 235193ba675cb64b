// The exit qualification, taken apart. SDM Vol. 3C, 27.2.1; rows in qualification.def.
#include "vmx/ask/qualification.h"
#include "cpu/state/architecture.h"
#include <string.h>

struct row {
    uint8_t reason, high, low;
    bool (*when)(uint64_t qualification);
    const char *name, *values;
};

static uint64_t bits_of(uint64_t qualification, unsigned high, unsigned low) {
    return (qualification & BITS(high, low)) >> low;
}

enum {
#define PART(reason, part, high, low, when, name, values) HIGH_##reason##_##part = (high),
#include "vmx/ask/qualification.def"
#undef PART
};
#define q(reason, part) bits_of(all, HIGH_##reason##_##part, QUALIFICATION_##reason##_##part)
#define PART(reason, part, high, low, when, name, values)                                                              \
    static bool when_##reason##_##part(uint64_t all) {                                                                 \
        (void)all;                                                                                                     \
        return when;                                                                                                   \
    }
#include "vmx/ask/qualification.def"
#undef PART

static const struct row rows[] = {
#define PART(reason, part, high, low, when, name, values)                                                              \
    {EXIT_##reason, high, low, when_##reason##_##part, name, values},
#include "vmx/ask/qualification.def"
#undef PART
};

// The n-th of "a|b|c", its length; 0: there is none, or it is empty.
static size_t nth(const char *values, uint64_t n, const char **text) {
    for (; n && values; n--) {
        values = strchr(values, '|');
        if (values) values++;
    }
    *text = values ? values : "";
    return strcspn(*text, "|");
}

bool qualification_next(unsigned reason, uint64_t qualification, unsigned *row, struct qualification_part *out) {
    while (*row < sizeof rows / sizeof *rows) {
        const struct row *r = &rows[(*row)++];
        if (r->reason != reason || !r->when(qualification)) continue;
        *out = (struct qualification_part){.high = r->high, .low = r->low, .name = r->name, .text = ""};
        out->value = bits_of(qualification, r->high, r->low);
        if (*r->values) out->length = (unsigned)nth(r->values, out->value, &out->text);
        if (*r->values && !out->length) continue;
        return true;
    }
    return false;
}

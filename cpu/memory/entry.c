// The rows of entry.def for those who explain: forms, named bits, and the reserved bits of one row. See entry.h.
#include "cpu/memory/entry.h"
#include "cpu/state/section.h"

const struct entry_form entry_forms[ENTRY_KINDS] = {
#define ENTRY_KIND(name, mode, level, maps, table, short_name, text) {mode, level, table, short_name, text},
#include "cpu/memory/entry.def"
#undef ENTRY_KIND
};

#include "cpu/memory/words.h"
static const struct entry_bits named_bits[] = {
#define ENTRY_BITS(name, kinds, high, low, short_name, text) {kinds, high, low, short_name, text},
#include "cpu/memory/entry.def"
#undef ENTRY_BITS
};

#define ENTRY_RESERVED(name, kinds, when, bits, section, text)                                                         \
    static uint64_t reserved_##name(enum entry_kind kind, const struct paging_rules *rules) {                          \
        (void)rules;                                                                                                   \
        return (kinds) >> kind & 1 && (when) ? bits : 0;                                                               \
    }
#include "cpu/memory/entry.def"
#undef ENTRY_RESERVED
#include "cpu/memory/words.h"

static uint64_t (*const reserved_rows[])(enum entry_kind, const struct paging_rules *) = {
#define ENTRY_RESERVED(name, kinds, when, bits, section, text) reserved_##name,
#include "cpu/memory/entry.def"
#undef ENTRY_RESERVED
};
const struct entry_rule entry_rules[] = {
#define ENTRY_RESERVED(name, kinds, when, bits, section, text) {#name, text, SECTION_##section},
#include "cpu/memory/entry.def"
#undef ENTRY_RESERVED
};
const struct entry_rule entry_present_rule =
#define ENTRY_PRESENT(name, bits, section, text)                                                                       \
    { #name, text, SECTION_##section }
#include "cpu/memory/entry.def"
#undef ENTRY_PRESENT
    ;
const unsigned entry_rule_count = sizeof entry_rules / sizeof *entry_rules;

uint64_t entry_reserved_row(unsigned row, enum entry_kind kind, const struct paging_rules *rules) {
    return row < entry_rule_count ? reserved_rows[row](kind, rules) : 0;
}

bool entry_bits_row(unsigned row, struct entry_bits *out) {
    if (row >= sizeof named_bits / sizeof *named_bits) return false;
    *out = named_bits[row];
    return true;
}

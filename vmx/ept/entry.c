// The rows of entry.def and right.def one by one, for those who explain. See entry.h.
#include "vmx/ept/entry.h"
#include "cpu/state/section.h"

const struct ept_form ept_forms[EPT_KINDS] = {
#define EPT_KIND(name, level, maps, table, short_name, text) {level, table, short_name, text},
#include "vmx/ept/entry.def"
#undef EPT_KIND
};

#include "vmx/ept/words.h"
static const struct ept_bits named_bits[] = {
#define EPT_BITS(name, kinds, high, low, short_name, text) {kinds, high, low, short_name, text},
#include "vmx/ept/entry.def"
#undef EPT_BITS
};

#define EPT_MISCONFIGURED(name, kinds, when, bits_, section_, text_)                                                   \
    static struct ept_rule misconfigured_##name(enum ept_kind kind, uint64_t entry, const struct ept_rules *rules) {   \
        (void)entry, (void)rules;                                                                                      \
        bool applies = (kinds) >> kind & 1;                                                                            \
        return (struct ept_rule){#name, text_, SECTION_##section_, bits_, applies, applies && (when)};                 \
    }
#include "vmx/ept/entry.def"
#undef EPT_MISCONFIGURED
#define EPT_RIGHT(name, when, bits_, section_, text_)                                                                  \
    static struct ept_rule right_##name(const struct ept_rules *rules, const struct second_stage_access *access,       \
                                        uint64_t together) {                                                           \
        (void)rules;                                                                                                   \
        bool applies = when;                                                                                           \
        return (struct ept_rule){#name, text_,   SECTION_##section_,                                                   \
                                 bits_, applies, applies && (together & (bits_)) != (bits_)};                          \
    }
#include "vmx/ept/right.def"
#undef EPT_RIGHT
#include "vmx/ept/words.h"

struct ept_rule ept_present_row(uint64_t entry, const struct ept_rules *rules) {
#define EPT_PRESENT(name, bits_, section, text)                                                                        \
    return (struct ept_rule){                                                                                          \
        #name, text, SECTION_##section, ept_present_bits(rules), true, !(entry & ept_present_bits(rules))};
#include "vmx/ept/entry.def"
#undef EPT_PRESENT
}

bool ept_misconfigured_row(unsigned row, enum ept_kind kind, uint64_t entry, const struct ept_rules *rules,
                           struct ept_rule *out) {
    static struct ept_rule (*const rows[])(enum ept_kind, uint64_t, const struct ept_rules *) = {
#define EPT_MISCONFIGURED(name, kinds, when, bits, section, text) misconfigured_##name,
#include "vmx/ept/entry.def"
#undef EPT_MISCONFIGURED
    };
    if (row >= sizeof rows / sizeof *rows) return false;
    *out = rows[row](kind, entry, rules);
    return true;
}

bool ept_right_row(unsigned row, const struct ept_rules *rules, const struct second_stage_access *access,
                   uint64_t together, struct ept_rule *out) {
    static struct ept_rule (*const rows[])(const struct ept_rules *, const struct second_stage_access *, uint64_t) = {
#define EPT_RIGHT(name, when, bits, section, text) right_##name,
#include "vmx/ept/right.def"
#undef EPT_RIGHT
    };
    if (row >= sizeof rows / sizeof *rows) return false;
    *out = rows[row](rules, access, together);
    return true;
}

bool ept_bits_row(unsigned row, struct ept_bits *out) {
    if (row >= sizeof named_bits / sizeof *named_bits) return false;
    *out = named_bits[row];
    return true;
}

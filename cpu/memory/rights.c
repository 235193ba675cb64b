// Access rights row by row, with what each row read, and why a page faults; the texts of entries. See rights.h,
// entry.h.
#include "cpu/memory/rights.h"
#include "cpu/state/section.h"
#include <string.h>

static uint64_t note(struct access_right *out, const char *what, uint64_t value) {
    for (unsigned i = 0; i < out->reads; i++)
        if (!strcmp(out->read[i].what, what)) return value;
    if (out->reads < ACCESS_RIGHT_READS) out->read[out->reads++] = (struct access_right_read){what, value};
    return value;
}

#define WORD(what, value) note(out, what, value)
#include "cpu/memory/words.h"
#define ACCESS_RIGHT(name, when, must, error, section, text)                                                           \
    static bool applies_##name(struct access_right *out, const struct paging_rules *rules, uint64_t rights,            \
                               const struct translation_access *access) {                                              \
        (void)out, (void)rules, (void)rights, (void)access;                                                            \
        return when;                                                                                                   \
    }                                                                                                                  \
    static bool holds_##name(struct access_right *out, const struct paging_rules *rules, uint64_t rights,              \
                             const struct translation_access *access) {                                                \
        (void)out, (void)rules, (void)rights, (void)access;                                                            \
        return must;                                                                                                   \
    }
#include "cpu/memory/access_right.def"
#undef ACCESS_RIGHT
#include "cpu/memory/words.h"

typedef bool right_fn(struct access_right *, const struct paging_rules *, uint64_t, const struct translation_access *);
static const struct {
    const char *name, *text;
    right_fn *applies, *holds;
    uint8_t section, error;
} rows[] = {
#define ACCESS_RIGHT(name, when, must, error, section, text)                                                           \
    {#name, text, applies_##name, holds_##name, SECTION_##section, error},
#include "cpu/memory/access_right.def"
#undef ACCESS_RIGHT
};
enum { ROWS = sizeof rows / sizeof *rows };

bool access_right_row(unsigned row, const struct paging_rules *rules, uint64_t rights,
                      const struct translation_access *access, struct access_right *out) {
    if (row >= ROWS) return false;
    *out = (struct access_right){.name = rows[row].name, .text = rows[row].text, .section = rows[row].section};
    out->applies = rows[row].applies(out, rules, rights, access);
    out->holds = !out->applies || rows[row].holds(out, rules, rights, access);
    return true;
}

struct page_fault_cause access_forbidden(const struct paging_rules *rules, uint64_t rights,
                                         const struct translation_access *access) {
    struct page_fault_cause cause = {.found = true};
    struct access_right right;
    for (unsigned i = 0; access_right_row(i, rules, rights, access, &right); i++)
        cause.protection_key |= !right.holds && rows[i].error & PF_PK;
    return cause;
}

bool page_fault_bit_row(unsigned bit, const char **name, const char **text) {
    switch (bit) {
#define FAULT_BIT(name_, number, when, text_)                                                                          \
    case number:                                                                                                       \
        *name = #name_, *text = text_;                                                                                 \
        return true;
#include "cpu/memory/access_right.def"
#undef FAULT_BIT
    default: return false;
    }
}

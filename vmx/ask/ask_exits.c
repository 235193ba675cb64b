// Whether an instruction exits in VMX non-root operation: the rows of exits.def and changes.def. SDM Vol.
// 3C, 25.1, 25.3.
#include "vmx/ask/exit_words.h"

#define EVENT_EXITS(event, reason, control, when, section, what, rule)
#define CAUSE(reason, control, section, what, rule)

// The first row of `wanted` that exits writes the record.
ALWAYS_INLINE bool first_row(const struct ask *c, const struct op *op, enum intercept wanted, union intercept_operand o,
                             struct exit_record *w) {
    (void)o;
#define EXITS(intercept, reason, control, when, reports, section, what, rule)                                          \
    if (ICEPT_##intercept == wanted && (control) && (when)) {                                                          \
        *w = record_of(op, EXIT_##reason);                                                                             \
        reports;                                                                                                       \
        return true;                                                                                                   \
    }
#include "vmx/ask/exits.def"
#undef EXITS
    return false;
}

bool ask_exits(const struct ask *ask, const struct op *op, enum intercept what, union intercept_operand operand,
               struct exit_record *would) {
    switch (what) {
#define INTERCEPT(name, member, stands, instructions)                                                                  \
    case ICEPT_##name:                                                                                                 \
        return first_row(ask, op, ICEPT_##name, operand, would);
#include "cpu/state/intercept.def"
#undef INTERCEPT
    default: return false;
    }
}

bool ask_undefined(const struct ask *c, enum intercept wanted) {
#define CHANGES(intercept, when, function, section, rule)
#define UNDEFINED(intercept, control, section, rule)                                                                   \
    case ICEPT_##intercept: return !(control);
    switch (wanted) {
#include "vmx/ask/changes.def"
    default: return false;
    }
#undef UNDEFINED
#undef CHANGES
}

uint64_t ask_enabled(const struct ask *c) {
    uint64_t enabled = 0;
#define EXITS(intercept, reason, control, when, reports, section, what, rule)                                          \
    if (control) enabled |= BIT(ICEPT_##intercept);
#include "vmx/ask/exits.def"
#undef EXITS
#define UNDEFINED(intercept, control, section, rule)                                                                   \
    if (!(control)) enabled |= BIT(ICEPT_##intercept);
#define CHANGES(intercept, when, function, section, rule)                                                              \
    if (when) enabled |= BIT(ICEPT_##intercept);
#include "vmx/ask/changes.def"
#undef UNDEFINED
#undef CHANGES
    return enabled;
}

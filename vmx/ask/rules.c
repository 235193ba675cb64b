// The rows of exits.def, explained; see rules.h.
#define ASK_RECORD
#include "vmx/ask/rules.h"
#include "cpu/state/section.h"
#include "vmx/ask/exit_words.h"

// --- what they say ---
#undef BY
#undef ALWAYS
#define BY(group, name) GROUP_##group, group##_##name
#define ALWAYS RULE_NO_CONTROL, 0
#define EXITS(intercept, reason, control, when, reports, section, what, rule)                                          \
    {EXIT_##reason, ICEPT_##intercept, control, SECTION_##section, true, what, #when, rule},
#define EVENT_EXITS(event, reason, control, when, section, what, rule)                                                 \
    {EXIT_##reason, ICEPT_NONE, control, SECTION_##section, true, what, #when, rule},
#define CAUSE(reason, control, section, what, rule)                                                                    \
    {EXIT_##reason, ICEPT_NONE, control, SECTION_##section, false, what, "", rule},
static const struct exit_rule rows[] = {
#include "vmx/ask/exits.def"
};
#undef EXITS
#undef EVENT_EXITS
#undef CAUSE
#define UNDEFINED(intercept, control, section, rule) {#intercept, control, SECTION_##section, rule},
#define CHANGES(intercept, when, function, section, rule)
static const struct undefined_rule undefined[] = {
#include "vmx/ask/changes.def"
};
#undef UNDEFINED
#undef CHANGES
#undef BY
#undef ALWAYS

const struct undefined_rule *undefined_rule(unsigned index) {
    return index < sizeof undefined / sizeof *undefined ? &undefined[index] : NULL;
}

const struct exit_rule *exit_rule(unsigned index) { return index < sizeof rows / sizeof *rows ? &rows[index] : NULL; }

// --- whether one holds ---
#define BY(group, name) on(group, name)
#define ALWAYS true

// The class of an event, as in ask_events.c.
enum { CLASS_EXCEPTION, CLASS_NMI, CLASS_INTERRUPT };
static bool is_class(const struct event *e, unsigned class) {
    if (class == CLASS_INTERRUPT) return e->type == EVENT_EXTERNAL;
    if (class == CLASS_NMI) return e->type == EVENT_NMI;
    return e->type != EVENT_EXTERNAL && e->type != EVENT_NMI && e->type != EVENT_SOFTWARE_INTERRUPT;
}

bool exit_rule_holds(unsigned index, const struct ask *c, const struct rule_subject *subject) {
    const union intercept_operand o = subject->operand;
    const struct event *e = subject->event;
    const struct op *op = subject->op;
    unsigned row = 0;
#define EXITS(name, reason, control, when, reports, section, what, rule)                                               \
    if (row++ == index) return !e && subject->intercept == ICEPT_##name && (control) && (when);
#define EVENT_EXITS(event, reason, control, when, section, what, rule)                                                 \
    if (row++ == index) return e && is_class(e, CLASS_##event) && (control) && (when);
#define CAUSE(reason, control, section, what, rule)                                                                    \
    if (row++ == index) return false;
#include "vmx/ask/exits.def"
#undef EXITS
#undef EVENT_EXITS
#undef CAUSE
    return false;
}

// --- what an exit was about ---
static uint64_t bits_at(uint64_t qualification, unsigned high, unsigned low) {
    return (qualification & BITS(high, low)) >> low;
}
enum {
#define PART(reason, part, high, low, when, name, values) HIGH_##reason##_##part = (high),
#include "vmx/ask/qualification.def"
#undef PART
};
#define of(reason, part) bits_at(qualification, HIGH_##reason##_##part, QUALIFICATION_##reason##_##part)

static void cr_subject(uint64_t qualification, const uint64_t gpr[16], struct rule_subject *s) {
    uint8_t number = (uint8_t)of(CR_ACCESS, NUMBER), register_ = (uint8_t)of(CR_ACCESS, GPR);
    static const uint8_t intercepts[] = {ICEPT_CR_WRITE, ICEPT_CR_READ, ICEPT_CLTS, ICEPT_LMSW};
    s->intercept = (enum intercept)intercepts[of(CR_ACCESS, ACCESS)];
    if (s->intercept == ICEPT_LMSW)
        s->operand = OPERAND(.lmsw = {(uint16_t)of(CR_ACCESS, SOURCE), of(CR_ACCESS, MEMORY), 0});
    else
        s->operand = OPERAND(.cr = {number, register_, gpr[register_]});
}

static void io_subject(uint64_t qualification, struct rule_subject *s) {
    s->intercept = of(IO_INSTRUCTION, STRING) ? ICEPT_INS_OUTS : ICEPT_IO;
    s->operand = OPERAND(.io = {.port = (uint16_t)of(IO_INSTRUCTION, PORT),
                                .bytes = (uint8_t)(of(IO_INSTRUCTION, SIZE) + 1),
                                .in = of(IO_INSTRUCTION, IN)});
}

bool exit_rule_subject(unsigned reason, uint64_t qualification, const uint64_t gpr[16], struct rule_subject *s) {
    *s = (struct rule_subject){.intercept = ICEPT_NONE};
    switch (reason) {
    case EXIT_CR_ACCESS: cr_subject(qualification, gpr, s); return true;
    case EXIT_IO_INSTRUCTION: io_subject(qualification, s); return true;
    case EXIT_RDMSR:
    case EXIT_WRMSR:
        s->intercept = reason == EXIT_RDMSR ? ICEPT_RDMSR : ICEPT_WRMSR;
        s->operand = OPERAND(.msr = {(uint32_t)gpr[RCX], gpr[RDX] << 32 | (uint32_t)gpr[RAX]});
        return true;
    default: break;
    }
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].reason != reason || rows[i].intercept == ICEPT_NONE) continue;
        s->intercept = (enum intercept)rows[i].intercept;
        return reason != EXIT_VMREAD && reason != EXIT_VMWRITE && reason != EXIT_XSAVES && reason != EXIT_XRSTORS &&
               reason != EXIT_VMFUNC;
    }
    return false;
}

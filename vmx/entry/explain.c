// Explains VM-entry checks: the rows of check.def again, with a recorder behind the words that read something.
#define ASK_RECORD
#include "vmx/entry/check.h"
#include "vmx/entry/entry.h"
#include "cpu/state/section.h"
#include "vmx/history/history.h"
#include <stdio.h>

#define CHECK(name, group, when, must, section, text)                                                                  \
    static bool fails_##name(const struct ask *c) {                                                                    \
        (void)c;                                                                                                       \
        return (when) && !(must);                                                                                      \
    }
#include "vmx/entry/check.def"
#undef CHECK

static const struct {
    uint8_t outcome;
    uint16_t parts;
} groups[] = {
#define PART(name) PART_##name
#define GROUP(name, outcome, qualification, parts) {outcome, parts},
#include "vmx/entry/group.def"
#undef GROUP
};
static const struct {
    bool (*fails)(const struct ask *c);
    const char *name, *when, *must, *text;
    uint8_t group, section;
} rows[] = {
#define CHECK(name, group, when, must, section, text)                                                                  \
    {fails_##name, #name, #when, #must, text, CHECKS_##group, SECTION_##section},
#include "vmx/entry/check.def"
#undef CHECK
};

static struct vmx_failure describe(unsigned row) {
    const struct section_text *section = &section_texts[rows[row].section];
    return (struct vmx_failure){.number = row,
                                .name = rows[row].name,
                                .when = rows[row].when,
                                .must = rows[row].must,
                                .text = rows[row].text,
                                .section = section->number,
                                .section_title = section->title,
                                .outcome = groups[rows[row].group].outcome};
}

// --- hints ---

static const struct {
    unsigned check;
    const char *text;
} hints[] = {
#define HINT(check, when, text, example) {CHECK_##check, text},
#include "vmx/entry/hint.def"
#undef HINT
};
enum { HINTS = sizeof hints / sizeof *hints };

// The first row about the check whose condition holds; its number and 1, or 0.
static unsigned hint_of(const struct ask *c, unsigned check) {
    unsigned row = 0;
#define HINT(name, when, text, example)                                                                                \
    row++;                                                                                                             \
    if (check == CHECK_##name && (when)) return row;
#include "vmx/entry/hint.def"
#undef HINT
    return 0;
}

static void add_hint(struct vmx_failure *f, unsigned number) {
    f->hint_number = number <= HINTS ? number : 0;
    f->hint = f->hint_number ? hints[f->hint_number - 1].text : NULL;
}

unsigned vmx_explain_checks(const struct cpu *cpu, struct vmx_failure *failures, unsigned max) {
    unsigned count = 0;
    if (!vmx_of(cpu)->vmcs) return 0;
    for (unsigned i = 0; i < CHECK_COUNT; i++) {
        struct vmx_failure f = describe(i);
        struct ask ask = ask_about(cpu);
        ask.reads = &f.reads;
        if (!rows[i].fails(&ask)) continue;
        ask.reads = NULL;
        add_hint(&f, hint_of(&ask, i));
        if (count < max) failures[count] = f;
        count++;
    }
    return count;
}

// What the rules read goes into the record as text: it is to be saved.
static void keep_rule(const struct vmx_failure *f, struct history_rule *to) {
    to->number = f->number;
    to->reads = f->reads.count;
    to->hint = f->hint_number;
    for (unsigned i = 0; i < to->reads; i++) {
        const struct vmx_read *r = &f->reads.read[i];
        to->read[i] = (struct history_read){.value = r->value,
                                            .number = r->number,
                                            .needed = r->needed,
                                            .mask = r->mask,
                                            .space = r->space,
                                            .bytes = r->bytes,
                                            .bit = r->bit,
                                            .source = r->source};
        snprintf(to->read[i].what, HISTORY_NAME, "%s", r->what);
    }
}

void explain_failure(struct cpu *cpu, struct history_failure *past) {
    struct vmx_failure failures[HISTORY_RULES];
    unsigned number = past->number & UINT16_MAX;
    bool guest = past->number & EXIT_REASON_ENTRY_FAILURE;
    bool by_rule =
        guest ? number == EXIT_INVALID_GUEST_STATE : number == ERROR_CONTROL_FIELD || number == ERROR_HOST_STATE_FIELD;
    if (!by_rule) return;
    past->count = vmx_explain_checks(cpu, failures, HISTORY_RULES);
    for (unsigned i = 0; i < past->count && i < HISTORY_RULES; i++) keep_rule(&failures[i], &past->rule[i]);
}

bool vmx_explain_failure(const struct history_failure *past, unsigned index, struct vmx_failure *failure) {
    if (index >= past->count || index >= HISTORY_RULES || past->rule[index].number >= CHECK_COUNT) return false;
    const struct history_rule *from = &past->rule[index];
    *failure = describe((unsigned)from->number);
    add_hint(failure, (unsigned)from->hint);
    failure->reads.count = (unsigned)from->reads;
    for (unsigned i = 0; i < failure->reads.count; i++) {
        const struct history_read *r = &from->read[i];
        failure->reads.read[i] =
            (struct vmx_read){r->what, r->value, r->space, r->bytes, r->bit, r->number, r->needed, r->mask, r->source};
    }
    return true;
}

unsigned vmx_check_count(void) { return CHECK_COUNT; }
const char *vmx_check_name(unsigned number) { return number < CHECK_COUNT ? rows[number].name : NULL; }
unsigned check_outcome(unsigned row) { return groups[rows[row].group].outcome; }

const char *vmx_check_stray_read(const struct cpu *cpu, unsigned number) {
    struct vmx_reads reads = {0};
    if (number >= CHECK_COUNT || !vmx_of(cpu)->vmcs) return NULL;
    struct ask ask = ask_about(cpu);
    ask.reads = &reads;
    (void)rows[number].fails(&ask);
    uint32_t parts = groups[rows[number].group].parts;
    for (unsigned i = 0; i < reads.count; i++) {
        const struct vmx_read *r = &reads.read[i];
        if (r->space == VMX_READ_FIELD && !(vmcs_part_of[r->number] & parts)) return r->what;
        if (r->space == VMX_READ_CONTROL && !(parts & PART_CONTROL)) return r->what;
    }
    return NULL;
}

// Explains VM-entry checks: the rows of check.def again, with a recorder behind the words that read something.
#define CHECK_RECORD
#include "vmx/entry/check.h"
#include "cpu/state/section.h"

// In the order of their words: which operand of an expression is read first is the compiler's choice.
uint64_t check_note(const struct check *c, const char *what, uint64_t value) {
    struct vmx_failure *r = c->record;
    unsigned at = 0;
    int order = -1;
    while (at < r->read_count && (order = strcmp(r->read[at].what, what)) < 0) at++;
    if ((at < r->read_count && !order) || at == VMX_READS) return value;
    if (r->read_count < VMX_READS) r->read_count++;
    for (unsigned i = r->read_count - 1; i > at; i--) r->read[i] = r->read[i - 1];
    r->read[at] = (struct vmx_read){what, value};
    return value;
}

#define CHECK(name, group, when, must, section, text)                                                                  \
    static bool fails_##name(const struct check *c) {                                                                  \
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
    bool (*fails)(const struct check *c);
    const char *name, *when, *must, *text;
    uint8_t group, section;
} rows[] = {
#define CHECK(name, group, when, must, section, text)                                                                  \
    {fails_##name, #name, #when, #must, text, CHECKS_##group, SECTION_##section},
#include "vmx/entry/check.def"
#undef CHECK
};

unsigned vmx_explain_checks(struct cpu *cpu, struct vmx_failure *failures, unsigned max) {
    const struct vmx *vmx = vmx_of(cpu);
    unsigned count = 0;
    if (!vmx->vmcs) return 0;
    for (unsigned i = 0; i < CHECK_COUNT; i++) {
        struct vmx_failure f = {.name = rows[i].name,
                                .when = rows[i].when,
                                .must = rows[i].must,
                                .text = rows[i].text,
                                .section = section_texts[rows[i].section].number,
                                .section_title = section_texts[rows[i].section].title,
                                .outcome = groups[rows[i].group].outcome};
        struct check c = {.cpu = cpu, .vmx = vmx, .vmcs = vmx->vmcs, .record = &f};
        if (!rows[i].fails(&c)) continue;
        if (count < max) failures[count] = f;
        count++;
    }
    return count;
}

unsigned vmx_check_count(void) { return CHECK_COUNT; }
const char *vmx_check_name(unsigned number) { return number < CHECK_COUNT ? rows[number].name : NULL; }

const char *vmx_check_stray_read(struct cpu *cpu, unsigned number) {
    const struct vmx *vmx = vmx_of(cpu);
    struct vmx_failure f = {0};
    struct check c = {.cpu = cpu, .vmx = vmx, .vmcs = vmx->vmcs, .record = &f};
    if (number >= CHECK_COUNT || !vmx->vmcs) return NULL;
    (void)rows[number].fails(&c);
    uint32_t parts = groups[rows[number].group].parts;
    for (unsigned i = 0; i < f.read_count; i++) {
        for (unsigned field = 0; field < FIELD_COUNT; field++) {
            const char *name = field_name(field);
            if (strncmp(f.read[i].what, "field(", 6) || strncmp(f.read[i].what + 6, name, strlen(name)) ||
                f.read[i].what[6 + strlen(name)] != ')')
                continue;
            if (!(vmcs_part_of[field] & parts)) return f.read[i].what;
        }
        if (!strncmp(f.read[i].what, "on(", 3) && !(parts & PART_CONTROL)) return f.read[i].what;
    }
    return NULL;
}

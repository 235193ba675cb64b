// Facts made of what rules of VT-x read, and places of VMCS fields.
#include "monitor/explain/fact.h"
#include "cpu/state/section.h"
#include "vmx/level/view.h"
#include <string.h>

struct place place_of_field(uint64_t vmcs, unsigned field) {
    struct vmx_field row = {0};
    (void)vmx_field(field, &row);
    return (struct place){.space = PLACE_FIELD, .bytes = row.bytes, .vmcs = vmcs, .address = row.encoding};
}

void fact_value(struct fact *fact, const char *name, struct place place, uint64_t now, uint64_t needed, uint64_t mask) {
    if (fact->values == FACT_VALUES) return;
    fact->value[fact->values++] = (struct fact_value){name, place, now, needed, mask, NULL};
}

static struct place place_of_read(const struct vmx_read *read, uint64_t vmcs) {
    if (read->space == VMX_READ_FIELD || read->space == VMX_READ_CONTROL)
        return place_of_field(vmcs, (unsigned)read->number);
    if (read->space == VMX_READ_MEMORY)
        return (struct place){.space = PLACE_PHYSICAL, .bytes = read->bytes, .address = read->number};
    return (struct place){.space = PLACE_NONE};
}

void fact_reads(struct fact *fact, const struct vmx_reads *reads, uint64_t vmcs) {
    for (unsigned i = 0; i < reads->count && fact->values < FACT_VALUES; i++) {
        const struct vmx_read *r = &reads->read[i];
        fact_value(fact, r->what, place_of_read(r, vmcs), r->value, r->needed, r->mask);
        fact->value[fact->values - 1].source = vmx_want_text(r->source);
    }
}

struct fact fact_of_check(const struct vmx_failure *failure, uint64_t vmcs) {
    struct fact fact = {.rule = failure->name,
                        .section = failure->section,
                        .section_title = failure->section_title,
                        .text = failure->text,
                        .hint = failure->hint,
                        .when = failure->when,
                        .must = failure->must,
                        .because = FACT_NO_CAUSE};
    fact_reads(&fact, &failure->reads, vmcs);
    return fact;
}

const struct fact *fact_named(const struct fact *facts, unsigned count, const char *rule) {
    for (unsigned i = 0; i < count; i++)
        if (facts[i].rule && !strcmp(facts[i].rule, rule)) return &facts[i];
    return NULL;
}

const struct fact_value *fact_value_named(const struct fact *fact, const char *name) {
    for (unsigned i = 0; i < fact->values; i++)
        if (!strcmp(fact->value[i].name, name)) return &fact->value[i];
    return NULL;
}

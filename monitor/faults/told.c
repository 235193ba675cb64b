// VMX instructions of a guest that its hypervisor lets fail; see fault.h. SDM Vol. 3C, 30.2.
#include "cpu/state/section.h"
#include "monitor/faults/fault.h"
#include "monitor/faults/hint.h"
#include "vmx/insn/refusal.h"
#include <string.h>

static bool is_about(const struct refusal_row *row, const char *instruction) {
    if (!strcmp(row->instruction, "ACCESS")) return !strcmp(instruction, "VMREAD") || !strcmp(instruction, "VMWRITE");
    return !strncmp(row->instruction, instruction, strlen(instruction));
}

// Without a current VMCS VMfailValid is VMfailInvalid.
static bool fails_so(const struct refusal_row *row, uint64_t flags) {
    return row->how == REFUSES_VALID || (row->how == REFUSES_INVALID && flags & FLAG_CF);
}

static struct fact first_of(const struct history_told *t) {
    const struct place nowhere = {.space = PLACE_NONE, .level = (uint8_t)t->level};
    struct fact fact = {.rule = vmx_exit_name(t->reason),
                        .section = "SDM Vol. 3C, 30.2",
                        .section_title = "Conventions",
                        .text = t->flags & FLAG_CF
                                    ? "the hypervisor lets the guest go on with CF = 1: VMfailInvalid"
                                    : "the hypervisor lets the guest go on with ZF = 1: VMfailValid, with a "
                                      "VM-instruction error in the VMCS that the guest has loaded",
                        .holds = true,
                        .because = FACT_NO_CAUSE};
    fact_value(&fact, "step", nowhere, t->step, 0, 0);
    fact_value(&fact, "times", nowhere, t->times, 0, 0);
    return fact;
}

unsigned told_facts(const struct history_told *t, struct fact *facts, unsigned max) {
    const char *name = vmx_exit_name(t->reason);
    const struct refusal_row *row;
    unsigned count = 1;
    if (!max || !t->times || !name) return 0;
    facts[0] = first_of(t);
    for (unsigned i = 0; (row = refusal_row(i)) && count < max; i++)
        if (is_about(row, name) && fails_so(row, t->flags))
            facts[count++] = (struct fact){.rule = row->name,
                                           .section = section_texts[row->section].number,
                                           .section_title = section_texts[row->section].title,
                                           .text = row->text,
                                           .hint = cause_hint(row->name),
                                           .because = 0};
    return count;
}

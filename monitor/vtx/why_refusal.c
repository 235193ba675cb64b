// why: VMX instructions other than VM entries that failed; the facts are those of monitor/faults/fault.h. SDM Vol. 3C,
// 30.2, 30.3.
#include "monitor/faults/fault.h"
#include "monitor/symbols/symbols.h"
#include "monitor/vtx/why.h"
#include "vmx/insn/refusal.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void print_outcome(struct monitor *monitor, const struct history_refusal *r, const struct refusal_row *row) {
    switch (row->how) {
    case REFUSES_UD: print(monitor, "invalid-opcode exception\n"); break;
    case REFUSES_GP: print(monitor, "general-protection exception\n"); break;
    case REFUSES_INVALID: print(monitor, "VMfailInvalid: CF is 1\n"); break;
    default:
        if (r->vmcs == VMX_NO_VMCS)
            print(monitor, "VMfailInvalid: CF is 1 (there is no current VMCS to take VM-instruction error %u)\n",
                  row->error);
        else
            print(monitor, "VMfailValid: ZF is 1, VM-instruction error %u (%s)\n", row->error,
                  vmx_error_text(row->error));
    }
}

// VMREAD and VMWRITE fail by the same rows: the instruction itself says which it was.
void why_refusal(struct monitor *monitor, const struct history_refusal *r) {
    const struct refusal_row *row = refusal_row(r->row);
    struct fact fact;
    char name[160], instruction[200];
    if (!row || !refusal_facts(r, &fact, 1)) return;
    if (!instruction_at(monitor, r->level, r->rip, instruction, sizeof instruction))
        snprintf(instruction, sizeof instruction, "%s", "a VMX instruction");
    print_in(monitor, BOLD, "%s failed: ", instruction);
    print_outcome(monitor, r, row);
    print(monitor, "  step %" PRIu64 ", RIP %" PRIx64, r->step, r->rip);
    if (*symbols_name(monitor->look.symbols, (int)r->level, r->rip, name, sizeof name)) print(monitor, " <%s>", name);
    if (r->times > 1)
        print(monitor, "; %" PRIu64 " in a row by the same rule, the last at step %" PRIu64 ", RIP %" PRIx64, r->times,
              r->last_step, r->last_rip);
    print(monitor, "\n");
    print_broken(monitor, &fact);
}

void why_told(struct monitor *monitor, const struct history_told *t) {
    enum { FACTS = 12 };
    struct fact fact[FACTS];
    char name[160];
    unsigned count = told_facts(t, fact, FACTS);
    if (!count) return;
    print_in(monitor, BOLD, "%s of level %u failed: %s\n", fact[0].rule, t->level, fact[0].text);
    print(monitor, "  step %" PRIu64 ", RIP %" PRIx64, t->step, t->rip);
    if (*symbols_name(monitor->look.symbols, (int)t->level, t->rip, name, sizeof name)) print(monitor, " <%s>", name);
    if (t->times > 1) print(monitor, "; %" PRIu64 " times in a row there", t->times);
    print(monitor, ", %s\n", fact[0].section);
    if (count > 1) print(monitor, "  A processor does so where one of these holds:\n");
    for (unsigned i = 1; i < count; i++) print(monitor, "    %s: %s\n", fact[i].rule, fact[i].text);
}

static uint64_t last_entry(const struct history *h) {
    uint64_t step = 0;
    for (unsigned i = 0; i < HISTORY_VMCSS; i++)
        if (h->vmcs[i].used && h->vmcs[i].step > step) step = h->vmcs[i].step;
    return step;
}

bool why_refused(struct monitor *monitor, const struct history *h, const struct history_cpu *c, uint64_t but) {
    const struct history_refusal *r;
    bool any = false;
    for (unsigned n = HISTORY_REFUSALS; n-- > 0;) {
        if (!(r = history_refusal(c, n)) || r->step < last_entry(h) || r->last_step == but) continue;
        if (!any && but) print(monitor, "Before that:\n");
        why_refusal(monitor, r);
        any = true;
    }
    return any;
}

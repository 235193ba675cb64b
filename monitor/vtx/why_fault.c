// why: exceptions and triple faults; the facts are those of monitor/faults/fault.h.
#include "monitor/faults/fault.h"
#include "cpu/state/model.h"
#include "monitor/session/monitor.h"
#include "monitor/show/disassemble.h"
#include "monitor/symbols/symbols.h"
#include "monitor/vmcs/vmcs.h"
#include "monitor/vtx/why.h"
#include <inttypes.h>
#include <string.h>

enum { FACTS = 16 };
struct answer {
    struct fact fact[FACTS];
    unsigned count;
};

static bool holds(const struct answer *a, const char *rule) {
    const struct fact *fact = fact_named(a->fact, a->count, rule);
    return fact && fact->holds;
}

static uint64_t value_of(const struct fact *fact, const char *name) {
    const struct fact_value *value = fact_value_named(fact, name);
    return value ? value->now : 0;
}

static void print_page_fault(struct monitor *monitor, const struct answer *a, unsigned level) {
    uint64_t linear = value_of(&a->fact[0], "CR2");
    print(monitor, "  linear 0x%" PRIx64 ", error code %" PRIx64 ": %s, %s, %s%s%s  (walk @%u:0x%" PRIx64 ")\n", linear,
          value_of(&a->fact[0], "error code"),
          holds(a, "ID")  ? "instruction fetch"
          : holds(a, "W") ? "write"
                          : "read",
          holds(a, "U") ? "user-mode access" : "supervisor-mode access",
          holds(a, "P") ? "page-level protection" : "not present", holds(a, "RSVD") ? ", reserved bit set" : "",
          holds(a, "PK") ? ", protection key" : "", level, linear);
}

static void print_selector(struct monitor *monitor, const struct answer *a) {
    uint64_t code = value_of(&a->fact[0], "error code");
    const char *table = holds(a, "IDT") ? "IDT" : holds(a, "TI") ? "LDT" : "GDT";
    if (code)
        print(monitor, "  error code %" PRIx64 ": %s, entry %u%s\n", code, table, (unsigned)(code >> 3 & 0x1fff),
              holds(a, "EXT") ? ", during the delivery of an event" : "");
    else
        print(monitor, "  error code 0: not about a descriptor\n");
}

// The control that is 0: the value of which one bit decides.
static bool print_control(struct monitor *monitor, const struct fact *fact) {
    const struct fact_value *v = &fact->value[0];
    struct text control = {0};
    enum control_group group;
    int field = fact->values ? vmx_field_find(v->name) : -1;
    if (field < 0 || !vmcs_control_group((enum vmcs_field)field, &group)) return false;
    vmcs_controls(&control, group, v->mask);
    print_in(monitor, RED, "  %s:%s is 0 in this VMCS (%" PRIx64 ")\n", fact->rule, control.at + (control.used > 1),
             v->place.vmcs);
    print(monitor, "  SDM Vol. 3C, 24.6.2, 25.3: without it the instruction causes an invalid-opcode exception\n");
    return true;
}

static void print_causes(struct monitor *monitor, const struct answer *a) {
    for (unsigned i = 1; i < a->count; i++) {
        const struct fact *fact = &a->fact[i];
        if (!print_control(monitor, fact)) print_broken(monitor, fact);
    }
}

static void print_heading(struct monitor *monitor, const struct history_fault *f, const struct fact *exception) {
    char name[160];
    print_in(monitor, BOLD, "exception %u %s at level %u: %s\n", f->vector, exception->rule, f->level, exception->text);
    print(monitor, "  step %" PRIu64 ", RIP %" PRIx64, f->step, f->rip);
    if (*symbols_name(monitor->look.symbols, (int)f->level, f->rip, name, sizeof name)) print(monitor, " <%s>", name);
    print(monitor, ", %s\n", exception->section);
    if (f->flags & FAULT_EXITED)
        print(monitor, "  it was not delivered: its bit in the exception bitmap made a VM exit of it (why exit)\n");
    if (f->flags & FAULT_INJECTED)
        print(monitor, "  it did not come up here: the hypervisor of this level injected it at a VM entry (events)\n");
}

void why_fault(struct monitor *monitor, const struct history_fault *f) {
    struct view view;
    struct instruction i;
    struct answer a;
    a.count = fault_facts(f, a.fact, FACTS);
    print_heading(monitor, f, &a.fact[0]);
    if (fact_named(a.fact, a.count, "RSVD")) print_page_fault(monitor, &a, f->level);
    if (fact_named(a.fact, a.count, "TI")) print_selector(monitor, &a);
    if (f->flags & FAULT_INJECTED || !view_make(&monitor->look, (int)f->level, &view)) return;
    uint64_t at = view_code_bits(&view) == 64 ? f->rip : (uint32_t)(view.base[CS] + f->rip);
    if (disassemble(&monitor->look, &view, SPACE_LINEAR, at, 0, &i)) print(monitor, "  %s\n", i.text);
    a.count = fault_cause_facts(f, &view, a.fact, FACTS);
    print_causes(monitor, &a);
}

// The first exception that has no good gate: none of the handlers was ever reached.
static void print_delivery(struct monitor *monitor, const struct history_cpu *c) {
    struct view view;
    struct answer a = {.count = 0};
    const struct history_fault *f = &c->chain[0];
    if (!c->chain_count || !view_is_there(look_cpu(&monitor->look), f->level)) return;
    if (!view_make(&monitor->look, (int)f->level, &view)) return;
    a.count = 1 + delivery_facts(f, &view, a.fact + 1, FACTS - 1);
    if (a.count == 1 || (c->chain_count > 1 && c->chain[1].information & 2)) return; // or it was told already
    print(monitor, "  Vector %u could not be delivered:\n", f->vector);
    print_causes(monitor, &a);
}

void why_triple(struct monitor *monitor, const struct history_cpu *c) {
    struct answer a;
    a.count = triple_facts(c, a.fact, FACTS);
    const struct fact *last = &a.fact[a.count - 1];
    print_in(monitor, BOLD, "triple fault at level %u: %s\n", c->triple.level, last->text);
    print(monitor, "  step %" PRIu64 ", RIP %" PRIx64 ", SDM Vol. 3A, 6.15 (interrupt 8). How it came about:\n",
          c->triple.step, c->triple.rip);
    for (unsigned i = 0; i + 1 < a.count; i++) {
        const struct fact *fact = &a.fact[i];
        print(monitor, "  %u. exception %u %s, error code %" PRIx64, i + 1, (unsigned)value_of(fact, "vector"),
              fact->rule, value_of(fact, "error code"));
        if (fact_value_named(fact, "CR2")) print(monitor, ", linear 0x%" PRIx64, value_of(fact, "CR2"));
        print(monitor, "\n");
    }
    print(monitor, "  %u. one more exception, which ends it\n", a.count);
    for (unsigned i = 0; i < c->chain_count; i++)
        if (c->chain[i].vector != VECTOR_DF) why_fault(monitor, &c->chain[i]);
    print_delivery(monitor, c);
    why_host_state(monitor, c);
}

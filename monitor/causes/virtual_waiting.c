// What waits in the virtual APIC of a guest, and what keeps it waiting; see waiting.h. SDM Vol. 3C, 29.1.2, 29.2, 29.6.
#include "cpu/memory/access.h"
#include "monitor/causes/virtual_apic.h"
#include "monitor/causes/waiting.h"
#include "vmx/level/view.h"
#include <stddef.h>

static struct place in_page(const struct virtual_apic *v, uint64_t offset) {
    return (struct place){.space = PLACE_PHYSICAL, .bytes = 4, .address = v->page + offset};
}
static void add_status(struct fact *fact, const struct virtual_apic *v, const char *name, uint64_t value) {
    fact_value(fact, name, place_of_field(v->vmcs, FIELD_GUEST_INTERRUPT_STATUS), value, 0, 0);
}

// Of the guest when it runs, or when it will run on.
static void at_guest(const struct waiting_search *s, const struct virtual_apic *v, struct waiting *w) {
    const struct cpu *cpu = s->cpu;
    uint64_t rflags = cpu->rflags, blocking = (uint64_t)cpu_sti_shadow(cpu) | (uint64_t)cpu_mov_ss_shadow(cpu) << 1;
    struct place flags = place_of_cpu(s, offsetof(struct cpu, rflags), 8), shadow = {.space = PLACE_NONE};
    bool runs = vmx_in_non_root(cpu) && vmx_current_vmcs(cpu) == v->vmcs;
    if (!runs) {
        (void)vmx_vmcs_read(cpu, v->vmcs, FIELD_GUEST_RFLAGS, &rflags);
        (void)vmx_vmcs_read(cpu, v->vmcs, FIELD_GUEST_INTERRUPTIBILITY, &blocking);
        flags = place_of_field(v->vmcs, FIELD_GUEST_RFLAGS);
        shadow = place_of_field(v->vmcs, FIELD_GUEST_INTERRUPTIBILITY);
    }
    fact_value(waiting_add(w, WAITS_guest_interrupts, !(rflags & FLAG_IF)), "RFLAGS", flags, rflags, FLAG_IF, FLAG_IF);
    fact_value(waiting_add(w, WAITS_guest_sti, blocking & 1), "blocking", shadow, blocking, 0, 1);
    fact_value(waiting_add(w, WAITS_guest_mov_ss, blocking & 2), "blocking", shadow, blocking, 0, 2);
    const struct place nowhere = {.space = PLACE_NONE};
    fact_value(waiting_add(w, WAITS_guest_enters, !runs && !waiting_held(w)), "VMCS", nowhere, v->vmcs, 0, 0);
}

static void remark(struct waiting_search *s, const struct virtual_apic *v, enum waits row, unsigned vector) {
    struct waiting w = {.kind = WAITING_REMARK, .vector = vector};
    struct fact *fact = waiting_add(&w, row, true);
    if (row == WAITS_below_threshold) {
        fact_value(fact, "VTPR", in_page(v, VIRTUAL_APIC_TPR), v->tpr & 0xff, 0, 0);
        fact_value(fact, "threshold", place_of_field(v->vmcs, FIELD_TPR_THRESHOLD), v->threshold, 0, 0);
    } else {
        fact_value(fact, "VIRR", in_page(v, VIRTUAL_APIC_IRR + vector / 32 * 16), vector, 0, 0);
        add_status(fact, v, "RVI", v->rvi);
    }
    waiting_tell(s, &w);
}

static void requested(struct waiting_search *s, const struct virtual_apic *v) {
    const uint64_t window = BIT(PROC_INTERRUPT_WINDOW_EXITING);
    int highest = vectors_highest(v->irr);
    if (highest > v->rvi) remark(s, v, WAITS_virr_above_rvi, (unsigned)highest);
    if (v->rvi && !(v->irr[v->rvi / 32] >> v->rvi % 32 & 1)) remark(s, v, WAITS_rvi_not_in_virr, v->rvi);
    if (!v->rvi) return;
    struct waiting w = {.kind = WAITING_VIRTUAL, .vector = v->rvi};
    struct fact *priority = waiting_add(&w, WAITS_virtual_priority, (v->rvi & 0xf0u) <= (v->ppr & 0xf0));
    add_status(priority, v, "RVI", v->rvi);
    fact_value(priority, "VPPR", in_page(v, VIRTUAL_APIC_PPR), v->ppr & 0xff, 0, 0);
    fact_value(priority, "VTPR", in_page(v, VIRTUAL_APIC_TPR), v->tpr & 0xff, 0, 0);
    add_status(priority, v, "SVI", v->svi);
    fact_value(waiting_add(&w, WAITS_window_exiting, v->proc & window), "PROC_CONTROLS",
               place_of_field(v->vmcs, FIELD_PROC_CONTROLS), v->proc, 0, window);
    at_guest(s, v, &w);
    waiting_tell(s, &w);
}

static void posted(struct waiting_search *s, const struct virtual_apic *v) {
    enum { OUTSTANDING_OFFSET = 32 };
    uint64_t vector = 0;
    int highest = vectors_highest(v->pir);
    if (highest < 0) return;
    struct waiting w = {.kind = WAITING_POSTED, .vector = (unsigned)highest};
    const struct place on = {.space = PLACE_PHYSICAL, .bytes = 1, .address = v->descriptor + OUTSTANDING_OFFSET};
    (void)vmx_vmcs_read(s->cpu, v->vmcs, FIELD_POSTED_VECTOR, &vector);
    fact_value(waiting_add(&w, WAITS_not_outstanding, !v->outstanding), "ON", on, v->outstanding, 1, 1);
    fact_value(waiting_add(&w, WAITS_notification, v->outstanding), "notification vector",
               place_of_field(v->vmcs, FIELD_POSTED_VECTOR), vector & 0xff, 0, 0);
    waiting_tell(s, &w);
}

bool waiting_virtual(struct machine *machine, unsigned processor, uint64_t vmcs, waiting_fn *found, void *context) {
    struct waiting_search s = waiting_begin(machine, processor, found, context);
    struct virtual_apic v;
    virtual_apic_read(machine, processor, vmcs, &v);
    if (v.has_page && APIC_DELIVERS(&v)) requested(&s, &v);
    if (v.has_page && !APIC_DELIVERS(&v) && (v.tpr >> 4 & 15) < v.threshold) remark(&s, &v, WAITS_below_threshold, 0);
    if (v.has_descriptor) posted(&s, &v);
    return s.any;
}

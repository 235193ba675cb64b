// The table of causes, what waits: every row of monitor/causes/waiting.def is brought about once, in a machine whose
// interrupt controllers, processor and VMCS are put so, and holds an event back (or is remarked). A row that nothing
// here brings about fails.
#include "cpu/state/model.h"
#include "devices/history/history.h"
#include "devices/irq/lapic.h"
#include "devices/irq/pic.h"
#include "monitor/causes/virtual_apic.h"
#include "monitor/causes/waiting.h"
#include "tests/door.h"
#include "tests/tap.h"
#include "vmx/vmcs/vmcs.h"
#include <string.h>

enum { AT_VMCS = 0x10000, AT_VAPIC = 0x20000, AT_DESCRIPTOR = 0x21000, VECTOR = 0x41 };

static struct situation {
    struct machine *m;
    struct cpu *c;
    struct lapic *apic;
    struct pic *pic;
    struct vmcs *v;
} made;

static void *part(struct machine *m, const char *name) {
    struct machine_part p;
    for (unsigned i = 0; machine_part(m, i, &p); i++)
        if (!strcmp(p.name, name)) return (void *)p.object;
    bail("the machine has no %s", name);
}

static struct situation set_up(struct machine *m) {
    struct situation s = {m, inside_cpu(m, 0), part(m, "lapic"), part(m, "pic"), NULL};
    alter_reset(m);
    struct vmx *vmx = vmx_of(s.c);
    s.apic->svr = 0x1ff;
    s.c->rflags = 2 | FLAG_IF;
    s.c->boundary.activity = ACTIVITY_ACTIVE;
    vmx->vmxon_pointer = 0x8000;
    (void)region_make_current(s.c, AT_VMCS);
    s.v = vmx->vmcs;
    memset(inside_ram(m, AT_VAPIC, 8192), 0, 8192);
    return s;
}

static void request(uint32_t *vectors, unsigned vector) { vectors[vector / 32] |= 1u << vector % 32; }
static void in_apic(struct situation *s) { request(s->apic->irr, VECTOR); }
static void in_pic(struct situation *s) { s->pic->chip[0].irr = 1; }
static void put(struct situation *s, uint64_t at, uint32_t value) { memcpy(inside_ram(s->m, at, 4), &value, 4); }
#define FIELD(name) s->v->field[FIELD_##name]

// The guest has a virtual APIC that delivers; RVI is a vector that waits.
static void delivering(struct situation *s) {
    FIELD(PROC_CONTROLS) = BIT(PROC_TPR_SHADOW) | BIT(PROC_ACTIVATE_SECONDARY);
    FIELD(PROC2_CONTROLS) = BIT(PROC2_VIRTUAL_INTERRUPTS);
    FIELD(VIRTUAL_APIC_ADDRESS) = AT_VAPIC;
    FIELD(GUEST_INTERRUPT_STATUS) = VECTOR;
    FIELD(GUEST_RFLAGS) = 2 | FLAG_IF;
    put(s, AT_VAPIC + VIRTUAL_APIC_IRR + VECTOR / 32 * 16, 1u << VECTOR % 32);
}
static void posting(struct situation *s, bool outstanding) {
    delivering(s);
    FIELD(PIN_CONTROLS) = BIT(PIN_POSTED_INTERRUPTS);
    FIELD(POSTED_DESCRIPTOR) = AT_DESCRIPTOR;
    put(s, AT_DESCRIPTOR + VECTOR / 32 * 4, 1u << VECTOR % 32);
    put(s, AT_DESCRIPTOR + 32, outstanding);
}
static void running(struct situation *s) { vmx_of(s->c)->non_root = s->c->intercepts.non_root = 1; }
// A VM exit acknowledged the vector long ago.
static void acknowledge(struct situation *s) {
    struct history *h = vmx_of(s->c)->history;
    h->event[h->events++ % HISTORY_EVENTS] =
        (struct history_event){.kind = EVENT_INTERRUPT, .vector = VECTOR, .step = 1};
    request(s->apic->isr, VECTOR);
    s->c->time.steps += 100000;
}

#define SITUATIONS(WAITS)                                                                                              \
    WAITS(interrupts_off, in_apic(s); s->c->rflags = 2)                                                                \
    WAITS(sti, in_apic(s); s->c->boundary.sti_shadow_step = s->c->time.steps)                                          \
    WAITS(mov_ss, in_apic(s); s->c->boundary.mov_ss_shadow_step = s->c->time.steps)                                    \
    WAITS(nmi, s->c->boundary.pending |= PENDING_NMI; s->c->boundary.nmi_blocked = 1)                                  \
    WAITS(shutdown, in_apic(s); s->c->boundary.activity = ACTIVITY_SHUTDOWN)                                           \
    WAITS(wait_for_sipi, in_apic(s); s->c->boundary.activity = ACTIVITY_WAIT_FOR_SIPI)                                 \
    WAITS(exits, in_apic(s); running(s); FIELD(PIN_CONTROLS) = BIT(PIN_EXTERNAL_INTERRUPT_EXITING))                    \
    WAITS(asleep, s->c->boundary.activity = ACTIVITY_WAIT_FOR_SIPI)                                                    \
    WAITS(halted, s->c->boundary.activity = ACTIVITY_HLT; s->c->rflags = 2)                                            \
    WAITS(acknowledged, acknowledge(s))                                                                                \
    WAITS(apic_disabled, in_apic(s); s->apic->base &= ~APIC_BASE_EN)                                                   \
    WAITS(apic_software, in_apic(s); s->apic->svr &= ~0x100u)                                                          \
    WAITS(task_priority, in_apic(s); s->apic->tpr = 0x50)                                                              \
    WAITS(in_service, in_apic(s); request(s->apic->isr, VECTOR + 1))                                                   \
    WAITS(pic_masked, in_pic(s); s->pic->chip[0].imr = 1)                                                              \
    WAITS(pic_in_service, in_pic(s); s->pic->chip[0].isr = 1)                                                          \
    WAITS(lint0_masked, in_pic(s); s->apic->lvt[LVT_LINT0] |= 1u << 16)                                                \
    WAITS(injected, FIELD(ENTRY_INTERRUPTION) = BIT(31) | VECTOR)                                                      \
    WAITS(guest_interrupts, delivering(s); FIELD(GUEST_RFLAGS) = 2)                                                    \
    WAITS(guest_sti, delivering(s); FIELD(GUEST_INTERRUPTIBILITY) = 1)                                                 \
    WAITS(guest_mov_ss, delivering(s); FIELD(GUEST_INTERRUPTIBILITY) = 2)                                              \
    WAITS(guest_enters, delivering(s))                                                                                 \
    WAITS(virtual_priority, delivering(s); put(s, AT_VAPIC + VIRTUAL_APIC_PPR, 0x50))                                  \
    WAITS(window_exiting, delivering(s); FIELD(PROC_CONTROLS) |= BIT(PROC_INTERRUPT_WINDOW_EXITING))                   \
    WAITS(not_outstanding, posting(s, false))                                                                          \
    WAITS(notification, posting(s, true))                                                                              \
    WAITS(virr_above_rvi, delivering(s); put(s, AT_VAPIC + VIRTUAL_APIC_IRR + 0x70, 1))                                \
    WAITS(rvi_not_in_virr, delivering(s); put(s, AT_VAPIC + VIRTUAL_APIC_IRR + VECTOR / 32 * 16, 0))                   \
    WAITS(below_threshold, delivering(s); FIELD(PROC2_CONTROLS) = 0; FIELD(TPR_THRESHOLD) = 5)

struct wanted {
    const char *rule;
    bool held;
};

static void found(void *context, const struct waiting *w) {
    struct wanted *wanted = context;
    const struct fact *fact = fact_named(w->fact, w->count, wanted->rule);
    wanted->held |= fact && fact->holds && *fact->text && *fact->section;
}

static void check(struct situation *s, const char *rule) {
    struct wanted wanted = {rule, false};
    bool any = waiting_search(s->m, 0, found, &wanted);
    ok(any && wanted.held, "%s", rule);
}

// Each in a machine of its own: what was put there stays in the history.
static void test_rows(void) {
#define WAITS(rule, ...)                                                                                               \
    {                                                                                                                  \
        made = set_up(door_machine(1, 4 << 20));                                                                       \
        struct situation *s = &made;                                                                                   \
        __VA_ARGS__;                                                                                                   \
        check(s, #rule);                                                                                               \
        machine_free(s->m);                                                                                            \
    }
    SITUATIONS(WAITS)
#undef WAITS
}

static void test_complete(void) {
    static const char *const rules[] = {
#define WAITS(name, section, text) #name,
#include "monitor/causes/waiting.def"
#undef WAITS
    };
    static const char *const tried[] = {
#define WAITS(rule, ...) #rule,
        SITUATIONS(WAITS)
#undef WAITS
    };
    loop_begin("every row of waiting.def is brought about");
    for (unsigned i = 0; i < sizeof rules / sizeof *rules; i++) {
        bool is_tried = false;
        for (unsigned j = 0; j < sizeof tried / sizeof *tried; j++) is_tried |= !strcmp(rules[i], tried[j]);
        loop_check(is_tried, "%s", rules[i]);
    }
    loop_end();
}

int main(void) {
    test_rows();
    test_complete();
    return done_testing();
}

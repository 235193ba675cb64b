// Going through a span of the past with an eye on one value; see watching.h.
#include "devices/asking/watching.h"
#include "devices/asking/scan.h"
#include "cpu/processor/observing.h"
#include "vmx/level/view.h"
#include "vmx/vmcs/vmx.h"

// --- how a change is noticed ---

// Fields that the processor writes in the middle of the guest: RVI and SVI, the index of the page-modification log, and
// the EPT pointer by VMFUNC.
static bool field_changes_unseen(const struct machine *m, const struct place *p) {
    int field = vmx_field_encoded(m->cpu[p->processor], p->address);
    return field == FIELD_GUEST_INTERRUPT_STATUS || field == FIELD_PML_INDEX || field == FIELD_EPT_POINTER;
}

// MSRs that others than WRMSR and VT-x change: time, bases of segments, the local APIC.
static bool msr_changes_unseen(uint64_t msr) {
    enum { TSC = 0x10, APIC_FIRST = 0x800, APIC_LAST = 0x8ff, DEADLINE = 0x6e0 };
    const uint64_t fs_base = 0xc0000100, kernel_gs_base = 0xc0000102;
    return msr == TSC || msr == DEADLINE || (msr >= APIC_FIRST && msr <= APIC_LAST) ||
           (msr >= fs_base && msr <= kernel_gs_base);
}

static uint64_t register_sights(uint64_t offset) {
    switch (offset) {
    case offsetof(struct cpu, control.cr0):
    case offsetof(struct cpu, control.cr3):
    case offsetof(struct cpu, control.cr4):
    case offsetof(struct cpu, control.efer): return MSR_SIGHTS;
    case offsetof(struct cpu, control.cr2): return BIT(OBSERVE_CONTROL_REGISTER) | BIT(OBSERVE_EXCEPTION);
    default: return 0;
    }
}

uint64_t place_sights(const struct machine *m, const struct place *p) {
    switch (p->space) {
    case PLACE_REGISTER: return register_sights(p->address);
    case PLACE_FIELD: return field_changes_unseen(m, p) ? 0 : FIELD_SIGHTS;
    case PLACE_MSR: return msr_changes_unseen(p->address) ? 0 : MSR_SIGHTS;
    default: return 0;
    }
}

// --- what is seen ---

// The value as it was before this store; so the store before it is known to have changed it or not.
static void look_at_value(struct watching *w) {
    uint64_t value = 0;
    (void)place_read(w->t->m, w->place, &value);
    if (value != w->value || (w->stores && w->stored)) {
        w->found = true;
        w->step = w->before = w->stored_step;
    }
    w->value = value;
    w->stored = false;
}

static void store_comes(struct point *point, struct cpu *cpu, const struct sight *sight) {
    struct watching *w = point->context;
    look_at_value(w);
    w->stored = true;
    w->stored_step = sight->step + cpu->wire.other_steps;
    w->stored_by = (int)sight->number;
}

static int control_register(const struct place *p) {
    if (p->space != PLACE_REGISTER) return -1;
    return p->address == offsetof(struct cpu, control.cr0)   ? 0
           : p->address == offsetof(struct cpu, control.cr2) ? 2
           : p->address == offsetof(struct cpu, control.cr3) ? 3
           : p->address == offsetof(struct cpu, control.cr4) ? 4
                                                             : -1;
}

// Whether an instruction writes this very place, be it with an equal value.
static bool is_store_to(const struct place *p, const struct cpu *cpu, const struct sight *sight) {
    bool own = cpu->id == p->processor;
    switch (sight->kind) {
    case OBSERVE_VMWRITE:
        return p->space == PLACE_FIELD && own && sight->number == p->address && sight->physical == p->vmcs;
    case OBSERVE_MSR_WRITE: return p->space == PLACE_MSR && own && sight->number == p->address;
    case OBSERVE_CONTROL_REGISTER: return own && (int)sight->number == control_register(p);
    default: return false;
    }
}

static void sight_comes(void *context, struct cpu *cpu, const struct sight *sight) {
    struct watching *w = context;
    w->stored |= is_store_to(w->place, cpu, sight);
    cpu_stop(cpu); // the value is compared when the instruction is done
}

void watching_prepare(struct watching *w, struct timeline *t, const struct place *place, bool stores) {
    *w = (struct watching){.t = t, .place = place, .stores = stores, .stored_by = -1};
    w->sights = place_sights(t->m, place);
    w->how = place->space == PLACE_PHYSICAL ? NOTICE_STORES : w->sights ? NOTICE_SIGHTS : NOTICE_STEPS;
    w->point = (struct point){.address = place->address,
                              .bytes = place->bytes,
                              .space = POINT_PHYSICAL,
                              .access = POINT_WRITE,
                              .context = w,
                              .hit = store_comes};
    w->observer = (struct observer){.wanted = w->sights, .context = w, .see = sight_comes};
}

// --- a span ---

static void begin_noticing(struct watching *w, bool sights) {
    if (w->how == NOTICE_STORES) machine_add_point(w->t->m, &w->point);
    if (w->how == NOTICE_SIGHTS && sights) machine_add_observer(w->t->m, &w->observer);
}

static void end_noticing(struct watching *w, bool sights) {
    if (w->how == NOTICE_STORES) machine_remove_point(w->t->m, &w->point);
    if (w->how == NOTICE_SIGHTS && sights) machine_remove_observer(w->t->m, &w->observer);
}

static void begin(struct watching *w) {
    w->found = w->stored = false;
    w->value = 0;
    (void)place_read(w->t->m, w->place, &w->value);
    w->stored_step = machine_steps(w->t->m);
    begin_noticing(w, true);
}

// At a stop, and at the end.
static void look_between(struct watching *w) {
    if (w->how != NOTICE_STORES) w->stored_step = machine_steps(w->t->m);
    look_at_value(w);
}

// A piece on the way to the end; on the way checkpoints are left, as what was found is gone to afterwards.
static enum machine_stop piece(struct watching *w, const struct position *end, unsigned *still) {
    uint64_t left = end->steps - machine_steps(w->t->m);
    timeline_leave_checkpoint(w->t, end->steps);
    if (left > DENSE_STEPS) return timeline_advance_on(w->t, DENSE_STEPS, NULL, still);
    return timeline_advance_on(w->t, ~0ull, end, still);
}

// Inputs may have written to memory, which nobody tells of: it was they, or the store before them.
static void look_after_inputs(struct watching *w) {
    uint64_t stored_step = w->stored_step, value = w->value;
    w->stored_step = machine_steps(w->t->m);
    look_at_value(w);
    if (w->value != value) w->before = stored_step;
}

static bool through(struct watching *w, const struct position *end, const char **wrong) {
    unsigned still = 0;
    while (position_order(w->t->m, end) == POSITION_AHEAD && still < STANDSTILLS) {
        size_t inputs = timeline_inputs_taken(w->t);
        if (timeline_ends_the_way(piece(w, end, &still), wrong)) return false;
        if (w->how == NOTICE_STORES && timeline_inputs_taken(w->t) != inputs) look_after_inputs(w);
        if (w->how == NOTICE_SIGHTS) look_between(w);
    }
    look_between(w);
    return true;
}

bool watching_span(struct watching *w, const struct position *end, const char **wrong) {
    begin(w);
    bool done = through(w, end, wrong);
    end_noticing(w, true);
    return done;
}

// --- step by step ---

static void note_event(void *context, struct cpu *cpu, const struct sight *sight) {
    struct change *c = context;
    (void)cpu;
    c->seen |= BIT(sight->kind);
    if (EVENT_SIGHTS & BIT(sight->kind)) c->vector = (uint8_t)sight->number;
}

// Who is about to do a step.
void watching_note_beginning(struct timeline *t, struct change *c) {
    const struct machine *m = t->m;
    const struct cpu *cpu = m->cpu[m->turns.processor];
    c->step = machine_steps(m);
    c->processor = cpu->id;
    c->level = cpu->wire.extension ? vmx_level(cpu) : 0;
    c->rip = cpu->rip;
    c->seen = 0;
    c->appears = false;
    c->stored_by = -1;
}

// One step, whatever stops on the way to its end.
bool watching_one_step(struct timeline *t, const char **wrong) {
    uint64_t step = machine_steps(t->m);
    unsigned still = 0;
    if (!timeline_replaying(t)) { // behind the end the machine would go on live
        *wrong = "the end";
        return false;
    }
    if (timeline_ends_the_way(timeline_step(t), wrong)) return false;
    while (machine_steps(t->m) == step && still < STANDSTILLS)
        if (timeline_ends_the_way(timeline_advance_on(t, 1, NULL, &still), wrong)) return false;
    return true;
}

static bool try_step(struct watching *w, struct change *c, const char **wrong) {
    size_t inputs = timeline_inputs_taken(w->t);
    watching_note_beginning(w->t, c);
    c->old = w->value;
    w->stored = false;
    if (!watching_one_step(w->t, wrong)) return false;
    c->now = 0;
    (void)place_read(w->t->m, w->place, &c->now);
    c->from_outside = timeline_inputs_taken(w->t) != inputs;
    if (w->stored && w->how == NOTICE_STORES) c->stored_by = w->stored_by;
    return true;
}

enum search watching_each(struct watching *w, uint64_t from, uint64_t to, scan_change_fn *one, void *context,
                          const char **wrong) {
    struct change c = {0};
    struct observer events = {.wanted = EVENT_SIGHTS | SWITCHES, .context = &c, .see = note_event};
    bool found = false, good = true, on = true;
    if (!timeline_go_step(w->t, from, wrong)) return SEARCH_WRONG;
    machine_add_observer(w->t->m, &events);
    begin_noticing(w, w->stores);
    w->value = 0;
    (void)place_read(w->t->m, w->place, &w->value);
    while (on && machine_steps(w->t->m) < to && (good = try_step(w, &c, wrong)) && machine_steps(w->t->m) > c.step) {
        bool changes = c.old != c.now || (w->stores && w->stored);
        if (changes) on = one(context, &c);
        found |= changes;
        w->value = c.now;
    }
    end_noticing(w, w->stores);
    machine_remove_observer(w->t->m, &events);
    return !good ? SEARCH_WRONG : found ? SEARCH_FOUND : SEARCH_NOTHING;
}

static bool keep_last(void *context, const struct change *change) {
    *(struct change *)context = *change;
    return true;
}

enum search watching_steps(struct watching *w, uint64_t from, uint64_t to, struct change *out, const char **wrong) {
    return watching_each(w, from, to, keep_last, out, wrong);
}

// Going through a span of the past with an eye on one value; see watching.h.
#include "devices/asking/watching.h"
#include "devices/asking/scan.h"
#include "cpu/processor/observing.h"
#include "cpu/watch/each.h"
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

// Several processors take turns: step by step from outside.
static bool go_on_by_turns(struct timeline *t, uint64_t to, bool (*each)(void *), void *context, const char **wrong) {
    while (machine_steps(t->m) < to) {
        uint64_t before = machine_steps(t->m);
        if (!watching_one_step(t, wrong)) return false;
        if (machine_steps(t->m) == before || each(context)) break; // it stands still
    }
    return true;
}

struct going_on {
    struct each_step step;
    bool (*each)(void *context);
    void *context;
    bool ends;
};
static bool tell_each(void *context) {
    struct going_on *g = context;
    return g->ends = g->each(g->context);
}

bool watching_go_on(struct timeline *t, uint64_t to, bool (*each)(void *), void *context, const char **wrong) {
    struct cpu *cpu = t->m->cpu[0];
    struct going_on e = {.each = each, .context = context};
    unsigned still = 0;
    bool good = timeline_replaying(t);
    if (t->m->config.cpus > 1) return go_on_by_turns(t, to, each, context, wrong);
    if (!good) *wrong = "the end"; // behind it the machine would go on live
    e.step = (struct each_step){.observer.wanted = OBSERVE_EACH_STEP, .each = tell_each, .context = &e};
    e.step.step = machine_steps(t->m);
    machine_add_observer(t->m, &e.step.observer);
    while (good && !e.ends && machine_steps(t->m) < to && still < STANDSTILLS) {
        uint64_t left = to - machine_steps(t->m);
        timeline_leave_checkpoint(t, to);
        good = !timeline_ends_the_way(timeline_advance_on(t, left < DENSE_STEPS ? left : DENSE_STEPS, NULL, &still),
                                      wrong);
    }
    if (good && !e.ends && machine_steps(t->m) == to) (void)each_step_tell(cpu); // an observer has stopped it there
    machine_remove_observer(t->m, &e.step.observer);
    return good;
}

// Changes of a value, one step after the other.
struct each_value {
    struct watching *w;
    scan_change_fn *one;
    void *context;
    struct change c; // of the step that begins
    size_t inputs;   // before it
    bool found;
};

static bool note_step(struct each_value *v) {
    struct watching *w = v->w;
    watching_note_beginning(w->t, &v->c);
    v->c.old = w->value;
    v->inputs = timeline_inputs_taken(w->t);
    w->stored = false;
    return false;
}

static bool look_at_step(void *context) {
    struct each_value *v = context;
    struct watching *w = v->w;
    struct change *c = &v->c;
    c->now = 0;
    (void)place_read(w->t->m, w->place, &c->now);
    w->value = c->now;
    bool changes = c->old != c->now || (w->stores && w->stored);
    if (!changes) return note_step(v);
    c->from_outside = timeline_inputs_taken(w->t) != v->inputs;
    if (w->stored && w->how == NOTICE_STORES) c->stored_by = w->stored_by;
    v->found = true;
    bool on = v->one(v->context, c);
    (void)note_step(v);
    return !on;
}

enum search watching_each(struct watching *w, uint64_t from, uint64_t to, scan_change_fn *one, void *context,
                          const char **wrong) {
    struct each_value v = {.w = w, .one = one, .context = context};
    struct observer events = {.wanted = EVENT_SIGHTS | SWITCHES, .context = &v.c, .see = note_event};
    if (!timeline_go_step(w->t, from, wrong)) return SEARCH_WRONG;
    machine_add_observer(w->t->m, &events);
    begin_noticing(w, w->stores);
    w->value = 0;
    (void)place_read(w->t->m, w->place, &w->value);
    (void)note_step(&v);
    bool good = watching_go_on(w->t, to, look_at_step, &v, wrong);
    end_noticing(w, w->stores);
    machine_remove_observer(w->t->m, &events);
    return !good ? SEARCH_WRONG : v.found ? SEARCH_FOUND : SEARCH_NOTHING;
}

static bool keep_last(void *context, const struct change *change) {
    *(struct change *)context = *change;
    return true;
}

enum search watching_steps(struct watching *w, uint64_t from, uint64_t to, struct change *out, const char **wrong) {
    return watching_each(w, from, to, keep_last, out, wrong);
}

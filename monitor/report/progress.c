// Guests that get nowhere, and what costs more than it can be meant to: the same VM exit again and again; VM exits in
// turn without an instruction retired; storms of VM exits; interrupts that wait for a guest which keeps them closed.
// SDM Vol. 3C, 27.2.1, 25.2.
#include "monitor/report/guests.h"
#include "vmx/vmcs/vmcs.h"

enum { SAME_TIMES = 8, STANDS_TIMES = 64, STORM_EXITS = 10000, STORM_RAN = 8, CLOSED_STEPS = 400000000 };

// Of each processor and level, in words of 8 bytes.
struct stalled {
    struct stalled_level {
        uint64_t state, stands,
            stood_step; // of the registers at the last exit; exits without a change; the first's step
        uint64_t exits, ran, reason, votes; // of a stretch: how many, instructions in it; what most of them were
        uint64_t began_step, began_rip;
        uint64_t closed_step, closed_rip; // from where on an interrupt waits for its window; 0: none does
    } level[MACHINE_CPUS][VMX_LEVELS];
};

static const struct state_field fields[] = {STATE_WORDS(struct stalled, level)};
static const struct state_table table = STATE_TABLE("report progress", fields);

static struct report_moment moment(const struct seen *at, uint64_t step, uint64_t rip) {
    return (struct report_moment){.step = step, .rip = rip, .processor = (uint32_t)at->cpu->id, .level = at->level};
}

static void add_exit(struct report *r, const struct seen *at) {
    const struct sight *s = at->sight;
    report_value(r, "exit reason", (struct place){0}, s->number);
    report_value(r, "exit qualification", (struct place){0}, s->value);
    if (s->physical)
        report_value(
            r, "guest-physical address",
            (struct place){.space = PLACE_GUEST, .level = (uint8_t)at->level, .address = s->physical, .bytes = 8},
            s->physical);
}

// --- the same VM exit ---

// After the exit nobody has run yet: it is the entry before that was in vain.
static void judge_same(const struct seen *at) {
    const struct history_loop *l = &vmx_history_cpu(at->cpu)->loop[at->level];
    if (l->times != SAME_TIMES) return;
    struct report r = report_at(at->cpu, RULE_progress_same_exit, at->sight);
    add_exit(&r, at);
    r.same = at->sight->number;
    r.began = "the first of these exits";
    r.beginning = moment(at, l->first_step, l->exit.rip);
    report_file(at->reports, at->cpu, &r);
}

// --- VM exits that differ, and a guest that stands ---

static uint64_t registers(const struct history_exit *e) {
    uint64_t hash = e->rip;
    for (unsigned i = 0; i < 16; i++) {
        hash = (hash ^ e->gpr[i]) * 0x9e3779b97f4a7c15ull;
        hash ^= hash >> 29;
    }
    return hash;
}

static void judge_standing(struct stalled_level *p, const struct seen *at) {
    const struct history_loop *l = &vmx_history_cpu(at->cpu)->loop[at->level];
    const bool ran = l->entry_rip != l->exit.rip || guest_ran(at->cpu, at->level) > 1;
    const uint64_t state = ran ? 0 : registers(&l->exit);
    if (ran || state != p->state) p->stands = 0, p->stood_step = l->exit.step;
    p->state = state;
    if (ran || p->stands++ != STANDS_TIMES || l->times >= SAME_TIMES) return;
    struct report r = report_at(at->cpu, RULE_progress_stands, at->sight);
    add_exit(&r, at);
    r.began = "the first of these exits";
    r.beginning = moment(at, p->stood_step, l->exit.rip);
    report_file(at->reports, at->cpu, &r);
}

// --- storms ---

static void file_storm(const struct stalled_level *p, const struct seen *at) {
    struct report r = report_at(at->cpu, RULE_progress_storm, at->sight);
    report_value(&r, "VM exits", (struct place){0}, p->exits);
    report_value(&r, "instructions of the guest in them", (struct place){0}, p->ran);
    report_value(&r, "exit reason of most of them", (struct place){0}, p->reason);
    r.same = p->reason;
    r.began = "the first of them";
    r.beginning = moment(at, p->began_step, p->began_rip);
    report_file(at->reports, at->cpu, &r);
}

// One reason has the majority, if any has.
static void vote(struct stalled_level *p, uint64_t reason) {
    if (!p->votes) p->reason = reason;
    p->votes += p->reason == reason ? 1 : -1ull;
}

static void judge_storm(struct stalled_level *p, const struct seen *at) {
    const struct history_exit *e = guest_exit(at->cpu, at->level);
    if (!p->exits) p->began_step = e->step, p->began_rip = e->rip, p->ran = p->votes = 0;
    p->exits++;
    p->ran += guest_ran(at->cpu, at->level);
    vote(p, at->sight->number);
    if (p->exits < STORM_EXITS) return;
    if (p->ran < STORM_RAN * p->exits && p->votes) file_storm(p, at);
    p->exits = 0;
}

// --- closed interrupts ---

static void judge_closed(struct stalled_level *p, const struct seen *at) {
    const struct report_moment now = report_moment(at->cpu, at->sight);
    if (!(guest_field(at->cpu, FIELD_PROC_CONTROLS) & BIT(PROC_INTERRUPT_WINDOW_EXITING))) {
        p->closed_step = 0;
        return;
    }
    if (!p->closed_step) p->closed_step = now.step, p->closed_rip = at->cpu->rip;
    if (now.step - p->closed_step < CLOSED_STEPS) return;
    struct report r = report_at(at->cpu, RULE_progress_closed, at->sight);
    report_value(&r, "RFLAGS", place_of_field(at->sight->physical, FIELD_GUEST_RFLAGS),
                 guest_field(at->cpu, FIELD_GUEST_RFLAGS));
    r.began = "the VM entry that asked for the interrupt window";
    r.beginning = moment(at, p->closed_step, p->closed_rip);
    report_file(at->reports, at->cpu, &r);
    p->closed_step = 0;
}

// --- the detector ---

static void see(struct reports *reports, struct cpu *cpu, const struct sight *s, unsigned level) {
    struct stalled *stalled = reports->data[REPORT_PROGRESS];
    struct stalled_level *p = &stalled->level[cpu->id % MACHINE_CPUS][level % VMX_LEVELS];
    const struct seen at = {reports, cpu, s, level};
    if (s->kind == OBSERVE_ENTRY) {
        judge_closed(p, &at);
        return;
    }
    if (s->number == EXIT_INTERRUPT_WINDOW) p->closed_step = 0;
    judge_same(&at);
    judge_standing(p, &at);
    judge_storm(p, &at);
}

const struct detector detector_PROGRESS = {
    .wanted = BIT(OBSERVE_EXIT) | BIT(OBSERVE_ENTRY), .bytes = sizeof(struct stalled), .memory = &table, .see = see};

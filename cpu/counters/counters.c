// Performance counters; see counters.h. NOT IMPLEMENTED: cycles with several
// occurrences (a counter mask above 1 counts nothing), edges and inversion, PEBS, TSX.
#include "cpu/counters/counters.h"
#include "cpu/state/model.h"
#include "cpu/state/timing.h"

#define OVERFLOWN BIT(COUNTER_BITS)

static const struct {
    uint8_t event, mask;
    uint16_t most;
} sources[PERFORMANCE_SOURCES] = {
#define PERFORMANCE(name, event, mask, most, text) [COUNTS_##name] = {event, mask, most},
#include "cpu/state/performance.def"
};

#define FIELDS(member) STATE_ARRAY(struct performance, member)
#define FIELD(member) STATE_ONE(struct performance, member)
static const struct state_field fields[] = {
    STATE_ARRAY_TO(struct performance, counter, OVERFLOWN - 1),
    STATE_ARRAY_TO(struct performance, select, UINT32_MAX),
    FIELD(fixed_control),
    FIELD(global_control),
    FIELD(global_status),
    FIELDS(seen),
    STATE_ONE_TO(struct performance, user, 1),
    FIELD(branches),
    FIELD(branch_control),
    FIELDS(branch_from),
    FIELDS(branch_to),
    FIELDS(branch_information),
    FIELD(branch_cycle),
};
const struct state_table performance_state = STATE_TABLE("performance", fields);

// --- what a counter counts ---

static unsigned global_bit(unsigned counter) { return counter < PROGRAMMABLE ? counter : 32 + counter - PROGRAMMABLE; }

static enum performance_source source_of(const struct performance *p, unsigned counter) {
    static const uint8_t fixed[FIXED_FUNCTION] = {COUNTS_RETIRED, COUNTS_CYCLES, COUNTS_REFERENCE};
    if (counter >= PROGRAMMABLE) return (enum performance_source)fixed[counter - PROGRAMMABLE];
    uint64_t select = p->select[counter];
    if (select >> 24 & 0xff && (select >> 24 & 0xff) != 1) return COUNTS_NOTHING;
    for (unsigned s = 0; s < PERFORMANCE_SOURCES; s++)
        if ((select & 0xff) == sources[s].event && (select >> 8 & 0xff) == sources[s].mask)
            return (enum performance_source)s;
    return COUNTS_NOTHING;
}

// Bit 0: at CPL 0, bit 1: above; 0: it does not count.
static unsigned levels_of(const struct performance *p, unsigned counter) {
    const uint64_t enable = BIT(22);
    unsigned user = 16, fixed = 4 * (counter - PROGRAMMABLE);
    if (p->global_status & STATUS_COUNTERS_FROZEN || !(p->global_control & BIT(global_bit(counter)))) return 0;
    if (counter >= PROGRAMMABLE) return (unsigned)(p->fixed_control >> fixed & 3);
    uint64_t select = p->select[counter];
    return select & enable ? (unsigned)((select >> user & 1) << 1 | (select >> (user + 1) & 1)) : 0;
}

static bool interrupts(const struct performance *p, unsigned counter) {
    if (counter >= PROGRAMMABLE) return p->fixed_control >> (4 * (counter - PROGRAMMABLE)) & 8;
    return p->select[counter] & BIT(20);
}

static uint64_t counted_by_model(const struct cpu *cpu, enum performance_source source) {
    const struct timing *timing = cpu->wire.timing;
    return timing && timing->counted ? timing->counted(timing->state, source) : 0;
}

// How much there was of it until now; only differences mean anything.
static uint64_t counted(const struct cpu *cpu, const struct op *op, enum performance_source source) {
    uint64_t cycles = cpu_cycles(cpu, op) - cpu->time.idle_cycles;
    switch (source) {
    case COUNTS_RETIRED: return cpu_steps(cpu, op) - cpu->time.unretired;
    case COUNTS_CYCLES:
    case COUNTS_REFERENCE: return cycles;
    case COUNTS_SLOTS: return cycles * sources[COUNTS_SLOTS].most;
    case COUNTS_BRANCHES: return cpu->wire.timing ? counted_by_model(cpu, source) : cpu->performance.branches;
    case COUNTS_NOTHING: return 0;
    default: return counted_by_model(cpu, source);
    }
}

// Not cut to its width: from OVERFLOWN on it has overflowed.
static uint64_t value_now(const struct cpu *cpu, const struct op *op, unsigned counter) {
    const struct performance *p = &cpu->performance;
    uint64_t value = p->counter[counter];
    enum performance_source source = source_of(p, counter);
    if (!(levels_of(p, counter) & (p->user ? 2 : 1)) || source == COUNTS_NOTHING) return value;
    return value + counted(cpu, op, source) - p->seen[source];
}

uint64_t performance_value(const struct cpu *cpu, const struct op *op, unsigned counter) {
    return value_now(cpu, op, counter) & (OVERFLOWN - 1);
}

// --- overflow ---

static void interrupt(struct cpu *cpu) {
    const uint64_t freeze_branches = BIT(11), freeze_counters = BIT(12); // of IA32_DEBUGCTL
    struct performance *p = &cpu->performance;
    const struct platform *platform = cpu->wire.platform;
    if (cpu->msr.debugctl & freeze_branches) p->global_status |= STATUS_LBR_FROZEN;
    if (cpu->msr.debugctl & freeze_counters) p->global_status |= STATUS_COUNTERS_FROZEN;
    performance_update(cpu);
    if (platform && platform->performance_interrupt) platform->performance_interrupt(platform->machine, cpu);
}

static void see(struct cpu *cpu, const struct op *op) {
    struct performance *p = &cpu->performance;
    for (unsigned s = 0; s < PERFORMANCE_SOURCES; s++) p->seen[s] = counted(cpu, op, (enum performance_source)s);
    p->user = cpu_cpl(cpu) > 0;
}

void performance_renew(struct cpu *cpu) {
    see(cpu, NULL);
    performance_update(cpu);
}

void performance_settle(struct cpu *cpu, const struct op *op) {
    struct performance *p = &cpu->performance;
    bool asks = false;
    for (unsigned i = 0; i < COUNTERS; i++) {
        uint64_t value = value_now(cpu, op, i);
        p->counter[i] = value & (OVERFLOWN - 1);
        if (value < OVERFLOWN) continue;
        p->global_status |= BIT(global_bit(i));
        asks |= interrupts(p, i);
    }
    see(cpu, op);
    if (asks) interrupt(cpu);
}

// Up to there no counter can overflow, whatever happens. Levels are left out: what does not count now may begin to
// within the same run.
static void find_quiet(struct cpu *cpu) {
    struct performance *p = &cpu->performance;
    p->quiet_steps = p->quiet_cycle = ~0ull;
    for (unsigned i = 0; i < COUNTERS; i++) {
        enum performance_source source = source_of(p, i);
        if (source == COUNTS_NOTHING || !levels_of(p, i)) continue;
        uint64_t left = (OVERFLOWN - value_now(cpu, NULL, i)) / sources[source].most;
        bool cycles = source == COUNTS_CYCLES || source == COUNTS_REFERENCE || source == COUNTS_SLOTS;
        uint64_t until = (cycles ? cpu_cycles_now(cpu) : cpu->time.steps) + (left ? left : 1);
        uint64_t *quiet = cycles ? &p->quiet_cycle : &p->quiet_steps;
        if (until < *quiet) *quiet = until;
    }
}

static bool is_quiet(const struct cpu *cpu) {
    const struct performance *p = &cpu->performance;
    return cpu->time.steps < p->quiet_steps && cpu_cycles_now(cpu) < p->quiet_cycle;
}

void performance_look(struct cpu *cpu) {
    if (is_quiet(cpu)) return;
    for (unsigned i = 0; i < COUNTERS; i++)
        if (levels_of(&cpu->performance, i) && value_now(cpu, NULL, i) >= OVERFLOWN) {
            performance_settle(cpu, NULL);
            return;
        }
}

void performance_limits(struct cpu *cpu, uint64_t *steps, uint64_t *cycle) {
    const struct performance *p = &cpu->performance;
    if (!is_quiet(cpu)) find_quiet(cpu);
    if (p->quiet_steps - cpu->time.steps < *steps) *steps = p->quiet_steps - cpu->time.steps;
    if (p->quiet_cycle < *cycle) *cycle = p->quiet_cycle;
}

// --- from outside ---

static bool counts(const struct performance *p, enum performance_source source) {
    for (unsigned i = 0; i < COUNTERS; i++)
        if (levels_of(p, i) && source_of(p, i) == source) return true;
    return false;
}

void performance_derive(struct cpu *cpu) {
    struct performance *p = &cpu->performance;
    p->on = p->filters = false;
    p->quiet_steps = p->quiet_cycle = 0;
    for (unsigned i = 0; i < COUNTERS; i++) {
        unsigned levels = levels_of(p, i);
        p->on |= levels != 0;
        p->filters |= levels == 1 || levels == 2;
    }
    p->each = performance_records(p) || (!cpu->wire.timing && counts(p, COUNTS_BRANCHES));
}

// The limits of the run are others now.
void performance_update(struct cpu *cpu) {
    performance_derive(cpu);
    cpu->attention |= ATTENTION_MACHINE;
}

void performance_reset(struct cpu *cpu, bool init) {
    struct performance *p = &cpu->performance;
    if (!cpu_model_has(cpu->wire.model, FEATURE_PMU)) return;
    if (init)
        p->branch_control &= ~1ull;
    else
        *p = (struct performance){.global_control = BIT(PROGRAMMABLE) - 1}; // SDM Vol. 3B, 19.2.2
    performance_settle(cpu, NULL);
    performance_derive(cpu);
}

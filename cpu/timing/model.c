// A core as the processor asks it: what begins, what retired, what it took.
#include "cpu/timing/model_state.h"
#include <stdlib.h>

static const struct state_field fields[] = {
    STATE_ONE(struct timing_model, pipeline.rename),
    STATE_ONE(struct timing_model, pipeline.retire),
    STATE_ONE(struct timing_model, pipeline.supplied),
    STATE_ONE(struct timing_model, pipeline.drained),
    STATE_ONE(struct timing_model, pipeline.committed),
    STATE_ONE(struct timing_model, pipeline.commit_line),
    STATE_ONE(struct timing_model, pipeline.commit_paired),
    STATE_ONE_TO(struct timing_model, pipeline.fuse, FUSE_ZERO),
    STATE_ONE(struct timing_model, pipeline.entry),
    STATE_ONE(struct timing_model, pipeline.store),
    STATE_ONE(struct timing_model, pipeline.wide),
    STATE_ONE(struct timing_model, pipeline.recent),
    STATE_ARRAY(struct timing_model, pipeline.ready),
    STATE_ARRAY(struct timing_model, pipeline.stores),
    STATE_ARRAY(struct timing_model, pipeline.taken),
    STATE_WORDS(struct timing_model, pipeline.granule),
    STATE_ARRAY(struct timing_model, pipeline.entries),
    STATE_ARRAY(struct timing_model, pipeline.version),
    STATE_ARRAY(struct timing_model, pipeline.offset),
    STATE_ARRAY_TO(struct timing_model, pipeline.logic, 1),
    STATE_ARRAY(struct timing_model, memory.l1d),
    STATE_ARRAY(struct timing_model, memory.l1i),
    STATE_ARRAY(struct timing_model, memory.l2),
    STATE_ARRAY(struct timing_model, memory.l3),
    STATE_ARRAY(struct timing_model, memory.dtlb),
    STATE_ARRAY(struct timing_model, memory.itlb),
    STATE_ARRAY(struct timing_model, memory.stlb),
    STATE_ARRAY(struct timing_model, memory.structure),
    STATE_ARRAY(struct timing_model, memory.nested),
    STATE_ARRAY(struct timing_model, memory.stream),
    STATE_ONE(struct timing_model, memory.next_stream),
    STATE_ONE(struct timing_model, memory.streamed),
    STATE_ARRAY(struct timing_model, branch.base),
    STATE_ARRAY(struct timing_model, branch.tagged),
    STATE_ARRAY(struct timing_model, branch.target),
    STATE_ARRAY(struct timing_model, branch.returns),
    STATE_ONE(struct timing_model, branch.top),
    STATE_ONE(struct timing_model, branch.history),
    STATE_ARRAY(struct timing_model, vtx.checked),
    STATE_ARRAY(struct timing_model, decoded),
    STATE_ONE(struct timing_model, line),
    STATE_ONE(struct timing_model, in_line),
    STATE_ONE(struct timing_model, event),
    STATE_ONE(struct timing_model, string),
    STATE_ONE(struct timing_model, non_root),
    STATE_ONE(struct timing_model, wrong),
    STATE_WORDS(struct timing_model, account.level),
    STATE_WORDS(struct timing_model, account.reason),
    STATE_ONE_TO(struct timing_model, account.running, TIMING_LEVELS - 1),
    STATE_ONE_TO(struct timing_model, account.left, 2 * TIMING_REASONS),
    STATE_ARRAY(struct timing_model, account.since),
};

// Nothing is due later than the longest instruction can take after what has retired.
static bool soon(const struct pipeline *p, const uint64_t *times, unsigned count) {
    enum { LONGEST = 1 << 20 };
    for (unsigned i = 0; i < count; i++)
        if (times[i] > slot_cycle(p->retire) + LONGEST) return false;
    return true;
}

static bool model_possible(const void *object) {
    const struct pipeline *p = &((const struct timing_model *)object)->pipeline;
    const uint64_t times[] = {slot_cycle(p->rename), p->supplied, p->committed, p->drained, p->wide / 2};
    return slot_cycle(p->retire) < 1ull << 58 && soon(p, times, sizeof times / sizeof *times) &&
           soon(p, p->ready, TIMED_SINK) && soon(p, p->stores, PIPELINE_STORES);
}

static const struct state_table model_state = STATE_TABLE("timing", fields, model_possible);

static const struct {
    const char *name, *text;
} models[CORE_KINDS] = {
    [GOLDEN_COVE] = {"golden-cove", "Sapphire and Emerald Rapids"},
    [SKYLAKE_SP] = {"skylake-sp", "Skylake and Cascade Lake servers"},
};

// --- between attempts ---

// Everything that was under way ends, and nothing goes on for so many cycles.
static uint64_t stand(struct timing_model *m, uint64_t cycles) {
    struct pipeline *p = &m->pipeline;
    uint64_t before = slot_cycle(p->retire), after = later(p->drained, before) + cycles;
    p->retire = after << SLOT_BITS;
    p->supplied = p->drained = after;
    return after - before;
}

uint64_t pay_for(struct timing_model *m, enum timing_count kind, uint64_t cycles) {
    uint64_t took = stand(m, cycles);
    counts_now(m)->of[kind] += took;
    return took;
}

enum due { DUE_EVENT = 1, DUE_EXIT = 2, DUE_ENTRY = 4 };

static uint64_t crossed(struct timing_model *m, const struct cpu *cpu) {
    if (likely(m->non_root == cpu->intercepts.non_root)) return 0;
    m->non_root = cpu->intercepts.non_root;
    return m->non_root ? DUE_ENTRY : DUE_EXIT;
}

static COLD uint64_t cross(struct timing_model *m, const struct cpu *cpu, bool exit) {
    struct timing_crossing c;
    m->crossing(cpu, &c);
    unsigned level = c.level < TIMING_LEVELS ? c.level : TIMING_LEVELS - 1u;
    m->account.running = level;
    struct timing_counts *counts = counts_now(m);
    uint64_t cycles = exit ? vtx_exit(&m->memory, counts, &m->core, cpu, &c)
                           : vtx_entry(&m->vtx, &m->memory, counts, &m->core, cpu, &c);
    uint64_t took = pay_for(m, exit ? CYCLES_EXITS : CYCLES_ENTRIES, cycles);
    if (exit)
        account_exit(&m->account, level, c.reason, took);
    else
        account_entry(&m->account, took);
    return took;
}

static COLD uint64_t pay(struct timing_model *m, const struct cpu *cpu, uint64_t due) {
    uint64_t took = 0;
    if (due & DUE_EVENT) took += pay_for(m, CYCLES_EVENTS, m->core.event_cycles);
    if (due & (DUE_EXIT | DUE_ENTRY)) took += cross(m, cpu, due & DUE_EXIT);
    return took;
}

// A repeated string instruction that goes on does not retire, and is no fault.
static bool repeats(const struct timing_model *m, const struct cpu *cpu) {
    return m->begun.kind & RECIPE_STRING && cpu->rip == m->rip;
}

// All that an attempt took, with what came before it.
static uint64_t end(struct timing_model *m, const struct cpu *cpu, uint64_t to, bool begun, bool faulted) {
    uint64_t took = 0;
    if (unlikely(m->event)) took = pay(m, cpu, m->event);
    m->event = 0;
    if (begun && !faulted) took += passes[m->begun.shape](m, cpu, to);
    uint64_t due = crossed(m, cpu);
    if (unlikely(due)) took += pay(m, cpu, due);
    if (faulted && !due) took += pay_for(m, CYCLES_EVENTS, m->core.fault_cycles + m->core.event_cycles);
    return took;
}

uint64_t begin_rarely(struct timing_model *m, struct cpu *cpu, const struct op *op, const struct timing_note *note) {
    uint64_t took = 0, rip = cpu->rip + op->offset;
    if (cpu->attempt.begun)
        took = end(m, cpu, rip, true, false);
    else
        m->event |= crossed(m, cpu) | (cpu->attempt.after_event ? DUE_EVENT : 0);
    begin_next(m, cpu, op, note, rip);
    return took;
}

static uint64_t model_retire(void *state, const struct cpu *cpu, const struct retired *retired) {
    struct timing_model *m = state;
    if (retired->stopped) return 0;
    if (!retired->begun) m->event |= crossed(m, cpu) | (retired->after_event ? DUE_EVENT : 0);
    bool faulted = !retired->retired && !(retired->begun && repeats(m, cpu));
    return end(m, cpu, cpu->rip, retired->begun, faulted);
}

static void model_note(const void *state, const struct insn *insn, struct timing_note *out) {
    const struct timing_model *m = state;
    struct recipe recipe;
    recipe_make(insn, &m->core, &recipe);
    memcpy(out, &recipe, sizeof recipe);
}

static uint64_t model_counted(const void *state, enum performance_source source) {
    static const uint8_t counts[PERFORMANCE_SOURCES] = {
        [COUNTS_BRANCHES] = TIMING_BRANCHES,   [COUNTS_MISPREDICTED] = TIMING_MISPREDICTED,
        [COUNTS_L3_REFERENCES] = TIMING_L2_MISSES, [COUNTS_L3_MISSES] = TIMING_L3_MISSES,
        [COUNTS_ACCESSES] = TIMING_ACCESSES,   [COUNTS_L1_MISSED] = TIMING_L1_MISSES,
        [COUNTS_L2_MISSED] = TIMING_L2_MISSES, [COUNTS_L3_MISSED] = TIMING_L3_MISSES,
        [COUNTS_STLB_HITS] = TIMING_STLB_HITS, [COUNTS_WALKS] = TIMING_WALKS,
    };
    const struct timing_account *a = &((const struct timing_model *)state)->account;
    uint64_t sum = 0;
    for (unsigned level = 0; counts[source] && level < TIMING_LEVELS; level++) sum += a->level[level].of[counts[source]];
    return sum;
}

// --- from outside ---

const char *timing_model_name(unsigned index, const char **text) {
    if (index >= CORE_KINDS) return NULL;
    if (text) *text = models[index].text;
    return models[index].name;
}

static enum core_kind kind_of(const char *name) {
    unsigned kind = 0;
    while (kind < CORE_KINDS && strcmp(models[kind].name, name)) kind++;
    return (enum core_kind)kind;
}

static void no_crossing(const struct cpu *cpu, struct timing_crossing *out) {
    (void)cpu;
    *out = (struct timing_crossing){.vmcs = ~0ull, .level = 1};
}

struct timing_model *timing_model_new(const char *name, timing_crossing_fn *crossing) {
    enum core_kind kind = kind_of(name);
    if (kind == CORE_KINDS) return NULL;
    struct timing_model *m = calloc(1, sizeof *m);
    if (!m) return NULL;
    core_read(kind, &m->core);
    m->crossing = crossing ? crossing : no_crossing;
    m->timing = (struct timing){m, &model_state, model_retire, begins[SHAPE_ANY], model_note, model_counted};
    return m;
}

void timing_model_begin(struct timing_model *m, const struct cpu *cpu) {
    struct timing_crossing c;
    m->non_root = cpu->intercepts.non_root;
    if (!m->non_root) return;
    m->crossing(cpu, &c);
    m->account.running = c.level < TIMING_LEVELS ? c.level : TIMING_LEVELS - 1u;
}

void timing_model_free(struct timing_model *m) { free(m); }

const struct timing_account *timing_model_account(const struct timing_model *m) { return &m->account; }

const struct timing *timing_model_timing(const struct timing_model *m) { return &m->timing; }

// An attempt passes the pipeline: its line of code, its memory, the scoreboard, its branch. One function for each
// shape.
#include "cpu/memory/access.h"
#include "cpu/timing/cache.h"
#include "cpu/timing/model_state.h"
#include "cpu/pipeline/shape.h"

// --- code ---

// Another line of code: it comes through TLB and L1, and its micro-operations may have to be decoded.
static COLD uint64_t fetch(struct timing_model *m, const struct cpu *cpu, uint64_t line) {
    bool dense = m->in_line > m->core.dense_instructions && m->in_line % DECODED_WIDTH;
    m->line = line;
    m->in_line = 0;
    struct pipeline *p = &m->pipeline;
    uint32_t cycles = memory_fetch(&m->memory, counts_now(m), &m->core, cpu, line << 6);
    uint32_t *set = m->decoded + (line & (DECODED_SETS - 1)) * DECODED_WAYS;
    if (!ways_use(set, DECODED_WAYS, tag_of(line + 1), true)) cycles += m->core.decode_cycles;
    cycles += dense;
    if (cycles) p->supplied = later(p->supplied, slot_cycle(p->rename)) + cycles;
    return cycles;
}

// --- where an attempt's cycles went ---

static uint64_t part_of(uint64_t *took, uint64_t cycles) {
    uint64_t part = cycles < *took ? cycles : *took;
    *took -= part;
    return part;
}

static __attribute__((noinline)) void spent_waiting(struct timing_model *m, uint64_t took, uint64_t wrong,
                                                    uint64_t fetched, uint64_t data) {
    struct timing_counts *counts = counts_now(m);
    uint32_t *walked = m->memory.walked;
    uint64_t walks = walked[0] + walked[1], of_code = fetched < walks ? fetched : walks, of_data = walks - of_code;
    counts->of[CYCLES_PREDICTION] += part_of(&took, wrong);
    counts->of[CYCLES_WALKS] += part_of(&took, walked[0]);
    counts->of[CYCLES_NESTED_WALKS] += part_of(&took, walked[1]);
    counts->of[CYCLES_FETCH] += part_of(&took, fetched - of_code);
    counts->of[m->memory.from] += part_of(&took, data > of_data ? data - of_data : 0);
    counts->of[CYCLES_PIPELINE] += took;
    walked[0] = walked[1] = 0;
}

// As much as they can explain to what it waited for, the rest to the pipeline.
ALWAYS_INLINE void spent(struct timing_model *m, uint64_t took, uint64_t fetched, uint64_t data) {
    counts_now(m)->of[TIMING_ATTEMPTS]++;
    if (unlikely(m->wrong | fetched | data))
        spent_waiting(m, took, m->wrong ? m->core.mispredict_cycles : 0, fetched, data);
    else
        counts_now(m)->of[CYCLES_PIPELINE] += took;
}

// --- shapes ---

// --- what begins ---

ALWAYS_INLINE uint64_t address_of(struct cpu *cpu, const struct op *op, const struct recipe *r) {
    if (r->kind & RECIPE_PUSH) return cpu->gpr[RSP] - r->bytes;
    if (r->kind & RECIPE_POP) return cpu->gpr[RSP];
    if (r->kind & RECIPE_STRING) return cpu->gpr[r->kind & RECIPE_STORE ? RDI : RSI];
    if (likely(!op->ea)) return op_linear_flat(cpu, op);
    return op_effective_address(cpu, op) + cpu->segment_base[op->ea & EA_SEGMENT];
}

// What rare shapes want to know of the processor before the attempt.
static COLD void look_closer(struct timing_model *m, const struct cpu *cpu) {
    if (m->begun.shape == SHAPE_VTX) m->encoding = cpu->gpr[m->begun.field];
    if (m->begun.shape != SHAPE_STRING) return;
    m->string_source = cpu->gpr[RSI];
    if (!cpu->gpr[RCX]) m->address = NO_ADDRESS;
}

ALWAYS_INLINE void next_take(struct timing_model *m, struct cpu *cpu, const struct op *op,
                             const struct timing_note *note, uint64_t rip) {
    const struct recipe *next = &m->begun;
    memcpy(&m->begun, note, sizeof m->begun);
    m->rip = rip;
    m->timing.begin = begins[next->shape];
    if (next->kind & (RECIPE_LOAD | RECIPE_STORE)) m->address = address_of(cpu, op, next);
    if (unlikely(next->shape <= SHAPE_VTX)) look_closer(m, cpu);
}
void begin_next(struct timing_model *m, struct cpu *cpu, const struct op *op, const struct timing_note *note,
                uint64_t rip) {
    next_take(m, cpu, op, note, rip);
}

// What is the same for all: `how` is the scoreboard's part.
#define PASS(name, accesses, branches, how)                                                                            \
    ALWAYS_INLINE uint64_t inline_##name(struct timing_model *m, const struct cpu *cpu, uint64_t to) {                 \
        const struct recipe *r = &m->begun;                                                                            \
        struct pipeline *p = &m->pipeline;                                                                             \
        struct memory_answer memory = {.latency = 0};                                                                  \
        uint64_t before = slot_cycle(p->retire), fetched = fetched_by(m, cpu);                                         \
        if (accesses) memory_pass(m, cpu, &memory);                                                                    \
        uint64_t done = how, took = slot_cycle(p->retire) - before;                                                    \
        spent(m, took, fetched, accesses ? memory.latency : 0);                                                        \
        m->wrong = 0;                                                                                                  \
        if (branches) branch_ends(m, done, to);                                                                        \
        (void)memory, (void)done, (void)to;                                                                            \
        return took;                                                                                                   \
    }                                                                                                                  \
    BOTH(name)
// As a function, and together with what begins behind it.
#define BOTH(name)                                                                                                     \
    static uint64_t pass_##name(struct timing_model *m, const struct cpu *cpu, uint64_t to) {                          \
        return inline_##name(m, cpu, to);                                                                              \
    }                                                                                                                  \
    static uint64_t begin_##name(void *state, struct cpu *cpu, const struct op *op, const struct timing_note *note) {  \
        struct timing_model *m = state;                                                                                \
        uint64_t rip = cpu->rip + op->offset;                                                                          \
        if (unlikely(!cpu->attempt.begun || m->event || m->non_root != cpu->intercepts.non_root))                      \
            return begin_rarely(m, cpu, op, note);                                                                     \
        uint64_t took = inline_##name(m, cpu, rip);                                                                    \
        next_take(m, cpu, op, note, rip);                                                                              \
        return took;                                                                                                   \
    }

ALWAYS_INLINE uint64_t fetched_by(struct timing_model *m, const struct cpu *cpu) {
    uint64_t line = m->rip >> 6, fetched = unlikely(line != m->line) ? fetch(m, cpu, line) : 0;
    m->in_line++;
    return fetched;
}

ALWAYS_INLINE void memory_pass(struct timing_model *m, const struct cpu *cpu, struct memory_answer *out) {
    out->linear = m->address;
    out->latency = memory_access(&m->memory, counts_now(m), &m->core, cpu, m->address, &out->address);
    out->crosses_line = (m->address & 63) + m->begun.bytes > 64;
}

ALWAYS_INLINE void branch_ends(struct timing_model *m, uint64_t done, uint64_t to) {
    m->wrong = branch_pass(&m->branch, counts_now(m), m->begun.branch, m->rip, m->begun.length, to);
    if (unlikely(m->wrong)) m->pipeline.supplied = done + m->core.mispredict_cycles;
}

#define SHAPE(name, loads, stores, own, branches, more)                                                                \
    PASS(name, (loads) || (stores), branches, shape_pass(p, &m->core, r, &memory, loads, stores, own, more))
RECIPE_SHAPES(SHAPE)
#undef SHAPE
PASS(RENAMED, false, false, shape_renamed(p, &m->core, r))
PASS(IMMEDIATE, false, false, shape_immediate(p, &m->core, r))
PASS(BRANCH, false, true, shape_branch(p, &m->core, r))
PASS(ANY, r->kind &(RECIPE_LOAD | RECIPE_STORE), r->branch, pipeline_pass_any(p, &m->core, r, &memory))

ALWAYS_INLINE uint64_t inline_VTX(struct timing_model *m, const struct cpu *cpu, uint64_t to) {
    struct timing_crossing c;
    uint64_t took = pass_ANY(m, cpu, to);
    m->crossing(cpu, &c);
    uint64_t cycles =
        vtx_instruction(&m->vtx, &m->memory, counts_now(m), &m->core, cpu, m->begun.vtx, m->encoding, c.vmcs);
    return took + (cycles ? pay_for(m, m->memory.from, cycles) : 0);
}
BOTH(VTX)

// REP MOVS and REP STOS move as much at a time as a chunk holds: iterations within one take nothing. What is not in the
// L1 comes in several lines at a time.
enum { CHUNK_BITS = 5 };
ALWAYS_INLINE uint64_t inline_STRING(struct timing_model *m, const struct cpu *cpu, uint64_t to) {
    uint64_t chunk = (m->address >> CHUNK_BITS) << 1 | 1, before = m->string, took = 0, at;
    m->string = to == m->rip ? chunk : 0;
    counts_now(m)->of[TIMING_ATTEMPTS]++;
    if (before == chunk) return 0;
    if (!before) {
        (void)fetched_by(m, cpu);
        took = pay_for(m, CYCLES_PIPELINE, m->core.string_cycles);
    }
    if (m->address == NO_ADDRESS) return took;
    uint32_t latency = memory_access(&m->memory, counts_now(m), &m->core, cpu, m->address, &at);
    if (m->begun.kind & RECIPE_LOAD)
        latency += memory_access(&m->memory, counts_now(m), &m->core, cpu, m->string_source, &at);
    m->memory.walked[0] = m->memory.walked[1] = 0; // they overlap with what comes before
    if (latency) took += pay_for(m, m->memory.from, latency / m->core.lines_at_once);
    return took + pay_for(m, CYCLES_PIPELINE, 1);
}
BOTH(STRING)

#define ALL_SHAPES(ENTRY) ENTRY(ANY) ENTRY(STRING) ENTRY(VTX) ENTRY(RENAMED) ENTRY(IMMEDIATE) ENTRY(BRANCH)
pass_fn *const passes[SHAPE_COUNT] = {
#define ENTRY(name) [SHAPE_##name] = pass_##name,
#define SHAPE(name, loads, stores, own, branches, more) [SHAPE_##name] = pass_##name,
    ALL_SHAPES(ENTRY) RECIPE_SHAPES(SHAPE)
#undef ENTRY
#undef SHAPE
};
timing_begin_fn *const begins[SHAPE_COUNT] = {
#define ENTRY(name) [SHAPE_##name] = begin_##name,
#define SHAPE(name, loads, stores, own, branches, more) [SHAPE_##name] = begin_##name,
    ALL_SHAPES(ENTRY) RECIPE_SHAPES(SHAPE)
#undef ENTRY
#undef SHAPE
};

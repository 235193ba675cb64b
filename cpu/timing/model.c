// A core as the processor asks it: what begins, what retired, what it took.
#include "cpu/timing/model.h"
#include "cpu/memory/access.h"
#include "cpu/timing/branch.h"
#include "cpu/timing/cache.h"
#include "cpu/timing/memory.h"
#include "cpu/timing/vtx.h"
#include <stdlib.h>

enum { DECODED_SETS = 64, DECODED_WAYS = 8, DECODED_WIDTH = 8 /* micro-operations that come together */ };

struct timing_model {
    // state
    struct pipeline pipeline;
    struct memory_model memory;
    struct branch_model branch;
    struct vtx_model vtx;
    uint32_t decoded[DECODED_SETS * DECODED_WAYS]; // windows of code whose micro-operations are kept
    uint64_t line;                                 // of code that was fetched last
    uint64_t in_line;                              // instructions that came from it
    uint64_t event;                                // enum due: what the next attempt pays for
    uint64_t wrong;                                // the attempt before was a branch predicted wrongly
    struct timing_counts counts;
    uint64_t non_root; // the attempt before ended in VMX non-root operation
    // derived
    struct recipe begun;   // within a run of blocks: the attempt that goes on
    uint64_t address, rip; // of its memory operand; its own
    uint64_t encoding;     // of the field that it names
    timing_crossing_fn *crossing;
    struct core core;
    struct timing timing;
};

static const struct state_field fields[] = {
    STATE_WORDS(struct timing_model, pipeline),
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
    STATE_ONE(struct timing_model, non_root),
    STATE_ONE(struct timing_model, wrong),
    STATE_ARRAY(struct timing_model, counts.of),
};

// Nothing is due later than the longest instruction can take after what has retired.
static bool soon(const struct pipeline *p, const uint64_t *times, unsigned count) {
    enum { LONGEST = 1 << 20 };
    for (unsigned i = 0; i < count; i++)
        if (times[i] > p->retired + LONGEST) return false;
    return true;
}

static bool model_possible(const void *object) {
    const struct pipeline *p = &((const struct timing_model *)object)->pipeline;
    const uint64_t times[] = {p->renamed, p->supplied, p->committed, p->drained, p->wide / 2};
    return p->retired < 1ull << 62 && soon(p, times, sizeof times / sizeof *times) &&
           soon(p, p->ready, TIMED_REGISTERS) && soon(p, p->entries, PIPELINE_ENTRIES) &&
           soon(p, p->stores, PIPELINE_STORES);
}

static const struct state_table model_state = STATE_TABLE("timing", fields, model_possible);

static const struct {
    const char *name, *text;
} models[CORE_KINDS] = {
    [GOLDEN_COVE] = {"golden-cove", "Sapphire and Emerald Rapids"},
    [SKYLAKE_SP] = {"skylake-sp", "Skylake and Cascade Lake servers"},
};

// --- an attempt ---

static uint64_t address_of(struct cpu *cpu, const struct op *op, const struct recipe *r) {
    if (r->kind & RECIPE_PUSH) return cpu->gpr[RSP] - r->bytes;
    if (r->kind & RECIPE_POP) return cpu->gpr[RSP];
    if (r->kind & RECIPE_STRING) return cpu->gpr[r->kind & RECIPE_STORE ? RDI : RSI];
    if (likely(!op->ea)) return op_linear_flat(cpu, op);
    return op_effective_address(cpu, op) + cpu->segment_base[op->ea & EA_SEGMENT];
}

// Another line of code: it comes through TLB and L1, and its micro-operations may have to be decoded.
static COLD uint64_t fetch(struct timing_model *m, const struct cpu *cpu, uint64_t line) {
    bool dense = m->in_line > m->core.dense_instructions && m->in_line % DECODED_WIDTH;
    m->line = line;
    m->in_line = 0;
    struct pipeline *p = &m->pipeline;
    uint32_t cycles = memory_fetch(&m->memory, &m->counts, &m->core, cpu, line << 6);
    uint32_t *set = m->decoded + (line & (DECODED_SETS - 1)) * DECODED_WAYS;
    if (!ways_use(set, DECODED_WAYS, tag_of(line + 1), true)) cycles += m->core.decode_cycles;
    cycles += dense;
    if (cycles) p->supplied = (p->supplied > p->renamed ? p->supplied : p->renamed) + cycles;
    return cycles;
}

// Everything that was under way ends, and nothing goes on for so many cycles.
static uint64_t stand(struct timing_model *m, uint64_t cycles) {
    struct pipeline *p = &m->pipeline;
    uint64_t before = p->retired;
    p->retired = (p->drained > p->retired ? p->drained : p->retired) + cycles;
    p->retire_slots = 0;
    p->supplied = p->drained = p->retired;
    return p->retired - before;
}

static uint64_t pay_for(struct timing_model *m, enum timing_count kind, uint64_t cycles) {
    uint64_t took = stand(m, cycles);
    m->counts.of[kind] += took;
    return took;
}

static uint64_t part_of(uint64_t *took, uint64_t cycles) {
    uint64_t part = cycles < *took ? cycles : *took;
    *took -= part;
    return part;
}

// Where an attempt's cycles went: as much as they can explain to what it waited for, the rest to the pipeline.
ALWAYS_INLINE void spent(struct timing_model *m, uint64_t took, uint64_t wrong, uint64_t fetched, uint64_t data) {
    m->counts.of[TIMING_ATTEMPTS]++;
    if (unlikely((wrong | fetched | data) && took)) {
        m->counts.of[CYCLES_PREDICTION] += part_of(&took, wrong);
        m->counts.of[CYCLES_FETCH] += part_of(&took, fetched);
        m->counts.of[CYCLES_DATA] += part_of(&took, data);
    }
    m->counts.of[CYCLES_PIPELINE] += took;
}

static COLD uint64_t pass_vtx(struct timing_model *m, const struct cpu *cpu) {
    struct timing_crossing c;
    m->crossing(cpu, &c);
    uint64_t cycles =
        vtx_instruction(&m->vtx, &m->memory, &m->counts, &m->core, cpu, m->begun.vtx, m->encoding, c.vmcs);
    return cycles ? pay_for(m, CYCLES_DATA, cycles) : 0;
}

// The attempt passes the pipeline, now that it has ended; the next one is at `to`.
ALWAYS_INLINE uint64_t pass(struct timing_model *m, const struct cpu *cpu, uint64_t to) {
    const struct recipe *r = &m->begun;
    struct pipeline *p = &m->pipeline;
    uint64_t before = p->retired, line = m->rip >> 6;
    struct memory_answer memory = {.address = m->address, .linear = m->address};
    uint64_t fetched = unlikely(line != m->line) ? fetch(m, cpu, line) : 0, wrong = m->wrong;
    m->in_line++;
    if (r->kind & (RECIPE_LOAD | RECIPE_STORE)) {
        memory.latency = memory_access(&m->memory, &m->counts, &m->core, cpu, m->address, &memory.address);
        memory.crosses_line = (m->address & 63) + r->bytes > 64;
    }
    uint64_t done = pipeline_pass(p, &m->core, r, &memory);
    m->wrong = r->branch && branch_pass(&m->branch, &m->counts, r->branch, m->rip, r->length, to);
    if (m->wrong) p->supplied = done + m->core.mispredict_cycles;
    uint64_t took = p->retired - before;
    spent(m, took, wrong ? m->core.mispredict_cycles : 0, fetched, memory.latency);
    if (unlikely(r->vtx)) took += pass_vtx(m, cpu);
    return took;
}

// --- between attempts ---

enum due { DUE_EVENT = 1, DUE_EXIT = 2, DUE_ENTRY = 4 };

static uint64_t crossed(struct timing_model *m, const struct cpu *cpu) {
    if (likely(m->non_root == cpu->intercepts.non_root)) return 0;
    m->non_root = cpu->intercepts.non_root;
    return m->non_root ? DUE_ENTRY : DUE_EXIT;
}

static COLD uint64_t cross(struct timing_model *m, const struct cpu *cpu, bool exit) {
    struct timing_crossing c;
    m->crossing(cpu, &c);
    if (exit) return pay_for(m, CYCLES_EXITS, vtx_exit(&m->memory, &m->counts, &m->core, cpu, &c));
    return pay_for(m, CYCLES_ENTRIES, vtx_entry(&m->vtx, &m->memory, &m->counts, &m->core, cpu, &c));
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
    if (begun && !faulted) took += pass(m, cpu, to);
    uint64_t due = crossed(m, cpu);
    if (unlikely(due)) took += pay(m, cpu, due);
    if (faulted && !due) took += pay_for(m, CYCLES_EVENTS, m->core.fault_cycles + m->core.event_cycles);
    return took;
}

static uint64_t model_begin(void *state, struct cpu *cpu, const struct op *op, const struct timing_note *note) {
    struct timing_model *m = state;
    uint64_t took = 0, rip = cpu->rip + op->offset;
    if (likely(cpu->attempt.begun))
        took = end(m, cpu, rip, true, false);
    else
        m->event |= crossed(m, cpu) | (cpu->attempt.after_event ? DUE_EVENT : 0);
    memcpy(&m->begun, note, sizeof m->begun);
    m->rip = rip;
    if (m->begun.kind & (RECIPE_LOAD | RECIPE_STORE)) m->address = address_of(cpu, op, &m->begun);
    if (unlikely(m->begun.vtx)) m->encoding = cpu->gpr[m->begun.field];
    return took;
}

static uint64_t model_retire(void *state, const struct cpu *cpu, const struct retired *retired) {
    struct timing_model *m = state;
    if (retired->stopped) return 0;
    if (!retired->begun) m->event |= crossed(m, cpu) | (retired->after_event ? DUE_EVENT : 0);
    bool faulted = !retired->retired && !(retired->begun && repeats(m, cpu));
    return end(m, cpu, cpu->rip, retired->begun, faulted);
}

static void model_note(const struct insn *insn, struct timing_note *out) {
    struct recipe recipe;
    recipe_make(insn, &recipe);
    memcpy(out, &recipe, sizeof recipe);
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
    *out = (struct timing_crossing){.vmcs = ~0ull};
}

struct timing_model *timing_model_new(const char *name, timing_crossing_fn *crossing) {
    enum core_kind kind = kind_of(name);
    if (kind == CORE_KINDS) return NULL;
    struct timing_model *m = calloc(1, sizeof *m);
    if (!m) return NULL;
    core_read(kind, &m->core);
    m->crossing = crossing ? crossing : no_crossing;
    m->timing = (struct timing){m, &model_state, model_retire, model_begin, model_note};
    return m;
}

void timing_model_begin(struct timing_model *m, const struct cpu *cpu) { m->non_root = cpu->intercepts.non_root; }

void timing_model_free(struct timing_model *m) { free(m); }

const struct timing_counts *timing_model_counts(const struct timing_model *m) { return &m->counts; }

const char *timing_count_text(unsigned count) {
    static const char *const texts[TIMING_COUNTS] = {
#define CYCLES(name, text) [CYCLES_##name] = text,
#define OCCURRED(name, text) [TIMING_##name] = text,
#include "cpu/timing/count.def"
#undef CYCLES
#undef OCCURRED
    };
    return count < TIMING_COUNTS ? texts[count] : NULL;
}

const struct timing *timing_model_timing(const struct timing_model *m) { return &m->timing; }

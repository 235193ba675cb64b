// A core as the processor asks it: what begins, what retired, what it took.
#include "cpu/timing/model.h"
#include "cpu/memory/access.h"
#include "cpu/timing/branch.h"
#include "cpu/timing/cache.h"
#include "cpu/timing/memory.h"
#include <stdlib.h>

enum { DECODED_SETS = 64, DECODED_WAYS = 8 };

struct timing_model {
    // state
    struct pipeline pipeline;
    struct memory_model memory;
    struct branch_model branch;
    uint32_t decoded[DECODED_SETS * DECODED_WAYS]; // windows of code whose micro-operations are kept
    uint64_t line;                                 // of code that was fetched last
    uint64_t event;                                // enum due: what the next attempt pays for
    uint64_t non_root;                             // the attempt before ended in VMX non-root operation
    // counts
    struct memory_counts memory_counts;
    struct branch_counts branch_counts;
    // derived
    struct recipe begun;   // within a run of blocks: the attempt that goes on
    uint64_t address, rip; // of its memory operand; its own
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
    STATE_ARRAY(struct timing_model, decoded),
    STATE_ONE(struct timing_model, line),
    STATE_ONE(struct timing_model, event),
    STATE_ONE(struct timing_model, non_root),
};
static const struct state_table model_state = STATE_TABLE("timing", fields);

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
static COLD void fetch(struct timing_model *m, const struct cpu *cpu, uint64_t line) {
    m->line = line;
    struct pipeline *p = &m->pipeline;
    uint32_t cycles = memory_fetch(&m->memory, &m->memory_counts, &m->core, cpu, line << 6);
    uint32_t *set = m->decoded + (line & (DECODED_SETS - 1)) * DECODED_WAYS;
    if (!ways_use(set, DECODED_WAYS, tag_of(line + 1), true)) cycles += m->core.decode_cycles;
    if (cycles) p->supplied = (p->supplied > p->renamed ? p->supplied : p->renamed) + cycles;
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

// The attempt passes the pipeline, now that it has ended; the next one is at `to`.
static uint64_t pass(struct timing_model *m, const struct cpu *cpu, uint64_t to) {
    const struct recipe *r = &m->begun;
    struct pipeline *p = &m->pipeline;
    uint64_t before = p->retired, line = m->rip >> 6;
    struct memory_answer memory = {.address = m->address};
    if (unlikely(line != m->line)) fetch(m, cpu, line);
    if (r->kind & (RECIPE_LOAD | RECIPE_STORE)) {
        memory.latency = memory_access(&m->memory, &m->memory_counts, &m->core, cpu, m->address, &memory.address);
        memory.crosses_line = (m->address & 63) + r->bytes > 64;
    }
    uint64_t done = pipeline_pass(p, &m->core, r, &memory);
    if (r->branch && branch_pass(&m->branch, &m->branch_counts, r->branch, m->rip, r->length, to))
        p->supplied = done + m->core.mispredict_cycles;
    return p->retired - before;
}

// --- between attempts ---

enum due { DUE_EVENT = 1, DUE_EXIT = 2, DUE_ENTRY = 4 };

static uint64_t crossing(struct timing_model *m, const struct cpu *cpu) {
    if (likely(m->non_root == cpu->intercepts.non_root)) return 0;
    m->non_root = cpu->intercepts.non_root;
    return m->non_root ? DUE_ENTRY : DUE_EXIT;
}

static COLD uint64_t pay(struct timing_model *m, uint64_t due) {
    uint64_t cycles = due & DUE_EVENT ? m->core.event_cycles : 0;
    cycles += due & DUE_EXIT ? m->core.exit_cycles : 0;
    cycles += due & DUE_ENTRY ? m->core.entry_cycles : 0;
    return stand(m, cycles);
}

// A repeated string instruction that goes on does not retire, and is no fault.
static bool repeats(const struct timing_model *m, const struct cpu *cpu) {
    return m->begun.kind & RECIPE_STRING && cpu->rip == m->rip;
}

// All that an attempt took, with what came before it.
static uint64_t end(struct timing_model *m, const struct cpu *cpu, uint64_t to, bool begun, bool faulted) {
    uint64_t took = 0;
    if (unlikely(m->event)) took = pay(m, m->event);
    m->event = 0;
    if (begun && !faulted) took += pass(m, cpu, to);
    uint64_t due = crossing(m, cpu);
    if (unlikely(due)) took += pay(m, due);
    if (faulted && !due) took += stand(m, m->core.fault_cycles + m->core.event_cycles);
    return took;
}

static uint64_t model_begin(void *state, struct cpu *cpu, const struct op *op, const struct timing_note *note) {
    struct timing_model *m = state;
    uint64_t took = 0, rip = cpu->rip + op->offset;
    if (likely(cpu->attempt.begun))
        took = end(m, cpu, rip, true, false);
    else
        m->event |= crossing(m, cpu) | (cpu->attempt.after_event ? DUE_EVENT : 0);
    memcpy(&m->begun, note, sizeof m->begun);
    m->rip = rip;
    if (m->begun.kind & (RECIPE_LOAD | RECIPE_STORE)) m->address = address_of(cpu, op, &m->begun);
    return took;
}

static uint64_t model_retire(void *state, const struct cpu *cpu, const struct retired *retired) {
    struct timing_model *m = state;
    if (retired->stopped) return 0;
    if (!retired->begun) m->event |= crossing(m, cpu) | (retired->after_event ? DUE_EVENT : 0);
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

struct timing_model *timing_model_new(const char *name) {
    enum core_kind kind = kind_of(name);
    if (kind == CORE_KINDS) return NULL;
    struct timing_model *m = calloc(1, sizeof *m);
    if (!m) return NULL;
    core_read(kind, &m->core);
    m->timing = (struct timing){m, &model_state, model_retire, model_begin, model_note};
    return m;
}

void timing_model_free(struct timing_model *m) { free(m); }

const struct timing *timing_model_timing(const struct timing_model *m) { return &m->timing; }

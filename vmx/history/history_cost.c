// What exits of guests of guests cost; see cost.h. An exit of level k is open until level k is entered again: that
// closes those of the levels below too, which were made for it (the VMRESUME of its hypervisor is the last). What was
// made inside an exit is added to its kind only when it is closed: one whose guest never ran again counts nowhere.
// Level 1 alone pays nothing: without a deeper guest the exits of level 1 are counted by vmx/level/count.c.
#include "vmx/history/history.h"
#include "vmx/level/level.h"
#include "vmx/vmcs/vmcs.h"

_Static_assert(COST_LEVELS == LEVEL_DEPTH + 1, "level 0 and the guests");

// --- kinds ---

enum { PROBES = 24, PORT_SHIFT = 16 };

// The MSR or the port.
static bool detail_of(const struct cpu *cpu, const struct exit_record *r, uint32_t *detail) {
    bool msr = r->reason == EXIT_RDMSR || r->reason == EXIT_WRMSR, port = r->reason == EXIT_IO_INSTRUCTION;
    *detail = msr ? (uint32_t)cpu->gpr[RCX] : port ? (uint32_t)(r->qualification >> PORT_SHIFT & UINT16_MAX) : 0;
    return msr || port;
}

static bool is_kind(const struct cost_kind *k, const struct cost_kind *wanted) {
    return k->level == wanted->level && k->reason == wanted->reason && k->detail == wanted->detail &&
           k->has_detail == wanted->has_detail;
}

// The place of the kind and 1; 0: there is no room for another.
static uint32_t kind_of(struct cost_book *b, const struct cost_kind *wanted) {
    uint32_t at = wanted->level * 89 + wanted->reason * 7 + wanted->detail * 13 + (wanted->detail >> 8);
    for (unsigned i = 0; i < PROBES; i++, at++) {
        struct cost_kind *k = &b->kind[at % COST_KINDS];
        if (!k->level) *k = *wanted;
        if (is_kind(k, wanted)) return at % COST_KINDS + 1;
    }
    return 0;
}

static struct cost_part *part_of(struct cost_book *b, uint32_t outer, uint32_t inner) {
    uint32_t at = outer * 31 + inner;
    for (unsigned i = 0; i < PROBES; i++, at++) {
        struct cost_part *p = &b->part[at % COST_PARTS];
        if (!p->used) *p = (struct cost_part){.used = 1, .outer = outer, .inner = inner};
        if (p->outer == outer && p->inner == inner) return p;
    }
    return NULL;
}

static void add(struct cost_sum *to, const struct cost_sum *more) {
    to->cycles += more->cycles;
    to->steps += more->steps;
}
static struct cost_sum since(struct cost_sum now, const struct cost_sum *then) {
    return (struct cost_sum){now.cycles - then->cycles, now.steps - then->steps};
}

// --- clocks ---

static struct cost_sum now(const struct cpu *cpu) { return (struct cost_sum){cpu_cycles_now(cpu), cpu->time.steps}; }
static struct cost_sum spent(const struct cpu *cpu, uint32_t level) {
    const struct vmx_counts *c = &vmx_of(cpu)->counts;
    return (struct cost_sum){c->level_cycles[level], c->level_steps[level]};
}

// --- exits and entries ---

void history_cost_exit(struct cpu *cpu, unsigned level) {
    struct vmx *vmx = vmx_of(cpu);
    struct cost_book *b = &vmx->past->cost;
    struct cost_open *o = &b->open[level];
    struct cost_kind wanted = {.level = level, .reason = vmx->exit.reason};
    wanted.has_detail = detail_of(cpu, &vmx->exit, &wanted.detail);
    o->kind = kind_of(b, &wanted);
    b->lost += !o->kind;
    o->count = 0;
    o->lost = 0;
    o->node = vmx->run.node;
    o->step = history_step(cpu);
    o->begin = now(cpu);
    o->level0 = spent(cpu, 0);
    o->own = spent(cpu, level - 1);
    if (b->top < level) b->top = level;
}

static void note_inside(struct cost_open *outer, uint32_t kind, const struct cost_sum *all) {
    uint32_t i = 0;
    while (i < outer->count && outer->inside[i].kind != kind) i++;
    if (i == COST_INSIDE) {
        outer->lost++;
        return;
    }
    if (i == outer->count) {
        outer->count++;
        outer->inside[i] = (struct cost_inside){.kind = kind};
    }
    outer->inside[i].count++;
    add(&outer->inside[i].all, all);
}

static void commit(struct cost_book *b, struct cost_open *o, const struct cost_sum *all) {
    struct cost_kind *k = &b->kind[o->kind - 1];
    k->count++;
    add(&k->all, all);
    if (all->cycles >= k->worst_cycles) {
        k->worst_cycles = all->cycles;
        k->worst_step = o->step;
    }
    b->lost += o->lost;
    for (uint32_t i = 0; i < o->count; i++) {
        struct cost_part *p = part_of(b, o->kind - 1, o->inside[i].kind - 1);
        if (!p) {
            b->lost += o->inside[i].count;
            continue;
        }
        p->count += o->inside[i].count;
        add(&p->all, &o->inside[i].all);
    }
}

static void close(struct cpu *cpu, struct cost_book *b, unsigned level) {
    struct cost_open *o = &b->open[level];
    if (!o->kind) return;
    const struct cost_sum all = since(now(cpu), &o->begin), level0 = since(spent(cpu, 0), &o->level0),
                          own = since(spent(cpu, level - 1), &o->own);
    commit(b, o, &all);
    add(&b->kind[o->kind - 1].level0, &level0);
    if (level > 1) add(&b->kind[o->kind - 1].own, &own);
    for (unsigned outer = level + 1; outer <= b->top; outer++)
        if (b->open[outer].kind) note_inside(&b->open[outer], o->kind, &all);
    o->kind = 0;
}

void history_cost_entry(struct cpu *cpu, unsigned level) {
    struct cost_book *b = &vmx_of(cpu)->past->cost;
    if (b->open[level].node != vmx_of(cpu)->run.node) b->open[level].kind = 0; // another guest of this level
    for (unsigned l = 1; l <= level; l++) close(cpu, b, l);
    while (b->top && !b->open[b->top].kind) b->top--;
}

// --- after loading ---

void history_cost_loaded(struct cost_book *b) {
    if (b->top > LEVEL_DEPTH) b->top = 0;
    for (unsigned i = 0; i < COST_KINDS; i++)
        if (b->kind[i].level > LEVEL_DEPTH) b->kind[i].level = 0;
    for (unsigned i = 0; i < COST_PARTS; i++)
        if (b->part[i].outer >= COST_KINDS || b->part[i].inner >= COST_KINDS) b->part[i] = (struct cost_part){0};
    for (unsigned l = 0; l < COST_LEVELS; l++) {
        struct cost_open *o = &b->open[l];
        if (o->kind > COST_KINDS || o->count > COST_INSIDE) *o = (struct cost_open){0};
        for (uint32_t i = 0; i < o->count; i++)
            if (!o->inside[i].kind || o->inside[i].kind > COST_KINDS) o->count = i;
    }
}

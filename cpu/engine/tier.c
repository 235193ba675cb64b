// The second tier: a hot block's stencils are copied one behind the other and their holes filled.
#include "cpu/engine/tier.h"
#include "cpu/engine/body.h"
#include "cpu/engine/run.h"
#include "cpu/engine/stencil.h"
#include "cpu/engine/tune.h"
#include <stdlib.h>
#include <string.h>

struct named {
    op_fn *fn;
    const struct stencil *stencil;
};
enum { INDEX = 8192, WAY_BYTES = 22, WAYS = 64, LITERAL_BYTES = 16 };

struct tier {
    struct code_memory memory;
    size_t fill, begin; // where the next block's code goes; the literals lie before the first's
    uint64_t compiled;
    struct named index[INDEX]; // by handler; open addressing
};

// --- which stencil is a handler's ---

static struct named *index_slot(struct tier *tier, op_fn *fn) {
    uint64_t hash = (uint64_t)(uintptr_t)fn * 0x9e3779b97f4a7c15;
    unsigned i = (unsigned)(hash >> 51);
    while (tier->index[i].fn && tier->index[i].fn != fn) i = (i + 1) % INDEX;
    return &tier->index[i];
}

static const struct stencil *stencil_of(struct tier *tier, op_fn *fn) { return index_slot(tier, fn)->stencil; }

struct tier *tier_new(const struct code_memory *memory, const struct stencil_table *table,
                      op_fn *(*fused)(const struct body *, unsigned form, unsigned width, const struct body *branch)) {
    size_t literals = table->literals * sizeof *table->literal;
    if (memory->bytes < literals || !table->count || table->count > INDEX / 2) return NULL;
    struct tier *tier = calloc(1, sizeof *tier);
    if (!tier) return NULL;
    tier->memory = *memory;
    memcpy(memory->write, table->literal, literals);
    tier->fill = tier->begin = literals;
    for (const struct stencil_row *row = table->rows; row < table->rows + table->count; row++) {
        op_fn *fn =
            row->branch ? fused(row->body, row->form, row->width, row->branch) : row->body->fn[row->form][row->width];
        if (fn) *index_slot(tier, fn) = (struct named){fn, &row->stencil};
    }
    return tier;
}

void tier_free(struct tier *tier) { free(tier); }
void tier_clear(struct tier *tier) { tier->fill = tier->begin; }
void tier_counts(const struct tier *tier, uint64_t *compiled, uint64_t *bytes) {
    *compiled = tier->compiled;
    *bytes = tier->fill;
}

// --- holes ---

static int64_t field(const struct op *op, unsigned hole) {
    switch (hole) {
    case HOLE_dst: return op->dst;
    case HOLE_src: return op->src;
    case HOLE_base: return op->base;
    case HOLE_index: return op->index;
    case HOLE_scale: return op->scale;
    case HOLE_segment_base: return op->segment_base;
    case HOLE_disp: return op->disp;
    case HOLE_imm: return op->imm;
    case HOLE_offset: return op->offset;
    case HOLE_length: return op->length;
    case HOLE_row: return op->row;
    case HOLE_disp2: return op[1].disp;
    case HOLE_offset2: return op[1].offset;
    default: return op[1].length;
    }
}

// Whether what goes into the holes has 32 bits with a sign: an addend is added to a displacement, for the last byte of
// an access.
static bool fits(const struct stencil *s, const struct op *op) {
    for (unsigned i = 0; i < s->patches; i++) {
        int64_t v = s->patch[i].hole < HOLE_LITERAL ? field(op, s->patch[i].hole) + s->patch[i].addend : 0;
        if (v != (int32_t)v) return false;
    }
    return !(op->ea & EA_LEGACY);
}

// --- code ---

static void put(uint8_t *to, uint64_t v, unsigned bytes) { memcpy(to, &v, bytes); }

// movabs $op, %rsi; movabs $fn, %rax; jmp *%rax: to a record's own handler.
static void way_put(uint8_t *to, const struct op *op, op_fn *fn) {
    put(to, 0xbe48, 2);
    put(to + 2, (uint64_t)(uintptr_t)op, 8);
    put(to + 10, 0xb848, 2);
    put(to + 12, (uint64_t)(uintptr_t)fn, 8);
    put(to + 20, 0xe0ff, 2);
}

static op_fn *way_handler(unsigned hole, op_fn *own) {
    switch (hole) {
    case WAY_taken: return run_link_taken;
    case WAY_next: return run_link_next;
    case WAY_far: return run_link_far;
    case WAY_back: return run_return;
    case WAY_onward: return run_next_block;
    default: return own;
    }
}

// Of two records as one the second is where the block ends.
static const struct op *way_record(const struct stencil *s, const struct op *op, unsigned hole) {
    bool two = false;
    for (unsigned i = 0; i < s->patches; i++) two |= s->patch[i].hole == HOLE_disp2;
    return two && hole != WAY_miss ? op + 1 : op;
}

// The ways out of one record's stencil.
struct ways {
    struct {
        unsigned hole, literal;
        uint8_t *code;
    } way[WAYS];
    unsigned count;
    uint8_t *next;
};

// The way that the patch wants, made when missing.
static const uint8_t *way_take(const struct tier *tier, struct ways *ways, const struct stencil_patch *p,
                               const struct op *op, op_fn *fn) {
    unsigned i = 0;
    while (i < ways->count && (ways->way[i].hole != p->hole || ways->way[i].literal != p->literal)) i++;
    if (i < ways->count) return ways->way[i].code;
    ways->way[ways->count].hole = p->hole;
    ways->way[ways->count].literal = p->literal;
    ways->way[ways->count++].code = ways->next;
    memcpy(ways->next, tier->memory.write + LITERAL_BYTES * p->literal, p->bytes);
    way_put(ways->next + p->bytes, op, fn);
    ways->next += p->bytes + WAY_BYTES;
    return ways->way[i].code;
}

// The stencil of one record at `to`, its ways at `way`; returns where they end.
static uint8_t *stencil_put(const struct tier *tier, uint8_t *to, uint8_t *way, const struct stencil *s,
                            const struct op *op, op_fn *own) {
    struct ways ways = {.next = way};
    memcpy(to, s->code, s->bytes);
    for (unsigned i = 0; i < s->patches; i++) {
        const struct stencil_patch *p = &s->patch[i];
        uint8_t *place = to + p->at;
        const uint8_t *target = to + s->bytes;
        if (p->hole < HOLE_LITERAL) {
            put(place, (uint64_t)(field(op, p->hole) + p->addend), p->bytes);
            continue;
        }
        if (p->hole == HOLE_LITERAL) target = tier->memory.write + LITERAL_BYTES * p->literal;
        if (p->hole > HOLE_NEXT)
            target = way_take(tier, &ways, p, way_record(s, op, p->hole), way_handler(p->hole, own));
        put(place, (uint64_t)(target - (place + 4)), 4);
    }
    return ways.next;
}

// Bytes that the ways of a stencil take at most.
static size_t ways_bytes(const struct stencil *s) {
    size_t bytes = 0;
    for (unsigned i = 0; i < s->patches; i++)
        if (s->patch[i].hole > HOLE_NEXT) bytes += s->patch[i].bytes + WAY_BYTES;
    return bytes;
}

static const struct stencil *usable(struct tier *tier, const struct op *op, op_fn *fn) {
    const struct stencil *s = stencil_of(tier, fn);
    return s && fits(s, op) ? s : NULL;
}

// Bytes that the block's code takes at most: after the stencils come the ways to handlers.
static size_t code_bytes(struct tier *tier, const struct block *block, op_fn **single, size_t *stencils) {
    size_t ways = 0;
    *stencils = 0;
    for (unsigned i = 0; i < block->count; i++) {
        const struct stencil *s = usable(tier, &block->ops[i], single[i]);
        *stencils += s ? s->bytes : WAY_BYTES;
        ways += s ? ways_bytes(s) : 0;
    }
    *stencils += WAY_BYTES; // to what ends the block
    return *stencils + ways;
}

static void compile(struct tier *tier, struct block *block, op_fn **single) {
    size_t stencils, bytes = code_bytes(tier, block, single, &stencils);
    if (tier->fill + bytes > tier->memory.bytes) return;
    uint8_t *to = tier->memory.write + tier->fill, *way = to + stencils;
    const uint8_t *run = tier->memory.run + tier->fill;
    const uint8_t *start = to;
    for (unsigned i = 0; i < block->count; i++) {
        struct op *op = &block->ops[i];
        const struct stencil *s = usable(tier, op, single[i]);
        if (!s) {
            op->fn = single[i];
            way_put(to, op, single[i]);
            to += WAY_BYTES;
            continue;
        }
        op->fn = (op_fn *)(uintptr_t)(run + (to - start));
        way = stencil_put(tier, to, way, s, op, single[i]);
        to += s->bytes;
    }
    way_put(to, &block->ops[block->count], block->ops[block->count].fn);
    tier->fill += (bytes + 15) & ~(size_t)15;
    tier->compiled++;
}

void tier_watch(const struct tier *tier, struct block *block) {
    block->first = block->ops[0].fn;
    block->heat = tier->memory.heat ? tier->memory.heat : TIER_HEAT;
    block->ops[0].fn = run_heating;
}

enum outcome run_heating(struct cpu *cpu, const struct op *op) {
    struct block *block = cpu->block;
    if (likely(--block->heat)) TAIL block->first(cpu, op);
    block->ops[0].fn = block->first;
    struct tier *tier = block_tier(cpu);
    if (tier) compile(tier, block, block_plain(block) + block->count);
    TAIL block->ops[0].fn(cpu, op);
}

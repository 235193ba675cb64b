// What a block as a whole shows about its instructions: a comparison before a branch does the branch's work too; flag
// results that later instructions replace before anything can look at them are not computed.
//
// Somebody looks where an instruction reads flags, at the end of the block, and wherever the block may stop: a fault,
// an exit, an access that is done again alone. So only instructions without memory operands may stand between the
// result and its replacement. A run whose steps end within the block uses the handlers from before (run_cut in
// cpu/engine/run.c).
#include "cpu/engine/tune.h"
#include <string.h>

static bool memory_form(enum form form) {
    return form == FORM_M || form == FORM_RM || form == FORM_MR || form == FORM_MI ||
           (form >= FORM_M_BASED && form <= FORM_MI_BASED) || form == FORM_RM_QUIET || form == FORM_RM_BASED_QUIET;
}

static enum form quiet_form(enum form form) {
    switch (form) {
    case FORM_R: return FORM_R_QUIET;
    case FORM_RR: return FORM_RR_QUIET;
    case FORM_RI: return FORM_RI_QUIET;
    case FORM_RM: return FORM_RM_QUIET;
    case FORM_RM_BASED: return FORM_RM_BASED_QUIET;
    default: return FORM_NONE;
    }
}

// Whether the flags before an instruction are needed, from whether those after it are.
static bool needed_before(const struct bound *b, bool needed) {
    switch ((enum flag_effect)b->effect) {
    case FLAGS_UNKNOWN: return true;
    case FLAGS_ADDRESS: return needed;
    case FLAGS_ALL: return memory_form((enum form)b->form);
    default: return needed || memory_form((enum form)b->form);
    }
}

op_fn **block_plain(struct block *block) {
    struct op *end = &block->ops[block->count];
    return end->row ? (op_fn **)(end + 1) : NULL;
}

static void change(struct block *block, unsigned i, op_fn *fn) {
    if (!fn) return;
    block->ops[i].fn = fn;
    block->ops[block->count].row = 1;
}

// Its result's flags are not looked at.
static void quiet(struct block *block, unsigned i, struct bound *b) {
    enum form form = quiet_form((enum form)b->form);
    if (form == FORM_NONE || !b->body->fn[form][b->width]) return;
    change(block, i, b->body->fn[form][b->width]);
    b->form = (uint8_t)form;
}

// Pairs of records from the left. `count` leaves out what is fused already.
static void pair(const struct combining *c, struct block *block, const struct bound *bound, unsigned count) {
    unsigned first = count ? c->piece_of(&bound[0]) : 0;
    for (unsigned i = 0; i + 1 < count; i++) {
        unsigned second = c->piece_of(&bound[i + 1]);
        op_fn *fn = c->paired(first, second);
        first = second;
        if (!fn) continue;
        change(block, i++, fn);
        if (i + 1 < count) first = c->piece_of(&bound[i + 1]);
    }
}

static void handlers_keep(const struct block *block, op_fn **to) {
    for (unsigned i = 0; i < block->count; i++) to[i] = block->ops[i].fn;
}

size_t tune(const struct combining *combining, struct block *block, struct bound *bound, bool singles) {
    bool needed = true;
    unsigned count = block->count;
    struct op *end = &block->ops[count];
    op_fn **plain = (op_fn **)(end + 1);
    handlers_keep(block, plain);
    op_fn *branch = count >= 2 ? combining->fused(&bound[count - 2], &bound[count - 1]) : NULL;
    if (branch) change(block, count - 2, branch);
    for (unsigned i = count; i-- > 0;) {
        if (!needed && bound[i].effect >= FLAGS_SOME) quiet(block, i, &bound[i]);
        needed = needed_before(&bound[i], needed);
    }
    if (singles) {
        handlers_keep(block, plain + count);
        end->row = 1;
    }
    pair(combining, block, bound, branch ? count - 2 : count);
    return end->row ? (singles + 1u) * count * sizeof *plain : 0;
}

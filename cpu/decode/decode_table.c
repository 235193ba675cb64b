// Builds the decoder of a CPU model: the rows of the features that it lists, sorted into candidates by opcode and
// ModRM.reg. Among the rows of one opcode those that accept less come first: mandatory prefixes and REX.W before none,
// whole ModRM bytes before /digit.
#include "cpu/decode/decode_table.h"
#include <stdlib.h>

static bool patterns_read(struct decoder *d, const struct row_set *sets, uint32_t set_count,
                          bool (*has_feature)(const void *, unsigned), const void *model) {
    for (uint32_t s = 0; s < set_count; s++) {
        for (uint32_t i = 0; i < sets[s].count; i++) {
            const struct insn_row *row = &sets[s].rows[i];
            if (!has_feature(model, row->feature)) continue;
            if (!pattern_parse(row, &d->patterns[d->pattern_count++])) return false;
        }
    }
    return true;
}

static unsigned accepted(const struct pattern *p) { return (unsigned)__builtin_popcount(p->accept); }

// Stable: rows that are equally particular stay in their order. False: no memory.
static bool patterns_sort(struct decoder *d) {
    struct pattern *sorted = malloc(d->pattern_count * sizeof *sorted), *at = sorted;
    if (!sorted) return false;
    for (unsigned bits = 0; bits <= 32; bits++)
        for (uint32_t i = 0; i < d->pattern_count; i++)
            if (accepted(&d->patterns[i]) == bits) *at++ = d->patterns[i];
    free(d->patterns);
    d->patterns = sorted;
    return true;
}

// Every opcode byte that the pattern stands for (eight with +r) has one shape.
static bool shape_set(struct decoder *d, const struct pattern *p) {
    uint8_t shape = p->has_modrm ? SHAPE_MODRM : SHAPE_PLAIN;
    for (unsigned i = 0; i < (p->plus_r ? 8u : 1u); i++) {
        uint8_t *have = &d->shape[p->space][p->map][p->opcode + i];
        if (*have != SHAPE_UNDEFINED && *have != shape) return false;
        *have = shape;
    }
    return true;
}
static bool shapes_set(struct decoder *d) {
    for (uint32_t i = 0; i < d->pattern_count; i++)
        if (!shape_set(d, &d->patterns[i])) return false;
    return true;
}

static bool pattern_has(const struct pattern *p, unsigned space, unsigned map, unsigned opcode) {
    return p->space == space && p->map == map && (p->plus_r ? opcode >> 3 == p->opcode >> 3u : opcode == p->opcode);
}

static bool candidate_add(struct decoder *d, uint32_t accept, uint32_t pattern) {
    struct candidate *grown = realloc(d->candidates, (d->candidate_count + 1) * sizeof(*grown));
    if (!grown) return false;
    d->candidates = grown;
    grown[d->candidate_count++] = (struct candidate){accept, pattern};
    return d->candidate_count <= UINT16_MAX;
}

// The candidates of one slot. 90 is NOP, and XCHG with REX.B (F3 90 is PAUSE either way): where an opcode has a row
// with +r and one without, the latter comes first and wants REX.B to be 0.
static bool slot_fill(struct decoder *d, struct slot *slot, unsigned reg, const uint32_t *fitting, uint32_t count) {
    slot->first = (uint16_t)d->candidate_count;
    bool any_plus_r = false;
    for (uint32_t i = 0; i < count; i++) any_plus_r |= d->patterns[fitting[i]].plus_r;
    for (uint32_t i = 0; i < 2 * count; i++) {
        const struct pattern *p = &d->patterns[fitting[i % count]];
        if (p->plus_r != (i >= count) || (p->reg_digit != REG_ANY && p->reg_digit != reg)) continue;
        uint32_t b_is_1 = any_plus_r && !p->plus_r && !p->mandatory_rep ? FACT(FACT_B_SHIFT, 1) : 0;
        if (!candidate_add(d, p->accept & ~b_is_1, fitting[i % count])) return false;
    }
    slot->count = (uint16_t)(d->candidate_count - slot->first);
    return true;
}

// The candidates of one opcode; `fitting` is scratch.
static bool opcode_fill(struct decoder *d, unsigned space, unsigned map, unsigned opcode, uint32_t *fitting) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < d->pattern_count; i++)
        if (pattern_has(&d->patterns[i], space, map, opcode)) fitting[count++] = i;
    for (unsigned reg = 0; reg < 8; reg++)
        if (!slot_fill(d, &d->slot[space][map][opcode][reg], reg, fitting, count)) return false;
    return true;
}

static bool slots_fill(struct decoder *d) {
    uint32_t *fitting = calloc(d->pattern_count, sizeof(*fitting));
    bool good = fitting;
    for (unsigned i = 0; good && i < SPACE_COUNT * MAP_COUNT * 256; i++) {
        unsigned opcode = i & 255, map = i >> 8 & 3, space = i >> 10;
        if (d->shape[space][map][opcode]) good = opcode_fill(d, space, map, opcode, fitting);
    }
    free(fitting);
    return good;
}

struct decoder *decoder_new(const struct row_set *sets, uint32_t set_count, bool (*has_feature)(const void *, unsigned),
                            const void *model) {
    uint32_t rows = 1;
    for (uint32_t s = 0; s < set_count; s++) rows += sets[s].count;
    struct decoder *d = calloc(1, sizeof(*d));
    if (!d) return NULL;
    d->patterns = calloc(rows, sizeof(*d->patterns));
    if (d->patterns && patterns_read(d, sets, set_count, has_feature, model) && patterns_sort(d) && shapes_set(d) &&
        slots_fill(d))
        return d;
    decoder_free(d);
    return NULL;
}

void decoder_free(struct decoder *decoder) {
    if (!decoder) return;
    free(decoder->patterns);
    free(decoder->candidates);
    free(decoder);
}

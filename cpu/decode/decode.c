// Decodes one instruction with the tables of cpu/decode/decode_table.c. SDM Vol. 2A, chapter 2.
//
// Legacy prefixes come in any order; of F3 and F2, and of the segment overrides, the last counts; 66 is a mandatory
// prefix only without F3 and F2; REX counts only right before the opcode. In 64-bit mode overrides other than FS and
// GS have no effect. NOT IMPLEMENTED: EVEX.
#include "cpu/decode/decode_reading.h"

enum { LENGTH_MAX = 15 };
enum prefix_kind {
    NOT_PREFIX,
    SEGMENT_ES,
    SEGMENT_CS,
    SEGMENT_SS,
    SEGMENT_DS,
    SEGMENT_FS,
    SEGMENT_GS,
    OPERAND_SIZE,
    ADDRESS_SIZE,
    LOCK,
    REPEAT,
    REX,
};
static const uint8_t prefix_kinds[256] = {
    [0x26] = SEGMENT_ES, [0x2e] = SEGMENT_CS, [0x36] = SEGMENT_SS,   [0x3e] = SEGMENT_DS,
    [0x64] = SEGMENT_FS, [0x65] = SEGMENT_GS, [0x66] = OPERAND_SIZE, [0x67] = ADDRESS_SIZE,
    [0xf0] = LOCK,       [0xf2] = REPEAT,     [0xf3] = REPEAT,       [0x40 ... 0x4f] = REX,
};

static enum decode_error read_prefixes(struct reading *r, struct insn *insn) {
    for (; r->at < r->end; r->at++) {
        uint8_t byte = *r->at;
        unsigned kind = prefix_kinds[byte];
        if (kind == NOT_PREFIX) return DECODE_OK;
        if (kind == REX) {
            if (r->size != CODE_64) return DECODE_OK;
            insn->rex = byte;
            continue;
        }
        insn->rex = 0;
        switch (kind) {
        case OPERAND_SIZE: r->operand_prefix = true; break;
        case ADDRESS_SIZE: r->address_prefix = true; break;
        case LOCK: insn->lock = true; break;
        case REPEAT: insn->rep = byte; break;
        default:
            if (r->size != CODE_64 || kind >= SEGMENT_FS) r->segment = (uint8_t)(kind - SEGMENT_ES);
            break;
        }
    }
    return r->at_end;
}

// C5 RvvvvLpp or C4 RXBmmmmm WvvvvLpp; the inverted fields are stored inverted.
static enum decode_error read_vex(struct reading *r, struct insn *insn, uint8_t first) {
    uint8_t low, high = 0xe1; // what C5 implies: X, B as 1 (inverted), map 0F
    if (insn->rex || r->operand_prefix || insn->rep || insn->lock) return DECODE_UD;
    if (first == 0xc4 && !next_byte(r, &high)) return r->at_end;
    if (!next_byte(r, &low)) return r->at_end;
    if (first == 0xc5) high = (high & ~0x80) | (low & 0x80);
    r->space = SPACE_VEX;
    r->map = high & 0x1f;
    r->mandatory = low & 3;
    insn->vex_l = low >> 2 & 1;
    insn->vvvv = ~(low >> 3) & 15;
    r->rex = (~high >> 5 & 7) | (first == 0xc4 && low & 0x80 ? REX_W : 0);
    if (r->size != CODE_64) {
        r->rex &= REX_W;
        insn->vvvv &= 7;
    }
    if (r->map == 0 || r->map >= MAP_COUNT) return DECODE_UD;
    return next_byte(r, &insn->opcode) ? DECODE_OK : r->at_end;
}

static enum decode_error read_opcode(struct reading *r, struct insn *insn) {
    uint8_t byte;
    if (!next_byte(r, &byte)) return r->at_end;
    if (byte == 0xc4 || byte == 0xc5 || byte == 0x62) {
        if (r->size != CODE_64 && r->at >= r->end) return r->at_end;
        bool vector = r->size == CODE_64 || *r->at >= 0xc0;
        if (vector) return byte == 0x62 ? DECODE_UD : read_vex(r, insn, byte);
    }
    r->rex = insn->rex & 15;
    r->mandatory = insn->rep ? insn->rep == 0xf3 ? PREFIX_F3 : PREFIX_F2 : r->operand_prefix ? PREFIX_66 : PREFIX_NONE;
    if (byte == 0x0f) {
        r->map = MAP_0F;
        if (!next_byte(r, &byte)) return r->at_end;
        if (byte == 0x38 || byte == 0x3a) {
            r->map = byte == 0x38 ? MAP_0F38 : MAP_0F3A;
            if (!next_byte(r, &byte)) return r->at_end;
        }
    }
    insn->opcode = byte;
    return DECODE_OK;
}

// --- what has no row ---

static const struct insn_row no_row;
static const struct pattern undefined_0f38 = {.row = &no_row, .has_modrm = true};
static const struct pattern undefined_0f3a = {
    .row = &no_row, .has_modrm = true, .operand_count = 1, .operand = {{.from = FROM_IMM, .type = TYPE_B}}};

// A row of the same opcode: what follows it has the same length.
static const struct pattern *neighbour(const struct reading *r, const struct insn *insn) {
    const struct slot *slots = r->decoder->slot[r->space][r->map][insn->opcode];
    for (unsigned i = 0, reg = insn->modrm >> 3; i < 8; i++) {
        const struct slot *slot = &slots[(reg + i) & 7];
        if (slot->count) return &r->decoder->patterns[r->decoder->candidates[slot->first].pattern];
    }
    return NULL;
}

// An undefined instruction has a length all the same: one that is too long is #GP, and a byte of it on a page that is
// not there #PF, before #UD. So do processors; where the opcode itself is undefined they read no further, except in the
// maps 0F38 and 0F3A, where every opcode has a ModRM byte.
static enum decode_error undefined(struct reading *r, struct insn *insn, uint8_t shape) {
    bool wide = r->space == SPACE_LEGACY && r->map >= MAP_0F38;
    if (shape == SHAPE_UNDEFINED && !wide) return DECODE_UD;
    if (shape == SHAPE_UNDEFINED) {
        if (!next_byte(r, &insn->modrm)) return r->at_end;
        insn->has_modrm = true;
        r->pattern = r->map == MAP_0F38 ? &undefined_0f38 : &undefined_0f3a;
    } else {
        r->pattern = neighbour(r, insn);
    }
    enum decode_error error = r->pattern ? read_operands(r, insn) : DECODE_UD;
    return error == DECODE_OK ? DECODE_UD : error;
}

// Reads ModRM where the opcode has one, and finds the row.
static enum decode_error choose_row(struct reading *r, struct insn *insn) {
    const struct decoder *d = r->decoder;
    uint8_t shape = d->shape[r->space][r->map][insn->opcode];
    if (unlikely(shape == SHAPE_UNDEFINED)) return undefined(r, insn, shape);
    uint32_t facts = FACT(FACT_MODE_SHIFT, r->size) | FACT(FACT_PREFIX_SHIFT, r->mandatory) |
                     FACT(FACT_W_SHIFT, r->rex >> 3) | FACT(FACT_L_SHIFT, insn->vex_l) |
                     FACT(FACT_B_SHIFT, r->rex & 1) |
                     FACT(FACT_SIZE_16_SHIFT, r->operand_prefix != (r->size == CODE_16) && !(r->rex & REX_W));
    if (shape == SHAPE_MODRM) {
        if (!next_byte(r, &insn->modrm)) return r->at_end;
        insn->has_modrm = true;
        facts |= FACT(FACT_MOD_SHIFT, insn->modrm >= 0xc0) | FACT(FACT_RM_SHIFT, insn->modrm & 7);
    }
    const struct slot *slot = &d->slot[r->space][r->map][insn->opcode][insn->modrm >> 3 & 7];
    const struct candidate *c = &d->candidates[slot->first];
    for (const struct candidate *end = c + slot->count; c < end; c++) {
        if (facts & ~c->accept) continue;
        r->pattern = &d->patterns[c->pattern];
        insn->row = r->pattern->row;
        return DECODE_OK;
    }
    return undefined(r, insn, shape);
}

// What makes an instruction that has a row undefined nevertheless.
static bool allowed(const struct reading *r, const struct insn *insn) {
    if (insn->lock && !(insn->row->traits & T_LOCK && insn->operand[0].kind == OPERAND_MEM)) return false;
    return r->space == SPACE_LEGACY || r->pattern->uses_vvvv || insn->vvvv == 0;
}

enum decode_error decode(const struct decoder *decoder, enum code_size size, const uint8_t *bytes, unsigned available,
                         struct insn *insn) {
    unsigned limit = available < LENGTH_MAX ? available : LENGTH_MAX;
    struct reading r = {
        .decoder = decoder,
        .at = bytes,
        .end = bytes + limit,
        .at_end = available < LENGTH_MAX ? DECODE_MORE : DECODE_TOO_LONG,
        .size = size,
        .segment = SEGMENT_COUNT,
    };
    *insn = (struct insn){.base = REG_NONE, .index = REG_NONE};
    enum decode_error error = read_prefixes(&r, insn);
    if (error == DECODE_OK) error = read_opcode(&r, insn);
    if (error == DECODE_OK) error = choose_row(&r, insn);
    if (error == DECODE_OK) error = read_operands(&r, insn);
    if (error != DECODE_OK) return error;
    insn->length = (uint8_t)(r.at - bytes);
    if (r.pattern->mandatory_rep && !(insn->row->traits & T_REP)) insn->rep = 0;
    return allowed(&r, insn) ? DECODE_OK : DECODE_UD;
}

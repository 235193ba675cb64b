// Reads the operands of an instruction whose row is known: addresses, registers, immediates. SDM Vol. 2A, 2.1.3 to
// 2.1.5, 2.2.1.
#include "cpu/decode/decode_reading.h"

static uint8_t operand_size(const struct reading *r) {
    uint32_t traits = r->pattern->row->traits;
    bool prefix = r->operand_prefix && !r->pattern->mandatory_66;
    if (r->size != CODE_64) return prefix == (r->size == CODE_32) ? 2 : 4;
    if (traits & T_F64 || r->rex & REX_W) return 8;
    if (prefix) return 2;
    return traits & T_D64 ? 8 : 4;
}

static unsigned type_size(const struct insn *insn, enum operand_type type) {
    switch (type) {
    case TYPE_NONE: return 0;
    case TYPE_B: return 1;
    case TYPE_W: return 2;
    case TYPE_D: return 4;
    case TYPE_Q: return 8;
    case TYPE_DQ: return 16;
    case TYPE_QQ: return 32;
    case TYPE_T: return 10;
    case TYPE_X: return 16u << insn->vex_l;
    case TYPE_Y: return insn->operand_size == 8 ? 8 : 4;
    case TYPE_Z: return insn->operand_size == 2 ? 2 : 4;
    case TYPE_V:
    case TYPE_BS: break;
    }
    return insn->operand_size;
}

// SDM Vol. 2A, Table 2-1.
static enum decode_error read_address_16(struct reading *r, struct insn *insn) {
    static const uint8_t bases[8] = {RBX, RBX, RBP, RBP, RSI, RDI, RBP, RBX};
    static const uint8_t indexes[8] = {RSI, RDI, RSI, RDI, REG_NONE, REG_NONE, REG_NONE, REG_NONE};
    unsigned mod = insn->modrm >> 6, rm = insn->modrm & 7;
    insn->base = bases[rm];
    insn->index = indexes[rm];
    if (mod == 0 && rm == 6) insn->base = REG_NONE;
    unsigned size = mod == 1 ? 1 : mod == 2 || insn->base == REG_NONE ? 2 : 0;
    return next_bytes(r, size, &insn->displacement) ? DECODE_OK : r->at_end;
}

// SDM Vol. 2A, Tables 2-2 and 2-3.
static enum decode_error read_address(struct reading *r, struct insn *insn) {
    unsigned mod = insn->modrm >> 6, rm = insn->modrm & 7;
    unsigned size = mod == 1 ? 1 : mod == 2 ? 4 : 0;
    if (rm == 4) {
        uint8_t sib;
        if (!next_byte(r, &sib)) return r->at_end;
        insn->scale = sib >> 6;
        insn->index = (sib >> 3 & 7) | (r->rex & REX_X ? 8 : 0);
        if (insn->index == RSP) insn->index = REG_NONE, insn->scale = 0;
        rm = sib & 7;
        insn->base = (uint8_t)(rm | (r->rex & REX_B ? 8 : 0));
        if (mod == 0 && rm == 5) insn->base = REG_NONE, size = 4;
    } else if (mod == 0 && rm == 5) {
        insn->base = r->size == CODE_64 ? REG_RIP : REG_NONE;
        size = 4;
    } else {
        insn->base = (uint8_t)(rm | (r->rex & REX_B ? 8 : 0));
    }
    return next_bytes(r, size, &insn->displacement) ? DECODE_OK : r->at_end;
}

static enum decode_error read_memory(struct reading *r, struct insn *insn) {
    if (!insn->has_modrm || insn->modrm >= 0xc0 || r->pattern->mod_ignored) return DECODE_OK;
    enum decode_error error = insn->address_size == 2 ? read_address_16(r, insn) : read_address(r, insn);
    bool stack = insn->base == RBP || insn->base == RSP;
    insn->segment = stack ? SS : DS;
    return error;
}

static void set_register(struct operand *o, const struct insn *insn, unsigned class, unsigned number, unsigned size) {
    *o = (struct operand){OPERAND_REG, (uint8_t) class, (uint8_t)number, (uint8_t)size};
    if (class == REG_GPR && size == 1 && number >= 4 && number < 8 && !insn->rex) {
        o->class = REG_GPR8H;
        o->number = (uint8_t)(number - 4);
    }
}

// Numbers that name no register: SDM Vol. 2B, MOV. A segment register, MOV to CS included; a control or debug register.
static bool register_exists(const struct operand *o, bool destination) {
    switch (o->class) {
    case REG_SEG: return o->number <= GS && !(destination && o->number == CS);
    case REG_CR: return o->number == 0 || (o->number >= 2 && o->number <= 4) || o->number == 8;
    case REG_DR: return o->number < 8;
    default: return true;
    }
}

static bool extends_number(unsigned class) {
    return class == REG_GPR || class == REG_XMM || class == REG_CR || class == REG_DR;
}

static enum decode_error set_reg_operand(const struct reading *r, const struct insn *insn,
                                         const struct operand_code *code, struct operand *o) {
    unsigned extension = extends_number(code->class) && r->rex & REX_R ? 8 : 0;
    set_register(o, insn, code->class, (insn->modrm >> 3 & 7) | extension, type_size(insn, code->type));
    return register_exists(o, o == insn->operand) ? DECODE_OK : DECODE_UD;
}

static void set_rm_operand(const struct reading *r, struct insn *insn, const struct operand_code *code,
                           struct operand *o) {
    if (insn->modrm < 0xc0 && !r->pattern->mod_ignored) {
        *o = (struct operand){.kind = OPERAND_MEM, .size = (uint8_t)type_size(insn, code->type_memory)};
        return;
    }
    unsigned extension = extends_number(code->class) && r->rex & REX_B ? 8 : 0;
    set_register(o, insn, code->class, (insn->modrm & 7) | extension, type_size(insn, code->type));
}

static enum decode_error read_immediate(struct reading *r, struct insn *insn, const struct operand_code *code,
                                        struct operand *o) {
    int64_t value;
    unsigned size = type_size(insn, code->type);
    if (!next_bytes(r, code->type == TYPE_BS ? 1 : code->type == TYPE_Z && size == 8 ? 4 : size, &value))
        return r->at_end;
    bool second = o > insn->operand && o[-1].kind == OPERAND_IMM;
    if (second)
        insn->immediate2 = (uint8_t)value;
    else
        insn->immediate = value;
    *o = (struct operand){.kind = OPERAND_IMM, .size = code->type == TYPE_B ? 1 : insn->operand_size};
    return DECODE_OK;
}

// Relative branches: the displacement has 1, 2 or 4 bytes, the operand the size of the instruction pointer.
static enum decode_error read_relative(struct reading *r, struct insn *insn, const struct operand_code *code,
                                       struct operand *o) {
    *o = (struct operand){.kind = OPERAND_REL, .size = insn->operand_size};
    return next_bytes(r, type_size(insn, code->type), &insn->immediate) ? DECODE_OK : r->at_end;
}

// In 64-bit mode the instruction is undefined, and REX.W makes it no longer.
static enum decode_error read_far(struct reading *r, struct insn *insn, struct operand *o) {
    int64_t selector;
    unsigned size = insn->operand_size < 8 ? insn->operand_size : 4;
    *o = (struct operand){.kind = OPERAND_FAR, .size = (uint8_t)size};
    if (!next_bytes(r, size, &insn->displacement) || !next_bytes(r, 2, &selector)) return r->at_end;
    insn->displacement = (int64_t)((uint64_t)insn->displacement & ~0ull >> (64 - 8 * size));
    insn->far_selector = (uint16_t)selector;
    return DECODE_OK;
}

static enum decode_error read_moffs(struct reading *r, struct insn *insn, const struct operand_code *code,
                                    struct operand *o) {
    unsigned size = insn->address_size;
    *o = (struct operand){.kind = OPERAND_MOFFS, .size = (uint8_t)type_size(insn, code->type)};
    if (!next_bytes(r, size, &insn->displacement)) return r->at_end;
    insn->displacement = (int64_t)((uint64_t)insn->displacement & ~0ull >> (64 - 8 * size));
    return DECODE_OK;
}

static void set_string_operand(struct insn *insn, const struct operand_code *code, struct operand *o) {
    *o = (struct operand){.kind = OPERAND_MEM, .size = (uint8_t)type_size(insn, code->type)};
    insn->base = code->from == FROM_SOURCE || insn->base == RSI ? RSI : RDI;
}

static enum decode_error read_operand(struct reading *r, struct insn *insn, const struct operand_code *code,
                                      struct operand *o) {
    switch ((enum operand_from)code->from) {
    case FROM_NOWHERE: break;
    case FROM_REG: return set_reg_operand(r, insn, code, o);
    case FROM_RM: set_rm_operand(r, insn, code, o); break;
    case FROM_VVVV: set_register(o, insn, code->class, insn->vvvv, type_size(insn, code->type)); break;
    case FROM_OPCODE:
        set_register(o, insn, REG_GPR, (insn->opcode & 7) | (r->rex & REX_B ? 8 : 0), type_size(insn, code->type));
        break;
    case FROM_FIXED: set_register(o, insn, code->class, code->number, type_size(insn, code->type)); break;
    case FROM_STI: set_register(o, insn, REG_X87, insn->modrm & 7, 10); break;
    case FROM_ONE:
        insn->immediate = 1;
        *o = (struct operand){.kind = OPERAND_IMM, .size = 1};
        break;
    case FROM_IMM: return read_immediate(r, insn, code, o);
    case FROM_REL: return read_relative(r, insn, code, o);
    case FROM_FAR: return read_far(r, insn, o);
    case FROM_MOFFS: return read_moffs(r, insn, code, o);
    case FROM_SOURCE:
    case FROM_TARGET: set_string_operand(insn, code, o); break;
    }
    return DECODE_OK;
}

// The operand size that insn.h promises: 1 where the first operand is a byte; of a string instruction the element's.
static uint8_t final_operand_size(const struct pattern *p, const struct insn *insn) {
    for (unsigned i = 0; i < p->operand_count; i++) {
        const struct operand_code *code = &p->operand[i];
        bool element = code->from == FROM_SOURCE || code->from == FROM_TARGET;
        if (element && p->row->traits & T_STRING) return insn->operand[i].size;
        if (!(p->row->traits & T_STRING) && code->type == TYPE_B && code->from != FROM_REL) return 1;
        if (!(p->row->traits & T_STRING)) break;
    }
    return insn->operand_size;
}

enum decode_error read_operands(struct reading *r, struct insn *insn) {
    const struct pattern *p = r->pattern;
    insn->operand_size = operand_size(r);
    insn->address_size = r->size == CODE_64                          ? r->address_prefix ? 4 : 8
                         : r->address_prefix == (r->size == CODE_32) ? 2
                                                                     : 4;
    insn->segment = DS;
    enum decode_error error = read_memory(r, insn);
    if (error != DECODE_OK) return error;
    if (r->segment != SEGMENT_COUNT) {
        insn->segment = r->segment;
        insn->segment_override = true;
    }
    insn->operand_count = p->operand_count;
    for (unsigned i = 0; i < p->operand_count; i++) {
        error = read_operand(r, insn, &p->operand[i], &insn->operand[i]);
        if (error != DECODE_OK) return error;
    }
    insn->operand_size = final_operand_size(p, insn);
    return DECODE_OK;
}

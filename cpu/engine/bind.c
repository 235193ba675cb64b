// Binding: the operand pattern of a decoded instruction selects the form, the operand size the width, and the row's
// body gives the handler for them. Exceptions that follow from the bytes and the mode alone are decided here.
#include "cpu/engine/bind.h"
#include "cpu/memory/access.h"
#include "cpu/decode/insn.h"

#define OFFSET_ZERO ((uint8_t)offsetof(struct cpu, zero))
#define OFFSET_RIP ((uint8_t)offsetof(struct cpu, rip))

static enum outcome raise_ud(struct cpu *cpu, const struct op *op) {
    cpu->attempt.stopped = op;
    return cpu_fault_ud(cpu);
}
static enum outcome raise_gp0(struct cpu *cpu, const struct op *op) {
    cpu->attempt.stopped = op;
    return cpu_fault_gp0(cpu);
}
static enum outcome raise_nm(struct cpu *cpu, const struct op *op) {
    cpu->attempt.stopped = op;
    return cpu_fault(cpu, VECTOR_NM);
}

static uint8_t gpr_offset(unsigned number) {
    return number == REG_NONE ? OFFSET_ZERO : number == REG_RIP ? OFFSET_RIP : (uint8_t)(number * 8);
}

static uint8_t register_field(const struct operand *o) {
    if (o->class == REG_GPR) return (uint8_t)(o->number * 8);
    if (o->class == REG_GPR8H) return (uint8_t)(o->number * 8 + 1);
    return o->number;
}

static void bind_memory(const struct cpu *cpu, const struct insn *insn, unsigned offset, struct op *op) {
    op->base = gpr_offset(insn->base);
    op->index = gpr_offset(insn->index);
    op->scale = insn->scale;
    op->disp = insn->displacement;
    if (insn->base == REG_RIP) op->disp += offset + insn->length;
    bool based = insn->segment == FS || insn->segment == GS;
    bool wide = cpu_64bit(cpu);
    op->segment_base = wide && based ? (uint8_t)(offsetof(struct cpu, segment_base) + 8u * insn->segment) : OFFSET_ZERO;
    if (wide && insn->address_size == 8) {
        op->ea = 0;
        return;
    }
    op->ea = (uint8_t)(EA_LEGACY | insn->segment | (insn->address_size == 4 ? EA_ADDRESS32 : 0) |
                       (insn->address_size == 8 ? EA_ADDRESS64 : 0));
}

// Strings address through RSI, RDI and RCX themselves; the record carries segment, address size and repeat prefix.
static void bind_string(const struct cpu *cpu, const struct insn *insn, struct op *op) {
    bool wide = cpu_64bit(cpu), based = insn->segment == FS || insn->segment == GS;
    op->imm = insn->rep;
    op->segment_base =
        !wide || based ? (uint8_t)(offsetof(struct cpu, segment_base) + 8u * insn->segment) : OFFSET_ZERO;
    op->ea = (uint8_t)(EA_LEGACY | insn->segment | (insn->address_size == 4 ? EA_ADDRESS32 : 0) |
                       (insn->address_size == 8 ? EA_ADDRESS64 : 0));
}

// Which form two operand kinds make.
static enum form form_of(const struct insn *insn) {
    static const enum form pairs[3][4] = {
        // second operand:  none     register   memory    immediate
        /* register  */ {FORM_R, FORM_RR, FORM_RM, FORM_RI},
        /* memory    */ {FORM_M, FORM_MR, FORM_M, FORM_MI},
        /* immediate */ {FORM_I, FORM_RI, FORM_I, FORM_I}, // OUT imm8, AL: register and immediate
    };
    static const uint8_t column[] = {[OPERAND_NONE] = 0, [OPERAND_REG] = 1, [OPERAND_MEM] = 2, [OPERAND_MOFFS] = 2,
                                     [OPERAND_IMM] = 3,  [OPERAND_REL] = 3, [OPERAND_FAR] = 3};
    if (insn->row->traits & T_STRING || insn->operand_count == 0) return FORM_NONE;
    bool third = insn->operand_count > 2 && insn->operand[2].kind != OPERAND_IMM;
    bool vex = insn->row->encoding[0] == 'V';
    if (third && vex)
        return insn->operand[1].kind == OPERAND_MEM || insn->operand[2].kind == OPERAND_MEM ? FORM_RRM : FORM_RRR;
    unsigned first = column[insn->operand[0].kind],
             second = insn->operand_count > 1 ? column[insn->operand[1].kind] : 0;
    return pairs[first - 1][second];
}

static enum width width_of(const struct insn *insn) {
    unsigned size = insn->operand_size;
    bool selector = insn->operand_count && insn->operand[0].kind == OPERAND_REG && insn->operand[0].class == REG_SEG;
    if (insn->row->traits & T_SECOND)
        size = insn->operand[1].size;
    else if (!selector && insn->operand_count && insn->operand[0].size && insn->operand[0].size <= 8 &&
             !(insn->row->traits & T_STRING))
        size = insn->operand[0].size;
    return size == 1 ? W8 : size == 2 ? W16 : size == 4 ? W32 : W64;
}

static void bind_operands(const struct cpu *cpu, const struct insn *insn, unsigned offset, struct op *op) {
    op->base = op->index = op->segment_base = OFFSET_ZERO;
    if (insn->row->traits & T_STRING) {
        bind_string(cpu, insn, op);
        if (insn->operand[0].kind == OPERAND_REG) op->dst = register_field(&insn->operand[0]); // MASKMOVDQU
        if (insn->operand[1].kind == OPERAND_REG) op->src = register_field(&insn->operand[1]);
        return;
    }
    bool memory = insn->operand[0].kind == OPERAND_MEM || insn->operand[1].kind == OPERAND_MEM;
    for (unsigned i = 0; i < insn->operand_count; i++) {
        const struct operand *o = &insn->operand[i];
        switch (o->kind) {
        case OPERAND_REG:
            if (i == 0)
                op->dst = register_field(o);
            else if (i == 1)
                op->src = register_field(o);
            else if (!memory)
                op->base = register_field(o);
            break;
        case OPERAND_MEM:
        case OPERAND_MOFFS: bind_memory(cpu, insn, offset, op); break;
        case OPERAND_IMM: op->imm = (int32_t)insn->immediate; break;
        case OPERAND_REL:
            op->disp = offset + insn->length + insn->immediate;
            op->ea = insn->address_size == 8 ? EA_ADDRESS64 : insn->address_size == 4 ? EA_ADDRESS32 : 0; // LOOP, JRCXZ
            break;
        case OPERAND_FAR:
            op->disp = insn->displacement;
            op->imm = insn->far_selector;
            break;
        default: break;
        }
    }
}

// Forms that bodies may not distinguish: OUT imm8,AL is register and immediate; RRM with memory second keeps vvvv in
// src.
static void bind_special(const struct insn *insn, enum form form, struct op *op) {
    const struct operand *o = insn->operand;
    if (insn->operand_count == 2 && o[0].kind == OPERAND_IMM && o[1].kind == OPERAND_REG)
        op->dst = register_field(&o[1]);
    if (insn->operand_count == 2 && o[0].kind == OPERAND_IMM && o[1].kind == OPERAND_IMM) op->disp = insn->immediate2;
    if (insn->operand_count == 2 && o[0].kind == OPERAND_REG && o[1].kind == OPERAND_IMM) op->disp = insn->immediate;
    if (form == FORM_RRM && o[1].kind == OPERAND_MEM) op->src = register_field(&o[2]);
    if (form == FORM_RRR && o[2].kind != OPERAND_REG) op->base = OFFSET_ZERO;
}

static op_fn *mode_fault(const struct cpu *cpu, const struct insn_row *row) {
    uint32_t t = row->traits, m = cpu->mode;
    if (t & T_PROT && !(m & MODE_PROTECTED)) return raise_ud;
    if (t & T_NOVM86 && m & MODE_VM86) return raise_ud;
    if (t & T_AVX && m & MODE_NO_AVX) return raise_ud;
    if (t & T_SSE && m & MODE_NO_SSE) return raise_ud;
    if (t & T_MMX && m & MODE_NO_MMX) return raise_ud;
    if (t & T_CPL0 && (m & MODE_CPL_MASK)) return raise_gp0;
    if (t & T_X87 && m & MODE_NO_X87) return raise_nm;
    if (t & (T_SSE | T_MMX | T_AVX) && m & MODE_TS) return raise_nm;
    return NULL;
}

// The instance for an address of a base and a displacement, if that is what the operand has.
static enum form form_based(const struct op *op, enum form form) {
    static const uint8_t based[] = {
        [FORM_M] = FORM_M_BASED, [FORM_RM] = FORM_RM_BASED, [FORM_MR] = FORM_MR_BASED, [FORM_MI] = FORM_MI_BASED};
    bool plain = !op->ea && op->index == OFFSET_ZERO && op->segment_base == OFFSET_ZERO;
    return plain && form < sizeof based && based[form] ? (enum form)based[form] : form;
}

static enum flag_effect effect_of(const struct body *body, const struct op *op, enum form form, enum width width) {
    if (body->effect != FLAGS_SHIFT) return body->effect;
    bool known = form == FORM_RI || form == FORM_MI;
    return known && (unsigned)op->imm & (width == W64 ? 63 : 31) ? FLAGS_ALL : FLAGS_SOME;
}

static op_fn *handler_of(const struct body *body, const struct insn *insn, const struct op *op, struct bound *bound) {
    enum form form = form_of(insn), based = form_based(op, form);
    enum width width = width_of(insn);
    if (!body->fn[form][width]) width = W32;
    if (body->fn[based][width]) form = based;
    *bound = (struct bound){body, (uint8_t)form, (uint8_t)width, (uint8_t)effect_of(body, op, form, width)};
    return body->fn[form][width];
}

bool op_bind(const struct cpu *cpu, const struct insn *insn, enum decode_error error, unsigned offset, struct op *op,
             struct bound *bound) {
    *op = (struct op){.offset = (uint16_t)offset};
    *bound = (struct bound){0};
    if (error != DECODE_OK) {
        op->fn = error == DECODE_TOO_LONG ? raise_gp0 : raise_ud;
        op->length = 1;
        return false;
    }
    op->length = insn->length;
    op->fn = mode_fault(cpu, insn->row);
    if (op->fn) return false;
    bind_operands(cpu, insn, offset, op);
    bind_special(insn, form_of(insn), op);
    if (insn->row->traits & T_X87) op->imm = (insn->opcode & 7) << 8 | insn->modrm; // FOP, SDM Vol. 1, Figure 8-8
    if (insn->row->body) op->fn = handler_of(insn->row->body, insn, op, bound);
    if (!op->fn) {
        op->fn = raise_ud;
        return false;
    }
    return !(insn->row->traits & (T_ALONE | T_END | T_BRANCH));
}

// Where operands in memory lie, and what instructions find there: random values, or what fits the instruction.
#include "tests/silicon/draw.h"
#include <stdio.h>

void draw_put(struct draw *d, uint64_t linear, uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++) {
        uint8_t *at = place_at(d->memory, linear + i);
        if (at) *at = (uint8_t)(value >> 8 * i);
    }
}

// --- the stack ---

static uint64_t stack_linear(const struct silicon_case *c) {
    const struct segment_row *row = segment_find(c->state.selector[SS]);
    uint64_t sp = c->state.gpr[RSP];
    if (c->size == CODE_64 || !row) return sp;
    return row->base + (row->rights & RIGHTS_DB ? (uint32_t)sp : (uint16_t)sp);
}

// Addresses of code, selectors, images of flags.
void draw_stack(struct draw *d) {
    static const uint16_t selectors[] = {0,
                                         3,
                                         USER_CS_32,
                                         USER_CS_64,
                                         USER_DS,
                                         0x08,
                                         0x10,
                                         0x18,
                                         0x40,
                                         0x53,
                                         0x7b,
                                         LDT_SELECTOR(0),
                                         LDT_SELECTOR(2),
                                         LDT_SELECTOR(3),
                                         LDT_SELECTOR(5),
                                         LDT_SELECTOR(7),
                                         LDT_SELECTOR(8),
                                         LDT_SELECTOR(9)};
    unsigned width = one_in(d, 4) ? 2 : one_in(d, 2) ? 4 : 8;
    for (unsigned i = 0; i < 6; i++) {
        uint64_t value = draw_corner(d);
        switch (below(d, 4)) {
        case 0: value = PLACE_CODE + below(d, 8192); break;
        case 1: value = selectors[below(d, sizeof selectors / 2)]; break;
        case 2: value = draw_pointer(d); break;
        default: break;
        }
        draw_put(d, stack_linear(d->c) + i * width, value, width);
    }
}

// --- addresses ---

// Puts `value` where the displacement that was decoded stands in the bytes.
static void patch_displacement(struct silicon_case *c, uint64_t value, unsigned size) {
    for (unsigned i = 1; i + size <= c->insn.length; i++) {
        if (memcmp(c->bytes + i, &c->insn.displacement, size)) continue;
        memcpy(c->bytes + i, &value, size);
        return;
    }
}

static uint64_t segment_base(const struct silicon_case *c) {
    const struct segment_row *row = segment_find(c->state.selector[c->insn.segment]);
    if (c->insn.segment == FS) return c->state.fs_base;
    if (c->insn.segment == GS) return c->state.gs_base;
    return row && c->size != CODE_64 ? row->base : 0;
}

static bool has_memory(const struct insn *insn, unsigned kind) {
    for (unsigned i = 0; i < insn->operand_count; i++)
        if (insn->operand[i].kind == kind) return true;
    return false;
}

// Makes an operand in memory fall on `target`, by its base register or its displacement.
static void aim(struct draw *d, uint64_t target) {
    struct silicon_case *c = d->c;
    struct insn *insn = &c->insn;
    uint64_t offset = target - segment_base(c);
    if (has_memory(insn, OPERAND_MOFFS)) {
        patch_displacement(c, offset, insn->address_size);
    } else if (insn->base == REG_RIP) {
        patch_displacement(c, offset - (c->state.rip + insn->length), 4);
    } else if (insn->base == REG_NONE) {
        uint64_t index = insn->index == REG_NONE ? 0 : c->state.gpr[insn->index] << insn->scale;
        patch_displacement(c, offset - index, insn->address_size == 2 ? 2 : 4);
    } else {
        uint64_t index = insn->index == REG_NONE ? 0 : c->state.gpr[insn->index] << insn->scale;
        c->state.gpr[insn->base] = offset - index - (uint64_t)insn->displacement;
        if (insn->index == insn->base)
            c->state.gpr[insn->base] = (offset - (uint64_t)insn->displacement) >> insn->scale;
        if (insn->address_size == 4 && one_in(d, 2)) c->state.gpr[insn->base] ^= draw64(d) << 32;
        if (c->size != CODE_64) c->state.gpr[insn->base] = (uint32_t)c->state.gpr[insn->base];
    }
    (void)decode(d->decoder, c->size, c->bytes, 15, insn);
}

// BT and its like reach far beyond the operand with an offset in a register: mostly not.
static void tame_bit_offset(struct draw *d) {
    struct silicon_case *c = d->c;
    const struct insn *insn = &c->insn;
    if (strncmp(insn->row->mnemonic, "bt", 2) || insn->operand[1].kind != OPERAND_REG || one_in(d, 8)) return;
    unsigned number = insn->operand[1].number;
    if (number == insn->base || number == insn->index) return;
    c->state.gpr[number] = below(d, 1024) - 512ull;
    if (c->size != CODE_64) c->state.gpr[number] = (uint32_t)c->state.gpr[number];
}

// --- operands that random values hardly ever make right ---

static bool is_one_of(const struct silicon_case *c, const char *names) {
    char quoted[40];
    snprintf(quoted, sizeof quoted, " %s ", c->insn.row->mnemonic);
    return strstr(names, quoted);
}

// An address of code for the offset of a far pointer or of a frame, and a selector for it.
static uint64_t code_offset(struct draw *d, uint16_t *selector) {
    static const uint16_t selectors[] = {USER_CS_64, USER_CS_32, LDT_SELECTOR(2), LDT_SELECTOR(0)};
    *selector = selectors[below(d, native_has_ldt() ? 4 : 2)];
    return PLACE_CODE + below(d, 8192) - segment_find(*selector)->base;
}

// The frame of a far return or IRET that can succeed, at `linear`.
static void put_frame(struct draw *d, uint64_t linear) {
    unsigned width = d->c->insn.operand_size;
    uint16_t selector;
    uint64_t offset = code_offset(d, &selector), flags = draw64(d) & (FLAGS_ARITHMETIC | FLAG_TF | FLAG_DF | FLAG_AC);
    const uint64_t frame[] = {offset, selector, flags | FLAG_IF, draw_pointer(d), USER_DS};
    for (unsigned i = 0; i < 5; i++) draw_put(d, linear + i * width, frame[i], width);
}

static void put_far_pointer(struct draw *d, uint64_t linear) {
    unsigned width = d->c->insn.operand_size;
    uint16_t selector;
    uint64_t offset = code_offset(d, &selector);
    if (!(d->c->insn.row->traits & T_BRANCH)) selector = draw_data_selector(d, false);
    draw_put(d, linear, offset, width);
    draw_put(d, linear + width, selector, 2);
}

static void fit_selector(struct draw *d) {
    struct silicon_case *c = d->c;
    uint16_t selector = draw_data_selector(d, one_in(d, 2));
    const struct operand *source = &c->insn.operand[1];
    if (source->kind == OPERAND_REG && source->class == REG_GPR) c->state.gpr[source->number] = selector;
    draw_put(d, stack_linear(c), selector, 2);
}

// XSAVE and its kin: the components that both sides have, an aligned area, a header that can be loaded.
static void fit_xsave(struct draw *d, uint64_t *target) {
    struct silicon_state *s = &d->c->state;
    bool compact = one_in(d, 3);
    s->gpr[RAX] = (s->gpr[RAX] & ~0xffffffffull) | below(d, 4);
    s->gpr[RDX] &= ~0xffffffffull;
    if (d->c->size != CODE_64) s->gpr[RAX] = (uint32_t)s->gpr[RAX], s->gpr[RDX] = 0;
    if (!one_in(d, 8)) *target &= ~63ull;
    if (one_in(d, 2)) return;
    draw_put(d, *target + 24, draw64(d) & 0xffff, 4);
    draw_put(d, *target + 512, below(d, 4), 8);
    draw_put(d, *target + 520, compact ? BIT(63) | 3 : 0, 8);
    for (unsigned i = 16; i < 64; i += 8) draw_put(d, *target + 512 + i, 0, 8);
}

static void fit_operands(struct draw *d, uint64_t target) {
    struct silicon_case *c = d->c;
    const struct operand *first = &c->insn.operand[0];
    unsigned width = c->insn.operand_size;
    uint64_t *gpr = c->state.gpr;
    if (is_one_of(c, " div idiv ")) gpr[RDX] = below(d, 2), gpr[RAX] &= 0xffff;
    if (is_one_of(c, " cmpxchg cmpxchg8b cmpxchg16b ")) {
        unsigned half = c->insn.row->operands[0] == 'M' && width < 8 ? 4 : width;
        draw_put(d, target, gpr[RAX], half), draw_put(d, target + half, gpr[RDX], half);
    }
    if (is_one_of(c, " ldmxcsr ")) draw_put(d, target, draw64(d) & 0xffff, 4);
    if (is_one_of(c, " fxrstor fxrstor64 ")) draw_put(d, target + 24, draw64(d) & 0xffff, 4);
    if (is_one_of(c, " bound ")) draw_put(d, target, 0, width), draw_put(d, target + width, 0x7fff, width);
    if (is_one_of(c, " iret ret ")) put_frame(d, stack_linear(c));
    if (is_one_of(c, " lfs lgs lss lds les call jmp ") && first->kind != OPERAND_REL) put_far_pointer(d, target);
    if (first->kind == OPERAND_REG && first->class == REG_SEG) fit_selector(d);
}

void draw_operands(struct draw *d) {
    struct silicon_case *c = d->c;
    uint64_t target = draw_pointer(d);
    for (unsigned i = 0; i < 64; i += 8) draw_put(d, target - 8 + i, draw_element(d), 8);
    if (!c->decoded) return;
    tame_bit_offset(d);
    bool in_memory = has_memory(&c->insn, OPERAND_MEM) || has_memory(&c->insn, OPERAND_MOFFS);
    if (!strncmp(c->insn.row->mnemonic, "xsave", 5) || !strncmp(c->insn.row->mnemonic, "xrstor", 6))
        fit_xsave(d, &target);
    if (one_in(d, 2)) fit_operands(d, target);
    if (!in_memory || one_in(d, 8)) return;
    aim(d, target);
    if (c->insn.address_size > 2) c->operand = target;
}

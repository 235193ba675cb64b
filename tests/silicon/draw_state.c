// Values from the corners of their types, and the registers made of them.
#include "tests/silicon/draw.h"

// --- values ---

uint64_t draw_corner(struct draw *d) {
    uint64_t r = draw64(d);
    switch (below(d, 12)) {
    case 0: return 0;
    case 1: return 1;
    case 2: return ~0ull;
    case 3: return BIT(r & 63);
    case 4: return BIT(r & 63) - 1;
    case 5: return 0 - BIT(r & 63);
    case 6: return r & 0xff;
    case 7: return 0 - (r & 0xff);
    case 8: return r >> 32;
    case 9: return (uint64_t)(int64_t)(int32_t)r;
    default: return r;
    }
}

// A border of pages: on at least one side something is missing or forbidden.
static uint64_t border(struct draw *d) {
    static const uint64_t borders[] = {0x20001000, 0x20002000, 0x20002000, 0x20003000,    0x20004000,
                                       0x20005000, 0x20006000, 0x10001000, PLACE_CODE_END};
    return borders[below(d, sizeof borders / sizeof borders[0])];
}
// Where addresses end: of 32 bits, of the canonical halves, of all.
static uint64_t brink(struct draw *d) {
    static const uint64_t ends[] = {BIT(32), BIT(47), 0 - BIT(47), 0, BIT(16)};
    return ends[below(d, sizeof ends / sizeof ends[0])] - 16 + below(d, 20);
}
// Mostly aligned for operands up to 16 bytes.
uint64_t draw_pointer(struct draw *d) {
    if (one_in(d, 40)) return brink(d);
    if (one_in(d, 3)) return 0x20002000 + below(d, 512) * 8;
    uint64_t at = border(d) + below(d, 96) - 64;
    return one_in(d, 3) ? at : at & ~(uint64_t)(one_in(d, 2) ? 7 : 15);
}

// A number of the format with `fraction` and `exponent` bits: zeros, denormals, infinities, NaNs, near one.
static uint64_t real(struct draw *d, unsigned fraction, unsigned exponent) {
    uint64_t max = BIT(exponent) - 1, bias = max >> 1, f = draw64(d) & (BIT(fraction) - 1), e = 0;
    if (one_in(d, 3)) f = one_in(d, 2) ? 0 : f & (~0ull << below(d, fraction + 1));
    switch (below(d, 8)) {
    case 0: e = 0; break;
    case 1: e = max; break;
    case 2: e = draw64(d) & max; break;
    case 3: e = one_in(d, 2) ? 1 + below(d, 3) : max - 1 - below(d, 3); break;
    case 4: e = bias + below(d, 66); break;
    default: e = bias - 3 + below(d, 7); break;
    }
    return (draw64(d) & 1) << (fraction + exponent) | e << fraction | f;
}
uint64_t draw_element(struct draw *d) {
    switch (below(d, 4)) {
    case 0: return draw_corner(d);
    case 1: return real(d, 23, 8) << 32 | real(d, 23, 8);
    default: return real(d, 52, 11);
    }
}

// --- registers ---

static void draw_x87(struct draw *d, struct fx_image *fx) {
    fx->control = (uint16_t)(0x40 | (draw64(d) & 0xf00) | (one_in(d, 4) ? draw64(d) & 0x3f : 0x3f));
    fx->status = (uint16_t)(draw64(d) & 0x7f00);
    if (one_in(d, 2)) fx->status |= (uint16_t)(draw64(d) & (one_in(d, 16) ? 0x3f : fx->control & 0x3f));
    if (one_in(d, 6)) fx->status |= 0x40;
    if (fx->status & ~fx->control & 0x3f) fx->status |= 0x8080; // ES and B: an exception is pending
    fx->tags = one_in(d, 2) ? 0xff : one_in(d, 3) ? 0 : (uint8_t)draw64(d);
    // AMD's processors keep the pointers in other circumstances: there they begin as 0.
    if (native_is_intel()) fx->opcode = draw64(d) & 0x7ff, fx->ip = draw64(d) >> 17, fx->dp = draw64(d) >> 17;
    for (unsigned i = 0; i < 8; i++) {
        uint64_t e = real(d, 0, 15);
        fx->st[i].significand = one_in(d, 2) ? draw64(d) : draw_corner(d);
        if (!one_in(d, 12)) fx->st[i].significand |= e & 0x7fff ? BIT(63) : 0;
        fx->st[i].sign_exponent = one_in(d, 10) ? 0xffff : (uint16_t)e;
    }
}

static void draw_fx(struct draw *d, struct fx_image *fx) {
    memset(fx, 0, sizeof *fx);
    draw_x87(d, fx);
    fx->mxcsr = (uint32_t)((draw64(d) & 0xe07f) | (one_in(d, 4) ? draw64(d) & 0x1f80 : 0x1f80));
    fx->mxcsr_mask = 0xffff;
    for (unsigned i = 0; i < 16; i++) {
        fx->xmm[i][0] = draw_element(d), fx->xmm[i][1] = draw_element(d);
        if (one_in(d, 4)) memcpy(fx->xmm[i], fx->xmm[below(d, i + 1)], 16);
    }
}

// In 16-bit code, and often elsewhere outside 64-bit code, an offset in a segment that begins where data does.
static uint64_t offset_of(struct draw *d, uint64_t linear) {
    if (d->c->size == CODE_64 || !(d->c->size == CODE_16 || one_in(d, 4))) return linear;
    return linear >= 0x20000000 ? linear - 0x20000000 : linear - PLACE_CODE;
}

static void draw_general(struct draw *d, struct silicon_state *s) {
    for (unsigned i = 0; i < 16; i++)
        s->gpr[i] = one_in(d, 2) ? draw_corner(d) : one_in(d, 3) ? below(d, 40) - 20ull : offset_of(d, draw_pointer(d));
    if (!one_in(d, 4)) s->gpr[RCX] = below(d, 8) | (one_in(d, 8) ? draw64(d) << 32 : 0);
    static const uint8_t pointers[] = {RSI, RDI, RBX, RSP, RSP, RBP};
    for (unsigned i = 0; i < sizeof pointers; i++)
        if (!one_in(d, 8)) s->gpr[pointers[i]] = offset_of(d, draw_pointer(d));
    for (unsigned i = 0; i < 8 && d->c->size != CODE_64; i++) s->gpr[i] = (uint32_t)s->gpr[i];
}

static uint16_t code_selector(struct draw *d) {
    switch (d->c->size) {
    case CODE_64: return USER_CS_64;
    case CODE_32: return !native_has_ldt() || !one_in(d, 4) ? USER_CS_32 : LDT_SELECTOR(one_in(d, 2) ? 2 : 9);
    default: return LDT_SELECTOR(below(d, 2));
    }
}
uint16_t draw_data_selector(struct draw *d, bool stack) {
    static const uint8_t writable[] = {3, 3, 4, 5, 6, 10}, others[] = {0, 2, 7};
    if (!native_has_ldt() || (d->c->size != CODE_16 && !one_in(d, 6)) || one_in(d, 3)) return USER_DS;
    if (!stack && one_in(d, 4)) return one_in(d, 3) ? 0 : LDT_SELECTOR(others[below(d, 3)]);
    return LDT_SELECTOR(writable[below(d, sizeof writable)]);
}

static void draw_segments(struct draw *d, struct silicon_state *s) {
    static const uint64_t bases[] = {0, 0, 0x1000, 8, 0x7ffffffff000 - 8, 0x20000000, 0xfffff000};
    for (unsigned i = 0; i < 6; i++) s->selector[i] = draw_data_selector(d, i == SS);
    s->selector[CS] = code_selector(d);
    uint64_t *base[] = {&s->fs_base, &s->gs_base};
    for (unsigned i = 0; i < 2 && native_has_fsgsbase(); i++) {
        const struct segment_row *row = segment_find(s->selector[FS + i]);
        bool any = d->c->size == CODE_64 || one_in(d, 4);
        *base[i] = any ? bases[below(d, 7)] : row ? row->base : 0;
        if (any && one_in(d, 2)) s->selector[FS + i] = 0;
    }
}

static void draw_flags(struct draw *d, struct silicon_state *s) {
    s->rflags = (draw64(d) & FLAGS_ARITHMETIC) | FLAG_IF | BIT(1);
    if (one_in(d, 4)) s->rflags |= FLAG_DF;
    if (one_in(d, 6)) s->rflags |= FLAG_AC;
    if (one_in(d, 8)) s->rflags |= FLAG_RF;
    if (one_in(d, 32)) s->rflags |= FLAG_NT;
    s->rflags = native_flags(s->rflags);
}

void draw_state(struct draw *d, struct silicon_state *s) {
    draw_general(d, s);
    draw_segments(d, s);
    draw_flags(d, s);
    draw_fx(d, &s->fx);
}

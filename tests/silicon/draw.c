// What is tried: an instruction of any opcode map with any prefixes, where the code ends or before that, and a state in
// which pointers lead to the borders of the pages of place.def and other values come from the corners of their types.
#include "tests/silicon/draw.h"
#include "tests/decode/instance.h"

// --- the instruction ---

static void put_prefixes(struct draw *d, unsigned count) {
    static const uint8_t prefixes[] = {0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0xf3};
    uint8_t *bytes = d->c->bytes;
    memmove(bytes + count, bytes, CASE_BYTES - count);
    while (count--) bytes[count] = prefixes[below(d, sizeof prefixes)];
}

// An instance of a row.
static void draw_row(struct draw *d) {
    for (;;) {
        struct pattern p;
        struct instance n;
        const struct insn_row *row = &cpu_rows.rows[below(d, cpu_rows.count)];
        if (!(row->modes >> d->c->size & 1) || !pattern_parse(row, &p)) continue;
        if (d->c->size != CODE_64 && !(p.accept & FACT(FACT_W_SHIFT, 0)) && p.space == SPACE_LEGACY) continue;
        instance_make(&n, &p, d->c->size, &d->seed, !one_in(d, 3));
        memcpy(d->c->bytes, n.bytes, CASE_BYTES);
        return;
    }
}

// Any opcode of any map, VEX included.
static void draw_opcode(struct draw *d) {
    uint8_t *b = d->c->bytes;
    unsigned n = 0, map = below(d, 16);
    for (unsigned i = 0; i < CASE_BYTES; i++) b[i] = (uint8_t)draw64(d);
    if (d->c->size == CODE_64 && one_in(d, 3)) b[n++] = (uint8_t)(0x40 | below(d, 16));
    if (map < 6) b[n++] = 0x0f;
    if (map < 2) b[n++] = map ? 0x38 : 0x3a;
    if (map == 6) b[n++] = (uint8_t)(0xc4 | below(d, 2));
    if (map == 7) b[n++] = (uint8_t)(0xd8 | below(d, 8));
    if (one_in(d, 2)) b[n + 1] = (uint8_t)((b[n + 1] & 0x3f) | (one_in(d, 2) ? 0x40 : 0xc0));
}

static void draw_instruction(struct draw *d) {
    struct silicon_case *c = d->c;
    if (one_in(d, 2))
        draw_row(d);
    else
        draw_opcode(d);
    if (one_in(d, 3)) put_prefixes(d, 1 + below(d, 2));
    if (one_in(d, 100)) put_prefixes(d, below(d, 15));
    c->decoded = decode(d->decoder, c->size, c->bytes, 15, &c->insn) == DECODE_OK;
}

// --- where it lies, and how it is stopped ---

static void place_instruction(struct draw *d) {
    struct silicon_case *c = d->c;
    unsigned length = c->decoded ? c->insn.length : 1 + below(d, 16);
    c->present = length;
    switch (below(d, 8)) {
    case 0: c->present = below(d, length); break;
    case 1: c->present = length + below(d, CASE_BYTES - length + 1); break;
    default: break;
    }
    if (!c->present) c->present = 1;
    const struct segment_row *code = segment_find(c->state.selector[CS]);
    uint64_t end = PLACE_CODE_END;
    if (code->limit < UINT32_MAX && !one_in(d, 4)) end = code->base + code->limit + 1;
    c->state.rip = end - c->present - code->base;
    if (one_in(d, 8)) c->state.rip = 0x10001000 - below(d, CASE_BYTES + 1) - code->base, c->present = CASE_BYTES;
}

// Without TF the next fetch ends the run; what may go elsewhere has TF.
static void draw_stepping(struct draw *d) {
    const struct silicon_case *c = d->c;
    const struct segment_row *code = segment_find(c->state.selector[CS]);
    uint64_t end = c->state.rip + c->present;
    bool ends = c->decoded && c->insn.length == c->present && !(c->insn.row->traits & T_BRANCH) &&
                (end + code->base == PLACE_CODE_END || end == code->limit + 1ull);
    if (!ends || !one_in(d, 3)) d->c->state.rflags |= FLAG_TF;
}

// What loads SS holds the trap back for one instruction more: NOP.
static void follow_stack_load(struct draw *d) {
    struct silicon_case *c = d->c;
    const struct operand *first = &c->insn.operand[0];
    if (!c->decoded || first->kind != OPERAND_REG || first->class != REG_SEG || first->number != SS) return;
    for (unsigned i = c->insn.length; i < CASE_BYTES; i++) c->bytes[i] = 0x90;
}

static void fill_memory(uint8_t *memory) {
    static uint8_t filling[PLACE_BYTES];
    if (!filling[0]) {
        uint64_t seed = 0;
        memset(filling, 0xcc, 2 * 4096);
        for (unsigned i = 2 * 4096; i < PLACE_BYTES; i++) filling[i] = (uint8_t)random64(&seed);
    }
    memcpy(memory, filling, PLACE_BYTES);
}

// Behind the code segment's limit there is INT3. (AMD's processors execute simpler things that begin there.)
static void fill_beyond_code(struct draw *d) {
    const struct segment_row *code = segment_find(d->c->state.selector[CS]);
    for (uint64_t at = code->base + (uint64_t)code->limit + 1; at < PLACE_CODE_END; at++) draw_put(d, at, 0xcc, 1);
}

void draw_case(const struct decoder *decoder, enum code_size size, uint64_t seed, uint64_t number,
               struct silicon_case *c, uint8_t *memory) {
    struct draw d = {.seed = seed * 0x9e3779b97f4a7c15 + number, .decoder = decoder, .c = c, .memory = memory};
    d.seed = random64(&d.seed) ^ number << 32;
    *c = (struct silicon_case){.number = number, .size = size};
    fill_memory(memory);
    draw_instruction(&d);
    draw_state(&d, &c->state);
    place_instruction(&d);
    follow_stack_load(&d);
    draw_stack(&d);
    draw_operands(&d);
    draw_stepping(&d);
    fill_beyond_code(&d);
    uint64_t at = c->state.rip + segment_find(c->state.selector[CS])->base;
    for (unsigned i = 0; i < c->present; i++) draw_put(&d, at + i, c->bytes[i], 1);
}

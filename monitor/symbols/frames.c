// Call frame information, by libdw; see frames.h. A rule is an expression of DWARF, over a small stack.
// NOT IMPLEMENTED: branches in expressions, operations of types; relocatable files.
#include "monitor/symbols/frames.h"
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <gelf.h>
#include <stdlib.h>

struct frames {
    Elf *elf;
    Dwarf *dwarf;
    Dwarf_CFI *debug, *eh; // of the Dwarf; our own
    uint64_t slide;
};

struct frames *frames_new(int fd, uint64_t slide) {
    struct frames *f = calloc(1, sizeof *f);
    if (!f) return NULL;
    f->slide = slide;
    f->elf = elf_begin(fd, ELF_C_READ, NULL);
    bool read = f->elf && elf_cntl(f->elf, ELF_C_FDREAD) == 0; // all of it: the file is closed soon
    f->dwarf = read ? dwarf_begin_elf(f->elf, DWARF_C_READ, NULL) : NULL;
    f->debug = f->dwarf ? dwarf_getcfi(f->dwarf) : NULL;
    f->eh = read ? dwarf_getcfi_elf(f->elf) : NULL;
    if (f->debug || f->eh) return f;
    frames_free(f);
    return NULL;
}

void frames_free(struct frames *f) {
    if (!f) return;
    if (f->eh) dwarf_cfi_end(f->eh);
    if (f->dwarf) dwarf_end(f->dwarf);
    if (f->elf) elf_end(f->elf);
    free(f);
}

// --- expressions ---

enum { STACK = 16 };
struct machine_stack {
    const struct frame_registers *now;
    const struct frame_memory *memory;
    uint64_t cfa, at[STACK];
    unsigned used;
    bool is_value; // the result is the value itself, not where it lies
    bool failed;
};

static void push(struct machine_stack *s, uint64_t value) {
    if (s->used == STACK)
        s->failed = true;
    else
        s->at[s->used++] = value;
}
static uint64_t pop(struct machine_stack *s) {
    s->failed |= !s->used;
    return s->used ? s->at[--s->used] : 0;
}
static uint64_t value_of(struct machine_stack *s, uint64_t number) {
    if (number >= FRAME_REGISTERS || !(s->now->known >> number & 1)) s->failed = true;
    return s->failed ? 0 : s->now->value[number];
}

static uint64_t two(uint8_t atom, uint64_t a, uint64_t b) {
    switch (atom) {
    case DW_OP_plus: return a + b;
    case DW_OP_minus: return a - b;
    case DW_OP_and: return a & b;
    case DW_OP_or: return a | b;
    case DW_OP_mul: return a * b;
    case DW_OP_shl: return b < 64 ? a << b : 0;
    case DW_OP_shr: return b < 64 ? a >> b : 0;
    case DW_OP_eq: return a == b;
    case DW_OP_ne: return a != b;
    case DW_OP_lt: return (int64_t)a < (int64_t)b;
    case DW_OP_le: return (int64_t)a <= (int64_t)b;
    case DW_OP_gt: return (int64_t)a > (int64_t)b;
    default: return (int64_t)a >= (int64_t)b;
    }
}

static bool takes_two(uint8_t atom) {
    static const uint8_t atoms[] = {DW_OP_plus, DW_OP_minus, DW_OP_and, DW_OP_or, DW_OP_mul, DW_OP_shl, DW_OP_shr,
                                    DW_OP_eq,   DW_OP_ne,    DW_OP_lt,  DW_OP_le, DW_OP_gt,  DW_OP_ge};
    for (unsigned i = 0; i < sizeof atoms; i++)
        if (atoms[i] == atom) return true;
    return false;
}

static void load(struct machine_stack *s) {
    uint64_t value = 0;
    s->failed |= !s->memory->read(s->memory->context, pop(s), 8, &value);
    push(s, value);
}

static bool constant(struct machine_stack *s, const Dwarf_Op *op) {
    bool literal = op->atom >= DW_OP_lit0 && op->atom <= DW_OP_lit31;
    bool number = op->atom == DW_OP_addr || (op->atom >= DW_OP_const1u && op->atom <= DW_OP_consts);
    if (literal) push(s, op->atom - DW_OP_lit0);
    if (number) push(s, op->number);
    return literal || number;
}

// What names a register: its value (reg), or its value and an offset (breg).
static bool of_register(struct machine_stack *s, const Dwarf_Op *op) {
    if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31) {
        push(s, value_of(s, op->atom - DW_OP_breg0) + op->number);
    } else if (op->atom == DW_OP_bregx) {
        push(s, value_of(s, op->number) + op->number2);
    } else if (op->atom == DW_OP_regx || (op->atom >= DW_OP_reg0 && op->atom <= DW_OP_reg31)) {
        push(s, value_of(s, op->atom == DW_OP_regx ? op->number : (uint64_t)op->atom - DW_OP_reg0));
        s->is_value = true;
    } else {
        return false;
    }
    return true;
}

static void carry_out(struct machine_stack *s, const Dwarf_Op *op) {
    if (constant(s, op) || of_register(s, op)) return;
    if (takes_two(op->atom)) {
        uint64_t b = pop(s), a = pop(s);
        push(s, two(op->atom, a, b));
        return;
    }
    switch (op->atom) {
    case DW_OP_call_frame_cfa: push(s, s->cfa); break;
    case DW_OP_plus_uconst: push(s, pop(s) + op->number); break;
    case DW_OP_deref: load(s); break;
    case DW_OP_stack_value: s->is_value = true; break;
    case DW_OP_nop: break;
    default: s->failed = true;
    }
}

static bool evaluate(struct machine_stack *s, const Dwarf_Op *ops, size_t count, uint64_t *value) {
    s->used = 0;
    s->is_value = s->failed = false;
    for (size_t i = 0; i < count && !s->failed; i++) carry_out(s, &ops[i]);
    *value = pop(s);
    return !s->failed;
}

// --- a step ---

enum rule { RULE_SAME, RULE_UNDEFINED, RULE_VALUE };

static enum rule apply(struct machine_stack *s, Dwarf_Frame *frame, int number, uint64_t *value) {
    Dwarf_Op memory[3], *ops = NULL;
    size_t count = 0;
    if (dwarf_frame_register(frame, number, memory, &ops, &count) != 0) return RULE_UNDEFINED;
    if (!count) return ops ? RULE_UNDEFINED : RULE_SAME;
    if (!evaluate(s, ops, count, value)) return RULE_UNDEFINED;
    if (s->is_value) return RULE_VALUE;
    return s->memory->read(s->memory->context, *value, 8, value) ? RULE_VALUE : RULE_UNDEFINED;
}

// A register that a function must keep and of which nothing is said is as it was.
static bool is_kept(int number) {
    enum { RBX = 3, RBP = 6, R12 = 12 };
    return number == RBX || number == RBP || (number >= R12 && number < FRAME_RETURN);
}

static enum frame_outcome step(Dwarf_Frame *frame, struct frame_registers *r, const struct frame_memory *memory) {
    struct machine_stack s = {.now = r, .memory = memory};
    struct frame_registers next = {.known = 1u << FRAME_RSP};
    Dwarf_Op *ops;
    size_t count;
    if (dwarf_frame_cfa(frame, &ops, &count) != 0 || !evaluate(&s, ops, count, &s.cfa)) return FRAME_NONE;
    next.value[FRAME_RSP] = s.cfa;
    for (int i = 0; i < FRAME_REGISTERS; i++) {
        enum rule rule = i == FRAME_RSP ? RULE_VALUE : apply(&s, frame, i, &next.value[i]);
        if (i == FRAME_RSP) continue;
        bool same = rule == RULE_SAME || (rule == RULE_UNDEFINED && is_kept(i));
        if (same) next.value[i] = r->value[i];
        if (rule == RULE_VALUE || (same && r->known >> i & 1)) next.known |= 1u << i;
    }
    if (!(next.known >> FRAME_RETURN & 1) || !next.value[FRAME_RETURN]) return FRAME_END;
    *r = next;
    return FRAME_DONE;
}

enum frame_outcome frames_step(const struct frames *f, uint64_t address, struct frame_registers *r,
                               const struct frame_memory *memory) {
    Dwarf_CFI *const tables[] = {f ? f->debug : NULL, f ? f->eh : NULL};
    enum frame_outcome outcome = FRAME_NONE;
    for (unsigned i = 0; i < 2 && outcome == FRAME_NONE; i++) {
        Dwarf_Frame *frame = NULL;
        if (!tables[i] || dwarf_cfi_addrframe(tables[i], address - f->slide, &frame) != 0) continue;
        outcome = step(frame, r, memory);
        free(frame);
    }
    return outcome;
}

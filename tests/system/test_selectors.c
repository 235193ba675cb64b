// Selectors on the stack, in far pointers and in registers: PUSH, POP, LDS and its like, STR, SMSW. SDM Vol. 2A, 2B.
#include "tests/system/bench.h"

static void fill(struct bench *b, uint64_t at) { flat_poke(&b->f, at, 0x1111111111111111); }

// "A zero-extended value if the operand size is 64 bits; if it is 32 bits, ... a 16-bit move, leaving the upper portion
// of the stack location unmodified."
static void test_push(void) {
    static const struct {
        uint8_t code[2];
        unsigned length, segment;
    } legacy[] = {{{0x06}, 1, ES}, {{0x0e}, 1, CS},       {{0x16}, 1, SS},
                  {{0x1e}, 1, DS}, {{0x0f, 0xa0}, 2, FS}, {{0x0f, 0xa8}, 2, GS}};
    for (unsigned i = 0; i < sizeof legacy / sizeof legacy[0]; i++) {
        WITH(b, bench_protected(&b, 0)) {
            uint8_t narrow[3] = {0x66, legacy[i].code[0], legacy[i].code[1]};
            uint16_t selector = (uint16_t)(b.cpu->segment[legacy[i].segment].selector = (uint16_t)(0x18 + 8 * i));
            fill(&b, BENCH_STACK - 8);
            b.cpu->gpr[RSP] = BENCH_STACK;
            bench_run(&b, legacy[i].code, legacy[i].length, 1);
            ok(b.cpu->gpr[RSP] == BENCH_STACK - 4 && bench_stack(&b, 0) == (0x11110000u | selector),
               "PUSH of segment %u, 32 bits: 16 of them are written", legacy[i].segment);
            b.cpu->gpr[RSP] = BENCH_STACK;
            fill(&b, BENCH_STACK - 8);
            bench_run(&b, narrow, legacy[i].length + 1, 1);
            ok(b.cpu->gpr[RSP] == BENCH_STACK - 2 &&
                   flat_peek(&b.f, BENCH_STACK - 8) == (0x111111111111 | (uint64_t)selector << 48),
               "PUSH of segment %u, 16 bits", legacy[i].segment);
        }
    }
    for (unsigned s = FS; s <= GS; s++) {
        WITH(b, bench_long(&b, 3)) {
            b.cpu->segment[s].selector = 0xabcd;
            fill(&b, BENCH_STACK - 8);
            b.cpu->gpr[RSP] = BENCH_STACK;
            RUN(&b, 0x0f, s == FS ? 0xa0 : 0xa8);
            ok(b.cpu->gpr[RSP] == BENCH_STACK - 8 && bench_stack(&b, 0) == 0xabcd, "PUSH of segment %u, 64 bits", s);
        }
    }
}

static void test_pop(void) {
    static const struct {
        uint8_t code[2];
        unsigned length, segment;
    } pops[] = {{{0x07}, 1, ES}, {{0x17}, 1, SS}, {{0x1f}, 1, DS}, {{0x0f, 0xa1}, 2, FS}, {{0x0f, 0xa9}, 2, GS}};
    for (unsigned i = 0; i < sizeof pops / sizeof pops[0]; i++) {
        WITH(b, bench_protected(&b, 0)) {
            bench_descriptor(&b, SPARE, 0x1000, 0xfffff, R_DATA32);
            flat_poke(&b.f, BENCH_STACK, 0x77770000 | SPARE);
            b.cpu->gpr[RSP] = BENCH_STACK;
            bench_run(&b, pops[i].code, pops[i].length, 1);
            unsigned s = pops[i].segment;
            ok(b.cpu->segment[s].selector == SPARE && b.cpu->segment_base[s] == 0x1000 &&
                   b.cpu->gpr[RSP] == BENCH_STACK + 4,
               "POP of segment %u", s);
            ok(b.cpu->rip == FLAT_CODE + pops[i].length, "POP of segment %u: the next instruction", s);
        }
        WITH(b, bench_protected(&b, 0)) {
            flat_poke(&b.f, BENCH_STACK, ABSENT);
            b.cpu->gpr[RSP] = BENCH_STACK;
            bench_run(&b, pops[i].code, pops[i].length, 1);
            ok(bench_faulted(&b, pops[i].segment == SS ? VECTOR_SS : VECTOR_NP, ABSENT),
               "POP of segment %u: not present", pops[i].segment);
        }
    }
    WITH(b, bench_long(&b, 0)) {
        flat_poke(&b.f, BENCH_STACK, 0xffff0000 | DATA0);
        b.cpu->gpr[RSP] = BENCH_STACK;
        RUN(&b, 0x0f, 0xa9);
        ok(b.cpu->segment[GS].selector == DATA0 && b.cpu->gpr[RSP] == BENCH_STACK + 8, "POP GS, 64 bits");
    }
}

static void far_pointer(struct bench *b, uint64_t offset, unsigned bytes, uint16_t selector) {
    memcpy(b->f.ram + BENCH_DATA, &offset, bytes);
    memcpy(b->f.ram + BENCH_DATA + bytes, &selector, 2);
    b->cpu->gpr[RDI] = BENCH_DATA;
    b->cpu->gpr[RAX] = 0xaaaaaaaaaaaaaaaa;
}

static void test_load_far(void) {
    static const struct {
        uint8_t opcode;
        unsigned segment;
    } loads[] = {{0xb2, SS}, {0xb4, FS}, {0xb5, GS}};
    for (unsigned i = 0; i < sizeof loads / sizeof loads[0]; i++) {
        unsigned s = loads[i].segment;
        WITH(b, bench_long(&b, 0)) {
            bench_descriptor(&b, SPARE, 0x5000, 0xfffff, R_DATA32);
            far_pointer(&b, 0x1122334455667788, 8, SPARE);
            RUN(&b, 0x48, 0x0f, loads[i].opcode, 0x07);
            ok(b.cpu->gpr[RAX] == 0x1122334455667788 && b.cpu->segment[s].selector == SPARE,
               "segment %u from a far pointer of 64 + 16 bits", s);
            far_pointer(&b, 0x11223344, 4, DATA0);
            RUN(&b, 0x0f, loads[i].opcode, 0x07);
            ok(b.cpu->gpr[RAX] == 0x11223344 && b.cpu->segment[s].selector == DATA0, "of 32 + 16 bits");
            far_pointer(&b, 0x1122, 2, SPARE);
            RUN(&b, 0x66, 0x0f, loads[i].opcode, 0x07);
            ok(b.cpu->gpr[RAX] == 0xaaaaaaaaaaaa1122 && b.cpu->segment[s].selector == SPARE, "of 16 + 16 bits");
            RUN(&b, 0x0f, loads[i].opcode, 0xc7);
            ok(bench_vector(&b) == VECTOR_UD, "with a register operand: #UD");
        }
        WITH(b, bench_long(&b, 0)) {
            far_pointer(&b, 0x11223344, 4, ABSENT);
            RUN(&b, 0x0f, loads[i].opcode, 0x07);
            ok(bench_faulted(&b, s == SS ? VECTOR_SS : VECTOR_NP, ABSENT) && b.cpu->gpr[RAX] == 0xaaaaaaaaaaaaaaaa,
               "not present: the register is as it was");
        }
    }
    WITH(b, bench_protected(&b, 0)) {
        bench_descriptor(&b, SPARE, 0x5000, 0xfffff, R_DATA32);
        far_pointer(&b, 0x11223344, 4, SPARE);
        RUN(&b, 0xc4, 0x07);
        ok(b.cpu->gpr[RAX] == 0x11223344 && b.cpu->segment[ES].selector == SPARE && b.cpu->segment_base[ES] == 0x5000,
           "LES");
        far_pointer(&b, 0x11223344, 4, 0);
        RUN(&b, 0xc4, 0x07);
        ok(b.cpu->segment[ES].rights & RIGHTS_UNUSABLE, "LES of a null selector");
    }
}

// To a register the operand size is the width; to memory always 16 bits.
static void test_store(void) {
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RAX] = ~0ull;
        RUN(&b, 0x48, 0x0f, 0x00, 0xc8);
        ok(b.cpu->gpr[RAX] == TASK, "STR, 64 bits: zero-extended");
        b.cpu->gpr[RAX] = ~0ull;
        RUN(&b, 0x0f, 0x00, 0xc8);
        ok(b.cpu->gpr[RAX] == TASK, "STR, 32 bits: zero-extended");
        b.cpu->gpr[RAX] = ~0ull;
        RUN(&b, 0x66, 0x0f, 0x00, 0xc8);
        ok(b.cpu->gpr[RAX] == (~0xffffull | TASK), "STR, 16 bits");
        fill(&b, BENCH_DATA);
        b.cpu->gpr[RDI] = BENCH_DATA;
        RUN(&b, 0x48, 0x0f, 0x00, 0x0f);
        ok(flat_peek(&b.f, BENCH_DATA) == (0x1111111111110000 | TASK), "STR to memory");
        b.cpu->gpr[RAX] = ~0ull;
        RUN(&b, 0x48, 0x0f, 0x01, 0xe0);
        ok(b.cpu->gpr[RAX] == b.cpu->control.cr0, "SMSW, 64 bits: CR0");
        b.cpu->gpr[RAX] = ~0ull;
        RUN(&b, 0x66, 0x0f, 0x01, 0xe0);
        ok(b.cpu->gpr[RAX] == (~0xffffull | (b.cpu->control.cr0 & 0xffff)), "SMSW, 16 bits");
        fill(&b, BENCH_DATA);
        RUN(&b, 0x0f, 0x01, 0x27);
        ok(flat_peek(&b.f, BENCH_DATA) == (0x1111111111110000 | (b.cpu->control.cr0 & 0xffff)), "SMSW to memory");
    }
    WITH(b, bench_real(&b)) {
        RUN(&b, 0x0f, 0x00, 0xc8);
        ok(bench_vector(&b) == VECTOR_UD, "STR in real-address mode: #UD");
    }
    for (unsigned i = 0; i < 2; i++) {
        WITH(b, bench_long(&b, 3)) {
            b.cpu->control.cr4 |= CR4_UMIP;
            RUN(&b, 0x0f, (uint8_t)i, i ? 0xe0 : 0xc8);
            ok(bench_faulted(&b, VECTOR_GP, 0), "%s at CPL 3 with CR4.UMIP: #GP(0)", i ? "SMSW" : "STR");
        }
    }
}

int main(void) {
    test_push();
    test_pop();
    test_load_far();
    test_store();
    return done_testing();
}

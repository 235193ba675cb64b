// What processors do and the manual says in passing or not at all: found by running other people's programs, and random
// instructions beside silicon. Each claim names where it is known from: S: run on a processor; M: the manual.
#include "tests/system/bench.h"
#include "cpu/watch/debug.h"

enum { UNMAPPED = 0x50000000, HOLE_BIT = 47 };

static uint64_t arithmetic(const struct bench *b) { return cpu_rflags(b->cpu) & FLAGS_ARITHMETIC; }

// --- single step and SYSRET (S; Xen's XSA-204; Linux's entry code) ---

static void sysret(struct bench *b, uint64_t rflags, uint64_t r11) {
    b->cpu->control.efer |= EFER_SCE;
    b->cpu->msr.star = (uint64_t)(USER32 | 3) << 48 | (uint64_t)CODE64 << 32;
    b->cpu->gpr[RCX] = BENCH_DATA;
    b->cpu->gpr[R11] = r11;
    cpu_set_rflags(b->cpu, rflags);
    flat_write(&b->f, BENCH_DATA, (const uint8_t[]){0x90, 0x90, 0x90}, 3);
    RUN_STEPS(b, 2, 0x48, 0x0f, 0x07);
}

static void test_sysret(void) {
    WITH(b, bench_long(&b, 0)) {
        sysret(&b, 2, FLAG_TF | 2);
        ok(b.cpu->control.dr[6] & DEBUG_BS && bench_stack(&b, 0) == BENCH_DATA && b.cpu->time.steps == 2,
           "SYSRET that loads TF: the trap comes before the first instruction there");
    }
    WITH(b, bench_long(&b, 0)) {
        sysret(&b, FLAG_TF | 2, 2);
        ok(!(b.cpu->control.dr[6] & DEBUG_BS) && b.cpu->rip == BENCH_DATA + 1, "TF that was set before gives none");
    }
    WITH(b, bench_long(&b, 0)) {
        sysret(&b, FLAG_TF | 2, FLAG_TF | 2);
        ok(bench_stack(&b, 0) == BENCH_DATA && b.cpu->time.steps == 2, "both: one");
    }
}

// --- MOV DR (S: since Skylake #DB comes before the #GP of the privilege level) ---

static void test_general_detection(void) {
    WITH(b, bench_long(&b, 3)) {
        b.cpu->control.dr[7] = DR7_GD | 0x400;
        RUN(&b, 0x0f, 0x21, 0xf0);
        ok(bench_vector(&b) == VECTOR_DB && b.cpu->control.dr[6] & DEBUG_BD, "MOV DR at CPL 3 with DR7.GD: #DB");
    }
    WITH(b, bench_long(&b, 3)) {
        RUN(&b, 0x0f, 0x21, 0xf0);
        ok(bench_faulted(&b, VECTOR_GP, 0), "without: #GP(0)");
    }
    WITH(b, bench_long(&b, 3)) {
        b.cpu->control.dr[7] = DR7_GD | 0x400;
        b.cpu->control.cr4 |= CR4_DE;
        RUN(&b, 0x0f, 0x21, 0xe0);
        ok(bench_vector(&b) == VECTOR_UD, "DR4 with CR4.DE: #UD before either");
    }
}

// --- 16-bit stacks (S; test386) ---

static void stack16(struct bench *b) {
    bench_protected(b, 0);
    bench_segment(b, SS, DATA16, R_DATA16);
    b->cpu->gpr[RSP] = 0x12345678;
    b->cpu->gpr[RBP] = 0xabcd5800;
    cpu_update_mode(b->cpu);
}

static void test_stack16(void) {
    WITH(b, stack16(&b)) {
        RUN(&b, 0xc8, 0x20, 0x00, 0x03);
        ok(b.cpu->gpr[RBP] == 0x12345674 && b.cpu->gpr[RSP] == 0x12345648,
           "ENTER with 32-bit operands: EBP has the upper half of ESP");
        ok((uint32_t)flat_peek(&b.f, 0x5674) == 0xabcd5800 && (uint32_t)flat_peek(&b.f, 0x5668) == 0x12345674,
           "so has the frame's pointer among the pointers");
    }
    WITH(b, stack16(&b)) {
        RUN(&b, 0x66, 0xc8, 0x20, 0x00, 0x00);
        ok(b.cpu->gpr[RBP] == 0xabcd5676 && b.cpu->gpr[RSP] == 0x12345656, "with 16-bit ones EBP keeps its own");
    }
    WITH(b, stack16(&b)) {
        flat_poke(&b.f, 0x5800, 0x99887766);
        RUN(&b, 0xc9);
        ok(b.cpu->gpr[RSP] == 0x12345804 && b.cpu->gpr[RBP] == 0x99887766, "LEAVE moves SP alone and pops EBP");
    }
    WITH(b, stack16(&b)) {
        RUN_STEPS(&b, 2, 0x60, 0x61);
        ok(b.cpu->gpr[RSP] == 0x12345678 && (uint32_t)flat_peek(&b.f, 0x5678 - 20) == 0x12345678,
           "PUSHA stores all of ESP; POPA moves SP");
    }
    WITH(b, stack16(&b)) {
        b.cpu->gpr[RSP] = 0x1234fffc;
        flat_poke(&b.f, 0xfffc, FLAT_CODE + 8);
        RUN(&b, 0xc2, 0x10, 0x00);
        ok(b.cpu->rip == FLAT_CODE + 8 && b.cpu->gpr[RSP] == 0x12340010, "RET n wraps SP");
    }
    WITH(b, bench_protected(&b, 0)) {
        b.cpu->gpr[RSP] = BENCH_STACK;
        b.cpu->gpr[RBP] = 0xabcd5800;
        RUN(&b, 0x66, 0xc8, 0x20, 0x00, 0x00);
        ok(b.cpu->gpr[RBP] == 0xabcdfffe && b.cpu->gpr[RSP] == BENCH_STACK - 0x22,
           "ENTER with 16-bit operands elsewhere");
    }
}

// --- what is written only if it changes (S; test386) ---

static void test_arpl(void) {
    WITH(b, bench_protected(&b, 0)) {
        bench_segment(&b, DS, READ_ONLY_DATA, R_READ_ONLY);
        b.cpu->gpr[RDI] = BENCH_DATA;
        b.cpu->gpr[RAX] = 1;
        flat_poke(&b.f, BENCH_DATA, 0xfff2);
        RUN(&b, 0x63, 0x07);
        ok(b.cpu->rip == FLAT_CODE + 2 && !(arithmetic(&b) & FLAG_ZF), "ARPL that changes nothing does not write");
        b.cpu->gpr[RAX] = 3;
        RUN(&b, 0x63, 0x07);
        ok(bench_faulted(&b, VECTOR_GP, 0), "one that does faults on a read-only segment");
    }
    WITH(b, bench_protected(&b, 0)) {
        bench_segment(&b, DS, READ_ONLY_DATA, R_READ_ONLY);
        b.cpu->gpr[RDI] = BENCH_DATA;
        b.cpu->gpr[RAX] = 7;
        RUN(&b, 0x0f, 0xb1, 0x0f);
        ok(bench_faulted(&b, VECTOR_GP, 0), "CMPXCHG writes also what it does not change (M: Vol. 2A, CMPXCHG)");
    }
    WITH(b, bench_protected(&b, 0)) {
        bench_segment(&b, DS, READ_ONLY_DATA, R_READ_ONLY);
        b.cpu->gpr[RDI] = BENCH_DATA;
        RUN(&b, 0xc1, 0x27, 0x00);
        ok(bench_faulted(&b, VECTOR_GP, 0), "so does a shift by 0");
    }
}

// --- null selectors (M: Vol. 2A, IRET; Vol. 2B, RET; S) ---

static void outer_frame(struct bench *b) {
    static const uint8_t segments[] = {ES, DS, FS, GS};
    for (unsigned i = 0; i < 4; i++) b->cpu->segment[segments[i]] = (struct segment){0, RIGHTS_UNUSABLE, (uint16_t)i};
    const uint64_t frame[] = {FLAT_CODE, USER64 | 3, 2, BENCH_STACK, DATA3 | 3};
    b->cpu->gpr[RSP] = BENCH_STACK0 - sizeof frame;
    flat_write(&b->f, b->cpu->gpr[RSP], (const uint8_t *)frame, sizeof frame);
}
static bool all_zero(const struct bench *b) {
    const struct segment *s = b->cpu->segment;
    return !(s[ES].selector | s[DS].selector | s[FS].selector | s[GS].selector);
}

static void test_null_selectors(void) {
    WITH(b, bench_long(&b, 0)) {
        outer_frame(&b);
        RUN(&b, 0x48, 0xcf);
        ok(cpu_cpl(b.cpu) == 3 && all_zero(&b), "IRET to an outer level makes null selectors 1, 2 and 3 into 0");
    }
    WITH(b, bench_long(&b, 0)) {
        outer_frame(&b);
        flat_poke(&b.f, BENCH_STACK0 - 24, BENCH_STACK); // RETF's frame has no flags
        flat_poke(&b.f, BENCH_STACK0 - 16, DATA3 | 3);
        RUN(&b, 0x48, 0xcb);
        ok(cpu_cpl(b.cpu) == 3 && all_zero(&b), "so does RET");
    }
    WITH(b, bench_long(&b, 3)) {
        outer_frame(&b);
        RUN(&b, 0x48, 0xcf);
        ok(b.cpu->segment[GS].selector == 3, "a return to the same level leaves them");
    }
}

// --- repeated strings ---

// ESI in the last bytes before what is not mapped, two iterations away.
static void strings(struct bench *b) {
    bench_long(b, 0);
    flat_map(&b->f, UNMAPPED, BENCH_DATA, 7);
    memset(b->f.ram + BENCH_DATA, 1, 4096);
    b->cpu->gpr[RCX] = BIT(32) | 10;
    b->cpu->gpr[RSI] = UNMAPPED + 4094;
    b->cpu->gpr[RDI] = BENCH_DATA + 0x2000;
    memset(b->f.ram + BENCH_DATA + 0x2000, 1, 16);
}

static void test_comparisons(void) {
    const uint64_t before = FLAG_CF | FLAG_OF | FLAG_SF;
    WITH(b, strings(&b)) {
        cpu_set_rflags(b.cpu, before | 2);
        RUN_STEPS(&b, 3, 0xf3, 0xa6);
        ok(bench_vector(&b) == VECTOR_PF && (uint32_t)b.cpu->gpr[RCX] == 8 &&
               (bench_stack(&b, 3) & FLAGS_ARITHMETIC) == before,
           "REPE CMPSB that faults in its third iteration leaves the flags as they were (M: Vol. 2B, REP)");
    }
    WITH(b, strings(&b)) {
        cpu_set_rflags(b.cpu, before | 2);
        b.cpu->gpr[RDI] = UNMAPPED + 4094;
        b.cpu->gpr[RAX] = 1;
        RUN_STEPS(&b, 3, 0xf3, 0xae);
        ok(bench_vector(&b) == VECTOR_PF && (bench_stack(&b, 3) & FLAGS_ARITHMETIC) == before, "REPE SCASB too");
    }
    WITH(b, strings(&b)) {
        cpu_set_rflags(b.cpu, before | 2);
        b.cpu->gpr[RCX] = 2;
        RUN_STEPS(&b, 2, 0xf3, 0xa6);
        ok(b.cpu->rip == FLAT_CODE + 2 && arithmetic(&b) == (FLAG_ZF | FLAG_PF), "the last iteration sets them");
    }
    WITH(b, strings(&b)) {
        cpu_set_rflags(b.cpu, before | 2);
        b.f.ram[BENCH_DATA + 0x2001] = 3;
        RUN_STEPS(&b, 2, 0xf3, 0xa6);
        ok(b.cpu->rip == FLAT_CODE + 2 && arithmetic(&b) == (FLAG_CF | FLAG_SF | FLAG_AF),
           "so does the one that ends it");
    }
}

static void test_extension(void) {
    const uint64_t high = 0x900000000;
    WITH(b, strings(&b)) {
        b.cpu->gpr[RSI] = high | UNMAPPED;
        b.cpu->gpr[RDI] = high | (UNMAPPED + 4096);
        RUN(&b, 0x67, 0xf3, 0xa4);
        ok(bench_vector(&b) == VECTOR_PF && b.cpu->gpr[RCX] == 10 && b.cpu->gpr[RSI] == UNMAPPED &&
               b.cpu->gpr[RDI] == UNMAPPED + 4096,
           "a fault of REP MOVSB finds ECX, ESI and EDI zero-extended (S)");
    }
    WITH(b, strings(&b)) {
        b.cpu->gpr[RSI] = high | (UNMAPPED + 4096);
        b.cpu->gpr[RDI] = high;
        RUN(&b, 0x67, 0xf3, 0xac);
        ok(bench_vector(&b) == VECTOR_PF && b.cpu->gpr[RSI] == UNMAPPED + 4096 && b.cpu->gpr[RDI] == high,
           "REP LODSB: not EDI, which it does not use");
    }
    WITH(b, strings(&b)) {
        b.cpu->gpr[RSI] = high | (UNMAPPED + 4096);
        RUN(&b, 0x67, 0xac);
        ok(bench_vector(&b) == VECTOR_PF && b.cpu->gpr[RSI] == (high | (UNMAPPED + 4096)), "LODSB alone: none");
    }
}

static void test_port_strings(void) {
    static const uint8_t opcode[] = {0x6c, 0x6e};
    for (unsigned i = 0; i < 2; i++) {
        WITH(b, bench_long(&b, 3)) {
            b.cpu->gpr[RCX] = 0;
            flat_poke(&b.f, BENCH_TSS + 0x66, 0xffff); // no I/O permission bitmap
            RUN(&b, 0xf3, opcode[i]);
            ok(bench_faulted(&b, VECTOR_GP, 0), "REP %s with RCX = 0 and no right to the port: #GP(0) (S)",
               i ? "OUTSB" : "INSB");
        }
        WITH(b, bench_long(&b, 3)) {
            b.cpu->rflags |= FLAG_IOPL;
            b.cpu->gpr[RCX] = 0;
            RUN(&b, 0xf3, opcode[i]);
            ok(b.cpu->rip == FLAT_CODE + 2, "with the right nothing happens");
        }
    }
}

// --- stores that are done, or not, before a fault ---

static void test_call(void) {
    WITH(b, bench_long(&b, 3)) {
        b.cpu->gpr[RSP] = BENCH_STACK;
        b.cpu->gpr[RAX] = BIT(HOLE_BIT);
        RUN(&b, 0xff, 0xd0);
        ok(bench_faulted(&b, VECTOR_GP, 0) && bench_stack(&b, 1) == FLAT_CODE && bench_stack(&b, 4) == BENCH_STACK,
           "CALL to an address that is not canonical: #GP(0) at the CALL, RSP as before");
        ok(flat_peek(&b.f, BENCH_STACK - 8) == FLAT_CODE + 2, "the return address has been written (S)");
    }
    WITH(b, bench_long(&b, 3)) {
        b.cpu->gpr[RSP] = UNMAPPED;
        b.cpu->gpr[RAX] = BIT(HOLE_BIT);
        RUN(&b, 0xff, 0xd0);
        ok(bench_vector(&b) == VECTOR_PF, "so a stack that is not there is the first fault");
    }
}

static void test_masked_stores(void) {
    WITH(b, bench_long(&b, 3)) {
        b.cpu->gpr[RDI] = UNMAPPED;
        RUN(&b, 0x66, 0x0f, 0xf7, 0xc1);
        ok(bench_vector(&b) == VECTOR_PF && bench_stack(&b, 0) == 6, "MASKMOVDQU with a mask of 0: #PF (S)");
    }
    WITH(b, bench_long(&b, 3)) {
        b.cpu->gpr[RDI] = UNMAPPED;
        b.cpu->fpu.x87.status = 3 << 11;
        RUN(&b, 0x0f, 0xf7, 0xc1);
        ok(bench_vector(&b) == VECTOR_PF && b.cpu->fpu.x87.status == 0, "MASKMOVQ too; TOP is 0 then (S)");
    }
    WITH(b, bench_long(&b, 3)) {
        b.cpu->gpr[RDI] = BENCH_DATA;
        flat_poke(&b.f, BENCH_DATA, 0x1122);
        RUN(&b, 0x66, 0x0f, 0xf7, 0xc1);
        ok(b.cpu->rip == FLAT_CODE + 4 && flat_peek(&b.f, BENCH_DATA) == 0x1122, "where it may it writes nothing");
    }
    WITH(b, bench_long(&b, 3)) {
        b.cpu->gpr[RDI] = UNMAPPED;
        b.cpu->fpu.x87.status = 3 << 11;
        RUN(&b, 0x0f, 0x7f, 0x07);
        ok(bench_vector(&b) == VECTOR_PF && b.cpu->fpu.x87.status == 0,
           "a MOVQ to memory that faults leaves TOP 0 (S)");
    }
    WITH(b, bench_long(&b, 3)) {
        b.cpu->gpr[RDI] = UNMAPPED;
        b.cpu->fpu.x87.status = 3 << 11;
        RUN(&b, 0x0f, 0x6f, 0x07);
        ok(b.cpu->fpu.x87.status == 3 << 11, "a load that faults leaves it as it was");
    }
}

// --- operands that reach beyond the canonical addresses (S) ---

static void test_canonical(void) {
    static const struct {
        const char *what;
        uint8_t code[4];
        int vector;
    } cases[] = {
        {"a load", {0x48, 0x8b, 0x03}, VECTOR_GP},
        {"a store", {0x48, 0x89, 0x03}, VECTOR_GP},
        {"MOVDQU", {0xf3, 0x0f, 0x6f, 0x03}, VECTOR_GP},
        {"XCHG", {0x48, 0x87, 0x03}, VECTOR_GP},
        {"LODSQ", {0x48, 0xad}, VECTOR_GP},
        {"POP", {0x58}, VECTOR_SS},
        {"a load that ends before", {0x8b, 0x03}, VECTOR_PF},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        WITH(b, bench_long(&b, 3)) {
            b.cpu->gpr[RBX] = b.cpu->gpr[RSI] = b.cpu->gpr[RSP] = BIT(HOLE_BIT) - 4;
            bench_run(&b, cases[i].code, sizeof cases[i].code, 1);
            ok(bench_vector(&b) == cases[i].vector, "%s across the last canonical byte, not mapped: vector %d",
               cases[i].what, cases[i].vector);
        }
    }
}

// --- undefined instructions have a length (S, both vendors) ---

static const struct {
    const char *what;
    uint8_t bytes[10];
    uint8_t length; // without prefixes
} undefined[] = {
    {"0F 01 with a reserved ModRM", {0x0f, 0x01, 0xc5}, 3},
    {"FF /7 and a displacement", {0xff, 0xb8}, 6},
    {"C6 /1 and an immediate", {0xc6, 0x88}, 7},
    {"0F BA /0 and an immediate", {0x0f, 0xba, 0x80}, 8},
    {"0F 38 FF", {0x0f, 0x38, 0xff, 0x80}, 8},
    {"0F 3A FF", {0x0f, 0x3a, 0xff, 0x80}, 9},
    {"CALL ptr16:32 in 64-bit mode", {0x9a}, 7},
    {"a locked MOV", {0xf0, 0x89, 0x80}, 7},
    {"MOV from a segment register that is not there", {0x8c, 0xb0}, 6},
    {"0F 04, which has no operands", {0x0f, 0x04}, 2},
};

// Of that many bytes, with prefixes that do nothing; RIP at `rip`.
static int undefined_vector(unsigned i, unsigned length, uint64_t rip) {
    int vector = -1;
    uint8_t code[16];
    memset(code, 0x2e, sizeof code);
    memcpy(code + length - undefined[i].length, undefined[i].bytes, undefined[i].length);
    WITH(b, bench_long(&b, 0)) {
        flat_map(&b.f, UNMAPPED, BENCH_DATA, 7);
        b.cpu->gpr[RAX] = BENCH_DATA;
        flat_write(&b.f, BENCH_DATA + 4096 - (UNMAPPED + 4096 - rip), code, length);
        b.cpu->rip = rip;
        (void)cpu_run(b.cpu, 1);
        vector = bench_vector(&b);
    }
    return vector;
}

static void test_undefined(void) {
    for (unsigned i = 0; i < sizeof undefined / sizeof *undefined; i++) {
        const char *what = undefined[i].what;
        unsigned length = undefined[i].length;
        uint64_t end = UNMAPPED + 4096;
        ok(undefined_vector(i, 15, end - 16) == VECTOR_UD, "%s, 15 bytes: #UD", what);
        ok(undefined_vector(i, 16, end - 16) == VECTOR_GP, "%s, 16 bytes: #GP", what);
        ok(undefined_vector(i, length, end - length) == VECTOR_UD, "%s at the end of a page: #UD", what);
        ok(undefined_vector(i, length, end - length + 1) == VECTOR_PF, "%s across it: #PF", what);
    }
}

int main(void) {
    test_sysret();
    test_general_detection();
    test_stack16();
    test_arpl();
    test_null_selectors();
    test_comparisons();
    test_extension();
    test_port_strings();
    test_call();
    test_masked_stores();
    test_canonical();
    test_undefined();
    return done_testing();
}

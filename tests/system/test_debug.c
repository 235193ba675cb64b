// Breakpoints, single step, alignment checking: SDM Vol. 3B, 17.2 and 17.3; Vol. 3A, 6.8.3, interrupt 17.
#include "tests/system/bench.h"

enum { L0 = 1, L1 = 4, WRITE_1 = 1 << 20, ACCESS_1 = 3 << 20, IO_0 = 2 << 16, LEN4_1 = 3 << 22, LEN8_1 = 2 << 22 };

static void set_dr7(struct bench *b, uint64_t dr7) {
    b->cpu->dr[7] = 0x400 | dr7;
    cpu_update_mode(b->cpu);
}
// Whether #DB was delivered with this DR6 (low bits) and saved RIP.
static bool debugged(const struct bench *b, uint64_t dr6, uint64_t rip) {
    bool right = bench_vector(b) == VECTOR_DB && (b->cpu->dr[6] & 0xe00f) == dr6 && bench_stack(b, 0) == rip;
    if (!right)
        diag("vector %d, DR6 %llx, RIP %llx", bench_vector(b), (unsigned long long)b->cpu->dr[6],
             (unsigned long long)bench_stack(b, 0));
    return right;
}

static void test_code(void) {
    WITH(b, bench_long(&b, 0)) {
        b.cpu->dr[0] = FLAT_CODE + 2;
        set_dr7(&b, L0);
        RUN_STEPS(&b, 3, 0x90, 0x90, 0x90, 0x90);
        ok(debugged(&b, 1, FLAT_CODE + 2) && b.cpu->steps == 3, "an instruction breakpoint is a fault, of one step");
        ok(!(bench_stack(&b, 2) & FLAG_RF), "that saves RF as it was, 17.3.1.1");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->dr[0] = FLAT_CODE + 1;
        RUN_STEPS(&b, 20, 0x90, 0x90, 0xeb, 0xfc);
        set_dr7(&b, L0);
        (void)cpu_run(b.cpu, 3);
        ok(debugged(&b, 1, FLAT_CODE + 1), "it holds for code decoded and linked before");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->dr[0] = FLAT_CODE;
        set_dr7(&b, L0);
        cpu_set_rflags(b.cpu, FLAG_RF | 2);
        RUN_STEPS(&b, 2, 0x90, 0xeb, 0xfd);
        ok(b.cpu->rip == FLAT_CODE && !(b.cpu->rflags & FLAG_RF), "RF holds it back for one instruction");
        (void)cpu_run(b.cpu, 1);
        ok(debugged(&b, 1, FLAT_CODE), "and not for the next");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->dr[0] = FLAT_CODE + 2;
        b.cpu->gpr[RAX] = DATA0;
        set_dr7(&b, L0);
        RUN_STEPS(&b, 3, 0x8e, 0xd0, 0x90, 0x90);
        ok(b.cpu->rip == FLAT_CODE + 4, "MOV SS holds it back as RF does");
    }
}

#define STORE_RDI_EAX 0x89, 0x07
#define LOAD_EAX_RDI 0x8b, 0x07

static void test_data(void) {
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RDI] = BENCH_DATA;
        b.cpu->gpr[RAX] = 42;
        b.cpu->dr[1] = BENCH_DATA + 3;
        RUN_STEPS(&b, 2, STORE_RDI_EAX, STORE_RDI_EAX);
        b.cpu->rip = FLAT_CODE;
        set_dr7(&b, L1 | WRITE_1);
        RUN_STEPS(&b, 3, LOAD_EAX_RDI, 0x90, STORE_RDI_EAX, 0x90);
        (void)cpu_run(b.cpu, 1);
        ok(bench_stack(&b, 0) == FLAT_CODE + 5 && (b.cpu->dr[6] & 15) == 2 && flat_peek(&b.f, BENCH_DATA) == 42,
           "a write breakpoint is a trap after the store that touches its range; loads pass");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RDI] = BENCH_DATA;
        b.cpu->dr[1] = BENCH_DATA + 7;
        set_dr7(&b, L1 | ACCESS_1 | LEN8_1);
        flat_write(&b.f, BENCH_HANDLERS + 16, (const uint8_t[]){0xeb, 0xfe}, 2);
        RUN_STEPS(&b, 2, LOAD_EAX_RDI, 0x90);
        ok(debugged(&b, 2, FLAT_CODE + 2), "an access breakpoint of eight bytes is aligned to eight");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RDI] = BENCH_DATA;
        b.cpu->gpr[RCX] = 16;
        b.cpu->dr[1] = BENCH_DATA + 4;
        set_dr7(&b, L1 | WRITE_1);
        flat_write(&b.f, BENCH_HANDLERS + 16, (const uint8_t[]){0xeb, 0xfe}, 2);
        RUN_STEPS(&b, 8, 0xf3, 0xaa);
        ok(debugged(&b, 2, FLAT_CODE) && b.cpu->gpr[RCX] == 11, "REP STOSB stops after the iteration that hit");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RDI] = BENCH_DATA;
        b.cpu->dr[1] = BENCH_DATA;
        set_dr7(&b, L1 | ACCESS_1 | LEN4_1);
        flat_poke(&b.f, BENCH_DATA, DATA0);
        flat_write(&b.f, BENCH_HANDLERS + 16, (const uint8_t[]){0xeb, 0xfe}, 2);
        flat_write(&b.f, BENCH_HANDLERS + 16 * VECTOR_BP, (const uint8_t[]){0xeb, 0xfe}, 2);
        RUN_STEPS(&b, 2, 0x8e, 0x17, 0xcc); // MOV SS, [RDI]; INT3
        ok(bench_vector(&b) == VECTOR_BP && b.cpu->pending_debug == 2, "MOV SS holds a data breakpoint back");
        (void)cpu_run(b.cpu, 1);
        ok(debugged(&b, 2, BENCH_HANDLERS + 16 * VECTOR_BP), "INT3 is served first, then #DB at its handler, 6.8.3");
    }
}

static void test_io(void) {
    WITH(b, bench_long(&b, 0)) {
        b.cpu->cr4 |= CR4_DE;
        b.cpu->dr[0] = 0x80;
        set_dr7(&b, L0 | IO_0);
        flat_write(&b.f, BENCH_HANDLERS + 16, (const uint8_t[]){0xeb, 0xfe}, 2);
        RUN_STEPS(&b, 2, 0xe6, 0x80, 0x90);
        ok(debugged(&b, 1, FLAT_CODE + 2), "an I/O breakpoint is a trap");
    }
}

static void test_step(void) {
    WITH(b, bench_long(&b, 0)) {
        cpu_set_rflags(b.cpu, FLAG_TF | FLAG_IF | 2);
        flat_write(&b.f, BENCH_HANDLERS + 16, (const uint8_t[]){0xeb, 0xfe}, 2);
        RUN_STEPS(&b, 2, 0xf4, 0x90);
        ok(debugged(&b, DEBUG_BS, FLAT_CODE + 1), "a single step over HLT wakes the processor");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RAX] = DATA0;
        cpu_set_rflags(b.cpu, FLAG_TF | 2);
        RUN_STEPS(&b, 2, 0x8e, 0xd0, 0xf1);
        ok(debugged(&b, 0, FLAT_CODE + 3) && !b.cpu->pending_debug, "INT1 after MOV SS: no single step is left over");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->dr[7] |= BIT(13);
        RUN(&b, 0x0f, 0x21, 0xc0);
        ok(debugged(&b, DEBUG_BD, FLAT_CODE) && !(b.cpu->dr[7] & BIT(13)), "general detect: a fault that clears GD");
    }
}

static void test_alignment(void) {
    for (unsigned on = 0; on < 2; on++) {
        WITH(b, bench_long(&b, 3)) {
            b.cpu->gpr[RDI] = BENCH_DATA + 1;
            b.cpu->gpr[RSP] = BENCH_STACK;
            b.cpu->cr0 |= CR0_AM;
            cpu_set_rflags(b.cpu, (on ? FLAG_AC : 0) | 2);
            RUN(&b, 0x0f, 0xb6, 0x07);
            ok(b.cpu->rip == FLAT_CODE + 3, "a byte is always aligned");
            b.cpu->rip = FLAT_CODE;
            RUN(&b, LOAD_EAX_RDI);
            ok(on ? bench_faulted(&b, VECTOR_AC, 0) : b.cpu->rip == FLAT_CODE + 2, "%s", on ? "#AC(0)" : "no #AC");
        }
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RDI] = BENCH_DATA + 1;
        b.cpu->cr0 |= CR0_AM;
        cpu_set_rflags(b.cpu, FLAG_AC | 2);
        RUN(&b, LOAD_EAX_RDI);
        ok(b.cpu->rip == FLAT_CODE + 2, "no #AC at CPL 0");
    }
}

int main(void) {
    test_code();
    test_data();
    test_io();
    test_step();
    test_alignment();
    return done_testing();
}

// Accesses that instructions and events make besides their operands: alignment checking and data breakpoints see them.
// SDM Vol. 3A, 6.15, interrupt 17; 3.5.1; Vol. 3B, 17.2.4, 17.3.1.2. What the host can judge is in
// tests/insn/test_access.c.
#include "tests/system/bench.h"
#include "cpu/watch/debug.h"

enum {
    L0 = 1,
    WRITE_0 = 1 << 16,
    ACCESS_0 = 3 << 16,
    LEN4_0 = 3 << 18,
    POINTER = BENCH_DATA,
    TARGET = BENCH_DATA + 64
};
#define CALL_FAR_RBX 0xff, 0x1b

static void watch(struct bench *b, uint64_t address, uint64_t dr7) {
    flat_write(&b->f, BENCH_HANDLERS + 16 * VECTOR_DB, (const uint8_t[]){0xeb, 0xfe}, 2); // it stays there
    b->cpu->control.dr[0] = address;
    b->cpu->control.dr[7] = 0x400 | L0 | dr7;
    cpu_update_mode(b->cpu);
}
static void check_alignment(struct bench *b) {
    b->cpu->control.cr0 |= CR0_AM;
    cpu_set_rflags(b->cpu, FLAG_AC | 2);
    cpu_update_mode(b->cpu);
}
static bool hit(const struct bench *b) { return bench_vector(b) == VECTOR_DB && b->cpu->control.dr[6] & 1; }

// --- far calls ---

static void far_call(struct bench *b, unsigned cpl, uint64_t rsp) {
    bench_long(b, cpl);
    flat_poke(&b->f, POINTER, TARGET | (uint64_t)(cpl ? USER64 | 3 : CODE64) << 32);
    flat_write(&b->f, TARGET, (const uint8_t[]){0xeb, 0xfe}, 2);
    b->cpu->gpr[RBX] = POINTER;
    b->cpu->gpr[RSP] = rsp;
}

static void test_far_call(void) {
    WITH(b, far_call(&b, 3, BENCH_STACK + 1)) {
        check_alignment(&b);
        RUN(&b, CALL_FAR_RBX);
        ok(bench_faulted(&b, VECTOR_AC, 0) && bench_stack(&b, 1) == FLAT_CODE,
           "a far CALL on a misaligned stack: #AC(0)");
    }
    WITH(b, far_call(&b, 3, BENCH_STACK + 4)) {
        check_alignment(&b);
        RUN(&b, CALL_FAR_RBX);
        ok(b.cpu->rip == TARGET, "its 32-bit pushes want an alignment of 4");
    }
    WITH(b, far_call(&b, 0, BENCH_STACK + 1)) {
        check_alignment(&b);
        RUN(&b, CALL_FAR_RBX);
        ok(b.cpu->rip == TARGET, "none at CPL 0");
    }
    for (unsigned cpl = 0; cpl <= 3; cpl += 3) {
        for (unsigned i = 4; i <= 8; i += 4) {
            WITH(b, far_call(&b, cpl, BENCH_STACK)) {
                watch(&b, BENCH_STACK - i, WRITE_0 | LEN4_0);
                RUN_STEPS(&b, 2, CALL_FAR_RBX);
                ok(hit(&b) && bench_stack(&b, 0) == TARGET, "a data breakpoint on what a far CALL pushes at CPL %u",
                   cpl);
            }
        }
        WITH(b, far_call(&b, cpl, BENCH_STACK)) {
            watch(&b, BENCH_STACK, WRITE_0);
            RUN_STEPS(&b, 2, CALL_FAR_RBX);
            ok(b.cpu->rip == TARGET, "not above");
        }
    }
}

// --- the frames of events ---

static void test_frames(void) {
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RSP] = BENCH_STACK;
        watch(&b, BENCH_STACK - 40, WRITE_0 | LEN4_0); // the saved RIP
        flat_write(&b.f, BENCH_HANDLERS + 16 * 0x40, (const uint8_t[]){0x90}, 1);
        RUN_STEPS(&b, 2, 0xcd, 0x40);
        ok(hit(&b) && bench_stack(&b, 0) == BENCH_HANDLERS + 16 * 0x40,
           "a data breakpoint on the frame of INT n: before the handler's first instruction");
    }
    WITH(b, bench_long(&b, 3)) {
        watch(&b, BENCH_STACK0 - 48, WRITE_0 | LEN4_0); // the error code
        RUN(&b, 0xf4);
        ok(bench_vector(&b) == VECTOR_GP && b.cpu->boundary.pending_debug == 1,
           "on that of a fault, of a higher level");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RSP] = BENCH_STACK;
        watch(&b, BENCH_STACK - 8, ACCESS_0 | LEN4_0);
        bench_gate(&b, 0x40, ABSENT, TYPE_INTERRUPT_GATE32, 3, 0);
        RUN(&b, 0xcd, 0x40);
        ok(bench_vector(&b) == VECTOR_NP || bench_vector(&b) == VECTOR_GP, "a fault in a delivery is delivered");
    }
}

// A handler at CPL 3.
static void user_handler(struct bench *b, unsigned vector) {
    bench_gate(b, vector, USER32 | 3, TYPE_INTERRUPT_GATE32, 3, 0);
}

static void test_user_frames(void) {
    WITH(b, bench_protected(&b, 3)) {
        user_handler(&b, 0x40);
        check_alignment(&b);
        b.cpu->gpr[RSP] = BENCH_STACK + 2;
        RUN(&b, 0xcd, 0x40);
        ok(bench_faulted(&b, VECTOR_AC, 0), "a frame for a handler at CPL 3 on a misaligned stack: #AC");
    }
    WITH(b, bench_protected(&b, 3)) {
        user_handler(&b, VECTOR_UD);
        check_alignment(&b);
        b.cpu->gpr[RSP] = BENCH_STACK + 2;
        RUN(&b, 0x0f, 0x0b);
        ok(bench_faulted(&b, VECTOR_AC, 1), "EXT is 1 in its error code if the event is not a software interrupt");
    }
    WITH(b, bench_protected(&b, 3)) {
        user_handler(&b, 0x40);
        check_alignment(&b);
        b.cpu->gpr[RSP] = BENCH_STACK;
        RUN(&b, 0xcd, 0x40);
        ok(bench_vector(&b) == 0x40 && cpu_cpl(b.cpu) == 3, "an aligned one is written");
    }
    WITH(b, bench_protected(&b, 3)) {
        user_handler(&b, 0x40);
        watch(&b, BENCH_STACK - 4, WRITE_0 | LEN4_0);
        b.cpu->gpr[RSP] = BENCH_STACK;
        RUN_STEPS(&b, 2, 0xcd, 0x40);
        ok(hit(&b), "and seen by data breakpoints");
    }
    WITH(b, bench_protected(&b, 3)) {
        user_handler(&b, VECTOR_AC);
        check_alignment(&b);
        b.cpu->gpr[RSP] = BENCH_STACK + 2;
        RUN_STEPS(&b, 5, 0x50);
        ok(b.cpu->boundary.activity == ACTIVITY_SHUTDOWN, "a handler of #AC that cannot be called: an end (XSA-156)");
    }
}

// --- instructions ---

static void test_instructions(void) {
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RDI] = BENCH_DATA + 3;
        watch(&b, BENCH_DATA, ACCESS_0 | LEN4_0);
        RUN_STEPS(&b, 3, 0x90, 0x0f, 0xae, 0x3f, 0xeb, 0xfe);
        ok(hit(&b) && bench_stack(&b, 0) == FLAT_CODE + 4, "a data breakpoint on CLFLUSH: a trap");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RDI] = BENCH_DATA;
        watch(&b, BENCH_DATA, WRITE_0);
        RUN_STEPS(&b, 2, 0x0f, 0xae, 0x3f, 0xeb, 0xfe);
        ok(b.cpu->rip == FLAT_CODE + 3, "which is not a write");
    }
    static const struct {
        uint8_t modrm, off;
        bool faults;
    } stores[] = {{0x07, 2, true}, {0x07, 6, false}, {0x07, 7, true}, {0x0f, 6, false}, {0x0f, 4, true}};
    for (unsigned i = 0; i < sizeof stores / sizeof *stores; i++) {
        WITH(b, bench_long(&b, 3)) {
            check_alignment(&b);
            b.cpu->gpr[RDI] = BENCH_DATA + stores[i].off;
            RUN(&b, 0x0f, 0x01, stores[i].modrm);
            ok(stores[i].faults ? bench_faulted(&b, VECTOR_AC, 0) : b.cpu->rip == FLAT_CODE + 3,
               "%s at +%u: limit and base are aligned each by itself", stores[i].modrm == 7 ? "SGDT" : "SIDT",
               stores[i].off);
        }
    }
    WITH(b, bench_compatibility(&b)) {
        check_alignment(&b);
        b.cpu->gpr[RDI] = BENCH_DATA + 2;
        RUN(&b, 0x0f, 0x01, 0x07);
        ok(b.cpu->rip == FLAT_CODE + 3, "in compatibility mode at an odd word address");
    }
}

// --- what is checked is read once ---

static void test_once(void) {
    enum { AREA_BYTES = 576, DESCRIPTOR_BYTES = 16 };
    static const struct {
        const char *name;
        uint8_t code[4];
    } restores[] = {{"XRSTOR", {0x48, 0x0f, 0xae, 0x2b}}, {"FXRSTOR", {0x48, 0x0f, 0xae, 0x0b}}};
    for (unsigned i = 0; i < 2; i++) {
        WITH(b, bench_long(&b, 0)) {
            b.cpu->control.cr4 |= CR4_OSXSAVE;
            b.cpu->control.xcr0 = 3;
            b.cpu->gpr[RAX] = 3;
            b.cpu->gpr[RBX] = FLAT_MMIO;
            b.f.mmio_value = 0;
            bench_run(&b, restores[i].code, 4, 1);
            ok(b.cpu->rip == FLAT_CODE + 4 && b.f.mmio_reads <= AREA_BYTES / 8, "%s reads no byte of its area twice",
               restores[i].name);
        }
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->segment[LDTR] = (struct segment){0xfff, RIGHTS_P | R_LDT, LOCAL};
        b.cpu->segment_base[LDTR] = FLAT_MMIO;
        b.cpu->gpr[RBX] = POINTER;
        flat_poke(&b.f, POINTER, (uint64_t)(GATE | SELECTOR_TI) << 32);
        b.f.mmio_value = (uint64_t)(RIGHTS_P | TYPE_CALL_GATE32) << 40; // a type in the upper half too: #GP
        RUN(&b, CALL_FAR_RBX);
        ok(bench_faulted(&b, VECTOR_GP, GATE | SELECTOR_TI) && b.f.mmio_reads == DESCRIPTOR_BYTES / 8,
           "nor does a far CALL of a call gate's descriptor");
    }
}

int main(void) {
    test_far_call();
    test_frames();
    test_user_frames();
    test_instructions();
    test_once();
    return done_testing();
}

// Breakpoints, single step, alignment checking: SDM Vol. 3B, 17.2 and 17.3; Vol. 3A, 6.8.3, interrupt 17.
#include "tests/system/bench.h"
#include "cpu/watch/debug.h"
#include "cpu/processor/processor.h"

enum { L0 = 1, L1 = 4, WRITE_1 = 1 << 20, ACCESS_1 = 3 << 20, IO_0 = 2 << 16, LEN4_1 = 3 << 22, LEN8_1 = 2 << 22 };

static void set_dr7(struct bench *b, uint64_t dr7) {
    b->cpu->control.dr[7] = 0x400 | dr7;
    cpu_update_mode(b->cpu);
}
// Whether #DB was delivered with this DR6 (low bits) and saved RIP.
static bool debugged(const struct bench *b, uint64_t dr6, uint64_t rip) {
    bool right = bench_vector(b) == VECTOR_DB && (b->cpu->control.dr[6] & 0xe00f) == dr6 && bench_stack(b, 0) == rip;
    if (!right)
        diag("vector %d, DR6 %llx, RIP %llx", bench_vector(b), (unsigned long long)b->cpu->control.dr[6],
             (unsigned long long)bench_stack(b, 0));
    return right;
}

static void test_code(void) {
    WITH(b, bench_long(&b, 0)) {
        b.cpu->control.dr[0] = FLAT_CODE + 2;
        set_dr7(&b, L0);
        RUN_STEPS(&b, 3, 0x90, 0x90, 0x90, 0x90);
        ok(debugged(&b, 1, FLAT_CODE + 2) && b.cpu->time.steps == 3,
           "an instruction breakpoint is a fault, of one step");
        ok(!(bench_stack(&b, 2) & FLAG_RF), "that saves RF as it was, 17.3.1.1");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->control.dr[0] = FLAT_CODE + 1;
        RUN_STEPS(&b, 20, 0x90, 0x90, 0xeb, 0xfc);
        set_dr7(&b, L0);
        (void)cpu_run(b.cpu, 3);
        ok(debugged(&b, 1, FLAT_CODE + 1), "it holds for code decoded and linked before");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->control.dr[0] = FLAT_CODE;
        set_dr7(&b, L0);
        cpu_set_rflags(b.cpu, FLAG_RF | 2);
        RUN_STEPS(&b, 2, 0x90, 0xeb, 0xfd);
        ok(b.cpu->rip == FLAT_CODE && !(b.cpu->rflags & FLAG_RF), "RF holds it back for one instruction");
        (void)cpu_run(b.cpu, 1);
        ok(debugged(&b, 1, FLAT_CODE), "and not for the next");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->control.dr[0] = FLAT_CODE + 2;
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
        b.cpu->control.dr[1] = BENCH_DATA + 3;
        RUN_STEPS(&b, 2, STORE_RDI_EAX, STORE_RDI_EAX);
        b.cpu->rip = FLAT_CODE;
        set_dr7(&b, L1 | WRITE_1);
        RUN_STEPS(&b, 3, LOAD_EAX_RDI, 0x90, STORE_RDI_EAX, 0x90);
        (void)cpu_run(b.cpu, 1);
        ok(bench_stack(&b, 0) == FLAT_CODE + 5 && (b.cpu->control.dr[6] & 15) == 2 && flat_peek(&b.f, BENCH_DATA) == 42,
           "a write breakpoint is a trap after the store that touches its range; loads pass");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RDI] = BENCH_DATA;
        b.cpu->control.dr[1] = BENCH_DATA + 7;
        set_dr7(&b, L1 | ACCESS_1 | LEN8_1);
        flat_write(&b.f, BENCH_HANDLERS + 16, (const uint8_t[]){0xeb, 0xfe}, 2);
        RUN_STEPS(&b, 2, LOAD_EAX_RDI, 0x90);
        ok(debugged(&b, 2, FLAT_CODE + 2), "an access breakpoint of eight bytes is aligned to eight");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RDI] = BENCH_DATA;
        b.cpu->gpr[RCX] = 16;
        b.cpu->control.dr[1] = BENCH_DATA + 4;
        set_dr7(&b, L1 | WRITE_1);
        flat_write(&b.f, BENCH_HANDLERS + 16, (const uint8_t[]){0xeb, 0xfe}, 2);
        RUN_STEPS(&b, 8, 0xf3, 0xaa);
        ok(debugged(&b, 2, FLAT_CODE) && b.cpu->gpr[RCX] == 11, "REP STOSB stops after the iteration that hit");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RDI] = BENCH_DATA;
        b.cpu->control.dr[1] = BENCH_DATA;
        set_dr7(&b, L1 | ACCESS_1 | LEN4_1);
        flat_poke(&b.f, BENCH_DATA, DATA0);
        flat_write(&b.f, BENCH_HANDLERS + 16, (const uint8_t[]){0xeb, 0xfe}, 2);
        flat_write(&b.f, BENCH_HANDLERS + 16 * VECTOR_BP, (const uint8_t[]){0xeb, 0xfe}, 2);
        RUN_STEPS(&b, 2, 0x8e, 0x17, 0xcc); // MOV SS, [RDI]; INT3
        ok(bench_vector(&b) == VECTOR_BP && b.cpu->boundary.pending_debug == 2, "MOV SS holds a data breakpoint back");
        (void)cpu_run(b.cpu, 1);
        ok(debugged(&b, 2, BENCH_HANDLERS + 16 * VECTOR_BP), "INT3 is served first, then #DB at its handler, 6.8.3");
    }
}

static void test_io(void) {
    WITH(b, bench_long(&b, 0)) {
        b.cpu->control.cr4 |= CR4_DE;
        b.cpu->control.dr[0] = 0x80;
        set_dr7(&b, L0 | IO_0);
        flat_write(&b.f, BENCH_HANDLERS + 16, (const uint8_t[]){0xeb, 0xfe}, 2);
        RUN_STEPS(&b, 2, 0xe6, 0x80, 0x90);
        ok(debugged(&b, 1, FLAT_CODE + 2), "an I/O breakpoint is a trap");
    }
}

static void test_step(void) {
    WITH(b, bench_long(&b, 0)) { // the handlers of #DB and NMI: NOP, NOP, JMP $
        static const uint8_t handler[] = {0x90, 0x90, 0xeb, 0xfe};
        flat_write(&b.f, BENCH_HANDLERS + 16, handler, sizeof handler);
        flat_write(&b.f, BENCH_HANDLERS + 32, handler, sizeof handler);
        cpu_set_rflags(b.cpu, FLAG_TF | 2);
        RUN(&b, 0x90);
        cpu_pend(b.cpu, PENDING_NMI, true);
        (void)cpu_run(b.cpu, 3);
        ok(b.cpu->boundary.nmi_blocked && bench_stack(&b, 0) == BENCH_HANDLERS + 16 + 1 &&
               b.cpu->rip == BENCH_HANDLERS + 32 + 2,
           "an NMI that waits behind a single step comes after one instruction of its handler");
    }
    WITH(b, bench_long(&b, 0)) {
        cpu_set_rflags(b.cpu, FLAG_TF | FLAG_IF | 2);
        flat_write(&b.f, BENCH_HANDLERS + 16, (const uint8_t[]){0xeb, 0xfe}, 2);
        RUN_STEPS(&b, 2, 0xf4, 0x90);
        ok(debugged(&b, DEBUG_BS, FLAT_CODE + 1), "a single step over HLT wakes the processor");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RDI] = BENCH_DATA;
        b.cpu->gpr[RCX] = 3;
        cpu_set_rflags(b.cpu, FLAG_TF | 2);
        flat_write(&b.f, BENCH_HANDLERS + 16, (const uint8_t[]){0xeb, 0xfe}, 2);
        RUN_STEPS(&b, 2, 0xf3, 0xaa);
        ok(debugged(&b, DEBUG_BS, FLAT_CODE) && bench_stack(&b, 2) & FLAG_RF && b.cpu->gpr[RCX] == 2,
           "a single step is an iteration of REP STOSB, and saves RF, 17.3.1.1");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RDI] = BENCH_DATA;
        b.cpu->gpr[RCX] = 9;
        b.cpu->control.dr[0] = FLAT_CODE;
        set_dr7(&b, L0);
        cpu_set_rflags(b.cpu, FLAG_RF | 2);
        RUN_STEPS(&b, 5, 0xf3, 0xaa, 0xeb, 0xfe);
        ok(b.cpu->gpr[RCX] == 4 && b.cpu->rflags & FLAG_RF, "RF stays between iterations");
        (void)cpu_run(b.cpu, 7);
        ok(b.cpu->rip == FLAT_CODE + 2 && !(b.cpu->rflags & FLAG_RF), "so that the breakpoint does not come again");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->gpr[RAX] = DATA0;
        cpu_set_rflags(b.cpu, FLAG_TF | 2);
        RUN_STEPS(&b, 2, 0x8e, 0xd0, 0xf1);
        ok(debugged(&b, 0, FLAT_CODE + 3) && !b.cpu->boundary.pending_debug,
           "INT1 after MOV SS: no single step is left over");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->control.dr[7] |= BIT(13);
        RUN(&b, 0x0f, 0x21, 0xc0);
        ok(debugged(&b, DEBUG_BD, FLAT_CODE) && !(b.cpu->control.dr[7] & BIT(13)),
           "general detect: a fault that clears GD");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->control.dr[7] |= BIT(13);
        RUN(&b, 0xf1);
        ok(debugged(&b, 0, FLAT_CODE + 1) && !(b.cpu->control.dr[7] & BIT(13)), "INT1 clears GD too");
    }
}

// 17.4.3: with BTF only what branches is stepped. RCX is 1, ZF as given; the code is followed by NOPs.
static const struct {
    uint64_t rflags;
    uint8_t code[5], length;
    bool stepped;
    const char *name;
} branches[] = {
    {0, {0x90}, 1, false, "NOP"},
    {0, {0xeb, 0x02}, 2, true, "JMP"},
    {0, {0xeb, 0x00}, 2, true, "JMP to the next instruction"},
    {0, {0x74, 0x02}, 2, false, "JZ that is not taken"},
    {FLAG_ZF, {0x74, 0x02}, 2, true, "JZ that is taken"},
    {FLAG_ZF, {0x0f, 0x84, 0x00, 0x00}, 5, true, "JZ that is taken to the next instruction"},
    {FLAG_ZF, {0x0f, 0x85, 0x00, 0x00}, 5, false, "JNZ that is not taken to the next instruction"},
    {0, {0xe2, 0x00}, 2, false, "LOOP that ends"},
    {0, {0x67, 0xe3, 0x00}, 3, false, "JECXZ that is not taken"},
    {0, {0x66, 0xe3, 0x00}, 3, false, "JRCXZ that is not taken"},
    {0, {0xff, 0xe3}, 2, true, "JMP RBX"},
    {0, {0xff, 0xd3}, 2, true, "CALL RBX"},
    {0, {0xe8, 0x00, 0x00, 0x00, 0x00}, 5, true, "CALL"},
    {0, {0xc3}, 1, true, "RET"},
    {0, {0x48, 0xcf}, 2, true, "IRET"},
    {0, {0xf3, 0xaa}, 2, false, "REP STOSB"},
    {0, {0x9d}, 1, false, "POPF that sets TF"},
};

static const uint8_t here[] = {0xeb, 0xfe}; // JMP $

static void branch_ready(struct bench *b, uint64_t rflags) {
    const uint64_t frame[] = {FLAT_CODE + 8, CODE64, FLAG_TF | 2, BENCH_STACK, DATA0};
    for (unsigned i = 0; i < 5; i++) flat_poke(&b->f, BENCH_STACK - 64 + 8 * i, frame[i]);
    b->cpu->gpr[RSP] = BENCH_STACK - 64;
    b->cpu->gpr[RBX] = FLAT_CODE + 8;
    b->cpu->gpr[RDI] = BENCH_DATA;
    b->cpu->gpr[RCX] = 1;
    b->cpu->msr.debugctl = DEBUGCTL_BTF | DEBUGCTL_LBR;
    flat_write(&b->f, BENCH_HANDLERS + 16, here, sizeof here);
    cpu_set_rflags(b->cpu, FLAG_TF | rflags | 2);
}

static bool drops_derived(void *machine, struct cpu *cpu, uint32_t index, uint64_t value) {
    (void)machine, (void)index, (void)value;
    cpu_drop_derived(cpu);
    return true;
}

// As a board does when the local APIC's page moves.
static void test_branches_dropped(void) {
    WITH(b, bench_long(&b, 0)) {
        b.f.platform.msr_write = drops_derived;
        branch_ready(&b, 0);
        b.cpu->gpr[RCX] = 0x1b;
        RUN_STEPS(&b, 2, 0x0f, 0x30, 0x90);
        ok(b.cpu->rip == FLAT_CODE + 3 && !b.cpu->boundary.pending_debug, "WRMSR that moves memory branches nowhere");
    }
}

static void test_branches(void) {
    for (unsigned i = 0; i < sizeof branches / sizeof branches[0]; i++) {
        WITH(b, bench_long(&b, 0)) {
            branch_ready(&b, branches[i].rflags);
            bench_run(&b, branches[i].code, branches[i].length, 1);
            bool stepped = b.cpu->boundary.pending & PENDING_DEBUG;
            ok(stepped == branches[i].stepped, "BTF: %s %s", branches[i].name,
               branches[i].stepped ? "traps" : "passes");
        }
    }
    WITH(b, bench_long(&b, 0)) {
        branch_ready(&b, 0);
        RUN_STEPS(&b, 5, 0x90, 0x90, 0x74, 0x00, 0xeb, 0x00, 0x90);
        ok(debugged(&b, DEBUG_BS, FLAT_CODE + 6) && bench_stack(&b, 2) & FLAG_TF, "the trap comes after the branch");
        ok(!b.cpu->msr.debugctl, "#DB clears BTF and LBR");
    }
    WITH(b, bench_long(&b, 0)) {
        branch_ready(&b, 0);
        b.cpu->msr.debugctl = 0;
        b.cpu->gpr[RCX] = 0x1d9;
        b.cpu->gpr[RAX] = DEBUGCTL_BTF;
        b.cpu->gpr[RDX] = 0;
        RUN_STEPS(&b, 2, 0x0f, 0x30);
        ok(debugged(&b, DEBUG_BS, FLAT_CODE + 2), "WRMSR that sets BTF began without it");
    }
    WITH(b, bench_long(&b, 0)) {
        branch_ready(&b, 0);
        RUN(&b, 0xcd, 0x80);
        ok(bench_vector(&b) == 0x80 && !b.cpu->boundary.pending_debug && b.cpu->msr.debugctl & DEBUGCTL_BTF,
           "INT n clears TF");
    }
}

static void test_alignment(void) {
    for (unsigned on = 0; on < 2; on++) {
        WITH(b, bench_long(&b, 3)) {
            b.cpu->gpr[RDI] = BENCH_DATA + 1;
            b.cpu->gpr[RSP] = BENCH_STACK;
            b.cpu->control.cr0 |= CR0_AM;
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
        b.cpu->control.cr0 |= CR0_AM;
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
    test_branches();
    test_branches_dropped();
    test_alignment();
    return done_testing();
}

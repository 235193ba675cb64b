// Task switches: SDM Vol. 3A, chapter 7.
#include "tests/system/bench.h"
#include "cpu/engine/cpu_run.h"

enum { OTHER = SPARE, OTHER_TSS = 0x2a000, ENTRY = 0x50000, NEW_STACK = 0x240000 };
enum { EIP = 32, EFLAGS = 36, EAX_ = 40, ESP = 56, ES_ = 72, CS_ = 76, SS_ = 80, LDT_ = 96, TRAP = 100 };

static void poke32(struct bench *b, uint64_t at, uint32_t v) { memcpy(b->f.ram + at, &v, 4); }
static uint32_t peek32(struct bench *b, uint64_t at) { return (uint32_t)flat_peek(&b->f, at); }
static unsigned type_of(struct bench *b, unsigned selector) {
    return (unsigned)(flat_peek(&b->f, BENCH_GDT + selector) >> 40 & 15);
}

// Protected mode with a second 32-bit TSS, whose task starts at ENTRY.
static void two_tasks(struct bench *b) {
    bench_protected(b, 0);
    bench_descriptor(b, TASK, BENCH_TSS, 0x67, R_TSS_BUSY);
    b->cpu->segment[TR].limit = 0x67;
    bench_descriptor(b, OTHER, OTHER_TSS, 0x67, R_TSS);
    memset(b->f.ram + OTHER_TSS, 0, 0x68);
    poke32(b, OTHER_TSS + EIP, ENTRY);
    poke32(b, OTHER_TSS + EFLAGS, 2);
    poke32(b, OTHER_TSS + EAX_, 0x11111111);
    poke32(b, OTHER_TSS + ESP, NEW_STACK);
    for (unsigned s = 0; s < 6; s++) poke32(b, OTHER_TSS + ES_ + 4 * s, s == CS ? CODE32 : DATA0);
    b->cpu->gpr[RAX] = 0x12345678;
    b->cpu->gpr[RSP] = BENCH_STACK;
    b->cpu->control.dr[7] = 0x400 | 0xff;
    b->f.ram[ENTRY] = 0x90;
}
#define FAR(opcode, selector) opcode, 0xf4, 0xf4, 0xf4, 0xf4, (uint8_t)(selector), (uint8_t)((selector) >> 8)

static void test_jump(void) {
    WITH(b, two_tasks(&b)) {
        b.cpu->rip = 0x40000;
        RUN(&b, FAR(0xea, OTHER));
        ok(b.cpu->rip == ENTRY && b.cpu->gpr[RAX] == 0x11111111 && b.cpu->gpr[RSP] == NEW_STACK,
           "JMP to a TSS: the new task's registers");
        ok(b.cpu->segment[TR].selector == OTHER && b.cpu->segment_base[TR] == OTHER_TSS, "TR names the new task");
        ok(peek32(&b, BENCH_TSS + EIP) == 0x40007 && peek32(&b, BENCH_TSS + EAX_) == 0x12345678 &&
               (uint16_t)peek32(&b, BENCH_TSS + CS_) == CODE32,
           "the old task's are in its TSS");
        ok(type_of(&b, TASK) == TYPE_TSS32 && type_of(&b, OTHER) == TYPE_TSS32_BUSY, "the busy flag moved, Table 7-2");
        ok(!(b.cpu->rflags & FLAG_NT) && peek32(&b, OTHER_TSS) == 0, "no NT and no link after JMP");
        ok(b.cpu->control.cr0 & CR0_TS, "CR0.TS is set");
        ok(b.cpu->control.dr[7] == (0x400 | 0xaa), "local breakpoints are off, global ones stay");
    }
}

static void test_call_and_return(void) {
    WITH(b, two_tasks(&b)) {
        b.cpu->rip = 0x40000;
        b.f.ram[ENTRY] = 0xcf; // IRET
        RUN(&b, FAR(0x9a, OTHER));
        ok(b.cpu->rflags & FLAG_NT && (uint16_t)peek32(&b, OTHER_TSS) == TASK, "CALL sets NT and the link");
        ok(type_of(&b, TASK) == TYPE_TSS32_BUSY && type_of(&b, OTHER) == TYPE_TSS32_BUSY, "both are busy");
        (void)cpu_run(b.cpu, 1);
        ok(b.cpu->rip == 0x40007 && b.cpu->gpr[RAX] == 0x12345678 && b.cpu->gpr[RSP] == BENCH_STACK,
           "IRET with NT returns to the first task");
        ok(type_of(&b, OTHER) == TYPE_TSS32 && !(peek32(&b, OTHER_TSS + EFLAGS) & FLAG_NT),
           "the task that returned is available, its NT clear");
        ok(peek32(&b, OTHER_TSS + EIP) == ENTRY + 1, "and goes on after its IRET");
    }
}

static void task_gate(struct bench *b, unsigned vector, unsigned dpl) {
    flat_poke(&b->f, BENCH_IDT + 8 * vector,
              (uint64_t)OTHER << 16 | (uint64_t)(0x80 | dpl << 5 | TYPE_TASK_GATE) << 40);
}

static void test_gates(void) {
    WITH(b, two_tasks(&b)) {
        task_gate(&b, VECTOR_GP, 0);
        b.cpu->rip = 0x40000;
        RUN(&b, 0x8e, 0xc0); // MOV ES, AX: 5678H is beyond the GDT
        ok(b.cpu->rip == ENTRY && peek32(&b, NEW_STACK - 4) == 0x5678 && b.cpu->gpr[RSP] == NEW_STACK - 4,
           "an exception through a task gate pushes its error code on the new stack");
        ok(peek32(&b, BENCH_TSS + EIP) == 0x40000 && peek32(&b, BENCH_TSS + EFLAGS) & FLAG_RF,
           "the old task's TSS points to the instruction, RF set");
    }
    WITH(b, two_tasks(&b)) {
        flat_poke(&b.f, BENCH_GDT + GATE, (uint64_t)OTHER << 16 | (uint64_t)(0x80 | TYPE_TASK_GATE) << 40);
        b.cpu->rip = 0x40000;
        RUN(&b, FAR(0x9a, GATE));
        ok(b.cpu->rip == ENTRY && b.cpu->rflags & FLAG_NT, "CALL through a task gate of the GDT");
    }
}

static void test_16bit(void) {
    WITH(b, two_tasks(&b)) {
        bench_descriptor(&b, OTHER, OTHER_TSS, 0x2b, 0x81);
        memset(b.f.ram + OTHER_TSS, 0, 0x2c);
        const uint16_t image[] = {[7] = 0x5000, 2, 0x1234, [13] = 0x6000, [17] = DATA0, CODE16, DATA0, DATA0};
        memcpy(b.f.ram + OTHER_TSS, image, sizeof image);
        b.cpu->rip = 0x40000;
        RUN(&b, FAR(0xea, OTHER));
        ok(b.cpu->rip == 0x5000 && b.cpu->gpr[RAX] == 0xffff1234 && b.cpu->gpr[RSP] == 0xffff6000,
           "a 16-bit TSS sets the upper halves of the registers to ones");
        ok(b.cpu->segment[CS].selector == CODE16 && b.cpu->segment[FS].rights & RIGHTS_UNUSABLE, "has no FS and GS");
        b.cpu->gpr[RAX] = 0x4321;
        bench_descriptor(&b, TASK, BENCH_TSS, 0x67, R_TSS);
        RUN(&b, 0xea, 0, 0, TASK, 0);
        ok((flat_peek(&b.f, OTHER_TSS + 18) & 0xffff) == 0x4321, "and takes 16 bits of a register");
    }
}

static void test_trap_flag(void) {
    WITH(b, two_tasks(&b)) {
        poke32(&b, OTHER_TSS + TRAP, 1);
        b.cpu->rip = 0x40000;
        RUN_STEPS(&b, 2, FAR(0xea, OTHER));
        ok(b.cpu->control.dr[6] & BIT(15) && peek32(&b, NEW_STACK - 12) == ENTRY,
           "the T flag: #DB with BT before the task's first instruction");
    }
}

// What is refused: a change to the set-up, the instruction's selector, the fault.
static void refused(const char *what, unsigned selector, uint64_t descriptor_or, int vector, uint32_t code) {
    WITH(b, two_tasks(&b)) {
        uint64_t d = flat_peek(&b.f, BENCH_GDT + OTHER);
        flat_poke(&b.f, BENCH_GDT + OTHER, d ^ descriptor_or);
        b.cpu->rip = 0x40000;
        RUN(&b, FAR(0x9a, selector));
        ok(bench_faulted(&b, vector, code) && b.cpu->segment[TR].selector == TASK && bench_stack(&b, 1) == 0x40000,
           "%s", what);
    }
}

// Faults that arise after the switch: with the new task's CS:EIP.
static void refused_inside(const char *what, unsigned offset, uint16_t selector, int vector, uint32_t code) {
    WITH(b, two_tasks(&b)) {
        poke32(&b, OTHER_TSS + offset, selector);
        b.cpu->rip = 0x40000;
        RUN(&b, FAR(0x9a, OTHER));
        ok(bench_faulted(&b, vector, code) && b.cpu->segment[TR].selector == OTHER && bench_stack(&b, 1) == ENTRY, "%s",
           what);
    }
}

static void test_refusals(void) {
    refused("a busy TSS: #GP", OTHER, BIT(41), VECTOR_GP, OTHER);
    refused("a TSS that is not present: #NP", OTHER, BIT(47), VECTOR_NP, OTHER);
    refused("a TSS that is too short: #TS", OTHER, 7, VECTOR_TS, OTHER);
    refused("RPL above the DPL: #GP", OTHER | 3, 0, VECTOR_GP, OTHER);
    refused_inside("data segment beyond the GDT: #TS", ES_, 0x1000, VECTOR_TS, 0x1000);
    refused_inside("data segment not present: #NP", ES_, ABSENT, VECTOR_NP, ABSENT);
    WITH(b, two_tasks(&b)) {
        poke32(&b, OTHER_TSS + LDT_, DATA0);
        b.cpu->rip = 0x40000;
        RUN(&b, FAR(0x9a, OTHER));
        ok(b.cpu->boundary.activity == ACTIVITY_SHUTDOWN && b.cpu->attempt.fault.vector == VECTOR_SS,
           "an LDT that is none: #TS before there is a stack, whose handlers through gates fail");
    }
    WITH(b, two_tasks(&b)) {
        b.cpu->rip = 0x40000;
        b.cpu->rflags |= FLAG_NT;
        poke32(&b, BENCH_TSS, OTHER);
        RUN(&b, 0xcf);
        ok(bench_faulted(&b, VECTOR_TS, OTHER), "IRET to a task that is not busy: #TS");
    }
}

int main(void) {
    test_jump();
    test_call_and_return();
    test_gates();
    test_16bit();
    test_trap_flag();
    test_refusals();
    return done_testing();
}

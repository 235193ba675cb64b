// Performance counters and last-branch records: SDM Vol. 3B, chapters 18 and 19. What is counted, by whom, to which step; what an
// overflow does; in blocks and step by step alike.
#include "cpu/counters/counters.h"
#include "cpu/counters/registers.h"
#include "cpu/system/msr.h"
#include "tests/system/bench.h"

enum { OS = 1, USER = 2, PMI = 8, LOOPS = 100, IN_LOOP = 3 };

static unsigned asked;
static void interrupted(void *machine, struct cpu *cpu) {
    (void)machine, (void)cpu;
    asked++;
}

static void set(struct bench *b, uint32_t index, uint64_t value) { (void)msr_write(b->cpu, NULL, index, value); }
static uint64_t get(struct bench *b, uint32_t index) {
    uint64_t value = ~0ull;
    (void)msr_read(b->cpu, NULL, index, &value);
    return value;
}

// NOP; DEC ECX; JNZ to its beginning: 3 instructions, one of them a branch, LOOPS times.
static const uint8_t loop[] = {0x90, 0xff, 0xc9, 0x75, 0xfb};

static void ready(struct bench *b, unsigned cpl) {
    asked = 0;
    b->f.platform.performance_interrupt = interrupted;
    bench_long(b, cpl);
    flat_write(&b->f, FLAT_CODE, loop, sizeof loop);
    b->cpu->rip = FLAT_CODE;
    b->cpu->gpr[RCX] = LOOPS;
    set(b, MSR_GLOBAL_CONTROL, BITS(34, 32) | BITS(7, 0));
}

static void run(struct bench *b, uint64_t steps, bool stepped) {
    if (!stepped) {
        while (steps) {
            uint64_t before = b->cpu->time.steps;
            (void)cpu_run(b->cpu, steps);
            steps -= b->cpu->time.steps - before;
        }
        return;
    }
    for (uint64_t end = b->cpu->time.steps + steps; b->cpu->time.steps < end;) (void)cpu_run(b->cpu, 1);
}

static void test_counts(void) {
    const uint64_t all = IN_LOOP * LOOPS;
    for (unsigned stepped = 0; stepped < 2; stepped++)
        WITH(b, ready(&b, 0)) {
            set(&b, MSR_FIXED_CONTROL, OS | OS << 4 | USER << 8);
            set(&b, MSR_SELECT, 0xc4 | BIT(17) | BIT(22));
            set(&b, MSR_SELECT + 1, 0xc0 | BIT(16) | BIT(22));
            run(&b, all, stepped);
            ok(get(&b, MSR_FIXED) == all, "instructions retired: %llu", (unsigned long long)get(&b, MSR_FIXED));
            ok(get(&b, MSR_FIXED + 1) == all, "cycles");
            ok(get(&b, MSR_FIXED + 2) == 0, "cycles above CPL 0: none");
            ok(get(&b, MSR_PMC) == LOOPS, "branches: %llu", (unsigned long long)get(&b, MSR_PMC));
            ok(get(&b, MSR_PMC + 1) == 0, "instructions above CPL 0: none");
        }
}

// At which step the interrupt comes: the one whose retirement is the last that the counter has room for.
static void test_overflow(void) {
    for (unsigned at = 1; at <= 20; at++)
        WITH(b, ready(&b, 0)) {
            set(&b, MSR_FIXED_CONTROL, OS | PMI);
            set(&b, MSR_FIXED, BITS(47, 0) - at + 1);
            run(&b, at - 1, false);
            ok(!asked && !get(&b, MSR_GLOBAL_STATUS), "%u instructions before it overflows", at);
            run(&b, 1, false);
            ok(asked == 1 && get(&b, MSR_GLOBAL_STATUS) == BIT(32) && get(&b, MSR_FIXED) == 0, "it overflows at %u", at);
            set(&b, MSR_STATUS_RESET, BIT(32));
            ok(!get(&b, MSR_GLOBAL_STATUS), "the bit is cleared");
        }
    WITH(b, ready(&b, 0)) {
        set(&b, MSR_SELECT, 0xc4 | BIT(17) | BIT(20) | BIT(22));
        set(&b, MSR_A_PMC, BITS(47, 0) - 6);
        set(&b, 0x1d9, BIT(12));
        run(&b, IN_LOOP * 7 - 1, false);
        ok(!asked, "6 branches");
        run(&b, 10, false);
        ok(asked == 1 && get(&b, MSR_GLOBAL_STATUS) == (BIT(0) | BIT(59)), "the seventh freezes the counters");
        ok(get(&b, MSR_PMC) == 0, "nothing is counted while they are");
    }
}

// A user program's SYSCALL: the counter of user mode has it, that of the kernel what follows.
static void test_levels(void) {
    static const uint8_t user[] = {0x90, 0x90, 0x0f, 0x05}, kernel[] = {0x90, 0x90, 0x90, 0x90, 0x90, 0x90};
    for (unsigned stepped = 0; stepped < 2; stepped++)
        WITH(b, ready(&b, 3)) {
            flat_write(&b.f, FLAT_CODE, user, sizeof user);
            flat_write(&b.f, BENCH_HANDLERS, kernel, sizeof kernel);
            b.cpu->msr.lstar = BENCH_HANDLERS;
            b.cpu->msr.star = (uint64_t)CODE64 << 32;
            b.cpu->control.efer |= EFER_SCE;
            cpu_update_mode(b.cpu);
            set(&b, MSR_FIXED_CONTROL, USER | OS << 4);
            run(&b, 8, stepped);
            ok(get(&b, MSR_FIXED) == 3 && get(&b, MSR_FIXED + 1) == 5, "3 above CPL 0, 5 in it: %llu, %llu",
               (unsigned long long)get(&b, MSR_FIXED), (unsigned long long)get(&b, MSR_FIXED + 1));
        }
}

static void test_branches(void) {
    const uint64_t on = 1 | OS << 1, conditional = BIT(16), calls = BIT(19);
    for (unsigned stepped = 0; stepped < 2; stepped++)
        WITH(b, ready(&b, 0)) {
            set(&b, MSR_LBR_CONTROL, on | conditional);
            run(&b, IN_LOOP * LOOPS, stepped);
            unsigned good = 0;
            for (unsigned i = 0; i < LAST_BRANCHES; i++)
                good += get(&b, MSR_LBR_FROM + i) == FLAT_CODE + 3 && get(&b, MSR_LBR_TO + i) == FLAT_CODE &&
                        (get(&b, MSR_LBR_INFO + i) & BITS(15, 0)) == IN_LOOP;
            ok(good == LAST_BRANCHES, "the last 32 branches of a loop: %u", good);
        }
    WITH(b, ready(&b, 0)) {
        set(&b, MSR_LBR_CONTROL, on | calls);
        run(&b, IN_LOOP * LOOPS, false);
        ok(get(&b, MSR_LBR_TO) == 0, "none of a type that is not asked for");
        set(&b, MSR_LBR_CONTROL, on | conditional);
        set(&b, MSR_STATUS_SET, BIT(58));
        b.cpu->gpr[RCX] = LOOPS, b.cpu->rip = FLAT_CODE;
        run(&b, IN_LOOP * LOOPS, false);
        ok(get(&b, MSR_LBR_TO) == 0, "none while they are frozen");
    }
}

static void test_rdpmc(void) {
    WITH(b, ready(&b, 0)) {
        set(&b, MSR_A_PMC + 2, 0x123456789aull);
        b.cpu->gpr[RCX] = 2;
        flat_write(&b.f, FLAT_CODE, (const uint8_t[]){0x0f, 0x33}, 2);
        run(&b, 1, false);
        ok(b.cpu->gpr[RAX] == 0x3456789a && b.cpu->gpr[RDX] == 0x12, "RDPMC of a programmable counter");
        b.cpu->gpr[RCX] = 0x40000002;
        b.cpu->rip = FLAT_CODE;
        RUN(&b, 0x0f, 0x33);
        ok(bench_vector(&b) < 0, "RDPMC of the last fixed one");
        b.cpu->gpr[RCX] = 0x40000003;
        b.cpu->rip = FLAT_CODE;
        RUN(&b, 0x0f, 0x33);
        ok(bench_faulted(&b, VECTOR_GP, 0), "RDPMC of a counter that is not there");
    }
    WITH(b, ready(&b, 3)) {
        b.cpu->gpr[RCX] = 0;
        b.cpu->control.cr4 |= CR4_PCE;
        RUN(&b, 0x0f, 0x33);
        ok(bench_vector(&b) < 0, "RDPMC above CPL 0 with CR4.PCE");
    }
}

int main(void) {
    test_counts();
    test_overflow();
    test_levels();
    test_branches();
    test_rdpmc();
    return done_testing();
}

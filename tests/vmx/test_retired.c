// Instructions retired: steps less faults, VM exits, and iterations of a repeated string instruction before its last.
// Programs whose count is known, each run whole and in single steps, and the same at every boundary.
#include "cpu/processor/processor.h"
#include "cpu/memory/access.h"
#include "tests/vmx/bench.h"
#include <stdio.h>

enum { MMIO_LINEAR = 0x40000000, UNMAPPED = BENCH_RAM };

struct program {
    const char *name, *hex;
    uint64_t rcx, rdi;
    unsigned steps, retired;
};

// The handler of every vector is HLT, which ends the run and retires.
static const struct program programs[] = {
    {"NOP, HLT", "90 f4", 0, 0, 2, 2},
    {"UD2 faults", "90 0f 0b", 0, 0, 3, 2},
    {"a load from nowhere faults", "8b 07", 0, UNMAPPED, 2, 1},
    {"a jump to nowhere cannot be fetched", "ff e7", 0, UNMAPPED, 3, 2},
    {"INT3 is a trap: it retires", "cc", 0, 0, 2, 2},
    {"INT n retires", "cd 40", 0, 0, 2, 2},
    {"INT n without a gate is a fault", "cd 41", 0, 0, 2, 1},
    {"DIV by 0 in the middle of a block", "90 31 c0 f7 f0 90", 0, 0, 4, 3},
    {"REP STOSB, five iterations", "f3 aa f4", 5, AT_DATA, 6, 2},
    {"REP STOSB, none", "f3 aa f4", 0, AT_DATA, 2, 2},
    {"REP STOSB over two pages and more", "f3 aa f4", 10000, AT_GUEST_DATA, 10001, 2},
    {"REPNE SCASB ended by the comparison", "f2 ae f4", 100, AT_DATA, 4, 2},
    {"REP STOSB that faults in its third iteration", "f3 aa f4", 10, UNMAPPED - 2, 4, 1},
    {"REP INSB", "f3 6c f4", 3, AT_DATA, 4, 2},
    {"an instruction breakpoint comes in place of an attempt", "b8 10 00 02 00 0f 23 c0 b8 02 04 00 00 0f 23 f8 90 f4",
     0, 0, 6, 5},
    {"an MMIO access in a block is tried again alone", "90 89 07 90 8b 07 90 f4", 0, MMIO_LINEAR, 6, 6},
    {"a store into the block is tried again alone", "90 c6 05 00 00 00 00 90 90 f4", 0, 0, 4, 4},
};

static struct bench *ready(const struct program *p) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    bench_store(b, AT_IDT + 16 * 0x41, 8, 0);
    bench_store(b, AT_PDPT + 8, 8, (AT_PD + 0x20000) | 7); // the second GByte: MMIO
    bench_store(b, AT_PD + 0x20000, 8, 0xfe000087);
    bench_store(b, AT_DATA + 2, 1, 0xff);
    bench_run(b, "90");
    struct cpu *cpu = b->cpu;
    gpr_put(cpu, RAX, 0xff);
    gpr_put(cpu, RCX, p->rcx);
    gpr_put(cpu, RDX, 0x60);
    gpr_put(cpu, RDI, p->rdi);
    field_put(cpu, "rip", AT_HOST_CODE);
    unsigned n = 0, byte;
    const char *hex = p->hex;
    for (int used; sscanf(hex, " %2x%n", &byte, &used) == 1; hex += used) b->ram[AT_HOST_CODE + n++] = (uint8_t)byte;
    cpu_drop_derived(cpu);
    return b;
}

static void run(const struct program *p, unsigned piece) {
    struct bench *b = ready(p);
    uint64_t steps = field(b->cpu, "time.steps"), retired = cpu_retired(b->cpu);
    for (unsigned i = 0; i < 20000 && cpu_run(b->cpu, piece) != RUN_HALTED; i++) {}
    steps = field(b->cpu, "time.steps") - steps, retired = cpu_retired(b->cpu) - retired;
    ok(steps == p->steps && retired == p->retired, "%s: %u steps, %u retired, in pieces of %u (%u, %u)", p->name,
       p->steps, p->retired, piece, (unsigned)steps, (unsigned)retired);
    bench_free(b);
}

// VMLAUNCH, CPUID, VMRESUME and so on: the guest's CPUID never retires, the entries do.
static void exits(bool stepped) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    bench_guest(b, "90 0f a2");
    bench_store(b, AT_HOST_EXIT, 3, 0xc3010f); // VMRESUME
    bench_run(b, "90");
    uint64_t steps = field(b->cpu, "time.steps"), retired = cpu_retired(b->cpu);
    bench_enter(b, 2);
    for (unsigned i = 0; i < 100; i++) (void)cpu_run(b->cpu, stepped ? 1 : 100);
    steps = field(b->cpu, "time.steps") - steps, retired = cpu_retired(b->cpu) - retired;
    // VMLAUNCH, NOP, then CPUID and VMRESUME by turns.
    ok(retired == 2 + (steps - 2) / 2, "each CPUID exits, each VM entry retires: %u of %u steps, %s", (unsigned)retired,
       (unsigned)steps, stepped ? "stepped" : "free");
    ok(cpu_count_state.unhashed, "counts are no part of the hash");
    bench_free(b);
}

static void interrupts(void) {
    struct bench *b = ready(&(struct program){"", "eb fe", 0, 0, 0, 0});
    cpu_set_rflags(b->cpu, FLAG_IF | 2);
    uint64_t steps = field(b->cpu, "time.steps"), retired = cpu_retired(b->cpu);
    (void)cpu_run(b->cpu, 10);
    cpu_pend(b->cpu, PENDING_INTR, true);
    ok(cpu_run(b->cpu, 10) == RUN_HALTED && field(b->cpu, "time.steps") - steps == 11 &&
           cpu_retired(b->cpu) - retired == 11,
       "an interrupt takes no step and retires nothing");
    bench_free(b);
}

int main(void) {
    for (unsigned i = 0; i < sizeof programs / sizeof programs[0]; i++)
        for (unsigned piece = 1; piece < 100000; piece *= 7) run(&programs[i], piece);
    exits(false);
    exits(true);
    interrupts();
    return done_testing();
}

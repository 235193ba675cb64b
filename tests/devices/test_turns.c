// Several processors: start by INIT and SIPI, messages between them, locked counting, one time for all, idle time, and
// the equality of all ways to cut a run.
#include "cpu/state/cpu.h"
#include "devices/machine/machine.h"
#include "tests/field.h"
#include "tests/door.h"
#include "tests/tap.h"
#include "cpu/memory/mode.h"
#include <stdlib.h>
#include <string.h>

enum { CODE = 0x7c00, START = 0x8000, COUNTER = 0x600, STEPS = 200000 };

// The bootstrap processor: unreal mode by way of a GDT, so that the local APIC can be reached; then INIT and SIPI to
// all others at once, and the same loop as they.
static const uint8_t boot_code[] = {
    0xfa,                                           // cli
    0x66, 0x2e, 0x0f, 0x01, 0x16, 0x60, 0x7c,       // o32 lgdt cs:[7c60]
    0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0, // mov eax, cr0; or al, 1; mov cr0, eax
    0xb9, 0x08, 0x00, 0x8e, 0xd9,                   // mov cx, 8; mov ds, cx
    0x24, 0xfe, 0x0f, 0x22, 0xc0,                   // and al, fe; mov cr0, eax
    0x31, 0xc9, 0x8e, 0xd9,                         // xor cx, cx; mov ds, cx: the limit stays
    0x66, 0xbb, 0x00, 0x03, 0xe0, 0xfe,             // mov ebx, fee00300
    0x67, 0x66, 0xc7, 0x03, 0x00, 0x45, 0x0c, 0x00, // mov dword [ebx], 0c4500: INIT, all but self
    0x67, 0x66, 0xc7, 0x03, 0x08, 0x46, 0x0c, 0x00, // mov dword [ebx], 0c4608: SIPI, vector 8
    0xea, 0x00, 0x80, 0x00, 0x00,                   // jmp 0:8000
};
// All: count with LOCK; what somebody read of the TSC before, is it later than what it is now? Then count an error.
static const uint8_t loop_code[] = {
    0x31, 0xc0, 0x8e, 0xd8,             // xor ax, ax; mov ds, ax
    0xf0, 0x66, 0xff, 0x06, 0x00, 0x06, // lock inc dword [600]
    0x66, 0x8b, 0x36, 0x08, 0x06,       // mov esi, [608]
    0x0f, 0x31,                         // rdtsc
    0x66, 0x39, 0xf0,                   // cmp eax, esi
    0x73, 0x05,                         // jae +5
    0x66, 0xff, 0x06, 0x0c, 0x06,       // inc dword [60c]
    0x66, 0xa3, 0x08, 0x06,             // mov [608], eax
    0x66, 0xff, 0x06, 0x10, 0x06,       // inc dword [610]: not locked
    0xeb, 0xde,                         // jmp to the lock inc
};

static struct machine *make(unsigned cpus, const uint8_t *code, size_t bytes) {
    static const uint8_t gdt[] = {0x0f, 0x00, 0x70, 0x7c, 0, 0, 0, 0};
    static const uint64_t flat = 0x00cf93000000ffff;
    struct machine *m = door_machine(cpus, 1 << 20);
    machine_set_memory(m, CODE, boot_code, sizeof boot_code);
    machine_set_memory(m, 0x7c60, gdt, sizeof gdt);
    machine_set_memory(m, 0x7c78, &flat, sizeof flat);
    machine_set_memory(m, START, code, bytes);
    door_start(m, CODE, 0);
    return m;
}
static struct machine *counting(unsigned cpus) { return make(cpus, loop_code, sizeof loop_code); }

static uint32_t word(struct machine *m, uint64_t at) {
    uint32_t value = 0;
    machine_read(m, at, &value, sizeof value);
    return value;
}

static void start(void) {
    struct machine *m = counting(5);
    ok(machine_cpu(m, 4) && !machine_cpu(m, 5), "five processors");
    ok(machine_cpu(m, 0)->boundary.activity == ACTIVITY_ACTIVE &&
           machine_cpu(m, 4)->boundary.activity == ACTIVITY_WAIT_FOR_SIPI,
       "one begins");
    ok(machine_run(m, STEPS) == MACHINE_STEPS && machine_steps(m) == STEPS, "steps are those of all together");
    uint64_t least = ~0ull, most = 0;
    for (unsigned i = 0; i < 5; i++) {
        uint64_t steps = machine_cpu(m, i)->time.steps;
        if (steps < least) least = steps;
        if (steps > most) most = steps;
    }
    ok(most - least <= 2000 && least > STEPS / 5 - 2000, "INIT and SIPI start the others: %u to %u steps",
       (unsigned)least, (unsigned)most);
    ok(machine_cycles(m) < STEPS / 5 + 2000, "they run side by side in machine time");
    ok(word(m, COUNTER) == word(m, 0x610) || word(m, COUNTER) - word(m, 0x610) <= 5, "LOCK");
    ok(word(m, 0x60c) == 0 && word(m, 0x608) > 10000, "no processor finds the TSC of another in its future");
    machine_free(m);
}

static void topology(void) {
    struct machine *m = counting(6);
    for (unsigned i = 0; i < 6; i += 5) {
        struct cpu *cpu = inside_cpu(m, i);
        struct cpuid_result one = cpuid(cpu, 1, 0), smt = cpuid(cpu, 0xb, 0), core = cpuid(cpu, 0xb, 1),
                            l1 = cpuid(cpu, 4, 0), l3 = cpuid(cpu, 4, 3);
        ok(one.ebx >> 24 == i && (one.ebx >> 16 & 255) == 8 && one.edx >> 28 & 1, "leaf 1: APIC ID %u of 8, HTT", i);
        ok(smt.eax == 0 && smt.ebx == 1 && core.eax == 3 && core.ebx == 6 && core.edx == i,
           "leaf 0BH: 6 cores of one thread");
        ok(l1.eax >> 26 == 7 && (l1.eax >> 14 & 0xfff) == 0 && (l3.eax >> 14 & 0xfff) == 7,
           "leaf 4: the third level is shared");
    }
    machine_free(m);
    m = counting(1);
    struct cpuid_result one = cpuid(inside_cpu(m, 0), 1, 0), core = cpuid(inside_cpu(m, 0), 0xb, 1);
    ok((one.ebx >> 16 & 255) == 1 && !(one.edx >> 28 & 1) && core.eax == 0 && core.ebx == 1, "one alone");
    machine_free(m);
}

// All others halt for ever; so does the first.
static void idle(void) {
    static const uint8_t halt[] = {0xf4, 0xeb, 0xfd};
    struct machine *m = make(3, halt, sizeof halt);
    ok(machine_run(m, STEPS) == MACHINE_STUCK, "all halted with interrupts off");
    uint64_t cycles = machine_cycles(m), steps = machine_steps(m);
    ok(steps < 100 && cycles < 10000 && machine_run(m, 1) == MACHINE_STUCK && machine_cycles(m) == cycles,
       "and stay so");
    alter_reset(m);
    ok(machine_cpu(m, 0)->rip == 0xfff0 && machine_cpu(m, 1)->boundary.activity == ACTIVITY_WAIT_FOR_SIPI &&
           machine_steps(m) == steps,
       "reset");
    machine_free(m);
    static const uint8_t wait[] = {0xb0, 0xef, 0xe6, 0x21, 0xfb, 0xf4, 0xeb, 0xfd}; // IRQ 4 may come
    m = make(3, wait, sizeof wait);
    ok(machine_run(m, STEPS) == MACHINE_IDLE && machine_idle_cycles(m) == ~0ull, "only input can wake them");
    machine_free(m);
}

static uint64_t hash_after(uint64_t steps, unsigned piece, bool drop) {
    struct machine *m = counting(3);
    while (machine_steps(m) < steps) {
        uint64_t left = steps - machine_steps(m);
        machine_run(m, left < piece ? left : piece);
        if (drop) machine_drop_derived(m);
    }
    uint64_t hash = machine_hash(m);
    machine_free(m);
    return hash;
}

static void equalities(void) {
    for (uint64_t steps = 9990; steps <= 10010; steps += 5) {
        uint64_t free_run = hash_after(steps, ~0u, false);
        ok(hash_after(steps, 1, false) == free_run, "stepped, %u steps", (unsigned)steps);
        ok(hash_after(steps, 7, true) == free_run, "caches dropped");
        ok(hash_after(steps, 1000, false) == free_run && hash_after(steps, 999, false) == free_run, "in pieces");
        ok(hash_after(steps + 1, ~0u, false) != free_run, "another step has another hash");
    }
}

int main(void) {
    start();
    topology();
    idle();
    equalities();
    return done_testing();
}

// Cycles that are not steps: machines whose steps cost seven cycles each, 0 and 1 by turns, sometimes thousands, or
// nothing at all. Timers fire at or after their cycle, HLT wakes, the TSC is the cycles, and a run is the same however
// it is cut into pieces.
#include "cpu/memory/mode.h"
#include "cpu/state/cpu.h"
#include "cpu/state/model.h"
#include "devices/machine/machine.h"
#include "tests/field.h"
#include "tests/charge.h"
#include "tests/door.h"
#include "tests/tap.h"
#include <stdlib.h>
#include <string.h>

enum { CODE = 0x7c00, HANDLER = 0x7d00, COUNTER = 0x7e00, OTHERS = 0x8000, PROCESSORS = 3, PLAIN = CHARGE_KINDS };
static const char *const names[] = {"seven", "0 and 1 by turns", "uneven", "nothing", "a step"};

struct timed {
    struct machine *m;
    struct charge charge[PROCESSORS];
};

// 8259 at vector 8, only IRQ 0; 8254, 59 ticks a period; unreal mode, so that the local APIC can be reached; its timer
// goes off every 4096 crystal ticks at vector 9; INIT and SIPI to all others; then STI, and HLT, RDTSC, port 61H for
// ever.
static const uint8_t first[] = {
    0xb0, 0x11, 0xe6, 0x20, 0xb0, 0x08, 0xe6, 0x21, 0xb0, 0x04, 0xe6, 0x21, 0xb0, 0x01, 0xe6, 0x21, 0xb0,
    0xfe, 0xe6, 0x21, 0xb0, 0x34, 0xe6, 0x43, 0xb0, 0x3b, 0xe6, 0x40, 0xb0, 0x00, 0xe6, 0x40, 0xfa, // 8259, 8254, cli
    0x66, 0x2e, 0x0f, 0x01, 0x16, 0xe0, 0x7c,                                           // o32 lgdt cs:[7ce0]
    0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0,                                     // CR0.PE
    0xb9, 0x08, 0x00, 0x8e, 0xd9, 0x24, 0xfe, 0x0f, 0x22, 0xc0, 0x31, 0xc9, 0x8e, 0xd9, // ds; PE off
    0x66, 0xbb, 0x00, 0x03, 0xe0, 0xfe,                                                 // mov ebx, fee00300
    0x67, 0x66, 0xc7, 0x43, 0x20, 0x40, 0x00, 0x02, 0x00,                               // LVT timer: periodic, 40H
    0x67, 0x66, 0xc7, 0x83, 0x80, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00,             // initial count 1000H
    0x67, 0x66, 0xc7, 0x03, 0x00, 0x45, 0x0c, 0x00,                                     // INIT, all but self
    0x67, 0x66, 0xc7, 0x03, 0x08, 0x46, 0x0c, 0x00,                                     // SIPI, vector 8
    0xfb, 0xf4, 0x0f, 0x31, 0xe4, 0x61, 0xeb, 0xf9,                                     // sti; hlt; rdtsc; in al, 61
};
// The 8254's interrupt counts at 7e00; the local APIC's counts at 7e04 and is ended there.
static const uint8_t handler[] = {0xff, 0x06, 0x00, 0x7e, 0x50, 0xb0, 0x20, 0xe6, 0x20, 0x58, 0xcf};
static const uint8_t local_handler[] = {0xff, 0x06, 0x04, 0x7e, 0x67, 0x66, 0xc7, 0x83, 0xb0,
                                        0xfd, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xcf};
// Others: count, read the TSC and the 8254; it must never be earlier than what any processor saw.
static const uint8_t others[] = {
    0x31, 0xc0, 0x8e, 0xd8,             // xor ax, ax; mov ds, ax
    0xf0, 0x66, 0xff, 0x06, 0x10, 0x7e, // lock inc dword [7e10]
    0x0f, 0x31, 0xe4, 0x40,             // rdtsc; in al, 40
    0x66, 0x8b, 0x0e, 0x18, 0x7e,       // mov ecx, [7e18]
    0x0f, 0x31, 0x66, 0x39, 0xc8,       // rdtsc; cmp eax, ecx
    0x73, 0x05,                         // jae +5
    0x66, 0xff, 0x06, 0x1c, 0x7e,       // inc dword [7e1c]
    0x66, 0xa3, 0x18, 0x7e,             // mov [7e18], eax
    0xeb, 0xdf,                         // again
};

static struct machine *make(unsigned cpus, const void *code, size_t bytes) {
    static const uint8_t gdt[] = {0x0f, 0x00, 0xf0, 0x7c, 0, 0, 0, 0};
    struct machine *m = door_machine(cpus, 1 << 20);
    uint8_t *ram = inside_ram(m, 0, 0x10000);
    memcpy(ram + CODE, code, bytes);
    memcpy(ram + 0x7ce0, gdt, sizeof gdt);
    memcpy(ram + 0x7cf8, &(uint64_t){0x00cf93000000ffff}, 8);
    memcpy(ram + HANDLER, handler, sizeof handler);
    memcpy(ram + HANDLER + 0x40, local_handler, sizeof local_handler);
    memcpy(ram + 8 * 4, &(uint32_t){HANDLER}, 4);
    memcpy(ram + 0x40 * 4, &(uint32_t){HANDLER + 0x40}, 4);
    memcpy(ram + OTHERS, others, sizeof others);
    door_start(m, CODE, CODE);
    return m;
}

static void begin(struct timed *t, unsigned cpus, unsigned kind, const void *code, size_t bytes) {
    t->m = make(cpus, code, bytes);
    for (unsigned i = 0; i < cpus && kind != PLAIN; i++)
        machine_set_timing(t->m, i, charge_new(&t->charge[i], (enum charge_kind)kind));
}

static uint32_t word(struct machine *m, uint64_t at) {
    uint32_t value = 0;
    machine_read(m, at, &value, sizeof value);
    return value;
}

// --- a run is the same however it is cut ---

static uint64_t hash_after(unsigned cpus, unsigned kind, uint64_t steps, uint64_t piece) {
    struct timed t;
    begin(&t, cpus, kind, first, sizeof first);
    while (machine_steps(t.m) < steps) {
        uint64_t left = steps - machine_steps(t.m);
        machine_run(t.m, left < piece ? left : piece);
    }
    uint64_t hash = machine_hash(t.m);
    machine_free(t.m);
    return hash;
}

static void equalities(void) {
    for (unsigned kind = 0; kind <= PLAIN; kind++)
        for (unsigned cpus = 1; cpus <= PROCESSORS; cpus++) {
            if (kind == CHARGE_NOTHING && cpus == 1) continue; // it waits for ever
            uint64_t steps = cpus == 1 ? 3000 : 20000, whole = hash_after(cpus, kind, steps, ~0ull);
            ok(hash_after(cpus, kind, steps, 1) == whole, "%u processors, %s: stepped", cpus, names[kind]);
            ok(hash_after(cpus, kind, steps, 7) == whole && hash_after(cpus, kind, steps, 999) == whole, "in pieces");
            ok(hash_after(cpus, kind, steps + 1, ~0ull) != whole, "another step has another hash");
        }
}

// --- timers ---

enum { COUNT_8254 = 59, HZ_8254 = 1193182, TICKS_LOCAL = 0x1000 * 2 };

static uint64_t periods_8254(struct machine *m) {
    return machine_nanoseconds(m) * HZ_8254 / (1000000000ull * COUNT_8254);
}
static uint64_t periods_local(struct machine *m) {
    return machine_nanoseconds(m) * machine_configuration(m)->model.crystal_hz / (1000000000ull * TICKS_LOCAL);
}

// As many interrupts as periods. Of the 8254's, whose output is low for one tick of 838 ns only, some may be lost when
// a single step takes longer.
static void timers(unsigned cpus, unsigned kind) {
    struct timed t;
    begin(&t, cpus, kind, first, sizeof first);
    while (machine_nanoseconds(t.m) < 1500000)
        if (machine_run(t.m, 1 << 10) != MACHINE_STEPS) bail("stopped");
    uint64_t periods = periods_8254(t.m), local = periods_local(t.m), lost = kind == CHARGE_UNEVEN ? periods / 8 : 0;
    unsigned got = word(t.m, COUNTER) & 0xffff, got_local = word(t.m, COUNTER + 4) & 0xffff;
    ok(got + 2 + lost >= periods && got <= periods, "%u processors, %s: the 8254: %u interrupts in %u periods", cpus,
       names[kind], got, (unsigned)periods);
    ok(got_local + 2 >= local && got_local <= local && local > 15, "the local APIC: %u in %u", got_local,
       (unsigned)local);
    ok(word(t.m, 0x7e1c) == 0, "no time is before another that somebody saw");
    machine_free(t.m);
}

// Never early, never more than one period and a handler late; the TSC is the cycles.
static void exactness(unsigned kind) {
    struct timed t;
    begin(&t, 1, kind, first, sizeof first);
    machine_run(t.m, 100);
    struct cpu *cpu = inside_cpu(t.m, 0);
    loop_begin("%s: interrupts in time, TSC = cycles", names[kind]);
    for (unsigned i = 0; i < 3000; i++) {
        uint64_t now = machine_cycles(t.m), rip = field(cpu, "rip");
        machine_run(t.m, 1);
        uint64_t got = word(t.m, COUNTER + 4) & 0xffff, periods = periods_local(t.m);
        loop_check(got <= periods && got + 2 >= periods, "%u interrupts, %u periods", (unsigned)got, (unsigned)periods);
        bool rdtsc = rip == CODE + sizeof first - 6 && field(cpu, "rip") == rip + 2;
        uint64_t tsc = gpr(cpu, RDX) << 32 | (uint32_t)gpr(cpu, RAX);
        if (rdtsc) loop_check(tsc == now + field(cpu, "time.tsc_base"), "TSC %lu at cycle %lu", tsc, now);
    }
    loop_end();
    ok(word(t.m, COUNTER + 4) > 50, "%s: the machine idles and wakes", names[kind]);
    machine_free(t.m);
}

// --- what a step costs ---

static void sums(void) {
    struct timed t;
    struct machine_stats stats;
    begin(&t, 1, CHARGE_SEVEN, first, sizeof first);
    machine_run(t.m, 5000);
    machine_stats(t.m, &stats);
    ok(stats.cycles == 7 * stats.steps + stats.idle_cycles && stats.idle_cycles > 1000000, "seven cycles a step");
    ok(t.charge[0].count == stats.steps && t.charge[0].retired == stats.retired,
       "the model is asked once a step and knows what retired");
    machine_set_timing(t.m, 0, NULL);
    uint64_t cycles = stats.cycles, idle = stats.idle_cycles;
    machine_run(t.m, 1000);
    machine_stats(t.m, &stats);
    ok(stats.cycles - cycles == 1000 + stats.idle_cycles - idle, "without a model again: one");
    machine_free(t.m);
}

// Time stands still: no timer ever fires, but runs end, and whoever asks is heard.
static void nothing(unsigned cpus) {
    static const uint8_t spin[] = {0xeb, 0xfe};
    struct timed t;
    begin(&t, cpus, CHARGE_NOTHING, spin, sizeof spin);
    ok(machine_run(t.m, 100000) == MACHINE_STEPS && machine_steps(t.m) == 100000 && machine_cycles(t.m) == 0,
       "%u processors, nothing: steps without time", cpus);
    machine_stop_soon(t.m);
    ok(machine_run(t.m, ~0ull) == MACHINE_INTERRUPTED, "and a stop request is heard");
    machine_free(t.m);
}

int main(void) {
    equalities();
    for (unsigned kind = 0; kind <= PLAIN; kind++) {
        if (kind == CHARGE_NOTHING) continue;
        for (unsigned cpus = 1; cpus <= PROCESSORS; cpus++) timers(cpus, kind);
        exactness(kind);
    }
    sums();
    nothing(1);
    nothing(2);
    return done_testing();
}

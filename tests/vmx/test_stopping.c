// A request to stop is heard soon, whatever the guest does, and where it stops is a boundary that every run passes.
// Another thread asks at random moments; the time until machine_run returns is measured. Also: no machine makes the
// process spin, whatever its guest writes to its timers.
#include "cpu/memory/mode.h"
#include "cpu/processor/processor.h"
#include "devices/machine/machine.h"
#include "tests/door.h"
#include "tests/vmx/board.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CODE = 0x7c00, HANDLER = 0x7d00, REQUESTS = 13 };

static uint64_t seed = 88172645463325252ull;
static uint64_t random64(void) { return seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17; }

// Time on a processor: what others take is no delay of ours.
static double now_ms(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

// --- guests ---

// Real-address mode with segments that reach everything; interrupts go to an IRET that ends them at the local APIC.
static struct machine *real(const void *code, size_t bytes) {
    static const uint8_t handler[] = {0x67, 0x66, 0xc7, 0x05, 0xb0, 0, 0xe0, 0xfe, 0, 0, 0, 0, 0xcf};
    struct machine *m = board_new(1);
    uint8_t *ram = inside_ram(m, 0, 0x10000);
    struct cpu *cpu = inside_cpu(m, 0);
    memcpy(ram + CODE, code, bytes);
    memcpy(ram + HANDLER, handler, sizeof handler);
    for (unsigned v = 0; v < 256; v++) memcpy(ram + 4 * v, &(uint32_t){HANDLER}, 4);
    for (unsigned s = ES; s <= GS; s++) {
        field_put_at(cpu, "segment[].limit", s, ~0u);
        field_put_at(cpu, "segment[].selector", s, 0);
        field_put_at(cpu, "segment_base", s, 0);
    }
    field_put(cpu, "rip", CODE);
    gpr_put(cpu, RSP, CODE);
    cpu_update_mode(cpu);
    machine_drop_derived(m);
    return m;
}
#define REAL(...) real((const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__})

// A hypervisor whose three MSR areas have 512 entries each; its guest executes CPUID for ever.
static struct machine *msr_areas(void) {
    enum { AREA = 0x60000, ENTRIES = 512, MSR_LSTAR = 0xc0000082 };
    struct bench *b = bench_new("server");
    bench_prepare(b);
    for (unsigned i = 0; i < ENTRIES; i++) bench_store(b, AREA + 16 * i, 8, MSR_LSTAR);
    bench_set(b, EXIT_MSR_STORE_ADDRESS, AREA);
    bench_set(b, EXIT_MSR_LOAD_ADDRESS, AREA);
    bench_set(b, ENTRY_MSR_LOAD_ADDRESS, AREA);
    bench_set(b, EXIT_MSR_STORE_COUNT, ENTRIES);
    bench_set(b, EXIT_MSR_LOAD_COUNT, ENTRIES);
    bench_set(b, ENTRY_MSR_LOAD_COUNT, ENTRIES);
    bench_guest(b, "0f a2 eb fc");
    bench_store(b, AT_HOST_CODE, 3, 0xc2010f);
    bench_store(b, AT_HOST_EXIT, 3, 0xc3010f);
    return board_from_bench(b);
}

// The local APIC's timer as fast as it goes, with an interrupt for each.
static struct machine *storm(void) {
    return REAL(0x67, 0x66, 0xc7, 0x05, 0xe0, 0x03, 0xe0, 0xfe, 0x0b, 0, 0, 0, // divide by 1
                0x67, 0x66, 0xc7, 0x05, 0x20, 0x03, 0xe0, 0xfe, 0x40, 0, 2, 0, // periodic, vector 40H
                0x67, 0x66, 0xc7, 0x05, 0x80, 0x03, 0xe0, 0xfe, 0x01, 0, 0, 0, // each tick
                0xfb, 0xf4, 0xeb, 0xfd);                                       // sti; hlt; again
}
static struct machine *string_mmio(void) {
    return REAL(0x66, 0xbf, 0, 0, 0xd0, 0xfe, 0x66, 0xb9, 0, 0, 0x10, 0, 0x67, 0x66, 0xf3, 0xab, 0xeb, 0xee);
}
static struct machine *string_ram(void) {
    return REAL(0x66, 0xbf, 0, 0, 0x10, 0, 0x66, 0xb9, 0, 0, 0x30, 0, 0x67, 0x66, 0xf3, 0xab, 0xeb, 0xee);
}
static struct machine *sines(void) { return REAL(0xd9, 0xeb, 0xd9, 0xfe, 0xdd, 0xd8, 0xeb, 0xf8); }
static struct machine *apic_base(void) {
    return REAL(0x66, 0xb9, 0x1b, 0, 0, 0, 0x0f, 0x32, 0x80, 0xf4, 0x08, 0x0f, 0x30, 0xeb, 0xf7);
}
static struct machine *self_modifying(void) { // inc byte [the immediate]; mov al, immediate
    return REAL(0x2e, 0xfe, 0x06, 0x06, 0x7c, 0xb0, 0x00, 0xeb, 0xf7);
}
static struct machine *loop(void) { return REAL(0xeb, 0xfe); }

// Thousands of requests to fill almost all RAM by fw_cfg's DMA, in one REP OUTSD.
static struct machine *fills(void) {
    enum { ASKED = 0x20000, LIST = 0x30000, COUNT = 4096, FILLED = 0x100000 };
    struct machine *m = REAL(0x66, 0xbe, 0, 0, 3, 0, 0x66, 0xb9, 0, 0x10, 0, 0, 0xba, 0x18, 0x05, // esi, ecx, dx
                             0x67, 0x66, 0xf3, 0x6f, 0xeb, 0xfe);
    for (uint32_t i = 0; i < COUNT; i++) {
        const uint32_t at = ASKED + 16 * i, list = __builtin_bswap32(at);
        const uint32_t read[4] = {__builtin_bswap32(2), __builtin_bswap32(BENCH_RAM - FILLED), 0,
                                  __builtin_bswap32(FILLED)};
        memcpy(inside_ram(m, at, sizeof read), read, sizeof read);
        memcpy(inside_ram(m, LIST + 4 * i, 4), &list, 4);
    }
    return m;
}
static struct machine *processors(void) { return board_new(64); } // a reset vector full of nothing

static const struct guest {
    const char *name;
    struct machine *(*make)(void);
} guests[] = {{"MSR areas", msr_areas},
              {"interrupts at every tick", storm},
              {"REP STOSD over MMIO", string_mmio},
              {"REP STOSD over RAM", string_ram},
              {"FSIN", sines},
              {"the local APIC on and off", apic_base},
              {"code that changes itself", self_modifying},
              {"a loop", loop},
              {"DMA that fills", fills},
              {"64 processors", processors}};
enum { GUESTS = sizeof guests / sizeof guests[0] };

// --- requests ---

struct request {
    struct machine *m;
    useconds_t after;
    clockid_t clock; // of the thread that runs the machine
    double asked;
};

static void *ask(void *argument) {
    struct request *r = argument;
    usleep(r->after);
    r->asked = now_ms(r->clock);
    machine_stop_soon(r->m);
    return NULL;
}

// Milliseconds on a processor until the run ended, or -1.
static double request(struct machine *m) {
    struct request r = {.m = m, .after = (useconds_t)(random64() % 6000)};
    pthread_t thread;
    if (pthread_getcpuclockid(pthread_self(), &r.clock)) bail("no clock");
    if (pthread_create(&thread, NULL, ask, &r)) bail("no thread");
    enum machine_stop why = MACHINE_IDLE;
    while (why == MACHINE_IDLE) why = machine_run(m, ~0ull);
    double end = now_ms(r.clock);
    pthread_join(thread, NULL);
    if (why == MACHINE_INTERRUPTED) return end - r.asked;
    diag("stopped by %u", (unsigned)why);
    return -1;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

// Runs on until so many steps are done in all.
static void run_to(struct machine *m, uint64_t steps) {
    while (machine_steps(m) < steps) (void)machine_run(m, steps - machine_steps(m));
}

static unsigned requests;
static void stops_soon(const struct guest *g) {
    struct machine *m = g->make();
    double ms[REQUESTS];
    bool all = true;
    for (unsigned i = 0; i < REQUESTS; i++, requests++) {
        ms[i] = request(m);
        all &= ms[i] >= 0;
    }
    qsort(ms, REQUESTS, sizeof *ms, by_size);
    double median = ms[REQUESTS / 2], worst = ms[REQUESTS - 1];
    diag("%s: median %.2f ms, worst %.2f ms, %lu steps", g->name, median, worst, (unsigned long)machine_steps(m));
    ok(all && median < 50 && worst < 100, "%s: a request to stop is heard soon", g->name);
    uint64_t steps = machine_steps(m) + 777, hash;
    run_to(m, steps);
    hash = machine_hash(m);
    machine_free(m);
    m = g->make();
    run_to(m, steps);
    ok(machine_hash(m) == hash, "%s: where it stopped a free run passes", g->name);
    machine_free(m);
}

// --- the end of time ---

// LVT timer in TSC-deadline mode; a deadline; STI, HLT; then a loop.
static struct machine *deadline(uint32_t low, uint32_t high) {
    uint8_t code[] = {0x67, 0x66, 0xc7, 0x05, 0xf0, 0,    0xe0, 0xfe, 0xff, 0x01, 0,    0,     // local APIC on
                      0x67, 0x66, 0xc7, 0x05, 0x20, 0x03, 0xe0, 0xfe, 0x40, 0,    4,    0,     // TSC deadline, 40H
                      0x66, 0xb9, 0xe0, 0x06, 0,    0,    0x66, 0xb8, 0,    0,    0,    0,     // ecx 6e0, eax
                      0x66, 0xba, 0,    0,    0,    0,    0x0f, 0x30, 0xfb, 0xf4, 0xeb, 0xfe}; // edx; wrmsr ...
    memcpy(code + 32, &low, 4);
    memcpy(code + 38, &high, 4);
    return real(code, sizeof code);
}

static void time_ends(void) {
    struct machine *m = deadline(0xfffff000, 0xffffffff);
    ok(machine_run(m, ~0ull) == MACHINE_TIME_END && machine_steps(m) < 20,
       "a TSC deadline near 2^64 is beyond the end of time");
    uint64_t hash = machine_hash(m);
    ok(machine_run(m, 1000) == MACHINE_TIME_END && machine_hash(m) == hash, "and stays there");
    machine_free(m);
    m = deadline(0, 1 << 28);
    ok(machine_run(m, 1000) == MACHINE_STEPS && machine_cycles(m) >= 1ull << 60, "one at 2^60 comes");
    machine_free(m);
}

static void limit(unsigned cpus) {
    struct machine *m = board_new(cpus);
    machine_cycle_limit(m, 100000);
    enum machine_stop why = machine_run(m, ~0ull);
    unsigned cycles = (unsigned)machine_cycles(m);
    ok(why == MACHINE_CYCLES && cycles >= 100000 && cycles < 102000, "%u processors: a run of so many cycles ends (%u)",
       cpus, cycles);
    machine_free(m);
}

// Timer interrupts of too low a priority: only the clock goes on.
static void idle_limit(void) {
    struct machine *m = storm();
    machine_run(m, 3);
    struct cpu *cpu = inside_cpu(m, 0);
    inside_platform(m)->cr8_write(m, cpu, 15);
    machine_cycle_limit(m, 100000000);
    enum machine_stop why = MACHINE_IDLE;
    for (unsigned i = 0; i < 1000 && why == MACHINE_IDLE; i++) why = machine_run(m, 1000);
    ok(why == MACHINE_CYCLES && machine_cycles(m) <= 100000000 && machine_cycles(m) > 99900000,
       "a guest that idles for ever ends at its limit");
    machine_free(m);
}

// --- HLT that nothing ends ---

// A guest that halts with interrupts off, while a timer ticks.
static enum machine_stop halted(bool exits, bool preempts) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    bench_off(b, PROC, HLT_EXITING);
    if (!exits) bench_off(b, PIN, EXTERNAL_INTERRUPT_EXITING);
    if (preempts) bench_on(b, PIN, PREEMPTION_TIMER);
    bench_set(b, PREEMPTION_TIMER, 1000);
    bench_guest(b, "fa f4 eb fc");
    bench_store(b, AT_HOST_CODE, 3, 0xc2010f);
    struct machine *m = board_from_bench(b);
    struct cpu *cpu = inside_cpu(m, 0);
    const struct platform *p = inside_platform(m);
    p->mmio_write(m, cpu, 0xfee003e0, 4, 0xb);
    p->mmio_write(m, cpu, 0xfee00320, 4, 0x20040);
    p->mmio_write(m, cpu, 0xfee00380, 4, 100);
    enum machine_stop why = machine_run(m, 100);
    machine_free(m);
    return why;
}

static void stuck(void) {
    ok(halted(false, false) == MACHINE_STUCK, "HLT with IF = 0 where interrupts do not exit: stuck");
    ok(halted(true, false) == MACHINE_STEPS, "where they exit the hypervisor runs");
    ok(halted(false, true) == MACHINE_STEPS, "so it does when the VMX-preemption timer runs out");
}

// --- timers of all kinds ---

// Whatever is written to a timer, runs end: HLT with interrupts on, for as many events as come.
static void extremes(void) {
    static const struct {
        uint64_t where; // port, or MMIO from 64 K on
        unsigned size;
        uint64_t values[6];
    } writes[] = {
        {0xfed00108, 8, {0, 1, UINT32_MAX, 1ull << 63, ~0ull, 1}},
        {0xfed00100, 4, {0x4c, 0x44, 0x14c, 0x4e, 0x104, 0x4c}},
        {0xfed00010, 4, {1, 3, 1, 3, 1, 1}},
        {0xfed000f0, 8, {0, ~0ull, 1ull << 63, ~0ull - 1, 5, 0}},
        {0xfed00108, 8, {1, 0, 1, ~0ull, 1ull << 62, 1}},
        {0xfee003e0, 4, {0xb, 0, 0xb, 10, 0xb, 0xb}},
        {0xfee00320, 4, {0x20040, 0x40, 0x40040, 0x60040, 0x30040, 0x20040}},
        {0xfee00380, 4, {1, UINT32_MAX, 1, 0, 1, 1}},
        {0x43, 1, {0x34, 0x36, 0x30, 0x32, 0x38, 0x35}},
        {0x40, 1, {1, 0, 1, 2, 0xff, 1}},
        {0x40, 1, {0, 0, 0, 0, 0xff, 0}},
        {0x70, 1, {0xa, 0xb, 0xa, 1, 3, 5}},
        {0x71, 1, {0x21, 0x70, 0x2f, 0xff, 0xaa, 0xbf}},
        {0x70, 1, {0xb, 5, 0xb, 0xb, 0xb, 0xb}},
        {0x71, 1, {0x72, 0xc0, 0x22, 0x22, 0x22, 0x22}},
        {0x602, 2, {1, 0xffff, 1, 1, 1, 1}},
    };
    loop_begin("no value written to a timer makes a run endless");
    for (unsigned n = 0; n < 60; n++) {
        struct machine *m = REAL(0xfb, 0xf4, 0xeb, 0xfd);
        struct cpu *cpu = inside_cpu(m, 0);
        const struct platform *p = inside_platform(m);
        for (unsigned i = 0; i < sizeof writes / sizeof *writes; i++) {
            uint64_t value = writes[i].values[n < 6 ? n : random64() % 6];
            if (writes[i].where > UINT16_MAX)
                p->mmio_write(p->machine, cpu, writes[i].where, writes[i].size, value);
            else
                p->port_out(p->machine, cpu, (uint16_t)writes[i].where, writes[i].size, (uint32_t)value);
        }
        double begin = now_ms(CLOCK_PROCESS_CPUTIME_ID);
        machine_cycle_limit(m, 1ull << 40);
        for (unsigned i = 0; i < 3; i++) (void)machine_run(m, 500);
        double took = now_ms(CLOCK_PROCESS_CPUTIME_ID) - begin;
        loop_check(took < 5000, "set %u: %.0f ms", n, took);
        machine_free(m);
    }
    loop_end();
}

int main(void) {
    time_ends();
    limit(1);
    limit(2);
    idle_limit();
    stuck();
    extremes();
    for (unsigned i = 0; i < GUESTS; i++) stops_soon(&guests[i]);
    ok(requests >= 100, "%u requests", requests);
    return done_testing();
}

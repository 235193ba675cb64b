// Every timer with extreme values, beside a processor that halts with interrupts on, that halts with them off, or that
// goes on: nothing makes the machine spin or stand. A run that comes to nothing says so: stuck, idle, the end of time.
#include "cpu/memory/mode.h"
#include "cpu/state/cpu.h"
#include "cpu/system/msr.h"
#include "tests/field.h"
#include "tests/door.h"
#include "tests/tap.h"
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STACK = 0x6000, CODE = 0x7c00, HANDLER = 0x7d00, HPET = 0xfed00000, APIC = 0xfee00000, RAM_BYTES = 2 << 20 };
enum { RUNS = 5, STEPS = 500, MILLISECONDS_AT_MOST = 50 };
enum waiting { HALTS, HALTS_DEAF, GOES_ON, WAITINGS };
static const char *const waiting_name[WAITINGS] = {"halts", "halts without interrupts", "goes on"};

static const uint64_t extreme[] = {0,
                                   1,
                                   2,
                                   3,
                                   0x7f,
                                   0x80,
                                   0xff,
                                   0x100,
                                   0xffff,
                                   0x7fffffff,
                                   0x80000000,
                                   0xffffffff,
                                   0x100000000,
                                   1ull << 61,
                                   (1ull << 62) - 1,
                                   1ull << 62,
                                   (1ull << 62) + 1,
                                   1ull << 63,
                                   ~0ull - 1,
                                   ~0ull - 0xfff,
                                   ~0ull};
enum { EXTREMES = sizeof extreme / sizeof *extreme };

static struct machine *m;
static struct cpu *cpu;

static void out(uint16_t port, uint64_t value) { m->platform.port_out(m, cpu, port, 1, (uint8_t)value); }
static uint32_t in(uint16_t port) { return m->platform.port_in(m, cpu, port, 1); }
static void store(uint64_t at, unsigned size, uint64_t value) { m->platform.mmio_write(m, cpu, at, size, value); }
static void write_msr(uint32_t index, uint64_t value) { (void)!msr_write(cpu, NULL, index, value); }

// Real-address mode; every vector leads to a handler that ends the interrupts of the 8259s and of the local APIC.
static void put_code(enum waiting waiting) {
    static const uint8_t code[WAITINGS][4] = {
        {0xfb, 0xf4, 0xeb, 0xfc}, {0xfa, 0xf4, 0xeb, 0xfc}, {0xfb, 0x90, 0xeb, 0xfc}};
    static const uint8_t handler[] = {0x50, 0xb0, 0x20, 0xe6, 0xa0, 0xe6, 0x20, 0x58, 0xcf};
    uint8_t *ram = inside_ram(m, 0, 0x8000);
    memcpy(ram + CODE, code[waiting], 4);
    memcpy(ram + HANDLER, handler, sizeof handler);
    for (unsigned v = 0; v < 256; v++) memcpy(ram + 4 * v, &(uint32_t){HANDLER}, 4);
    door_start(m, CODE, STACK);
}

// A machine at its beginning; making one takes longer than a reset, after which its time goes on.
static void make(unsigned cpus, enum waiting waiting) {
    enum { EARLY = 1 << 30 };
    struct machine_config config;
    char error[200] = "";
    if (m && machine_configuration(m)->cpus == cpus && machine_cycles(m) < EARLY) {
        alter_reset(m);
        put_code(waiting);
        return;
    }
    machine_free(m);
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    config.ram_bytes = RAM_BYTES;
    config.cpus = cpus;
    config.bios_tick = true;
    m = machine_new(&config, error, sizeof error);
    if (!m) bail("no machine: %s", error);
    cpu = inside_cpu(m, 0);
    put_code(waiting);
}

// --- what is written ---
static void tsc_deadline(uint64_t value, unsigned variant) {
    static const uint64_t tsc[4] = {0, 1ull << 62, 1ull << 63, ~0ull - 100};
    store(APIC + 0xf0, 4, 0x1ff);
    store(APIC + 0x320, 4, 0x40040);
    if (variant & 4) write_msr(0x10, tsc[variant & 3]);
    write_msr(0x6e0, value);
    if (variant & 8) write_msr(0x3b, tsc[variant & 3]); // IA32_TSC_ADJUST, with the deadline armed
    if (!(variant & 4)) write_msr(0x10, tsc[variant & 3]);
}

static void apic_count(uint64_t value, unsigned variant) {
    store(APIC + 0xf0, 4, 0x1ff);
    store(APIC + 0x3e0, 4, variant & 7 ? (variant & 3) | (variant & 4) << 1 : 0xb);
    store(APIC + 0x320, 4, 0x41 | (variant & 8 ? 0x20000 : 0));
    store(APIC + 0x380, 4, (uint32_t)value);
    store(APIC + 0x3e0, 4, variant & 7 ? 0xb : 0); // the divider changes while it counts
}

static void pit(uint64_t value, unsigned variant) {
    unsigned mode = variant & 7, binary = variant >> 3;
    for (unsigned counter = 0; counter < 3; counter++) {
        out(0x43, counter << 6 | 0x30 | mode << 1 | (binary & 1));
        out((uint16_t)(0x40 + counter), value);
        out((uint16_t)(0x40 + counter), value >> 8);
    }
    out(0x61, 3);
    out(0x61, 0);
    out(0x61, 1);
}

static void hpet(uint64_t value, unsigned variant) {
    static const uint64_t count[4] = {0, 0xfffffff0, 1ull << 63, ~0ull - 5};
    uint64_t config = 4 | (variant & 1 ? 8 : 0) | (variant & 2 ? 2 : 0) | (variant & 4 ? 0x100 : 0) | 16 << 9;
    store(HPET + 0xf0, 8, count[variant >> 2 & 3]);
    for (unsigned n = 0; n < 3; n++) {
        store(HPET + 0x100 + 0x20 * n, 8, config | 0x40);
        store(HPET + 0x108 + 0x20 * n, 8, value);
        store(HPET + 0x108 + 0x20 * n, 8, value); // periodic: the period, too
    }
    store(HPET + 0x10, 8, variant & 8 ? 3 : 1);
    store(HPET + 0xf0, 8, count[variant & 3]);
}

static void rtc_write(unsigned index, uint64_t value) {
    out(0x70, index);
    out(0x71, value);
}
static void rtc(uint64_t value, unsigned variant) {
    for (unsigned i = 0; i < 10; i++)
        if (i != 6 && (variant >> (i % 3) & 1 || i & 1))
            rtc_write(i, value >> (8 * (i % 8)) | (variant & 8 ? value : 0));
    rtc_write(10, 0x20 | (variant & 15));
    rtc_write(11, 0x70 | (variant & 6) | (value & 0x80));
    rtc_write(0x32, value);
    for (unsigned i = 0; i < 200; i++) {
        out(0x70, 12);
        (void)in(0x71);
    }
}

static void power(uint64_t value, unsigned variant) {
    m->platform.port_out(m, cpu, (uint16_t)(0x600 + (variant & 2)), 2, (uint16_t)value);
    m->platform.port_out(m, cpu, 0x602, 2, 0xffff);
    m->platform.port_out(m, cpu, 0x608, 4, (uint32_t)value);
}

static const struct {
    const char *name;
    void (*set)(uint64_t value, unsigned variant);
} timers[] = {
    {"TSC deadline", tsc_deadline}, {"local APIC timer", apic_count}, {"8254", pit}, {"HPET", hpet}, {"RTC", rtc},
    {"ACPI timer", power}};

// --- the run ---
static uint64_t milliseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

// Where time passes in many small events, it is stopped after a while: it must be possible to stop it.
static uint64_t looked, longest;
static unsigned looks;
static void look(void *context) {
    enum { ENOUGH = 10 };
    (void)context;
    uint64_t now = milliseconds();
    if (now - looked > longest) longest = now - looked;
    looked = now;
    if (++looks >= ENOUGH) machine_stop_soon(m);
}

static enum machine_stop run_for_a_while(void) {
    looked = milliseconds();
    looks = 0;
    machine_set_look(m, look, NULL);
    enum machine_stop why = machine_run(m, STEPS);
    look(NULL);
    return why;
}

// Some of its time. Whether it comes on, or comes to an end, or lets itself be stopped.
static bool comes_on(enum waiting waiting) {
    for (unsigned i = 0; i < RUNS; i++) {
        uint64_t steps = machine_steps(m), cycles = machine_cycles(m);
        enum machine_stop why = run_for_a_while();
        if (why == MACHINE_TIME_END || why == MACHINE_STUCK || why == MACHINE_INTERRUPTED) return true;
        if (waiting == HALTS_DEAF && i > 1) return false; // is stuck at its first halt
        if (why != MACHINE_STEPS && why != MACHINE_IDLE) return false;
        bool waits = why == MACHINE_IDLE && machine_idle_cycles(m) == ~0ull;
        if (waits) return true;
        if (i && machine_steps(m) == steps && machine_cycles(m) == cycles && why == MACHINE_STEPS) return false;
    }
    return true;
}

static void extremes(unsigned timer, unsigned cpus, enum waiting waiting) {
    longest = 0;
    loop_begin("%s, %u processors: it %s", timers[timer].name, cpus, waiting_name[waiting]);
    for (unsigned i = 0; i < EXTREMES; i++)
        for (unsigned variant = 0; variant < 16; variant += cpus * cpus - cpus + 1) { // all, or every third
            make(cpus, waiting);
            timers[timer].set(extreme[i], variant);
            loop_check(comes_on(waiting), "value %llx, variant %u: step %llu, cycle %llu",
                       (unsigned long long)extreme[i], variant, (unsigned long long)machine_steps(m),
                       (unsigned long long)machine_cycles(m));
        }
    loop_end();
    ok(longest < MILLISECONDS_AT_MOST, "somebody who wants it to stop waits %llu ms at most",
       (unsigned long long)longest);
}

int main(void) {
    alarm(1200); // what spins is killed
    for (unsigned timer = 0; timer < sizeof timers / sizeof *timers; timer++)
        for (unsigned cpus = 1; cpus <= 2; cpus++)
            for (unsigned waiting = HALTS; waiting < WAITINGS; waiting++) extremes(timer, cpus, (enum waiting)waiting);
    machine_free(m);
    return done_testing();
}

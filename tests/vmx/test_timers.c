// Time in VMX non-root operation at its extremes: the VMX-preemption timer with every rate and every phase of the TSC,
// in the active, HLT, shutdown and wait-for-SIPI states; TSC offset and multiplier, alone and with a TSC deadline.
// Nothing makes a machine spin; a deadline beyond the end of time is told. SDM Vol.
// 3C, 25.2, 25.3, 25.5.1, 26.7.4, 27.3.
#include "cpu/processor/processor.h"
#include "tests/vmx/board.h"
#include "tests/door.h"
#include "tests/field.h"
#include <stdio.h>
#include <unistd.h>

#define VMLAUNCH 0xc2010f
#define VMRESUME 0xc3010f
enum { STUCK_AFTER = 1 << 14, MSR_TSC = 0x10, MSR_TSC_ADJUST = 0x3b };

// A machine whose guest is entered again and again; `inside` is a bench over its processor.
struct rig {
    struct machine *m;
    struct bench inside;
    uint64_t entry_tsc;
};

static struct cpu *cpu_in(const struct rig *b) { return b->inside.cpu; }
static uint64_t tsc(const struct rig *b) { return field(cpu_in(b), "time.tsc_base") + cpu_cycles_now(cpu_in(b)); }

// The hypervisor runs, and the processor has told the machine so.
static void settle(const struct rig *b) {
    for (enum run_result r; (r = cpu_run(cpu_in(b), 1)) != RUN_BUDGET;)
        if (r != RUN_ATTENTION) bail("the hypervisor does not run: %u", r);
}

static void rig_open(struct rig *b, unsigned rate) {
    char model[64];
    snprintf(model, sizeof model, "server,preemption_timer_rate=%u", rate);
    struct bench *bench = bench_new(model);
    bench_prepare(bench);
    bench_on(bench, PIN, PREEMPTION_TIMER);
    bench_on(bench, EXIT, SAVE_PREEMPTION_TIMER);
    bench_off(bench, PROC, HLT_EXITING);
    bench_guest(bench, "90 90 90 90 90 90 90 90 eb f6"); // NOPs for ever
    bench_set(bench, PREEMPTION_TIMER, 0);
    bench_store(bench, AT_HOST_CODE, 3, VMLAUNCH);
    b->m = board_from_bench(bench);
    b->inside = (struct bench){.cpu = inside_cpu(b->m, 0), .ram = inside_ram(b->m, 0, BENCH_RAM)};
    machine_run(b->m, 2);
    if (bench_field(&b->inside, EXIT_REASON) != EXIT_PREEMPTION_TIMER)
        bail("the first entry: reason %x, RIP %llx", (unsigned)bench_field(&b->inside, EXIT_REASON),
             (unsigned long long)field(cpu_in(b), "rip"));
    settle(b);
}

// Enters with this value. The guest's first boundary is when the TSC is one more.
static void enter(struct rig *b, uint64_t ticks, uint64_t at_tsc) {
    struct cpu *cpu = cpu_in(b);
    settle(b);
    bench_set(&b->inside, PREEMPTION_TIMER, ticks);
    bench_store(&b->inside, AT_HOST_CODE, 3, VMRESUME);
    cpu_drop_derived(cpu);
    field_put(cpu, "rip", AT_HOST_CODE);
    field_put(cpu, "time.tsc_base", field(cpu, "time.tsc_base") + at_tsc - tsc(b));
    (void)machine_run(b->m, 1);
    b->entry_tsc = tsc(b);
}
static bool in_guest(const struct rig *b) { return vmx_of(cpu_in(b))->non_root; }

// How often bit `rate` of the TSC changes by counting from one value to another. The manual's words, with a counter.
static uint64_t changes(uint64_t from, uint64_t cycles, unsigned rate) {
    uint64_t count = 0;
    for (uint64_t i = 0; i < cycles; i++) count += ((from + i) ^ (from + i + 1)) >> rate & 1;
    return count;
}

// --- the timer counts ---

// The guest runs until the timer exits: at the first boundary where enough changes have passed.
static void expires(struct rig *b, unsigned rate, uint64_t ticks, uint64_t at) {
    enter(b, ticks, at);
    uint64_t steps = 0, most = (ticks + 1) << rate;
    for (; in_guest(b) && steps <= most; steps++) (void)machine_run(b->m, 1);
    uint64_t passed = tsc(b) - b->entry_tsc - 1; // without the hypervisor's first step
    bool exited = !in_guest(b) && bench_field(&b->inside, EXIT_REASON) == EXIT_PREEMPTION_TIMER;
    bool enough = changes(b->entry_tsc, passed, rate) >= ticks,
         soon = passed == 0 || changes(b->entry_tsc, passed - 1, rate) < ticks;
    loop_check(exited && bench_field(&b->inside, PREEMPTION_TIMER) == 0 && enough && soon,
               "rate %u, %u ticks at %llx: reason %u after %llu cycles", rate, (unsigned)ticks, (unsigned long long)at,
               (unsigned)bench_field(&b->inside, EXIT_REASON), (unsigned long long)passed);
}

// Another exit saves what is left.
static void saves(struct rig *b, unsigned rate, uint64_t ticks, uint64_t at, unsigned steps) {
    enter(b, ticks, at);
    for (unsigned i = 0; i < steps; i++) (void)machine_run(b->m, 1);
    if (!in_guest(b)) return;
    cpu_pend(cpu_in(b), PENDING_NMI, true);
    uint64_t passed = tsc(b) - b->entry_tsc, counted = changes(b->entry_tsc, passed, rate);
    bool expired = counted >= ticks; // which comes before an NMI
    (void)machine_run(b->m, 1);
    loop_check(bench_field(&b->inside, EXIT_REASON) == (expired ? EXIT_PREEMPTION_TIMER : EXIT_EXCEPTION_NMI) &&
                   bench_field(&b->inside, PREEMPTION_TIMER) == (expired ? 0 : ticks - counted),
               "rate %u, %llx ticks at %llx, after %llu cycles: reason %u, %llx left", rate, (unsigned long long)ticks,
               (unsigned long long)at, (unsigned long long)passed, (unsigned)bench_field(&b->inside, EXIT_REASON),
               (unsigned long long)bench_field(&b->inside, PREEMPTION_TIMER));
    cpu_pend(cpu_in(b), PENDING_NMI, false);
}

static void counting(unsigned rate) {
    static const uint64_t wide[] = {0, 1, 2, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
    struct rig b;
    rig_open(&b, rate);
    loop_begin("rate %u: counts as bit %u of the TSC changes", rate, rate);
    for (uint64_t base = 0; rate <= 5 && base < 2; base++)
        for (uint64_t phase = 0; phase <= 1ull << rate; phase++)
            for (uint64_t ticks = 0; ticks < 4; ticks++)
                expires(&b, rate, ticks,
                        (base ? 0 - (2ull << rate) : 1ull << 40) + phase); // and over the end of the TSC
    for (unsigned i = 0; i < sizeof wide / sizeof *wide; i++)
        for (unsigned phase = 0; phase < 3; phase++)
            for (unsigned steps = 0; steps < 5; steps++) {
                saves(&b, rate, wide[i], (3ull << rate) - phase, steps);
                saves(&b, rate, wide[i], 0ull - phase, steps);
            }
    loop_end();
    machine_free(b.m);
}

// --- while the guest waits ---

// Until the hypervisor runs, or the machine says that this will not be.
static enum machine_stop wait_for_exit(struct rig *b) {
    for (unsigned i = 0; in_guest(b); i++) {
        enum machine_stop why = machine_run(b->m, 1);
        if ((why != MACHINE_STEPS && why != MACHINE_IDLE) || i > STUCK_AFTER) return why;
    }
    return MACHINE_STEPS;
}

static void waits(unsigned rate, uint64_t ticks, unsigned activity, bool listens) {
    struct rig b;
    rig_open(&b, rate);
    bench_set(&b.inside, GUEST_ACTIVITY, activity);
    bench_set(&b.inside, GUEST_RFLAGS, listens ? 2 | FLAG_IF : 2);
    enter(&b, ticks, 1ull << 40);
    uint64_t begin = machine_cycles(b.m), needed = ticks << rate, end = 1ull << 62;
    enum machine_stop why = wait_for_exit(&b);
    uint64_t passed = machine_cycles(b.m) - begin;
    if (activity == ACTIVITY_WAIT_FOR_SIPI) {
        loop_check(why == MACHINE_STUCK, "rate %u, %llx ticks: %u, not stuck", rate, (unsigned long long)ticks, why);
        cpu_pend(cpu_in(&b), PENDING_SIPI, true);
        (void)machine_run(b.m, 1);
        loop_check(bench_field(&b.inside, EXIT_REASON) == EXIT_SIPI, "and a SIPI exits");
    } else if (needed >= end) {
        loop_check(why == MACHINE_TIME_END, "rate %u, %llx ticks: %u, not the end of time", rate,
                   (unsigned long long)ticks, why);
    } else {
        loop_check(bench_field(&b.inside, EXIT_REASON) == EXIT_PREEMPTION_TIMER && passed + 1 >= needed &&
                       passed <= needed + 2,
                   "rate %u, %llx ticks: after %llx cycles", rate, (unsigned long long)ticks,
                   (unsigned long long)passed);
        loop_check(bench_field(&b.inside, GUEST_ACTIVITY) == activity && bench_field(&b.inside, PREEMPTION_TIMER) == 0,
                   "in its state, and 0 is saved");
    }
    machine_free(b.m);
}

static void waiting(unsigned activity, const char *name) {
    static const uint64_t ticks[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff};
    static const unsigned rates[] = {0, 2, 5, 29, 30, 31};
    loop_begin("a guest in the state %s", name);
    for (unsigned r = 0; r < sizeof rates / sizeof *rates; r++)
        for (unsigned t = 0; t < sizeof ticks / sizeof *ticks; t++) waits(rates[r], ticks[t], activity, r & 1);
    loop_end();
}

// The timer that expired while nothing could exit does so as soon as something can: with the SIPI's exit it is 0.
static void expired_in_wait(void) {
    struct rig b;
    rig_open(&b, 0);
    bench_set(&b.inside, GUEST_ACTIVITY, ACTIVITY_WAIT_FOR_SIPI);
    enter(&b, 1000, 0);
    cpu_idle(cpu_in(&b), 5000);
    ok(machine_run(b.m, 10) == MACHINE_STUCK && in_guest(&b), "wait-for-SIPI: no exit when the timer expires");
    cpu_pend(cpu_in(&b), PENDING_SIPI, true);
    (void)machine_run(b.m, 1);
    ok(bench_field(&b.inside, EXIT_REASON) == EXIT_SIPI && bench_field(&b.inside, PREEMPTION_TIMER) == 0,
       "the SIPI's exit saves 0");
    machine_free(b.m);
}

// --- offset and multiplier ---

// The product of two 64-bit numbers, shifted right by 48, from its parts of 32 bits.
static uint64_t scaled(uint64_t a, uint64_t b) {
    uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
    uint64_t middle = (al * bl >> 32) + (uint32_t)(al * bh) + (uint32_t)(ah * bl);
    uint64_t high = ah * bh + (al * bh >> 32) + (ah * bl >> 32) + (middle >> 32);
    uint64_t low = middle << 32 | (uint32_t)(al * bl);
    return low >> 48 | high << 16;
}

static const uint64_t offsets[] = {0, 1, ~0ull, 1ull << 63, (1ull << 63) - 1, 0 - (1ull << 40), 1 - (1ull << 40)};
static const uint64_t multipliers[] = {0 /* not scaled */, 1,          (1ull << 48) - 1, 1ull << 48,
                                       (1ull << 48) + 1,   1ull << 47, 1ull << 63,       ~0ull};
static const uint64_t counters[] = {0, 1, 1ull << 40, (1ull << 48) - 1, 1ull << 63, ~0ull - 100, ~0ull};

// RDTSC; the same by RDTSCP and RDMSR; and what is real: the TSC without offset, as WRMSR wrote it.
static void reads(struct rig *b, uint64_t offset, uint64_t multiplier, uint64_t counter) {
    static const char *const ways[] = {"0f 31 f4", "0f 01 f9 f4", "0f 32 f4"};
    for (unsigned way = 0; way < 3; way++) {
        struct cpu *cpu = cpu_in(b);
        settle(b);
        bench_control(&b->inside, GROUP_PROC2, PROC2_TSC_SCALING, multiplier != 0);
        bench_set(&b->inside, TSC_OFFSET, offset);
        if (multiplier) bench_set(&b->inside, TSC_MULTIPLIER, multiplier);
        bench_set(&b->inside, GUEST_RIP, AT_GUEST_CODE);
        bench_guest(&b->inside, ways[way]);
        enter(b, UINT32_MAX, counter);
        field_put_at(cpu, "gpr", RCX, MSR_TSC);
        uint64_t real = tsc(b);
        uint64_t expected = (multiplier ? scaled(real, multiplier) : real) + offset;
        (void)machine_run(b->m, 1);
        uint64_t told = field_at(cpu, "gpr", RDX) << 32 | (uint32_t)field_at(cpu, "gpr", RAX);
        loop_check(told == expected, "%s, offset %llx, multiplier %llx, TSC %llx: %llx, not %llx", ways[way],
                   (unsigned long long)offset, (unsigned long long)multiplier, (unsigned long long)real,
                   (unsigned long long)told, (unsigned long long)expected);
        (void)machine_run(b->m, 1);
    }
}

static void offsets_and_multipliers(void) {
    struct rig b;
    rig_open(&b, 2);
    bench_on(&b.inside, PROC, TSC_OFFSETTING);
    bench_on(&b.inside, PROC, HLT_EXITING);
    bench_on(&b.inside, PROC2, ENABLE_RDTSCP);
    bench_on(&b.inside, PROC, USE_MSR_BITMAPS);
    loop_begin("RDTSC, RDTSCP, RDMSR with TSC offset and multiplier");
    for (unsigned o = 0; o < sizeof offsets / sizeof *offsets; o++)
        for (unsigned x = 0; x < sizeof multipliers / sizeof *multipliers; x++)
            for (unsigned c = 0; c < sizeof counters / sizeof *counters; c++)
                reads(&b, offsets[o], multipliers[x], counters[c]);
    loop_end();
    machine_free(b.m);
}

// The TSC deadline and the VMX-preemption timer go by the TSC itself, whatever a guest is told.
static void deadlines(uint64_t offset, uint64_t multiplier, uint64_t deadline, uint64_t counter) {
    struct rig b;
    rig_open(&b, 0);
    struct cpu *cpu = cpu_in(&b);
    const struct platform *p = inside_platform(b.m);
    p->mmio_write(p->machine, cpu, 0xfee000f0, 4, 0x1ff);
    p->mmio_write(p->machine, cpu, 0xfee00320, 4, 0x40040); // TSC-deadline mode
    bench_on(&b.inside, PROC, TSC_OFFSETTING);
    bench_control(&b.inside, GROUP_PROC2, PROC2_TSC_SCALING, multiplier != 0);
    bench_set(&b.inside, TSC_OFFSET, offset);
    if (multiplier) bench_set(&b.inside, TSC_MULTIPLIER, multiplier);
    bench_off(&b.inside, PIN, PREEMPTION_TIMER);
    bench_off(&b.inside, EXIT, SAVE_PREEMPTION_TIMER);
    bench_set(&b.inside, GUEST_ACTIVITY, ACTIVITY_HLT);
    enter(&b, 0, counter);
    if (!p->msr_write(p->machine, cpu, 0x6e0, deadline)) bail("IA32_TSC_DEADLINE");
    uint64_t begin = machine_cycles(b.m);
    enum machine_stop why = wait_for_exit(&b);
    uint64_t passed = machine_cycles(b.m) - begin, needed = deadline > counter + 1 ? deadline - counter - 1 : 0;
    if (!deadline)
        loop_check(in_guest(&b) && (why == MACHINE_IDLE || why == MACHINE_STUCK), "disarmed: %u", why);
    else if (needed >= 1ull << 62 || begin + needed > 1ull << 62)
        loop_check(why == MACHINE_TIME_END, "%llx at %llx: %u, not the end of time", (unsigned long long)deadline,
                   (unsigned long long)counter, why);
    else
        loop_check(bench_field(&b.inside, EXIT_REASON) == EXIT_EXTERNAL_INTERRUPT && passed + 1 >= needed &&
                       passed <= needed + 2,
                   "deadline %llx at %llx, offset %llx, multiplier %llx: after %llx cycles",
                   (unsigned long long)deadline, (unsigned long long)counter, (unsigned long long)offset,
                   (unsigned long long)multiplier, (unsigned long long)passed);
    machine_free(b.m);
}

static void all_deadlines(void) {
    static const uint64_t at[] = {0, 1, 1000, (1ull << 61) - 1, 1ull << 62, 1ull << 63, ~0ull - 1, ~0ull};
    loop_begin("IA32_TSC_DEADLINE under offset and multiplier");
    for (unsigned d = 0; d < sizeof at / sizeof *at; d++)
        for (unsigned o = 0; o < 4; o++) {
            deadlines(offsets[o], 0, at[d], 0);
            deadlines(offsets[o], multipliers[2 * o + 1], at[d], 1ull << 63);
        }
    loop_end();
}

int main(void) {
    alarm(300); // what spins is killed
    for (unsigned rate = 0; rate < 32; rate++) counting(rate);
    waiting(ACTIVITY_HLT, "HLT");
    waiting(ACTIVITY_SHUTDOWN, "shutdown");
    waiting(ACTIVITY_WAIT_FOR_SIPI, "wait-for-SIPI");
    expired_in_wait();
    offsets_and_multipliers();
    all_deadlines();
    return done_testing();
}

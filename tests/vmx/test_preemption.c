// The VMX-preemption timer where cycles are not steps, and near the ends of the TSC. SDM Vol. 3C, 25.5.1, 26.7.4.
#include "cpu/engine/cpu_run.h"
#include "cpu/processor/observing.h"
#include "tests/charge.h"
#include "tests/vmx/bench.h"

enum { RATE = 2 }; // bits of the TSC below the timer's, of this model

// A guest that loops; what the machine does at the deadline is done here.
static struct bench *looping(uint64_t ticks, const struct timing *timing) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    bench_on(b, PIN, PREEMPTION_TIMER);
    bench_on(b, EXIT, SAVE_PREEMPTION_TIMER);
    bench_set(b, PREEMPTION_TIMER, ticks);
    bench_guest(b, "eb fe");
    cpu_set_timing(b->cpu, timing);
    return b;
}

static void at_or_after(enum charge_kind kind, uint64_t most) {
    struct charge charge;
    struct bench *b = looping(100, charge_new(&charge, kind));
    struct cpu *cpu = b->cpu;
    bench_enter(b, 0);
    uint64_t begin = cpu_cycles_now(cpu), deadline = field(cpu, "time.vmx_deadline_cycles");
    ok(deadline > begin + (95 << RATE) && deadline <= begin + (100 << RATE), "the deadline is 100 ticks on");
    while (cpu_cycles_now(cpu) < deadline) (void)cpu_run_until(cpu, 1000, deadline);
    ok(cpu_cycles_now(cpu) - deadline <= most, "reached %u cycles late", (unsigned)(cpu_cycles_now(cpu) - deadline));
    cpu_pend(cpu, PENDING_VMX, true);
    (void)cpu_run(cpu, 1);
    ok(bench_field(b, EXIT_REASON) == EXIT_PREEMPTION_TIMER && bench_field(b, PREEMPTION_TIMER) == 0, "and exits");
    ok(bench_field(b, EXIT_QUALIFICATION) == 0, "with a qualification of 0");
    bench_free(b);
}

// The TSC wraps while the timer counts: the sum of both is beyond 2^64.
static void wraps(void) {
    struct bench *b = looping(UINT32_MAX, NULL);
    struct cpu *cpu = b->cpu;
    field_put(cpu, "time.tsc_base", 0 - cpu_cycles_now(cpu) - 1000);
    bench_enter(b, 0);
    uint64_t left = field(cpu, "time.vmx_deadline_cycles") - cpu_cycles_now(cpu);
    ok(left > (uint64_t)(UINT32_MAX - 1) << RATE && left <= (uint64_t)UINT32_MAX << RATE, "%lu cycles left",
       (unsigned long)left);
    (void)cpu_run(cpu, 100);
    ok(bench_vmx(b)->non_root, "the guest runs");
    bench_free(b);
}

int main(void) {
    at_or_after(CHARGE_SEVEN, 6);
    at_or_after(CHARGE_TURNS, 0);
    at_or_after(CHARGE_UNEVEN, 4999);
    wraps();
    return done_testing();
}

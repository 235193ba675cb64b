// What --stats prints: steps, time, speed, block cache, and the table of VM exits (level, reason, count, cycles).
// A hit costs nothing and is not counted: rates are misses per 1000 steps.
#include "monitor/program/stats.h"
#include "cpu/engine/block.h"
#include "cpu/state/cpu.h"
#include "monitor/host/host_clock.h"
#include "vmx/vmcs/vmx.h"
#include <inttypes.h>

struct stopwatch stopwatch_now(void) {
    return (struct stopwatch){host_seconds(CLOCK_MONOTONIC), host_seconds(CLOCK_PROCESS_CPUTIME_ID)};
}

static void row(const char *name, uint64_t value) { tell("%-22s %16" PRIu64 "\n", name, value); }

static void row_real(const char *name, double value, const char *unit) { tell("%-22s %16.3f %s\n", name, value, unit); }

static void row_rate(const char *name, uint64_t value, uint64_t steps) {
    tell("%-22s %16" PRIu64 " %12.4f per 1000 steps\n", name, value, steps ? (double)value * 1000 / (double)steps : 0);
}

static void print_time(const struct run *run, const struct machine_stats *stats, struct stopwatch begin) {
    struct stopwatch now = stopwatch_now();
    double busy = now.wall - begin.wall - run->waited_seconds;
    row("steps", stats->steps);
    row("instructions retired", stats->retired);
    row("cycles", stats->cycles);
    row("idle cycles", stats->idle_cycles);
    row_real("guest time", (double)machine_nanoseconds(run->machine) * 1e-9, "s");
    row_real("wall time", now.wall - begin.wall, "s");
    if (run->waited_seconds > 0) row_real("  waiting for input", run->waited_seconds, "s");
    row_real("processor time", now.cpu - begin.cpu, "s");
    row_real("speed", busy > 0 ? (double)stats->steps / busy * 1e-6 : 0, "million steps/s");
}

static void print_machine(const struct run *run, const struct machine_stats *stats) {
    uint64_t built, emptied, invalidated;
    block_cache_counts(machine_cpu(run->machine, 0), &built, &emptied, &invalidated);
    row_rate("TLB misses, data", stats->tlb_fills[0], stats->steps);
    row_rate("TLB misses, fetches", stats->tlb_fills[1], stats->steps);
    row_rate("slow lookups, data", stats->tlb_lookups[0], stats->steps);
    row_rate("slow lookups, fetches", stats->tlb_lookups[1], stats->steps);
    row_rate("blocks built", built, stats->steps);
    row("  cache emptied", emptied);
    row("  invalidated", invalidated);
    row("resets", run->resets);
    row("  by triple faults", run->triple_faults);
    row("interrupts", stats->interrupts);
    row("timer events", stats->timer_events);
    row("halts", stats->halts);
    row("port reads", stats->port_reads);
    row("port writes", stats->port_writes);
    row("MMIO reads", stats->mmio_reads);
    row("MMIO writes", stats->mmio_writes);
}

// What ran at each level, idle cycles left out and counted in.
static void print_levels(const struct cpu *cpu, unsigned processor, bool several) {
    unsigned deepest = 0;
    for (unsigned level = 1; level < VMX_LEVELS; level++)
        if (vmx_entry_count(cpu, level)) deepest = level;
    if (!deepest) return;
    if (several) tell("\nprocessor %u", processor);
    tell("\n%8s  %16s %16s %12s %12s\n", "in level", "steps", "cycles", "entered", "left");
    for (unsigned level = 0; level <= deepest; level++) {
        uint64_t exits = 0;
        for (unsigned reason = 0; reason < VMX_REASONS; reason++) exits += vmx_exit_count(cpu, level, reason);
        tell("%8u  %16" PRIu64 " %16" PRIu64, level, vmx_level_steps(cpu, level), vmx_level_cycles(cpu, level));
        if (level) tell(" %12" PRIu64 " %12" PRIu64, vmx_entry_count(cpu, level), exits);
        tell("\n");
    }
}

static void print_exits(const struct cpu *cpu, unsigned processor, bool several) {
    bool any = false;
    print_levels(cpu, processor, several);
    for (unsigned level = 0; level < VMX_LEVELS; level++) {
        for (unsigned reason = 0; reason < VMX_REASONS; reason++) {
            uint64_t count = vmx_exit_count(cpu, level, reason);
            if (!count) continue;
            if (!any) tell("\n%5s  %-22s %12s %16s\n", "level", "VM exit", "count", "cycles until entry");
            any = true;
            const char *name = vmx_exit_name(reason);
            tell("%5u  %-22s %12" PRIu64 " %18" PRIu64 "\n", level, name ? name : "?", count,
                 vmx_exit_cycles(cpu, level, reason));
        }
    }
    for (unsigned level = 1; level < VMX_LEVELS; level++)
        if (vmx_entry_count(cpu, level))
            tell("%5u  %-22s %12" PRIu64 "\n", level, "(VM entries)", vmx_entry_count(cpu, level));
    if (vmx_failed_entry_count(cpu))
        tell("       %-22s %12" PRIu64 "\n", "(VM entries failed)", vmx_failed_entry_count(cpu));
}

void stats_print(const struct run *run, struct stopwatch begin) {
    struct machine_stats stats;
    machine_stats(run->machine, &stats);
    print_time(run, &stats, begin);
    print_machine(run, &stats);
    const struct cpu *cpu;
    bool several = machine_cpu(run->machine, 1);
    for (unsigned i = 0; (cpu = machine_cpu(run->machine, i)); i++)
        if (cpu->wire.extension) print_exits(cpu, i, several);
}

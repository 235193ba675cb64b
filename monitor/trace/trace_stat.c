// The VM exits of each level in the columns of perf kvm stat report: how many, which share of their number and time,
// and the shortest, longest and average time until the level ran again, in cycles.
#include "monitor/trace/trace.h"
#include "vmx/vmcs/vmx.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct exits {
    uint64_t samples, cycles, shortest, longest;
};
struct table {
    struct exits of[VMX_LEVELS][VMX_REASONS];
};

static void pop(struct trace *trace, unsigned processor, const struct trace_frame *frame, uint64_t cycle) {
    (void)processor;
    struct table *t = trace->data;
    if (frame->reason == TRACE_RUNS || frame->level >= VMX_LEVELS || frame->reason >= VMX_REASONS) return;
    struct exits *e = &t->of[frame->level][frame->reason];
    uint64_t cycles = cycle - frame->begin;
    if (!e->samples || cycles < e->shortest) e->shortest = cycles;
    if (cycles > e->longest) e->longest = cycles;
    e->samples++;
    e->cycles += cycles;
}

static bool begin(struct trace *trace) { return (trace->data = calloc(1, sizeof(struct table))); }

static double share(uint64_t part, uint64_t whole) { return whole ? 100.0 * (double)part / (double)whole : 0; }

static void print_row(struct trace *trace, unsigned reason, const struct exits *e, const struct exits *all) {
    const char *name = vmx_exit_name(reason);
    written_print(trace->file, "%22s %10" PRIu64 " %8.2f%% %8.2f%% %12" PRIu64 " %12" PRIu64 " %14.2f\n",
                  name ? name : "?", e->samples, share(e->samples, all->samples), share(e->cycles, all->cycles),
                  e->shortest, e->longest, (double)e->cycles / (double)e->samples);
}

// The most time first.
static void print_level(struct trace *trace, unsigned level) {
    struct table *t = trace->data;
    struct exits all = {0};
    for (unsigned r = 0; r < VMX_REASONS; r++) {
        all.samples += t->of[level][r].samples;
        all.cycles += t->of[level][r].cycles;
    }
    if (!all.samples) return;
    written_print(trace->file,
                  "VM exits of level %u, in cycles until the level ran again\n%22s %10s %9s %9s %12s %12s %14s\n",
                  level, "VM-EXIT", "Samples", "Samples%", "Time%", "Min Time", "Max Time", "Avg time");
    for (;;) {
        unsigned best = VMX_REASONS;
        for (unsigned r = 0; r < VMX_REASONS; r++)
            if (t->of[level][r].samples && (best == VMX_REASONS || t->of[level][r].cycles > t->of[level][best].cycles))
                best = r;
        if (best == VMX_REASONS) break;
        print_row(trace, best, &t->of[level][best], &all);
        t->of[level][best].samples = 0;
    }
    written_print(trace->file, "Total Samples:%" PRIu64 ", Total events handled time:%" PRIu64 " cycles.\n\n",
                  all.samples, all.cycles);
}

static void end(struct trace *trace) {
    for (unsigned level = 1; level < VMX_LEVELS; level++) print_level(trace, level);
}

const struct trace_format trace_stat = {.suffix = ".stat", .nests = true, .begin = begin, .pop = pop, .end = end};

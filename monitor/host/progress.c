// The line of progress; see progress.h. It is of the host's clock and its terminal: nothing of it reaches the machine.
#include "monitor/host/progress.h"
#include "cpu/state/cpu.h"
#include "devices/machine/machine_observe.h"
#include "monitor/host/host_clock.h"
#include "vmx/vmcs/vmx.h"
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

// Seconds of silence before the line appears, and between two of them.
static const double first_after = 2, next_after = 1;

void progress_begin(struct progress *progress) { *progress = (struct progress){.wanted = isatty(STDERR_FILENO)}; }

static void show(struct machine *machine, uint64_t step, double mips) {
    const struct cpu *cpu = machine_cpu(machine, machine_turn(machine));
    fprintf(stderr, "\r\033[Kstep %" PRIu64 "  cpu %u  level %u  %.1f MIPS", step, cpu->id,
            cpu->wire.extension ? vmx_level(cpu) : 0, mips);
    fflush(stderr);
}

void progress_look(struct progress *progress, struct machine *machine, bool in_line) {
    if (!progress->wanted) return;
    uint64_t step = machine_steps(machine);
    double now = host_seconds(CLOCK_MONOTONIC), passed = now - progress->since;
    if (progress->since > 0 && passed < (progress->shown ? next_after : first_after)) return;
    if (progress->since > 0 && !in_line) {
        show(machine, step, (double)(step - progress->step) / passed * 1e-6);
        progress->shown = true;
    }
    progress->since = now;
    progress->step = step;
}

void progress_clear(struct progress *progress) {
    if (!progress) return;
    if (progress->shown) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
    progress->shown = false;
    progress->since = 0;
}

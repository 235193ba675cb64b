// The line of progress; see progress.h. It is of the host's clock and its terminal: nothing of it reaches the machine.
#include "monitor/host/progress.h"
#include "cpu/state/cpu.h"
#include "devices/machine/machine_observe.h"
#include "monitor/files/complaint.h"
#include "monitor/files/written.h"
#include "monitor/host/host_clock.h"
#include "vmx/vmcs/vmx.h"
#include <inttypes.h>
#include <unistd.h>

// Seconds of silence before the line appears, and between two of them.
static const double first_after = 2, next_after = 1;

static struct progress *current; // whose line a complaint wipes out

static void clear_current(void) { progress_clear(current); }

void progress_begin(struct progress *progress) {
    *progress = (struct progress){.wanted = isatty(STDERR_FILENO)};
    current = progress;
    complain_after(clear_current);
}

void progress_end(void) { current = NULL; }

static void show(struct machine *machine, uint64_t step, double mips) {
    const struct cpu *cpu = machine_cpu(machine, machine_turn(machine));
    written_print(written_errors(), "\r\033[Kstep %" PRIu64 "  cpu %u  level %u  %.1f MIPS", step, cpu->id,
                  cpu->wire.extension ? vmx_level(cpu) : 0, mips);
    (void)written_flush(written_errors());
}

static void show_search(uint64_t steps, uint64_t most) {
    written_print(written_errors(), "\r\033[K%" PRIu64 " of %" PRIu64 " million steps looked through", steps / 1000000,
                  most / 1000000);
    (void)written_flush(written_errors());
}

// Whether it is time for the line. *passed: seconds since the last look that counted; 0: this is the first.
static bool is_due(struct progress *progress, double *passed) {
    double now = host_seconds(CLOCK_MONOTONIC);
    *passed = progress->since > 0 ? now - progress->since : 0;
    if (!progress->wanted || (progress->since > 0 && *passed < (progress->shown ? next_after : first_after)))
        return false;
    progress->since = now;
    return true;
}

void progress_look(struct progress *progress, struct machine *machine, bool in_line) {
    double passed;
    if (!is_due(progress, &passed)) return;
    uint64_t step = machine_steps(machine);
    if (passed > 0 && !in_line) {
        show(machine, step, (double)(step - progress->step) / passed * 1e-6);
        progress->shown = true;
    }
    progress->step = step;
}

void progress_search(struct progress *progress, uint64_t steps, uint64_t most) {
    double passed;
    if (!is_due(progress, &passed) || passed <= 0) return;
    show_search(steps, most);
    progress->shown = true;
}

void progress_clear(struct progress *progress) {
    if (!progress) return;
    if (progress->shown) {
        written_print(written_errors(), "\r\033[K");
        (void)written_flush(written_errors());
    }
    progress->shown = false;
    progress->since = 0;
}

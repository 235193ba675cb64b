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

// What is executed lies in the ROM of firmware, below 1 MByte or below 4 GBytes. What it has put into RAM is not known.
static bool in_firmware(const struct machine *machine, const struct cpu *cpu) {
    uint64_t at = cpu->segment_base[CS] + cpu->rip;
    bool low = at >= 0xc0000 && at < 0x100000, high = at >= 0xff000000 && at < 0x100000000;
    return machine_config_has_firmware(machine_configuration(machine)) && (low || high);
}

static uint64_t moved_bytes(const struct machine *machine) {
    const struct drive *d;
    uint64_t bytes = 0;
    for (unsigned i = 0; (d = machine_drive(machine, i)); i++) bytes += d->read_bytes + d->written_bytes;
    return bytes;
}

static void show(struct machine *machine, uint64_t step, double mips, uint64_t moved) {
    const struct cpu *cpu = machine_cpu(machine, machine_turn(machine));
    unsigned level = cpu->wire.extension ? vmx_level(cpu) : 0;
    written_print(written_errors(), "\r\033[Kstep %" PRIu64 "  cpu %u  level %u  %.1f MIPS", step, cpu->id, level,
                  mips);
    if (!level && in_firmware(machine, cpu)) written_print(written_errors(), "  firmware");
    if (moved) written_print(written_errors(), "  drives: %.1f MBytes", (double)moved / 1048576);
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
    uint64_t step = machine_steps(machine), moved = moved_bytes(machine);
    if (passed > 0 && !in_line) {
        show(machine, step, (double)(step - progress->step) / passed * 1e-6,
             moved > progress->moved ? moved - progress->moved : 0);
        progress->shown = true;
    }
    progress->step = step, progress->moved = moved;
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

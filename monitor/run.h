// Drives a machine from its first step to its end: input, output, idle time, resets, and the stops that options ask
// for.
#ifndef MONITOR_RUN_H
#define MONITOR_RUN_H
#include "monitor/console.h"
#include "monitor/load.h"
#include "monitor/options.h"
#include "monitor/status.h"

enum { RUN_INPUT_BYTES = 256 };

struct run {
    const struct options *options;
    struct machine *machine;
    struct boot *boot;
    struct console *console;
    uint8_t input[RUN_INPUT_BYTES]; // read from the terminal, not yet taken by the guest
    size_t input_used;
    uint64_t hashed_step;  // where the last hash was printed; UINT64_MAX: nowhere
    double waited_seconds; // for input, while the guest had nothing to do
};

// Runs a loaded machine to its end and prints the hashes asked for.
enum status run_machine(struct run *run);

#endif

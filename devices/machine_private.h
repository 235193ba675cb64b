// The machine behind machine.h. Private to devices/.
#ifndef DEVICES_MACHINE_PRIVATE_H
#define DEVICES_MACHINE_PRIVATE_H
#include "devices/board.h"
#include "devices/machine.h"

struct machine {
    struct machine_config config;
    struct board board;
    struct memory memory;
    struct platform platform;
    struct decoder *decoder;
    struct cpu *cpu[MACHINE_CPUS];
    struct machine_stats counts;
    // the run in progress: nothing of it is state
    int stop;        // enum machine_stop that a chip asked for; -1: none
    int interrupted; // machine_stop_soon
    uint64_t idle_limit;
    bool idle_granted; // MACHINE_IDLE was returned: the next run may skip the time
};

extern const struct platform machine_platform; // `machine` is to be filled in

static inline uint64_t machine_now(const struct machine *m) { return cpu_cycles(m->cpu[0], NULL); }

#endif

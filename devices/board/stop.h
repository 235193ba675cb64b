// Why a machine stops running.
#ifndef DEVICES_STOP_H
#define DEVICES_STOP_H
#include <stdbool.h>

// What machine_run returns.
enum machine_stop {
    MACHINE_STEPS,        // the steps asked for are done
    MACHINE_IDLE,         // every processor is halted: see machine_idle_cycles. Call machine_run again to skip the time
    MACHINE_POWER_OFF,    // by ACPI
    MACHINE_RESET,        // the guest asked for a reset: give it one (INPUT_RESET) and go on, or leave (-no-reboot)
    MACHINE_DEBUG_EXIT,   // isa-debug-exit was written: machine_exit_code
    MACHINE_TRIPLE_FAULT, // the processor is in the shutdown state; a PC would reset now
    MACHINE_STUCK,        // every processor is halted and nothing can wake one: not even input
    MACHINE_INTERRUPTED,  // machine_stop_soon was called.
    MACHINE_LOST,         // in a replay: the next input cannot be taken where it was; this is not the run recorded
    MACHINE_CYCLES,       // machine_cycle_limit: the next step or event is beyond it
    MACHINE_TIME_END,     // the next step or event is beyond the end of time, 146 years on
    MACHINE_HOST_ERROR,   // the host failed, and the run cannot go on: machine_host_error
    MACHINE_OBSERVED,     // an observer or a point stopped it: devices/machine/machine_observe.h
};

// Running on from here comes no further.
static inline bool machine_stop_is_final(enum machine_stop why) {
    return why == MACHINE_LOST || why == MACHINE_HOST_ERROR;
}

#endif

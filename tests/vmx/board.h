// Machines for tests of VT-x that need more than a processor: time that passes while it is halted, interrupts, stops.
#ifndef TESTS_VMX_BOARD_H
#define TESTS_VMX_BOARD_H
#include "devices/machine/machine.h"
#include "tests/vmx/bench.h"

struct machine *board_new(unsigned cpus); // model "server", as much RAM as a bench
// A machine whose processor is in the state of the bench's, of the same model, and goes on at AT_HOST_CODE. Takes the
// bench.
struct machine *board_from_bench(struct bench *b);

#endif

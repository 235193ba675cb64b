// Delivering events. SDM Vol. 3A, chapter 6.
#ifndef CPU_EVENT_H
#define CPU_EVENT_H
#include "cpu/state/cpu.h"

// Delivers an event through the IDT with contributory faults, double and triple faults. RIP, RSP,
// flags are those at the boundary; for software events event->length is added to the saved RIP. OUT_OK, or OUT_VMEXIT
// (an exit during delivery is recorded), or OUT_STOP (shutdown).
enum outcome event_deliver(struct cpu *cpu, const struct event *event);
uint64_t event_rflags(const struct cpu *cpu, const struct event *event); // the image of RFLAGS that delivery saves

void cpu_reset(struct cpu *cpu, bool init); // Vol. 3A, Table 9-1: power-up and RESET, or INIT (cpu/event/reset.c)

#endif

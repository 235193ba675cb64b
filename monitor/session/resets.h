// Resets of the guest, and a word when triple faults bring them about again and again.
#ifndef MONITOR_RESETS_H
#define MONITOR_RESETS_H
#include "monitor/session/run.h"

// The machine is about to be reset, because of what `why` says.
void resets_note(struct run *run, const char *why);
// Because of a triple fault of this processor.
struct cpu;
void resets_note_triple_fault(struct run *run, const struct cpu *cpu);

#endif

// A processor that gets nowhere by itself: a jump to itself with interrupts off.
#ifndef MONITOR_CAUSES_SPIN_H
#define MONITOR_CAUSES_SPIN_H
#include "devices/machine/machine.h"
#include "monitor/explain/fact.h"

// One fact, or none: the processor stands at a jump to itself, and no maskable interrupt can end that.
unsigned spin_facts(struct machine *machine, unsigned processor, struct fact *facts, unsigned max);

#endif

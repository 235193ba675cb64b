// What a VM exit or a VM entry had to move, for timing models (cpu/timing/model.h).
#ifndef VMX_CROSSING_H
#define VMX_CROSSING_H
#include "cpu/timing/crossing.h"

void vmx_crossing(const struct cpu *cpu, struct timing_crossing *out);

#endif

// The run loop's parts that handlers jump to.
#ifndef CPU_RUN_H
#define CPU_RUN_H
#include "cpu/cpu.h"

enum outcome op_stopped(struct cpu *cpu, const struct op *op, enum outcome outcome);
op_fn run_next_block;

#endif

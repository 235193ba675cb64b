// The x87 FPU's control instructions and environment. SDM Vol. 1, 8.1, 8.3.11.
#include "cpu/x87.h"

enum outcome x87_wait_slow(struct cpu *cpu) {
    return cpu->cr0 & CR0_NE ? cpu_fault(cpu, VECTOR_MF) : OUT_OK;
}

void x87_init(struct cpu *cpu) {
    struct x87 *x = &cpu->x87;
    x->control = X87_CONTROL_RESET;
    x->status = 0;
    x->empty = 0xff;
    x->ip = x->dp = 0;
    x->cs = x->ds = 0;
    x->opcode = 0;
}

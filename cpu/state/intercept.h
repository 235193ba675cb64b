// What bodies tell VT-x: `a` and `b` of cpu->intercepts.check for each intercept, and where each check stands.
#ifndef CPU_INTERCEPT_H
#define CPU_INTERCEPT_H
#include "cpu/state/cpu.h"

// clang-format off
// ICEPT_             a                                            b
// HLT CPUID INVD WBINVD RDTSC RDTSCP RDPMC PAUSE GETSEC CLTS RSM XSETBV
//                    0                                            0
// MWAIT              1 when the monitor is armed                  0
// INVLPG             linear address                               0
// INVPCID            linear address of the descriptor             0
// RDMSR WRMSR        MSR index (ECX)                              value (WRMSR)
// IO                 port | size << 16 | in << 24 | immediate << 25   0
// INS_OUTS           port | size << 16 | in << 24 | rep << 26     linear address of the memory operand
// CR_READ            CR number                                    GPR number
// CR_WRITE           CR number | GPR number << 8                  value
// CR8                GPR number | write << 8                      value (the TPR shadow, after CR_READ and CR_WRITE:
//                    OUT_LEAVE when VT-x did the access itself, OUT_OK to go on to the local APIC)
// LMSW               source operand (16 bits) | memory << 16      linear address when memory
// DR                 DR number | in(to DR) ? 0 : 1 << 4           GPR number
// GDTR_IDTR          0 SGDT, 1 SIDT, 2 LGDT, 3 LIDT               linear or effective address
// LDTR_TR            0 SLDT, 1 STR, 2 LLDT, 3 LTR                 effective address when memory
// RDRAND RDSEED      destination GPR number                       operand size in bytes
// XSAVES XRSTORS     EDX:EAX & XCR0|IA32_XSS                      0
// TASK_SWITCH        selector | source << 30 (0 CALL, 1 IRET, 2 JMP, 3 gate)   0
// VMX                see vmx/: the VMX instructions exit unconditionally in non-root operation
// RDPID              0                                            0   (never exits; #UD without "enable RDTSCP")
// IRET               0 (NMI unblocking; never exits by itself)
// clang-format on
//
// Intercepts with a fault of higher priority (SDM Vol. 3C, 25.1.1) are consulted after #UD, the CPL check and, for
// I/O, the permission checks; those with operands in memory after its address is known and before it is accessed.
ALWAYS_INLINE enum outcome intercept(struct cpu *cpu, const struct op *op, enum intercept what, uint64_t a,
                                     uint64_t b) {
    if (likely(!(cpu->intercepts.enabled & BIT(what)))) return OUT_OK;
    return cpu->intercepts.check(cpu, op, what, a, b);
}

#endif

// The x87 FPU's state: names of its bits, the register stack, and what every instruction of it begins and ends with.
// SDM Vol. 1, chapter 8.
#ifndef CPU_X87_H
#define CPU_X87_H
#include "cpu/state/cpu.h"
#include "cpu/float/float.h"

// Status word (8.1.3, Figure 8-4). Bits 5:0 are enum float_exception, C0 to C3 enum float_condition.
#define X87_SF BIT(6) // stack fault
#define X87_ES BIT(7) // error summary: an unmasked exception is pending
#define X87_B BIT(15) // busy: as ES
#define X87_TOP BITS(13, 11)
#define X87_CONDITIONS (FLOAT_C0 | FLOAT_C1 | FLOAT_C2 | FLOAT_C3)
#define X87_TOP_SHIFT 11
#define X87_CONTROL_RESET 0x037f    // after FNINIT: all exceptions masked, 64 bits, to nearest
#define X87_CONTROL_POWER_UP 0x0040 // Vol. 3A, Table 9-1
#define X87_CONTROL_DEFINED (BITS(5, 0) | BITS(12, 8))
#define X87_CONTROL_FIXED BIT(6) // reads as 1
#define X87_OPCODE BITS(10, 0)

#define MXCSR_RESET 0x1f80u
#define MXCSR_MASK 0xffffu // every bit that may be set: DAZ is supported

ALWAYS_INLINE unsigned x87_top(const struct cpu *cpu) { return cpu->fpu.x87.status >> X87_TOP_SHIFT & 7; }
ALWAYS_INLINE void x87_set_top(struct cpu *cpu, unsigned top) {
    cpu->fpu.x87.status = (uint16_t)((cpu->fpu.x87.status & ~X87_TOP) | (top & 7) << X87_TOP_SHIFT);
}

// The pending exception that waiting x87 instructions, MMX instructions and WAIT report first. SDM Vol. 1, 8.7.
// NOT IMPLEMENTED: the MS-DOS compatible mode (CR0.NE = 0): there is no FERR# pin; the processor behaves as if IGNNE#
// were asserted, and goes on.
COLD enum outcome x87_wait_slow(struct cpu *cpu);
ALWAYS_INLINE enum outcome x87_wait(struct cpu *cpu) {
    return unlikely(cpu->fpu.x87.status & X87_ES) ? x87_wait_slow(cpu) : OUT_OK;
}

// ES and B follow from the flags and the masks.
ALWAYS_INLINE void x87_summarise(struct cpu *cpu) {
    struct x87 *x = &cpu->fpu.x87;
    bool pending = x->status & ~x->control & FLOAT_ALL;
    x->status = (uint16_t)((x->status & ~(X87_ES | X87_B)) | (pending ? X87_ES | X87_B : 0));
}
ALWAYS_INLINE void x87_set_control(struct cpu *cpu, uint16_t control) {
    cpu->fpu.x87.control = (uint16_t)((control & X87_CONTROL_DEFINED) | X87_CONTROL_FIXED);
    x87_summarise(cpu);
}
void x87_init(struct cpu *cpu); // FNINIT, and the x87 part of XRSTOR from an initial configuration

// The abridged tag word of FXSAVE: bit i set when physical register i is not empty.
ALWAYS_INLINE uint8_t x87_tags_abridged(const struct cpu *cpu) { return (uint8_t)~cpu->fpu.x87.empty; }

// --- the register stack ---
ALWAYS_INLINE unsigned x87_physical(const struct cpu *cpu, unsigned i) { return (x87_top(cpu) + i) & 7; }
ALWAYS_INLINE bool x87_is_empty(const struct cpu *cpu, unsigned i) {
    return cpu->fpu.x87.empty >> x87_physical(cpu, i) & 1;
}
ALWAYS_INLINE struct f80 x87_get(const struct cpu *cpu, unsigned i) {
    const struct x87_register *r = &cpu->fpu.x87.r[x87_physical(cpu, i)];
    return (struct f80){r->significand, r->sign_exponent};
}
ALWAYS_INLINE void x87_set(struct cpu *cpu, unsigned i, struct f80 v) {
    unsigned n = x87_physical(cpu, i);
    cpu->fpu.x87.r[n].significand = v.significand;
    cpu->fpu.x87.r[n].sign_exponent = v.sign_exponent;
    cpu->fpu.x87.empty &= (uint8_t) ~(1u << n);
}
ALWAYS_INLINE void x87_pop(struct cpu *cpu) {
    cpu->fpu.x87.empty |= (uint8_t)(1u << x87_top(cpu));
    x87_set_top(cpu, x87_top(cpu) + 1);
}
ALWAYS_INLINE void x87_push(struct cpu *cpu, struct f80 v) {
    x87_set_top(cpu, x87_top(cpu) - 1);
    x87_set(cpu, 0, v);
}

// How a non-control instruction ends: its exceptions (enum float_exception, X87_SF) join the status word, C1 is as
// given, the instruction pointer is recorded; FOP only with an unmasked exception (8.1.9), FDP so if the model says so.
// `memory`: it has a memory operand.
void x87_end(struct cpu *cpu, const struct op *op, bool memory, unsigned flags, bool c1);
// A stack fault (8.5.1.1): C1 tells overflow from underflow. True when masked: the caller delivers the indefinite.
#define X87_STACK_FAULT (FLOAT_IE | X87_SF)
ALWAYS_INLINE bool x87_invalid_masked(const struct cpu *cpu) { return cpu->fpu.x87.control & FLOAT_IE; }
ALWAYS_INLINE struct float_env x87_env(const struct cpu *cpu) {
    return float_env_from_control_word(cpu->fpu.x87.control);
}

#endif

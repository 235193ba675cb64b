// Floating-point arithmetic of the SSE unit (binary32, binary64) and of the x87 FPU (80-bit extended), in integer
// arithmetic only: the same bits and the same exception flags on every host (SDM volume 1, sections 4.8, 4.9, 8.5
// and 11.5).
//
// Every function is pure: the operands and a `struct float_env` go in, the result and the flags come out. The result
// is the *masked* response, with one exception: a register result of the x87 FPU with an unmasked overflow or
// underflow has its exponent adjusted by 24576 (section 8.5.4). The caller decides by the flags what is stored:
//
//   SSE   one env for all elements of an instruction; then `float_env_settle`; #XM if it says so, and the
//         destination stays as it was; the flags are ORed into MXCSR in either case.
//   x87   one env for an instruction (flags 0 at the start); the f80 functions settle by themselves. With an
//         unmasked IE, DE or ZE (`float_env_blocked`) nothing is stored and the stack does not move; a store to
//         memory does not happen with an unmasked OE or UE either (`float_env_store_blocked`), and a load happens
//         with an unmasked DE (`float_env_load_blocked`). C1 = env.round_up.
//
// Not modelled here: the x87 register stack and its #IS, the status word (the caller's), fused multiply-add, binary16.
#ifndef CPU_FLOAT_H
#define CPU_FLOAT_H

#include <stdbool.h>
#include <stdint.h>

typedef uint32_t f32; // the bits of a single-precision value
typedef uint64_t f64; // the bits of a double-precision value

// A double-extended-precision value: the low 64 bits (with the explicit integer bit, 63) and the high 16 bits.
struct f80 {
    uint64_t significand;
    uint16_t sign_exponent;
};

// The exceptions: bits 5:0 of MXCSR and of the x87 status word, in this order (sections 8.1.3.3 and 10.2.3.1).
enum float_exception {
    FLOAT_IE = 1 << 0, // invalid operation
    FLOAT_DE = 1 << 1, // denormal operand
    FLOAT_ZE = 1 << 2, // divide by zero
    FLOAT_OE = 1 << 3, // numeric overflow
    FLOAT_UE = 1 << 4, // numeric underflow
    FLOAT_PE = 1 << 5, // inexact result (precision)
    FLOAT_PRE_COMPUTATION = FLOAT_IE | FLOAT_DE | FLOAT_ZE,
    FLOAT_POST_COMPUTATION = FLOAT_OE | FLOAT_UE | FLOAT_PE,
    FLOAT_ALL = FLOAT_PRE_COMPUTATION | FLOAT_POST_COMPUTATION,
};

// Rounding control, RC (section 4.8.4, Table 4-8).
enum float_rounding { FLOAT_NEAREST, FLOAT_DOWN, FLOAT_UP, FLOAT_TRUNCATE };

// How an instruction computes, and what came of it.
struct float_env {
    uint8_t rounding;        // enum float_rounding
    uint8_t precision;       // x87 PC, in significand bits: 24, 53 or 64; read by f80_add, sub, mul, div, sqrt only
    uint8_t masks;           // enum float_exception: 1 = masked
    uint8_t flags;           // enum float_exception: what was detected; only ever set by f32 and f64 functions
    bool denormals_are_zero; // MXCSR.DAZ; false for x87
    bool flush_to_zero;      // MXCSR.FTZ; false for x87
    bool round_up;           // x87 C1: the magnitude of the last result was rounded up
};

// The environment of an SSE instruction, no flag set yet (section 10.2.3, Figure 10-3).
static inline struct float_env float_env_from_mxcsr(uint32_t mxcsr) {
    return (struct float_env){
        .rounding = mxcsr >> 13 & 3,
        .precision = 64,
        .masks = mxcsr >> 7 & FLOAT_ALL,
        .denormals_are_zero = mxcsr >> 6 & 1,
        .flush_to_zero = mxcsr >> 15 & 1,
    };
}

// The environment of an x87 instruction (section 8.1.5, Figure 8-6). The reserved PC encoding 01 computes in 64 bits,
// as processors do.
static inline struct float_env float_env_from_control_word(uint16_t control_word) {
    static const uint8_t significand_bits[4] = {24, 64, 53, 64};
    return (struct float_env){
        .rounding = control_word >> 10 & 3,
        .precision = significand_bits[control_word >> 8 & 3],
        .masks = control_word & FLOAT_ALL,
    };
}

// True if an unmasked pre-computation exception was detected: source and destination stay unaltered.
static inline bool float_env_blocked(const struct float_env *env) {
    return env->flags & ~env->masks & FLOAT_PRE_COMPUTATION;
}

// True if FLD m32fp or FLD m64fp does not push. An unmasked DE is pending afterwards, but the value has been pushed: so
// do processors, while section 8.5.2 says that TOP remains unchanged.
static inline bool float_env_load_blocked(const struct float_env *env) { return env->flags & ~env->masks & FLOAT_IE; }

// True if an x87 store to memory does not happen (sections 8.5.4 and 8.5.5: a memory destination stays unaltered).
static inline bool float_env_store_blocked(const struct float_env *env) {
    return env->flags & ~env->masks & (FLOAT_ALL & ~FLOAT_PE);
}

// Ends an instruction: post-computation exceptions are not looked for once a pre-computation exception is unmasked
// (section 11.5.3.2). True if the exception handler has to be invoked: #XM, or #MF at the next waiting instruction.
static inline bool float_env_settle(struct float_env *env) {
    if (float_env_blocked(env)) {
        env->flags &= FLOAT_PRE_COMPUTATION;
        env->round_up = false;
    }
    return env->flags & ~env->masks & FLOAT_ALL;
}

// The result of a comparison, as the flags ZF, PF, CF that COMISS or FCOMI write; shifted left by 8 it is C3, C2, C0
// of the x87 status word.
enum float_relation {
    FLOAT_GREATER = 0x00,
    FLOAT_LESS = 0x01,      // CF
    FLOAT_EQUAL = 0x40,     // ZF
    FLOAT_UNORDERED = 0x45, // ZF, PF, CF
};

// x87 condition codes, as bits of the status word (section 8.1.3, Figure 8-4).
enum float_condition { FLOAT_C0 = 1 << 8, FLOAT_C1 = 1 << 9, FLOAT_C2 = 1 << 10, FLOAT_C3 = 1 << 14 };

// QNaN floating-point indefinite and integer indefinite (section 4.8.3.7, Tables 4-1 and 4-3).
#define F32_INDEFINITE ((f32)0xffc00000)
#define F64_INDEFINITE ((f64)0xfff8000000000000)
#define F80_INDEFINITE ((struct f80){.significand = 0xc000000000000000, .sign_exponent = 0xffff})
#define F80_ZERO ((struct f80){.significand = 0, .sign_exponent = 0})
#define F80_ONE ((struct f80){.significand = 0x8000000000000000, .sign_exponent = 0x3fff})

// SSE arithmetic: ADDSS, SUBSS, MULSS, DIVSS, SQRTSS, MINSS, MAXSS and the double-precision forms. `a` is the first
// source operand (the destination of the legacy forms): which operand is first decides which NaN is returned (Table
// 4-7), and MIN and MAX return `b` if either is a NaN or both are zeros.
f32 f32_add(f32 a, f32 b, struct float_env *env);
f32 f32_sub(f32 a, f32 b, struct float_env *env);
f32 f32_mul(f32 a, f32 b, struct float_env *env);
f32 f32_div(f32 a, f32 b, struct float_env *env);
f32 f32_sqrt(f32 a, struct float_env *env);
f32 f32_min(f32 a, f32 b, struct float_env *env);
f32 f32_max(f32 a, f32 b, struct float_env *env);

f64 f64_add(f64 a, f64 b, struct float_env *env);
f64 f64_sub(f64 a, f64 b, struct float_env *env);
f64 f64_mul(f64 a, f64 b, struct float_env *env);
f64 f64_div(f64 a, f64 b, struct float_env *env);
f64 f64_sqrt(f64 a, struct float_env *env);
f64 f64_min(f64 a, f64 b, struct float_env *env);
f64 f64_max(f64 a, f64 b, struct float_env *env);

// COMISS and UCOMISS: ordered raises IE for any NaN, unordered for an SNaN only.
enum float_relation f32_compare_ordered(f32 a, f32 b, struct float_env *env);
enum float_relation f32_compare_unordered(f32 a, f32 b, struct float_env *env);
enum float_relation f64_compare_ordered(f64 a, f64 b, struct float_env *env);
enum float_relation f64_compare_unordered(f64 a, f64 b, struct float_env *env);

// CMPSS: `predicate` is imm8[2:0] of the legacy forms, imm8[4:0] of the VEX forms (SDM volume 2A, CMPPD, Table 3-1).
bool f32_predicate(f32 a, f32 b, unsigned predicate, struct float_env *env);
bool f64_predicate(f64 a, f64 b, unsigned predicate, struct float_env *env);

// ROUNDSS: imm8[1:0] rounding control, imm8[2] use env->rounding instead, imm8[3] suppress PE.
f32 f32_round(f32 a, uint8_t imm8, struct float_env *env);
f64 f64_round(f64 a, uint8_t imm8, struct float_env *env);

// RCPSS and RSQRTSS: relative error at most 1.5 * 2^-12; no exceptions, MXCSR is not read.
f32 f32_reciprocal(f32 a);
f32 f32_reciprocal_sqrt(f32 a);

// SSE conversions. Integers: rounded by env->rounding, or truncated (CVTT); out of range, infinity and NaN give the
// integer indefinite, 0x80000000 or 0x8000000000000000, and IE.
f64 f32_to_f64(f32 a, struct float_env *env);
f32 f64_to_f32(f64 a, struct float_env *env);

int32_t f32_to_i32(f32 a, struct float_env *env);
int64_t f32_to_i64(f32 a, struct float_env *env);
int32_t f64_to_i32(f64 a, struct float_env *env);
int64_t f64_to_i64(f64 a, struct float_env *env);
int32_t f32_to_i32_truncate(f32 a, struct float_env *env);
int64_t f32_to_i64_truncate(f32 a, struct float_env *env);
int32_t f64_to_i32_truncate(f64 a, struct float_env *env);
int64_t f64_to_i64_truncate(f64 a, struct float_env *env);

f32 i32_to_f32(int32_t a, struct float_env *env);
f32 i64_to_f32(int64_t a, struct float_env *env);
f64 i32_to_f64(int32_t a); // always exact
f64 i64_to_f64(int64_t a, struct float_env *env);

// x87 arithmetic: FADD, FSUB, FMUL, FDIV (the reversed forms swap the operands), FSQRT, FRNDINT, FSCALE.
// Both operands are registers, or what f80_from_f32, f80_from_f64 or an integer conversion made of a memory operand.
struct f80 f80_add(struct f80 a, struct f80 b, struct float_env *env);
struct f80 f80_sub(struct f80 a, struct f80 b, struct float_env *env);
struct f80 f80_mul(struct f80 a, struct f80 b, struct float_env *env);
struct f80 f80_div(struct f80 a, struct f80 b, struct float_env *env);
struct f80 f80_sqrt(struct f80 a, struct float_env *env);
struct f80 f80_round(struct f80 a, struct float_env *env);
struct f80 f80_scale(struct f80 a, struct f80 scale, struct float_env *env);

// FXTRACT: returns the significand (the new ST(0)) and writes the exponent (ST(1) after the push).
struct f80 f80_extract(struct f80 a, struct f80 *exponent, struct float_env *env);

// FPREM and FPREM1: one partial remainder step of a by b. *conditions = C0, C1, C3 (quotient bits 2, 0, 1) and C2
// (reduction incomplete).
struct f80 f80_remainder(struct f80 a, struct f80 b, uint16_t *conditions, struct float_env *env);
struct f80 f80_remainder_nearest(struct f80 a, struct f80 b, uint16_t *conditions, struct float_env *env);

// FCOM, FCOMI (ordered: IE for any NaN), FUCOM, FUCOMI (unordered: IE for an SNaN or an unsupported operand). An
// unmasked exception keeps the stack from popping; the condition codes or EFLAGS are written all the same, which is
// what processors do, while the descriptions of the instructions say that they are not set.
enum float_relation f80_compare_ordered(struct f80 a, struct f80 b, struct float_env *env);
enum float_relation f80_compare_unordered(struct f80 a, struct f80 b, struct float_env *env);

// FXAM of a register that is not empty: C3, C2, C0 the class, C1 the sign.
uint16_t f80_examine(struct f80 a);

// FCHS and FABS: no exceptions, any encoding.
static inline struct f80 f80_negate(struct f80 a) {
    a.sign_exponent ^= 0x8000;
    return a;
}

static inline struct f80 f80_absolute(struct f80 a) {
    a.sign_exponent &= 0x7fff;
    return a;
}

// A memory operand of FADD m32fp and its like: DE for a denormal, an SNaN stays one (the operation reports it).
struct f80 f80_from_f32(f32 a, struct float_env *env);
struct f80 f80_from_f64(f64 a, struct float_env *env);

// FLD m32fp, FLD m64fp: as above, and an SNaN is quieted with IE.
struct f80 f80_load_f32(f32 a, struct float_env *env);
struct f80 f80_load_f64(f64 a, struct float_env *env);

// FILD, also of 16 and 32 bits, and FBLD; always exact. `bcd` is the 80-bit packed BCD integer.
struct f80 f80_from_i64(int64_t a);
struct f80 f80_from_bcd(const uint8_t bcd[10]);

// FST m32fp, FST m64fp: rounded by RC, PC is not read.
f32 f80_to_f32(struct f80 a, struct float_env *env);
f64 f80_to_f64(struct f80 a, struct float_env *env);

// FIST (rounded by RC) and FISTTP: the integer indefinite and IE if it does not fit.
int16_t f80_to_i16(struct f80 a, struct float_env *env);
int32_t f80_to_i32(struct f80 a, struct float_env *env);
int64_t f80_to_i64(struct f80 a, struct float_env *env);
int16_t f80_to_i16_truncate(struct f80 a, struct float_env *env);
int32_t f80_to_i32_truncate(struct f80 a, struct float_env *env);
int64_t f80_to_i64_truncate(struct f80 a, struct float_env *env);

// FBSTP: the packed BCD indefinite, FFFFC000000000000000H, and IE if it needs more than 18 digits.
void f80_to_bcd(struct f80 a, uint8_t bcd[10], struct float_env *env);

// FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2: rounded by RC, in the order of the opcodes D9 E9 to D9 ED.
enum float_constant { FLOAT_LOG2_10, FLOAT_LOG2_E, FLOAT_PI, FLOAT_LOG10_2, FLOAT_LN_2 };
struct f80 f80_constant(enum float_constant constant, enum float_rounding rounding);

// x87 transcendental functions (section 8.3.10: error below 1 ulp when rounding to nearest, 1.5 ulp otherwise).
// The trigonometric ones return false, and write nothing, if |a| >= 2^63 (C2 = 1; the caller leaves ST(0)).
struct f80 f80_2xm1(struct f80 a, struct float_env *env);                   // 2^a - 1
struct f80 f80_ylog2x(struct f80 x, struct f80 y, struct float_env *env);   // y * log2(x)
struct f80 f80_ylog2xp1(struct f80 x, struct f80 y, struct float_env *env); // y * log2(x + 1)
struct f80 f80_atan(struct f80 y, struct f80 x, struct float_env *env);     // the angle of the point (x, y)
bool f80_sin(struct f80 a, struct f80 *sine, struct float_env *env);
bool f80_cos(struct f80 a, struct f80 *cosine, struct float_env *env);
bool f80_sincos(struct f80 a, struct f80 *sine, struct f80 *cosine, struct float_env *env);
bool f80_tan(struct f80 a, struct f80 *tangent, struct float_env *env); // FPTAN; the caller pushes F80_ONE

#endif

// Single and double precision against the processor the test runs on: results, MXCSR flags, and with unmasked
// exceptions the flags at the moment of #XM (SIGFPE).
#include "tests/float/operands.h"
#include "tests/tap.h"

#include <stdint.h>

#ifndef __x86_64__
int main(void) {
    skip("SSE against the host", "the host is not an x86-64 processor");
    return done_testing();
}
#else
#include <signal.h>
#include <ucontext.h>

#define MXCSR_DEFAULT 0x1f80u

static volatile uint32_t signal_flags; // MXCSR flags at #XM, with bit 31 set

// One instruction on the host under `mxcsr`: xmm0 = a, xmm1 = b, rax = a; flags out. One asm statement, so that the
// compiler computes nothing under that MXCSR.
#define HOST(name, text)                                                                                               \
    static uint64_t host_##name(uint64_t a, uint64_t b, uint32_t mxcsr, uint32_t *flags) {                             \
        const uint32_t normal = MXCSR_DEFAULT;                                                                         \
        uint32_t out;                                                                                                  \
        __asm__ volatile("movq %[a], %%xmm0\n\tmovq %[b], %%xmm1\n\tldmxcsr %[mxcsr]\n\t" text                         \
                         "\n\tstmxcsr %[out]\n\tldmxcsr %[normal]"                                                     \
                         : [a] "+a"(a), [out] "=m"(out)                                                                \
                         : [b] "c"(b), [mxcsr] "m"(mxcsr), [normal] "m"(normal)                                        \
                         : "xmm0", "xmm1", "cc", "memory");                                                            \
        *flags = out & FLOAT_ALL;                                                                                      \
        return a;                                                                                                      \
    }
#define OURS(name, expression)                                                                                         \
    static uint64_t ours_##name(uint64_t a, uint64_t b, struct float_env *env) {                                       \
        (void)b, (void)env;                                                                                            \
        return (uint64_t)(expression);                                                                                 \
    }
#define ROW(name, text, expression) HOST(name, text) OURS(name, expression)
// clang-format off
#define TO_XMM(insn) insn " %%xmm1, %%xmm0\n\tmovq %%xmm0, %%rax"
#define RELATION(insn) insn " %%xmm1, %%xmm0\n\tlahf\n\tmovzbl %%ah, %%eax\n\tand $0x45, %%eax"
#define F32(expression) (uint32_t)(expression)
#define A (f32)a
#define B (f32)b
// The operations: operands (S single, D double, I integer; second one U if there is none), result width, the
// instruction, ours.
#define OPERATIONS(X) \
    X(S, S, 32, addss, TO_XMM("addss"), f32_add(A, B, env)) \
    X(S, S, 32, subss, TO_XMM("subss"), f32_sub(A, B, env)) \
    X(S, S, 32, mulss, TO_XMM("mulss"), f32_mul(A, B, env)) \
    X(S, S, 32, divss, TO_XMM("divss"), f32_div(A, B, env)) \
    X(S, S, 32, minss, TO_XMM("minss"), f32_min(A, B, env)) \
    X(S, S, 32, maxss, TO_XMM("maxss"), f32_max(A, B, env)) \
    X(S, U, 32, sqrtss, "sqrtss %%xmm0, %%xmm0\n\tmovq %%xmm0, %%rax", f32_sqrt(A, env)) \
    X(D, D, 64, addsd, TO_XMM("addsd"), f64_add(a, b, env)) \
    X(D, D, 64, subsd, TO_XMM("subsd"), f64_sub(a, b, env)) \
    X(D, D, 64, mulsd, TO_XMM("mulsd"), f64_mul(a, b, env)) \
    X(D, D, 64, divsd, TO_XMM("divsd"), f64_div(a, b, env)) \
    X(D, D, 64, minsd, TO_XMM("minsd"), f64_min(a, b, env)) \
    X(D, D, 64, maxsd, TO_XMM("maxsd"), f64_max(a, b, env)) \
    X(D, U, 64, sqrtsd, "sqrtsd %%xmm0, %%xmm0\n\tmovq %%xmm0, %%rax", f64_sqrt(a, env)) \
    X(S, S, 32, comiss, RELATION("comiss"), f32_compare_ordered(A, B, env)) \
    X(S, S, 32, ucomiss, RELATION("ucomiss"), f32_compare_unordered(A, B, env)) \
    X(D, D, 32, comisd, RELATION("comisd"), f64_compare_ordered(a, b, env)) \
    X(D, D, 32, ucomisd, RELATION("ucomisd"), f64_compare_unordered(a, b, env)) \
    X(S, U, 64, cvtss2sd, "cvtss2sd %%xmm0, %%xmm0\n\tmovq %%xmm0, %%rax", f32_to_f64(A, env)) \
    X(D, U, 32, cvtsd2ss, "cvtsd2ss %%xmm0, %%xmm0\n\tmovq %%xmm0, %%rax", f64_to_f32(a, env)) \
    X(S, U, 32, cvtss2si, "cvtss2si %%xmm0, %%eax", f32_to_i32(A, env)) \
    X(S, U, 64, cvtss2siq, "cvtss2siq %%xmm0, %%rax", f32_to_i64(A, env)) \
    X(D, U, 32, cvtsd2si, "cvtsd2si %%xmm0, %%eax", f64_to_i32(a, env)) \
    X(D, U, 64, cvtsd2siq, "cvtsd2siq %%xmm0, %%rax", f64_to_i64(a, env)) \
    X(S, U, 32, cvttss2si, "cvttss2si %%xmm0, %%eax", f32_to_i32_truncate(A, env)) \
    X(S, U, 64, cvttss2siq, "cvttss2siq %%xmm0, %%rax", f32_to_i64_truncate(A, env)) \
    X(D, U, 32, cvttsd2si, "cvttsd2si %%xmm0, %%eax", f64_to_i32_truncate(a, env)) \
    X(D, U, 64, cvttsd2siq, "cvttsd2siq %%xmm0, %%rax", f64_to_i64_truncate(a, env)) \
    X(I, U, 32, cvtsi2ss, "cvtsi2ssl %%eax, %%xmm0\n\tmovq %%xmm0, %%rax", i32_to_f32((int32_t)a, env)) \
    X(I, U, 32, cvtsi2ssq, "cvtsi2ssq %%rax, %%xmm0\n\tmovq %%xmm0, %%rax", i64_to_f32((int64_t)a, env)) \
    X(I, U, 64, cvtsi2sd, "cvtsi2sdl %%eax, %%xmm0\n\tmovq %%xmm0, %%rax", i32_to_f64((int32_t)a)) \
    X(I, U, 64, cvtsi2sdq, "cvtsi2sdq %%rax, %%xmm0\n\tmovq %%xmm0, %%rax", i64_to_f64((int64_t)a, env)) \
    ROUNDING(X, 0) ROUNDING(X, 1) ROUNDING(X, 2) ROUNDING(X, 3) ROUNDING(X, 4) ROUNDING(X, 8) ROUNDING(X, 12) \
    PREDICATE(X, 0) PREDICATE(X, 1) PREDICATE(X, 2) PREDICATE(X, 3) \
    PREDICATE(X, 4) PREDICATE(X, 5) PREDICATE(X, 6) PREDICATE(X, 7)
#define ROUNDING(X, imm) \
    X(S, U, 32, roundss_##imm, "roundss $" #imm ", %%xmm0, %%xmm0\n\tmovq %%xmm0, %%rax", f32_round(A, imm, env)) \
    X(D, U, 64, roundsd_##imm, "roundsd $" #imm ", %%xmm0, %%xmm0\n\tmovq %%xmm0, %%rax", f64_round(a, imm, env))
#define PREDICATE(X, imm) \
    X(S, S, 32, cmpss_##imm, TO_XMM("cmpss $" #imm ","), -(int)f32_predicate(A, B, imm, env)) \
    X(D, D, 64, cmpsd_##imm, TO_XMM("cmpsd $" #imm ","), -(int64_t)f64_predicate(a, b, imm, env))
// The predicates that only the VEX form has.
#define VEX_OPERATIONS(X) \
    VEX(X, 8) VEX(X, 9) VEX(X, 10) VEX(X, 11) VEX(X, 12) VEX(X, 13) VEX(X, 14) VEX(X, 15) \
    VEX(X, 16) VEX(X, 17) VEX(X, 18) VEX(X, 19) VEX(X, 20) VEX(X, 21) VEX(X, 22) VEX(X, 23) \
    VEX(X, 24) VEX(X, 25) VEX(X, 26) VEX(X, 27) VEX(X, 28) VEX(X, 29) VEX(X, 30) VEX(X, 31)
#define VEX(X, imm) \
    X(S, S, 32, vcmpss_##imm, "vcmpss $" #imm ", %%xmm1, %%xmm0, %%xmm0\n\tmovq %%xmm0, %%rax", \
      -(int)f32_predicate(A, B, imm, env))
// clang-format on

#define DEFINE(first, second, width, name, text, expression) ROW(name, text, expression)
OPERATIONS(DEFINE)
VEX_OPERATIONS(DEFINE)

enum kind { S, D, I, U };
struct operation {
    const char *name;
    enum kind first, second;
    int width;
    uint64_t (*host)(uint64_t a, uint64_t b, uint32_t mxcsr, uint32_t *flags);
    uint64_t (*ours)(uint64_t a, uint64_t b, struct float_env *env);
};
#define LIST(first, second, width, name, text, expression) {#name, first, second, width, host_##name, ours_##name},
static const struct operation operations[] = {OPERATIONS(LIST)};
static const struct operation vex_operations[] = {VEX_OPERATIONS(LIST)};

static void draw(struct operands *o, const struct operation *op, uint64_t *a, uint64_t *b) {
    *a = op->first == S ? operands_f32(o) : op->first == D ? operands_f64(o) : (uint64_t)operands_i64(o);
    *b = op->second == S ? operands_f32_beside(o, (f32)*a) : op->second == D ? operands_f64_beside(o, *a) : 0;
}

static void compare_masked(const struct operation *op, struct operands *o, unsigned count) {
    const uint64_t mask = op->width == 32 ? 0xffffffff : ~0ull;
    loop_begin("%s agrees with the host", op->name);
    for (unsigned i = 0; i < count; i++) {
        uint64_t a, b;
        uint32_t flags, mxcsr = MXCSR_DEFAULT | operands_below(o, 4) << 13;
        draw(o, op, &a, &b);
        if (!operands_below(o, 3)) mxcsr |= operands_below(o, 2) << 6 | operands_below(o, 2) << 15;
        struct float_env env = float_env_from_mxcsr(mxcsr);
        uint64_t theirs = op->host(a, b, mxcsr, &flags) & mask, ours = op->ours(a, b, &env) & mask;
        loop_check(theirs == ours && flags == env.flags,
                   "%#lx %#lx mxcsr %#x: host %#lx flags %#x, ours %#lx flags %#x", a, b, mxcsr, theirs, flags, ours,
                   env.flags);
    }
    loop_end();
}

// Notes the flags and masks everything, so that the instruction completes when it is run again.
static void on_sigfpe(int number, siginfo_t *info, void *context) {
    (void)number, (void)info;
    ucontext_t *uc = context;
    signal_flags = 1u << 31 | (uc->uc_mcontext.fpregs->mxcsr & FLOAT_ALL);
    uc->uc_mcontext.fpregs->mxcsr |= MXCSR_DEFAULT;
}

static void compare_unmasked(const struct operation *op, struct operands *o, unsigned count) {
    loop_begin("%s with unmasked exceptions agrees with the host", op->name);
    for (unsigned i = 0; i < count; i++) {
        uint64_t a, b;
        uint32_t flags, mxcsr = operands_below(o, 64) << 7 | operands_below(o, 4) << 13;
        draw(o, op, &a, &b);
        if (!operands_below(o, 3)) mxcsr |= operands_below(o, 2) << 6 | operands_below(o, 2) << 15;
        struct float_env env = float_env_from_mxcsr(mxcsr);
        signal_flags = 0;
        op->host(a, b, mxcsr, &flags);
        if (signal_flags) flags = signal_flags & FLOAT_ALL;
        op->ours(a, b, &env);
        bool raised = float_env_settle(&env);
        loop_check(raised == !!signal_flags && flags == env.flags,
                   "%#lx %#lx mxcsr %#x: host %s flags %#x, ours %s flags %#x", a, b, mxcsr,
                   signal_flags ? "#XM" : "no #XM", flags, raised ? "#XM" : "no #XM", env.flags);
    }
    loop_end();
}

int main(void) {
    struct operands o = {.state = 20220401};
    struct sigaction action = {.sa_sigaction = on_sigfpe, .sa_flags = SA_SIGINFO};
    sigaction(SIGFPE, &action, 0);
    for (unsigned i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        compare_masked(&operations[i], &o, i < 14 ? 2000000 : 500000);
        compare_unmasked(&operations[i], &o, 10000);
    }
    bool vex = __builtin_cpu_supports("avx");
    if (!vex) skip("VEX predicates", "the host has no AVX");
    for (unsigned i = 0; vex && i < sizeof vex_operations / sizeof vex_operations[0]; i++)
        compare_masked(&vex_operations[i], &o, 100000);
    return done_testing();
}
#endif

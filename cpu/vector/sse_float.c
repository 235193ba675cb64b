// SSE to SSE4.1 floating-point arithmetic and comparison. SDM Vol. 1, 10.4.1, 11.4.1, 11.5; all of it is integer
// arithmetic of cpu/float/float.h. One environment serves all elements: an unmasked exception of any of them is one
// #XM, the flags of all join MXCSR in either case, the destination is written only without one.
#include "cpu/vector/sse_float.h"

// FLOAT(name, type, count, bytes, alignment, e): elements 0..count-1 of the destination become e, of a and b.
#define FLOAT(name, type, count, bytes, alignment, expression)                                                         \
    BODY(sse_##name) {                                                                                                 \
        BODY_UNUSED;                                                                                                   \
        union lane d = xmm_get(cpu, op->dst), s;                                                                       \
        TRY(xmm_source(cpu, op, F, bytes, alignment, &s));                                                             \
        struct float_env env = float_env_from_mxcsr(cpu->fpu.mxcsr);                                                   \
        [[maybe_unused]] const uint8_t imm = (uint8_t)op->imm;                                                         \
        for (unsigned i = 0; i < count; i++) {                                                                         \
            [[maybe_unused]] const __typeof__(d.type[0]) a = d.type[i], b = s.type[i];                                 \
            d.type[i] = (expression);                                                                                  \
        }                                                                                                              \
        TRY(sse_float_end(cpu, &env));                                                                                 \
        xmm_set(cpu, op->dst, &d);                                                                                     \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(sse_##name, NEXT, FORMS_VECTOR)
#define PS(name, expression) FLOAT(name, u32, 4, 16, ALIGNED, expression)
#define PD(name, expression) FLOAT(name, u64, 2, 16, ALIGNED, expression)
#define SS(name, expression) FLOAT(name, u32, 1, 4, UNALIGNED, expression)
#define SD(name, expression) FLOAT(name, u64, 1, 8, UNALIGNED, expression)

PS(addps, f32_add(a, b, &env))
PD(addpd, f64_add(a, b, &env))
SS(addss, f32_add(a, b, &env))
SD(addsd, f64_add(a, b, &env))
PS(subps, f32_sub(a, b, &env))
PD(subpd, f64_sub(a, b, &env))
SS(subss, f32_sub(a, b, &env))
SD(subsd, f64_sub(a, b, &env))
PS(mulps, f32_mul(a, b, &env))
PD(mulpd, f64_mul(a, b, &env))
SS(mulss, f32_mul(a, b, &env))
SD(mulsd, f64_mul(a, b, &env))
PS(divps, f32_div(a, b, &env))
PD(divpd, f64_div(a, b, &env))
SS(divss, f32_div(a, b, &env))
SD(divsd, f64_div(a, b, &env))
PS(minps, f32_min(a, b, &env))
PD(minpd, f64_min(a, b, &env))
SS(minss, f32_min(a, b, &env))
SD(minsd, f64_min(a, b, &env))
PS(maxps, f32_max(a, b, &env))
PD(maxpd, f64_max(a, b, &env))
SS(maxss, f32_max(a, b, &env))
SD(maxsd, f64_max(a, b, &env))
PS(sqrtps, f32_sqrt(b, &env))
PD(sqrtpd, f64_sqrt(b, &env))
SS(sqrtss, f32_sqrt(b, &env))
SD(sqrtsd, f64_sqrt(b, &env))

// Approximations, without exceptions.
PS(rcpps, f32_reciprocal(b))
SS(rcpss, f32_reciprocal(b))
PS(rsqrtps, f32_reciprocal_sqrt(b))
SS(rsqrtss, f32_reciprocal_sqrt(b))

PS(cmpps, f32_predicate(a, b, imm & 7, &env) ? ~0u : 0)
PD(cmppd, f64_predicate(a, b, imm & 7, &env) ? ~0ull : 0)
SS(cmpss, f32_predicate(a, b, imm & 7, &env) ? ~0u : 0)
SD(cmpsd, f64_predicate(a, b, imm & 7, &env) ? ~0ull : 0)

// SSE4.1
PS(roundps, f32_round(b, imm, &env))
PD(roundpd, f64_round(b, imm, &env))
SS(roundss, f32_round(b, imm, &env))
SD(roundsd, f64_round(b, imm, &env))

// SSE3: subtraction of the even elements, addition of the odd ones
PS(addsubps, i & 1 ? f32_add(a, b, &env) : f32_sub(a, b, &env))
PD(addsubpd, i & 1 ? f64_add(a, b, &env) : f64_sub(a, b, &env))

// SSE3: neighbours of the destination, then of the source
#define HORIZONTAL(name, type, count, expression)                                                                      \
    BODY(sse_##name) {                                                                                                 \
        BODY_UNUSED;                                                                                                   \
        union lane d = xmm_get(cpu, op->dst), s, r;                                                                    \
        TRY(xmm_source(cpu, op, F, 16, ALIGNED, &s));                                                                  \
        struct float_env env = float_env_from_mxcsr(cpu->fpu.mxcsr);                                                   \
        for (unsigned i = 0; i < count; i++) {                                                                         \
            const union lane *from = i < count / 2 ? &d : &s;                                                          \
            const __typeof__(d.type[0]) a = from->type[2 * i % count], b = from->type[2 * i % count + 1];              \
            r.type[i] = (expression);                                                                                  \
        }                                                                                                              \
        TRY(sse_float_end(cpu, &env));                                                                                 \
        xmm_set(cpu, op->dst, &r);                                                                                     \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(sse_##name, NEXT, FORMS_VECTOR)
HORIZONTAL(haddps, u32, 4, f32_add(a, b, &env))
HORIZONTAL(haddpd, u64, 2, f64_add(a, b, &env))
HORIZONTAL(hsubps, u32, 4, f32_sub(a, b, &env))
HORIZONTAL(hsubpd, u64, 2, f64_sub(a, b, &env))

// SSE4.1 dot products: imm[7:4] selects the products, imm[3:0] the elements that get the sum, the others 0. Which of
// several NaNs an element gets follows from the order of its additions, which is that of processors. An unmasked
// exception of one step keeps the next from being taken.
BODY(sse_dpps) {
    BODY_UNUSED;
    union lane d = xmm_get(cpu, op->dst), s;
    TRY(xmm_source(cpu, op, F, 16, ALIGNED, &s));
    struct float_env env = float_env_from_mxcsr(cpu->fpu.mxcsr);
    f32 product[4], pair[4];
    for (unsigned i = 0; i < 4; i++) product[i] = op->imm >> (4 + i) & 1 ? f32_mul(d.u32[i], s.u32[i], &env) : 0;
    TRY(sse_float_end(cpu, &env));
    for (unsigned i = 0; i < 4; i++) pair[i] = f32_add(product[i ^ 1], product[i], &env);
    TRY(sse_float_end(cpu, &env));
    for (unsigned i = 0; i < 4; i++) {
        f32 sum = f32_add(pair[i], pair[i ^ 2], &env);
        d.u32[i] = op->imm >> i & 1 ? sum : 0;
    }
    TRY(sse_float_end(cpu, &env));
    xmm_set(cpu, op->dst, &d);
    return OUT_OK;
}
INSTANTIATE(sse_dpps, NEXT, FORMS_VECTOR)

BODY(sse_dppd) {
    BODY_UNUSED;
    union lane d = xmm_get(cpu, op->dst), s;
    TRY(xmm_source(cpu, op, F, 16, ALIGNED, &s));
    struct float_env env = float_env_from_mxcsr(cpu->fpu.mxcsr);
    f64 product[2];
    for (unsigned i = 0; i < 2; i++) product[i] = op->imm >> (4 + i) & 1 ? f64_mul(d.u64[i], s.u64[i], &env) : 0;
    TRY(sse_float_end(cpu, &env));
    for (unsigned i = 0; i < 2; i++) {
        f64 sum = f64_add(product[i], product[i ^ 1], &env);
        d.u64[i] = op->imm >> i & 1 ? sum : 0;
    }
    TRY(sse_float_end(cpu, &env));
    xmm_set(cpu, op->dst, &d);
    return OUT_OK;
}
INSTANTIATE(sse_dppd, NEXT, FORMS_VECTOR)

// Comparison of the low elements into ZF, PF and CF; OF, SF and AF are 0.
#define COMPARE(name, type, bytes, function)                                                                           \
    BODY(sse_##name) {                                                                                                 \
        BODY_UNUSED;                                                                                                   \
        union lane d = xmm_get(cpu, op->dst), s;                                                                       \
        TRY(xmm_source(cpu, op, F, bytes, UNALIGNED, &s));                                                             \
        struct float_env env = float_env_from_mxcsr(cpu->fpu.mxcsr);                                                   \
        enum float_relation relation = function(d.type[0], s.type[0], &env);                                           \
        TRY(sse_float_end(cpu, &env));                                                                                 \
        flags_set(&cpu->flags, relation);                                                                              \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(sse_##name, NEXT, FORMS_VECTOR)
COMPARE(comiss, u32, 4, f32_compare_ordered)
COMPARE(comisd, u64, 8, f64_compare_ordered)
COMPARE(ucomiss, u32, 4, f32_compare_unordered)
COMPARE(ucomisd, u64, 8, f64_compare_unordered)

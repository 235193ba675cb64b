// SSE to SSE4.1 floating-point arithmetic and comparison. SDM Vol. 1, 10.4.1, 11.4.1, 11.5; all of it is integer
// arithmetic of cpu/float/float.h. One environment serves all elements: an unmasked exception of any of them is one
// #XM, the flags of all join MXCSR in either case, the destination is written only without one. Fast forms use the
// host's operations where these give the same bits and flags (cpu/vector/float_host.h).
#include "cpu/vector/float_host_packed.h"
#include "cpu/vector/sse_float.h"

// FLOAT(name, type, count, bytes, alignment, e): elements 0..count-1 of the destination become e, of a and b.
#define FLOAT(name, type, count, bytes, alignment, expression)                                                         \
    BODY(sse_##name) {                                                                                                 \
        BODY_UNUSED;                                                                                                   \
        union lane d = xmm_get(cpu, op->dst), s;                                                                       \
        TRY(xmm_source(cpu, op, F, bytes, alignment, &s));                                                             \
        [[maybe_unused]] const uint8_t imm = (uint8_t)op->imm;                                                         \
        ELEMENTS(type, count, expression)                                                                              \
    }                                                                                                                  \
    INSTANTIATE(sse_##name, NEXT, FORMS_VECTOR)
#define ELEMENTS(type, count, expression)                                                                              \
    struct float_env env = float_env_from_mxcsr(cpu->fpu.mxcsr);                                                       \
    for (unsigned i = 0; i < count; i++) {                                                                             \
        [[maybe_unused]] const __typeof__(d.type[0]) a = d.type[i], b = s.type[i];                                     \
        d.type[i] = (expression);                                                                                      \
    }                                                                                                                  \
    TRY(sse_float_end(cpu, &env));                                                                                     \
    xmm_set(cpu, op->dst, &d);                                                                                         \
    return OUT_OK;
#define PS(name, expression) FLOAT(name, u32, 4, 16, ALIGNED, expression)
#define PD(name, expression) FLOAT(name, u64, 2, 16, ALIGNED, expression)
#define SS(name, expression) FLOAT(name, u32, 1, 4, UNALIGNED, expression)
#define SD(name, expression) FLOAT(name, u64, 1, 8, UNALIGNED, expression)

// HOST(..., e, same): the same with fast forms. `same` is true if the host did it, of d and s into `result` by *host.
#define HOST(name, type, count, bytes, alignment, expression, same)                                                    \
    BODY(sse_##name) {                                                                                                 \
        BODY_UNUSED;                                                                                                   \
        union lane d = xmm_get(cpu, op->dst), s;                                                                       \
        TRY(xmm_source(cpu, op, F, bytes, alignment, &s));                                                             \
        [[maybe_unused]] const uint8_t imm = (uint8_t)op->imm;                                                         \
        if (F & FORM_FAST) {                                                                                           \
            struct float_host found, *host = &found;                                                                   \
            union lane result = d;                                                                                     \
            if (!sse_host_begin(cpu, host) || unlikely(!(same)) || !sse_host_end(cpu, host)) return OUT_MISS;          \
            xmm_set(cpu, op->dst, &result);                                                                            \
            return OUT_OK;                                                                                             \
        }                                                                                                              \
        ELEMENTS(type, count, expression)                                                                              \
    }                                                                                                                  \
    INSTANTIATE(sse_##name, FAST, FORMS_VECTOR)
#define ONE(operation, type, i) operation(d.type[i], s.type[i], &result.type[i], host)
#define HOST_SCALAR(name, operands)                                                                                    \
    HOST(name##ss, u32, 1, 4, UNALIGNED, f32_##name(operands, &env), ONE(f32_host_##name, u32, 0))                     \
    HOST(name##sd, u64, 1, 8, UNALIGNED, f64_##name(operands, &env), ONE(f64_host_##name, u64, 0))
#define HOST_PACKED(name, operands)                                                                                    \
    HOST(name##ps, u32, 4, 16, ALIGNED, f32_##name(operands, &env), f32x4_host_##name(d.u32, s.u32, result.u32, host)) \
    HOST(name##pd, u64, 2, 16, ALIGNED, f64_##name(operands, &env),                                                    \
         ONE(f64_host_##name, u64, 0) && ONE(f64_host_##name, u64, 1))
#define BOTH a, b
#define HOST_ALL(name) HOST_SCALAR(name, BOTH) HOST_PACKED(name, BOTH)
HOST_ALL(add)
HOST_ALL(sub)
HOST_ALL(mul)
HOST_ALL(div)
HOST_ALL(min)
HOST_ALL(max)
HOST_SCALAR(sqrt, b)
HOST_PACKED(sqrt, b)

// Approximations, without exceptions.
PS(rcpps, f32_reciprocal(b))
SS(rcpss, f32_reciprocal(b))
PS(rsqrtps, f32_reciprocal_sqrt(b))
SS(rsqrtss, f32_reciprocal_sqrt(b))

#define CMP(suffix, B, count, bytes, alignment, same)                                                                  \
    HOST(cmp##suffix, u##B, count, bytes, alignment, (uint##B##_t)0 - f##B##_predicate(a, b, imm & 7, &env), same)
#define ONE_CMP(B, i) f##B##_host_predicate(d.u##B[i], s.u##B[i], imm & 7, &result.u##B[i])
CMP(ps, 32, 4, 16, ALIGNED, f32x4_host_predicate(d.u32, s.u32, imm & 7, result.u32))
CMP(pd, 64, 2, 16, ALIGNED, ONE_CMP(64, 0) && ONE_CMP(64, 1))
CMP(ss, 32, 1, 4, UNALIGNED, ONE_CMP(32, 0))
CMP(sd, 64, 1, 8, UNALIGNED, ONE_CMP(64, 0))

// SSE4.1
PS(roundps, f32_round(b, imm, &env))
PD(roundpd, f64_round(b, imm, &env))
SS(roundss, f32_round(b, imm, &env))
SD(roundsd, f64_round(b, imm, &env))

// SSE3: subtraction of the even elements, addition of the odd ones
#define ADDSUB(operation, type) ONE(operation##_sub, type, 0) && ONE(operation##_add, type, 1)
HOST(addsubps, u32, 4, 16, ALIGNED, i & 1 ? f32_add(a, b, &env) : f32_sub(a, b, &env),
     ADDSUB(f32_host, u32) && ONE(f32_host_sub, u32, 2) && ONE(f32_host_add, u32, 3))
HOST(addsubpd, u64, 2, 16, ALIGNED, i & 1 ? f64_add(a, b, &env) : f64_sub(a, b, &env), ADDSUB(f64_host, u64))

// SSE3: neighbours of the destination, then of the source
#define HORIZONTAL(name, type, count, operation, host_operation)                                                       \
    BODY(sse_##name) {                                                                                                 \
        BODY_UNUSED;                                                                                                   \
        union lane d = xmm_get(cpu, op->dst), s, result;                                                               \
        TRY(xmm_source(cpu, op, F, 16, ALIGNED, &s));                                                                  \
        struct float_env env = float_env_from_mxcsr(cpu->fpu.mxcsr);                                                   \
        struct float_host host;                                                                                        \
        bool all = sse_host_begin(cpu, &host);                                                                         \
        for (unsigned i = 0; i < count; i++) {                                                                         \
            const union lane *from = i < count / 2 ? &d : &s;                                                          \
            const __typeof__(d.type[0]) a = from->type[2 * i % count], b = from->type[2 * i % count + 1];              \
            if (F & FORM_FAST)                                                                                         \
                all &= host_operation(a, b, &result.type[i], &host);                                                   \
            else                                                                                                       \
                result.type[i] = operation(a, b, &env);                                                                \
        }                                                                                                              \
        if (F & FORM_FAST && (unlikely(!all) || !sse_host_end(cpu, &host))) return OUT_MISS;                           \
        if (!(F & FORM_FAST)) TRY(sse_float_end(cpu, &env));                                                           \
        xmm_set(cpu, op->dst, &result);                                                                                \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(sse_##name, FAST, FORMS_VECTOR)
HORIZONTAL(haddps, u32, 4, f32_add, f32_host_add)
HORIZONTAL(haddpd, u64, 2, f64_add, f64_host_add)
HORIZONTAL(hsubps, u32, 4, f32_sub, f32_host_sub)
HORIZONTAL(hsubpd, u64, 2, f64_sub, f64_host_sub)

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
#define COMPARE(name, B, bytes, kind)                                                                                  \
    BODY(sse_##name) {                                                                                                 \
        BODY_UNUSED;                                                                                                   \
        union lane d = xmm_get(cpu, op->dst), s;                                                                       \
        enum float_relation relation;                                                                                  \
        TRY(xmm_source(cpu, op, F, bytes, UNALIGNED, &s));                                                             \
        if (F & FORM_FAST) {                                                                                           \
            if (unlikely(!f##B##_host_compare(d.u##B[0], s.u##B[0], &relation))) return OUT_MISS;                      \
        } else {                                                                                                       \
            struct float_env env = float_env_from_mxcsr(cpu->fpu.mxcsr);                                               \
            relation = f##B##_compare_##kind(d.u##B[0], s.u##B[0], &env);                                              \
            TRY(sse_float_end(cpu, &env));                                                                             \
        }                                                                                                              \
        flags_set(&cpu->flags, relation);                                                                              \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(sse_##name, FAST, FORMS_VECTOR)
COMPARE(comiss, 32, 4, ordered)
COMPARE(comisd, 64, 8, ordered)
COMPARE(ucomiss, 32, 4, unordered)
COMPARE(ucomisd, 64, 8, unordered)

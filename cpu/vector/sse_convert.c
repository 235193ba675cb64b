// SSE and SSE2 conversions. SDM Vol. 1, 10.4.3, 11.4.1.6, Table 11-1 and 11.5.2.1 for the integer indefinite.
#include "cpu/vector/sse_float.h"

// CONVERT(name, bytes, alignment) { d = ...; }   d, s and env in scope; d starts as the destination's old value
#define CONVERT(name, bytes, alignment)                                                                                \
    ALWAYS_INLINE void name##_convert(union lane *d, const union lane *s, [[maybe_unused]] struct float_env *env);     \
    BODY(sse_##name) {                                                                                                 \
        BODY_UNUSED;                                                                                                   \
        union lane d = xmm_get(cpu, op->dst), s;                                                                       \
        TRY(xmm_source(cpu, op, F, bytes, alignment, &s));                                                             \
        struct float_env env = float_env_from_mxcsr(cpu->fpu.mxcsr);                                                   \
        name##_convert(&d, &s, &env);                                                                                  \
        TRY(sse_float_end(cpu, &env));                                                                                 \
        xmm_set(cpu, op->dst, &d);                                                                                     \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(sse_##name, NEXT, FORMS_VECTOR)                                                                        \
    ALWAYS_INLINE void name##_convert(union lane *d, const union lane *s, [[maybe_unused]] struct float_env *env)

CONVERT(cvtss2sd, 4, UNALIGNED) { d->u64[0] = f32_to_f64(s->u32[0], env); }
CONVERT(cvtsd2ss, 8, UNALIGNED) { d->u32[0] = f64_to_f32(s->u64[0], env); }
CONVERT(cvtps2pd, 8, UNALIGNED) { *d = (union lane){.u64 = {f32_to_f64(s->u32[0], env), f32_to_f64(s->u32[1], env)}}; }
CONVERT(cvtpd2ps, 16, ALIGNED) {
    *d = (union lane){.u32 = {f64_to_f32(s->u64[0], env), f64_to_f32(s->u64[1], env), 0, 0}};
}
CONVERT(cvtdq2pd, 8, UNALIGNED) { *d = (union lane){.u64 = {i32_to_f64(s->i32[0]), i32_to_f64(s->i32[1])}}; }
CONVERT(cvtpd2dq, 16, ALIGNED) {
    *d = (union lane){.i32 = {f64_to_i32((f64)s->u64[0], env), f64_to_i32(s->u64[1], env), 0, 0}};
}
CONVERT(cvttpd2dq, 16, ALIGNED) {
    *d = (union lane){.i32 = {f64_to_i32_truncate(s->u64[0], env), f64_to_i32_truncate(s->u64[1], env), 0, 0}};
}
CONVERT(cvtdq2ps, 16, ALIGNED) {
    for (unsigned i = 0; i < 4; i++) d->u32[i] = i32_to_f32(s->i32[i], env);
}
CONVERT(cvtps2dq, 16, ALIGNED) {
    for (unsigned i = 0; i < 4; i++) d->i32[i] = f32_to_i32(s->u32[i], env);
}
CONVERT(cvttps2dq, 16, ALIGNED) {
    for (unsigned i = 0; i < 4; i++) d->i32[i] = f32_to_i32_truncate(s->u32[i], env);
}

// --- general registers ---
#define FROM_GENERAL(name, w, type, expression)                                                                        \
    BODY(sse_##name) {                                                                                                 \
        BODY_UNUSED;                                                                                                   \
        union lane d = xmm_get(cpu, op->dst);                                                                          \
        uint64_t a = 0;                                                                                                \
        TRY(source(cpu, op, F, w, &a));                                                                                \
        [[maybe_unused]] struct float_env env = float_env_from_mxcsr(cpu->fpu.mxcsr);                                  \
        d.type[0] = (expression);                                                                                      \
        TRY(sse_float_end(cpu, &env));                                                                                 \
        xmm_set(cpu, op->dst, &d);                                                                                     \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(sse_##name, NEXT, FORMS_VECTOR)
FROM_GENERAL(cvtsi2ss, 32, u32, i32_to_f32((int32_t)a, &env))
FROM_GENERAL(cvtsi2ss_q, 64, u32, i64_to_f32((int64_t)a, &env))
FROM_GENERAL(cvtsi2sd, 32, u64, i32_to_f64((int32_t)a))
FROM_GENERAL(cvtsi2sd_q, 64, u64, i64_to_f64((int64_t)a, &env))

#define TO_GENERAL(name, bytes, type, function)                                                                        \
    BODY(sse_##name) {                                                                                                 \
        union lane s;                                                                                                  \
        TRY(xmm_source(cpu, op, F, bytes, UNALIGNED, &s));                                                             \
        struct float_env env = float_env_from_mxcsr(cpu->fpu.mxcsr);                                                   \
        uint64_t r = W == 64 ? (uint64_t)function(64)(s.type[0], &env) : (uint32_t)function(32)(s.type[0], &env);      \
        TRY(sse_float_end(cpu, &env));                                                                                 \
        reg_set(cpu, op->dst, W, r);                                                                                   \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(sse_##name, NEXT, FORMS_VECTOR_TO_GPR)
#define F32_TO(w) f32_to_i##w
#define F32_TO_TRUNCATE(w) f32_to_i##w##_truncate
#define F64_TO(w) f64_to_i##w
#define F64_TO_TRUNCATE(w) f64_to_i##w##_truncate
TO_GENERAL(cvtss2si, 4, u32, F32_TO)
TO_GENERAL(cvttss2si, 4, u32, F32_TO_TRUNCATE)
TO_GENERAL(cvtsd2si, 8, u64, F64_TO)
TO_GENERAL(cvttsd2si, 8, u64, F64_TO_TRUNCATE)

// --- MMX registers: these put the x87 FPU into MMX operation (before a #XM of theirs). CVTPI2PD and, on processors
// though not in the manual, CVTPI2PS do so with a register source only ---
#define FROM_MMX(name, transition, first, second)                                                                      \
    BODY(sse_##name) {                                                                                                 \
        BODY_UNUSED;                                                                                                   \
        union lane d = xmm_get(cpu, op->dst), s;                                                                       \
        if (transition) TRY(x87_wait(cpu));                                                                            \
        if (F == FORM_RM)                                                                                              \
            TRY(vector_load(cpu, op, 8, UNALIGNED, &s));                                                               \
        else                                                                                                           \
            s = mmx_get(cpu, op->src);                                                                                 \
        [[maybe_unused]] struct float_env env = float_env_from_mxcsr(cpu->fpu.mxcsr);                                  \
        first, second;                                                                                                 \
        if (transition) mmx_enter(cpu);                                                                                \
        TRY(sse_float_end(cpu, &env));                                                                                 \
        xmm_set(cpu, op->dst, &d);                                                                                     \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(sse_##name, NEXT, FORMS_VECTOR)
FROM_MMX(cvtpi2ps, F == FORM_RR, d.u32[0] = i32_to_f32(s.i32[0], &env), d.u32[1] = i32_to_f32(s.i32[1], &env))
FROM_MMX(cvtpi2pd, F == FORM_RR, d.u64[0] = i32_to_f64(s.i32[0]), d.u64[1] = i32_to_f64(s.i32[1]))

#define TO_MMX(name, bytes, alignment, type, function)                                                                 \
    BODY(sse_##name) {                                                                                                 \
        BODY_UNUSED;                                                                                                   \
        union lane s, r = {.u64 = {0, 0}};                                                                             \
        TRY(x87_wait(cpu));                                                                                            \
        TRY(xmm_source(cpu, op, F, bytes, alignment, &s));                                                             \
        struct float_env env = float_env_from_mxcsr(cpu->fpu.mxcsr);                                                   \
        for (unsigned i = 0; i < 2; i++) r.i32[i] = function(s.type[i], &env);                                         \
        mmx_enter(cpu);                                                                                                \
        TRY(sse_float_end(cpu, &env));                                                                                 \
        mmx_set(cpu, op->dst, &r);                                                                                     \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(sse_##name, NEXT, FORMS_VECTOR)
TO_MMX(cvtps2pi, 8, UNALIGNED, u32, f32_to_i32)
TO_MMX(cvttps2pi, 8, UNALIGNED, u32, f32_to_i32_truncate)
TO_MMX(cvtpd2pi, 16, ALIGNED, u64, f64_to_i32)
TO_MMX(cvttpd2pi, 16, ALIGNED, u64, f64_to_i32_truncate)

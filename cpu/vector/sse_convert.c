// SSE and SSE2 conversions. SDM Vol. 1, 10.4.3, 11.4.1.6, Table 11-1 and 11.5.2.1 for the integer indefinite.
#include "cpu/vector/sse_float.h"

// CONVERT(name, bytes, alignment, slow, fast)   d, s and env in scope, in fast forms host instead of env; d starts as
// the destination's old value. `fast` is true if the host's conversions did it.
#define CONVERT(name, bytes, alignment, slow, fast)                                                                    \
    BODY(sse_##name) {                                                                                                 \
        BODY_UNUSED;                                                                                                   \
        union lane d = xmm_get(cpu, op->dst), s;                                                                       \
        TRY(xmm_source(cpu, op, F, bytes, alignment, &s));                                                             \
        FINISH(slow, fast)                                                                                             \
        xmm_set(cpu, op->dst, &d);                                                                                     \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(sse_##name, FAST, FORMS_VECTOR)
#define FINISH(slow, fast)                                                                                             \
    if (F & FORM_FAST) {                                                                                               \
        struct float_host found, *host = &found;                                                                       \
        if (!sse_host_begin(cpu, host) || unlikely(!(fast)) || !sse_host_end(cpu, host)) return OUT_MISS;              \
    } else {                                                                                                           \
        struct float_env found = float_env_from_mxcsr(cpu->fpu.mxcsr), *env = &found;                                  \
        slow;                                                                                                          \
        TRY(sse_float_end(cpu, env));                                                                                  \
    }

// Elements with the same number in source and destination, and those from `count` on cleared.
#define EACH(name, bytes, alignment, count, all, to, from, slow, fast)                                                 \
    ALWAYS_INLINE void name##_slow(union lane *d, const union lane *s, struct float_env *env) {                        \
        for (unsigned i = 0; i < (count); i++) d->to[i] = slow(s->from[i], env);                                       \
        for (unsigned i = (count); i < (all); i++) d->to[i] = 0;                                                       \
    }                                                                                                                  \
    ALWAYS_INLINE bool name##_fast(union lane *d, const union lane *s, struct float_host *host) {                      \
        bool same = true;                                                                                              \
        for (unsigned i = 0; i < (count); i++) same &= fast(s->from[i], &d->to[i], host);                              \
        for (unsigned i = (count); i < (all); i++) d->to[i] = 0;                                                       \
        return same;                                                                                                   \
    }                                                                                                                  \
    CONVERT(name, bytes, alignment, name##_slow(&d, &s, env), name##_fast(&d, &s, host))

ALWAYS_INLINE f64 f64_from_i32(int32_t a, struct float_env *env) { return (void)env, i32_to_f64(a); }
#define TO_I32(B, name, truncate)                                                                                      \
    ALWAYS_INLINE bool name(f##B a, int32_t *r, struct float_host *host) {                                             \
        int64_t wide = 0;                                                                                              \
        bool same = f##B##_host_to_integer(a, 32, truncate, &wide, host);                                              \
        *r = (int32_t)wide;                                                                                            \
        return same;                                                                                                   \
    }
TO_I32(32, f32_host_to_i32, false)
TO_I32(32, f32_host_to_i32_truncate, true)
TO_I32(64, f64_host_to_i32, false)
TO_I32(64, f64_host_to_i32_truncate, true)

// A row: name, bytes and alignment of the source, elements, elements of the destination, both types, both ways.
EACH(cvtss2sd, 4, UNALIGNED, 1, 1, u64, u32, f32_to_f64, f64_host_from_f32)
EACH(cvtsd2ss, 8, UNALIGNED, 1, 1, u32, u64, f64_to_f32, f32_host_from_f64)
EACH(cvtps2pd, 8, UNALIGNED, 2, 2, u64, u32, f32_to_f64, f64_host_from_f32)
EACH(cvtpd2ps, 16, ALIGNED, 2, 4, u32, u64, f64_to_f32, f32_host_from_f64)
EACH(cvtdq2pd, 8, UNALIGNED, 2, 2, u64, i32, f64_from_i32, f64_host_from_i32)
EACH(cvtpd2dq, 16, ALIGNED, 2, 4, i32, u64, f64_to_i32, f64_host_to_i32)
EACH(cvttpd2dq, 16, ALIGNED, 2, 4, i32, u64, f64_to_i32_truncate, f64_host_to_i32_truncate)
EACH(cvtdq2ps, 16, ALIGNED, 4, 4, u32, i32, i32_to_f32, f32_host_from_i32)
EACH(cvtps2dq, 16, ALIGNED, 4, 4, i32, u32, f32_to_i32, f32_host_to_i32)
EACH(cvttps2dq, 16, ALIGNED, 4, 4, i32, u32, f32_to_i32_truncate, f32_host_to_i32_truncate)

// --- general registers ---
#define FROM_GENERAL(name, w, B, slow, fast)                                                                           \
    BODY(sse_##name) {                                                                                                 \
        BODY_UNUSED;                                                                                                   \
        union lane d = xmm_get(cpu, op->dst);                                                                          \
        uint64_t a = 0;                                                                                                \
        TRY(source(cpu, op, F, w, &a));                                                                                \
        FINISH(d.u##B[0] = slow((int##w##_t)a, env), fast((int##w##_t)a, &d.u##B[0], host))                            \
        xmm_set(cpu, op->dst, &d);                                                                                     \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(sse_##name, FAST, FORMS_VECTOR)
FROM_GENERAL(cvtsi2ss, 32, 32, i32_to_f32, f32_host_from_i32)
FROM_GENERAL(cvtsi2ss_q, 64, 32, i64_to_f32, f32_host_from_i64)
FROM_GENERAL(cvtsi2sd, 32, 64, f64_from_i32, f64_host_from_i32)
FROM_GENERAL(cvtsi2sd_q, 64, 64, i64_to_f64, f64_host_from_i64)

#define TO_GENERAL(name, B, bytes, function, truncate)                                                                 \
    BODY(sse_##name) {                                                                                                 \
        union lane s;                                                                                                  \
        int64_t r = 0;                                                                                                 \
        TRY(xmm_source(cpu, op, F, bytes, UNALIGNED, &s));                                                             \
        FINISH(r = W == 64 ? function(64)(s.u##B[0], env) : function(32)(s.u##B[0], env),                              \
               f##B##_host_to_integer(s.u##B[0], W, truncate, &r, host))                                               \
        reg_set(cpu, op->dst, W, (uint64_t)r &MASK(W));                                                                \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(sse_##name, FAST, FORMS_VECTOR_TO_GPR)
#define F32_TO(w) f32_to_i##w
#define F32_TO_TRUNCATE(w) f32_to_i##w##_truncate
#define F64_TO(w) f64_to_i##w
#define F64_TO_TRUNCATE(w) f64_to_i##w##_truncate
TO_GENERAL(cvtss2si, 32, 4, F32_TO, false)
TO_GENERAL(cvttss2si, 32, 4, F32_TO_TRUNCATE, true)
TO_GENERAL(cvtsd2si, 64, 8, F64_TO, false)
TO_GENERAL(cvttsd2si, 64, 8, F64_TO_TRUNCATE, true)

// --- MMX registers: these put the x87 FPU into MMX operation (before a #XM of theirs). CVTPI2PD and, on processors
// though not in the manual, CVTPI2PS do so with a register source only ---
#define FROM_MMX(name, transition, first, second)                                                                      \
    BODY(sse_##name) {                                                                                                 \
        BODY_UNUSED;                                                                                                   \
        union lane d = xmm_get(cpu, op->dst), s;                                                                       \
        if (transition) TRY(x87_wait(cpu));                                                                            \
        if (F == FORM_RM)                                                                                              \
            TRY(vector_load(cpu, op, F, 8, UNALIGNED, &s));                                                            \
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

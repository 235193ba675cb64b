// Shifts and rotates: SHL SHR SAR ROL ROR RCL RCR SHLD SHRD, SARX SHLX SHRX RORX. SDM Vol. 2.
// Counts are masked to 5 bits (6 with 64-bit operands); a masked count of 0 changes nothing.
// What the SDM leaves undefined is as on Intel silicon: OF is what a count of 1 would have left, except that ROL and
// ROR of a register by an immediate other than 1 keep it; AF is clear; SHLD and SHRD of 16 bits by more than 16 shift
// on into the destination again.
#include "cpu/integer/integer_body.h"

INSTANTIATE_FLAGS(shl, QUIET, FORMS_SHIFT, FLAGS_SHIFT)
INSTANTIATE_FLAGS(shr, QUIET, FORMS_SHIFT, FLAGS_SHIFT)
INSTANTIATE_FLAGS(sar, QUIET, FORMS_SHIFT, FLAGS_SHIFT)
INSTANTIATE_FLAGS(rol, QUIET, FORMS_SHIFT, FLAGS_SOME)
INSTANTIATE_FLAGS(ror, QUIET, FORMS_SHIFT, FLAGS_SOME)

// Through CF: the operand has one bit more. CF is read.
#define SHIFT_THROUGH(name, compute)                                                                                   \
    BODY(name) {                                                                                                       \
        uint64_t a = 0;                                                                                                \
        struct target p;                                                                                               \
        unsigned n = shift_count(cpu, op, F, W);                                                                       \
        TRY(target_open(cpu, op, F, W, &p, &a));                                                                       \
        struct flags flags = cpu->flags;                                                                               \
        uint64_t r = n ? compute(&flags, a, n, W) : a;                                                                 \
        TRY(target_set(cpu, F, W, &p, r));                                                                             \
        cpu->flags = flags;                                                                                            \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(name, FAST, FORMS_SHIFT)
ALWAYS_INLINE uint64_t rcl_compute(struct flags *f, uint64_t a, unsigned n, unsigned w) {
    n %= w + 1;
    if (n == 0) return a;
    uint64_t r = (n < w ? a << n : 0) | (uint64_t)flags_cf(f) << (n - 1) | (n > 1 ? a >> (w + 1 - n) : 0);
    flags_set_cf_of(f, bit(a, w - n), top_bits_differ(a, w));
    return r & MASK(w);
}
ALWAYS_INLINE uint64_t rcr_compute(struct flags *f, uint64_t a, unsigned n, unsigned w) {
    n %= w + 1;
    if (n == 0) return a;
    uint64_t r = (n < w ? a >> n : 0) | (uint64_t)flags_cf(f) << (w - n) | (n > 1 ? a << (w + 1 - n) : 0);
    flags_set_cf_of(f, bit(a, n - 1), bit(a, w - 1) ^ flags_cf(f));
    return r & MASK(w);
}
SHIFT_THROUGH(rcl, rcl_compute)
SHIFT_THROUGH(rcr, rcr_compute)

// Double shifts. 16-bit operands with counts beyond 16 shift on into the destination again.
ALWAYS_INLINE uint64_t shld_compute(struct flags *f, uint64_t a, uint64_t b, unsigned n, unsigned w) {
    uint64_t r = w > 16 ? a << n | b >> (w - n) : (a << 32 | b << 16 | a) << n >> 32;
    bool cf = n <= w ? bit(a, w - n) : bit(b, 2 * w - n);
    r &= MASK(w);
    flags_result(f, r, w, cf, top_bits_differ(a, w), false);
    return r;
}
ALWAYS_INLINE uint64_t shrd_compute(struct flags *f, uint64_t a, uint64_t b, unsigned n, unsigned w) {
    uint64_t r = w > 16 ? a >> n | b << (w - n) : (a << 32 | b << 16 | a) >> n;
    bool cf = n <= w ? bit(a, n - 1) : bit(b, n - w - 1);
    r &= MASK(w);
    flags_result(f, r, w, cf, bit(b, 0) ^ bit(a, w - 1), false);
    return r;
}
#define DOUBLE_SHIFT(name, count, compute)                                                                             \
    BODY(name) {                                                                                                       \
        uint64_t a = 0, b = reg_get(cpu, op->src, W);                                                                  \
        struct target p;                                                                                               \
        unsigned n = (unsigned)(count) & (W == 64 ? 63 : 31);                                                          \
        TRY(target_open(cpu, op, F, W, &p, &a));                                                                       \
        struct flags flags = cpu->flags;                                                                               \
        uint64_t r = n ? compute(&flags, a, b, n, W) : a;                                                              \
        TRY(target_set(cpu, F, W, &p, r));                                                                             \
        cpu->flags = flags;                                                                                            \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(name, FAST, FORMS_RM_REG)
DOUBLE_SHIFT(shld_immediate, op->imm, shld_compute)
DOUBLE_SHIFT(shld_cl, cpu->gpr[RCX], shld_compute)
DOUBLE_SHIFT(shrd_immediate, op->imm, shrd_compute)
DOUBLE_SHIFT(shrd_cl, cpu->gpr[RCX], shrd_compute)

// BMI2: no flags. "Gy,Ey,By": with the source in memory the count is op->src, else op->base.
#define SHIFT_X(name, operation)                                                                                       \
    BODY(name) {                                                                                                       \
        uint64_t a = 0, count = reg_get(cpu, F == FORM_RRR ? op->base : op->src, W);                                   \
        if (F == FORM_RRR)                                                                                             \
            a = reg_get(cpu, op->src, W);                                                                              \
        else                                                                                                           \
            TRY(source(cpu, op, FORM_RM, W, &a));                                                                      \
        unsigned n = (unsigned)count & (W - 1);                                                                        \
        reg_set(cpu, op->dst, W, operation);                                                                           \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(name, NEXT, FORMS_VEX_RM)
SHIFT_X(shlx, a << n)
SHIFT_X(shrx, a >> n)
SHIFT_X(sarx, (uint64_t)((int64_t)flags_extend(a, W) >> n))

BODY(rorx) {
    uint64_t a = 0;
    TRY(source(cpu, op, F, W, &a));
    unsigned n = (unsigned)op->imm & (W - 1);
    reg_set(cpu, op->dst, W, n ? a >> n | a << (W - n) : a);
    return OUT_OK;
}
INSTANTIATE(rorx, NEXT, FORMS_REG_RM_DWORD)

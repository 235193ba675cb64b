// Double-extended precision against the processor the test runs on: registers, memory, exception flags and condition
// codes, for all rounding and precision controls, with masked and unmasked exceptions. Nothing traps: the state is
// read with FNSTSW and FNSAVE, which do not wait for pending exceptions. What the manual leaves to the implementation,
// or says otherwise than processors do, is compared with Intel processors only: unmasked exceptions, incomplete FPREM.
#include "tests/float/operands.h"
#include "tests/tap.h"

#include <string.h>

#ifndef __x86_64__
int main(void) {
    skip("x87 against the host", "the host is not an x86-64 processor");
    return done_testing();
}
#else
#include "tests/float/x87.h"

#define REGISTER(name, text, expression) NEW(name, text, 0, r->st[0] = expression)
#define MEMORY(name, text, type, expression)                                                                           \
    NEW(name, text, X87_STORES, put(r, sizeof(type), (uint64_t)(type)(expression)))
#define COMPARE(name, text, expression) NEW(name, text, X87_COMPARES, r->status |= (uint16_t)(expression << 8))
#define REMAINDER(name, text, function)                                                                                \
    NEW(name, text, 0, r->st[0] = function(a, b, &conditions, env); r->status |= conditions)
// Through AL: AH cannot be stored where the address takes a REX prefix.
#define EFLAGS_OF(text) text "\n\tlahf\n\tmovzbl %%ah, %%eax\n\tand $0x45, %%al\n\tmovb %%al, %[memory]"
#define NEW(name, text, flags, statement)                                                                              \
    X87_HOST(name, text)                                                                                               \
    static void ours_##name(struct f80 a, struct f80 b, uint64_t m, struct float_env *env, struct x87_result *r) {     \
        uint16_t conditions = 0;                                                                                       \
        (void)b, (void)m, (void)conditions, (void)env;                                                                 \
        statement;                                                                                                     \
        (void)a;                                                                                                       \
    }                                                                                                                  \
    static const struct x87_operation name = {#name, host_##name, ours_##name, flags};

static void put(struct x87_result *r, size_t bytes, uint64_t value) { memcpy(r->memory, &value, bytes); }

// clang-format off
REGISTER(fadd, "fadd %%st(1), %%st", f80_add(a, b, env))
REGISTER(fsub, "fsub %%st(1), %%st", f80_sub(a, b, env))
REGISTER(fsubr, "fsubr %%st(1), %%st", f80_sub(b, a, env))
REGISTER(fmul, "fmul %%st(1), %%st", f80_mul(a, b, env))
REGISTER(fdiv, "fdiv %%st(1), %%st", f80_div(a, b, env))
REGISTER(fdivr, "fdivr %%st(1), %%st", f80_div(b, a, env))
REGISTER(fsqrt, "fsqrt", f80_sqrt(a, env))
REGISTER(fadds, "fadds %[memory]", f80_add(a, f80_from_f32((f32)m, env), env))
REGISTER(faddl, "faddl %[memory]", f80_add(a, f80_from_f64(m, env), env))
REGISTER(fmuls, "fmuls %[memory]", f80_mul(a, f80_from_f32((f32)m, env), env))
REGISTER(fmull, "fmull %[memory]", f80_mul(a, f80_from_f64(m, env), env))
REGISTER(fdivs, "fdivs %[memory]", f80_div(a, f80_from_f32((f32)m, env), env))
REGISTER(fdivrl, "fdivrl %[memory]", f80_div(f80_from_f64(m, env), a, env))
REGISTER(fiaddl, "fiaddl %[memory]", f80_add(a, f80_from_i64((int32_t)m), env))
REGISTER(fidivrs, "fidivrs %[memory]", f80_div(f80_from_i64((int16_t)m), a, env))
REGISTER(frndint, "frndint", f80_round(a, env))
REGISTER(fscale, "fscale", f80_scale(a, b, env))
REGISTER(fchs, "fchs", f80_negate(a))
REGISTER(fabs_, "fabs", f80_absolute(a))
REMAINDER(fprem, "fprem", f80_remainder)
REMAINDER(fprem1, "fprem1", f80_remainder_nearest)
COMPARE(fcom, "fcom %%st(1)", f80_compare_ordered(a, b, env))
COMPARE(fucom, "fucom %%st(1)", f80_compare_unordered(a, b, env))
COMPARE(fcoms, "fcoms %[memory]", f80_compare_ordered(a, f80_from_f32((f32)m, env), env))
COMPARE(fcoml, "fcoml %[memory]", f80_compare_ordered(a, f80_from_f64(m, env), env))
COMPARE(ficoml, "ficoml %[memory]", f80_compare_ordered(a, f80_from_i64((int32_t)m), env))
COMPARE(ftst, "ftst", f80_compare_ordered(a, F80_ZERO, env))
NEW(fcomp, "fcomp %%st(1)", X87_COMPARES | X87_POPS, r->status |= (uint16_t)(f80_compare_ordered(a, b, env) << 8))
NEW(fcomi, EFLAGS_OF("fcomi %%st(1), %%st"), X87_COMPARES, r->memory[0] = (uint8_t)f80_compare_ordered(a, b, env))
NEW(fucomi, EFLAGS_OF("fucomi %%st(1), %%st"), X87_COMPARES, r->memory[0] = (uint8_t)f80_compare_unordered(a, b, env))
NEW(fxam, "fxam", 0, r->status |= f80_examine(a))
NEW(fxtract, "fxtract", 0, r->st[0] = f80_extract(a, &r->st[1], env))
NEW(flds, "flds %[memory]", X87_LOADS, r->st[1] = a; r->st[0] = f80_load_f32((f32)m, env))
NEW(fldl, "fldl %[memory]", X87_LOADS, r->st[1] = a; r->st[0] = f80_load_f64(m, env))
NEW(filds, "filds %[memory]", X87_LOADS, r->st[1] = a; r->st[0] = f80_from_i64((int16_t)m))
NEW(fildl, "fildl %[memory]", X87_LOADS, r->st[1] = a; r->st[0] = f80_from_i64((int32_t)m))
NEW(fildll, "fildll %[memory]", X87_LOADS, r->st[1] = a; r->st[0] = f80_from_i64((int64_t)m))
NEW(fbld, "fbld %[memory]", X87_LOADS, r->st[1] = a; r->st[0] = f80_from_bcd(r->memory))
MEMORY(fstps, "fstps %[memory]", uint32_t, f80_to_f32(a, env))
MEMORY(fstpl, "fstpl %[memory]", uint64_t, f80_to_f64(a, env))
MEMORY(fistps, "fistps %[memory]", uint16_t, f80_to_i16(a, env))
MEMORY(fistpl, "fistpl %[memory]", uint32_t, f80_to_i32(a, env))
MEMORY(fistpll, "fistpll %[memory]", uint64_t, f80_to_i64(a, env))
MEMORY(fisttps, "fisttps %[memory]", uint16_t, f80_to_i16_truncate(a, env))
MEMORY(fisttpl, "fisttpl %[memory]", uint32_t, f80_to_i32_truncate(a, env))
MEMORY(fisttpll, "fisttpll %[memory]", uint64_t, f80_to_i64_truncate(a, env))
NEW(fbstp, "fbstp %[memory]", X87_STORES, f80_to_bcd(a, r->memory, env))
NEW(fldl2t, "fldl2t", X87_LOADS, r->st[1] = a; r->st[0] = f80_constant(FLOAT_LOG2_10, env->rounding))
NEW(fldl2e, "fldl2e", X87_LOADS, r->st[1] = a; r->st[0] = f80_constant(FLOAT_LOG2_E, env->rounding))
NEW(fldpi, "fldpi", X87_LOADS, r->st[1] = a; r->st[0] = f80_constant(FLOAT_PI, env->rounding))
NEW(fldlg2, "fldlg2", X87_LOADS, r->st[1] = a; r->st[0] = f80_constant(FLOAT_LOG10_2, env->rounding))
NEW(fldln2, "fldln2", X87_LOADS, r->st[1] = a; r->st[0] = f80_constant(FLOAT_LN_2, env->rounding))
// clang-format on

static const struct x87_operation *const operations[] = {
    &fadd,    &fsub,     &fsubr,  &fmul,    &fdiv,    &fdivr,  &fsqrt,  &fadds,  &faddl,  &fmuls,   &fmull,
    &fdivs,   &fdivrl,   &fiaddl, &fidivrs, &frndint, &fscale, &fchs,   &fabs_,  &fprem,  &fprem1,  &fcom,
    &fucom,   &fcoms,    &fcoml,  &ficoml,  &ftst,    &fcomp,  &fcomi,  &fucomi, &fxam,   &fxtract, &flds,
    &fldl,    &filds,    &fildl,  &fildll,  &fbld,    &fstps,  &fstpl,  &fistps, &fistpl, &fistpll, &fisttps,
    &fisttpl, &fisttpll, &fbstp,  &fldl2t,  &fldl2e,  &fldpi,  &fldlg2, &fldln2,
};

// What the memory operand holds: bytes 0 to 7 a single, double or integer value, or all ten a packed BCD integer.
static uint64_t draw_memory(struct operands *o, const struct x87_operation *op, struct x87_result *r) {
    size_t length = strlen(op->name);
    uint64_t m = op == &filds || op == &fildl || op == &fildll || op->name[1] == 'i' ? (uint64_t)operands_i64(o)
                 : op->name[length - 1] == 's'                                       ? operands_f32(o)
                                                                                     : operands_f64(o);
    if (op == &fbld) {
        m = 0;
        for (int i = 0; i < 64; i += 4) m |= (uint64_t)operands_below(o, 10) << i;
        r->memory[8] = (uint8_t)(operands_below(o, 10) << 4 | operands_below(o, 10));
        r->memory[9] = (uint8_t)operands_bits(o);
    }
    memcpy(r->memory, &m, sizeof m);
    return m;
}

static void compare(const struct x87_operation *op, struct operands *o, bool intel, unsigned count) {
    loop_begin("%s agrees with the host", op->name);
    for (unsigned i = 0; i < count; i++) {
        struct x87_result host = {0}, ours;
        struct f80 a = operands_f80(o), b = operands_f80_beside(o, a);
        unsigned masks = !intel || operands_below(o, 4) ? FLOAT_ALL : operands_below(o, 64);
        uint16_t control = (uint16_t)(0x40 | masks | operands_below(o, 4) << 8 | operands_below(o, 4) << 10);
        uint64_t m = draw_memory(o, op, &host);
        memcpy(&ours, &host, sizeof ours);
        op->host(&a, &b, control, &host);
        x87_ours(op, a, b, m, control, &ours);
        if (!intel && (op == &fprem || op == &fprem1) && host.status & FLOAT_C2) continue;
        loop_check(x87_same(op, &host, &ours), "%s", x87_difference(a, b, m, control, &host, &ours));
    }
    loop_end();
}

int main(void) {
    struct operands o = {.state = 19800615};
    __builtin_cpu_init();
    bool intel = __builtin_cpu_is("intel");
    if (!intel) skip("unmasked exceptions and incomplete FPREM", "the host is not an Intel processor");
    for (unsigned i = 0; i < sizeof operations / sizeof operations[0]; i++)
        compare(operations[i], &o, intel, i < 21 ? 700000 : 200000);
    return done_testing();
}
#endif

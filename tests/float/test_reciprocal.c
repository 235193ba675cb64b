// RCPSS and RSQRTSS: the error that the manual allows, and on Intel processors the same bits.
#include "tests/float/operands.h"
#include "tests/tap.h"

#include <math.h>
#include <string.h>

static double value(f32 a) {
    float f;
    memcpy(&f, &a, sizeof f);
    return f;
}

// Every significand in the two binades that matter, and operands of all sizes whose result is not tiny.
static void error_bounds(void) {
    const double bound = 1.5 / 4096;
    loop_begin("relative errors are at most 1.5 * 2^-12");
    for (uint32_t i = 0; i < 1u << 24; i++) {
        f32 a = 0x3f800000 + i;
        double x = value(a), r = value(f32_reciprocal(a)), s = value(f32_reciprocal_sqrt(a));
        loop_check(fabs(r * x - 1) <= bound && fabs(s * sqrt(x) - 1) <= bound, "%#x", a);
    }
    for (int exponent = 1; exponent < 253; exponent++) {
        f32 a = (f32)exponent << 23 | 0x345678;
        double x = value(a), r = value(f32_reciprocal(a)), s = value(f32_reciprocal_sqrt(a));
        loop_check(fabs(r * x - 1) <= bound && fabs(s * sqrt(x) - 1) <= bound, "%#x", a);
    }
    loop_end();
}

static void special_operands(void) {
    ok(f32_reciprocal(0x80000000) == 0xff800000 && f32_reciprocal_sqrt(0x80000000) == 0xff800000, "-0 gives -infinity");
    ok(f32_reciprocal(0x00000001) == 0x7f800000 && f32_reciprocal_sqrt(0x807fffff) == 0xff800000,
       "denormals count as zero");
    ok(f32_reciprocal(0xff800000) == 0x80000000 && f32_reciprocal_sqrt(0x7f800000) == 0, "infinity gives 0");
    ok(f32_reciprocal(0x7f7fffff) == 0, "tiny results are flushed to zero");
    ok(f32_reciprocal_sqrt(0xbf800000) == F32_INDEFINITE && f32_reciprocal_sqrt(0xff800000) == F32_INDEFINITE,
       "the root of a negative number is the indefinite NaN");
    ok(f32_reciprocal(0xff800001) == 0xffc00001 && f32_reciprocal_sqrt(0x7f812345) == 0x7fc12345, "SNaNs become quiet");
}

#ifdef __x86_64__
static f32 host_rcpss(f32 a) {
    __asm__("movd %0, %%xmm0\n\trcpss %%xmm0, %%xmm0\n\tmovd %%xmm0, %0" : "+r"(a)::"xmm0");
    return a;
}

static f32 host_rsqrtss(f32 a) {
    __asm__("movd %0, %%xmm0\n\trsqrtss %%xmm0, %%xmm0\n\tmovd %%xmm0, %0" : "+r"(a)::"xmm0");
    return a;
}

static void compare_with_host(void) {
    __builtin_cpu_init();
    if (!__builtin_cpu_is("intel")) {
        skip("the bits of Intel processors", "the host is not an Intel processor");
        return;
    }
    struct operands o = {.state = 19990217};
    loop_begin("results are those of an Intel processor");
    for (uint64_t i = 0; i < 1ull << 32; i += 431) {
        f32 a = (f32)i, b = operands_f32(&o);
        loop_check(host_rcpss(a) == f32_reciprocal(a) && host_rsqrtss(a) == f32_reciprocal_sqrt(a), "%#x", a);
        loop_check(host_rcpss(b) == f32_reciprocal(b) && host_rsqrtss(b) == f32_reciprocal_sqrt(b), "%#x", b);
    }
    loop_end();
}
#else
static void compare_with_host(void) { skip("the bits of Intel processors", "the host is not an x86-64 processor"); }
#endif

int main(void) {
    error_bounds();
    special_operands();
    compare_with_host();
    return done_testing();
}

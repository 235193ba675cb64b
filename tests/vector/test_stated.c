// What no host can judge, or only hosts of one kind, against what the manual states: approximations within their error,
// dot products, images of FXSAVE and the XSAVE set without REX.W, FNSAVE. SDM Vol. 1, 10.5, 13.4 to 13.12; Vol. 2A to
// 2D.
#include "cpu/vector/xsave.h"
#include "tests/tap.h"
#include "tests/vector/model.h"
#include "tests/vector/random.h"
#include "cpu/memory/mode.h"
#include <string.h>

enum { AREA = 128, HEADER = AREA + 512, X87 = 32, XMM = 160 }; // in the data, RBX points at the area; in the image

#define EXECUTE(f, s, ...) execute(f, s, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
static void execute(struct flat *f, struct state *s, const uint8_t *code, unsigned length) {
    flat_write(f, FLAT_CODE, code, length);
    model_run(f, s, length);
}
static void fresh(struct state *s) {
    random_state(s, &(struct random_options){.masked = true, .full_stack = true});
    s->fx[2] = 0, s->fx[3] = 0, s->fx[24] = 0x80, s->fx[25] = 0x1f;
    s->gpr[RBX] = NATIVE_DATA + AREA;
}
static float element(const struct state *s, unsigned number, unsigned i) {
    float v;
    memcpy(&v, s->fx + XMM + 16 * number + 4 * i, 4);
    return v;
}
static void set(struct state *s, unsigned number, const void *value) { memcpy(s->fx + XMM + 16 * number, value, 16); }

// --- RCPPS, RCPSS, RSQRTPS, RSQRTSS: a relative error of at most 1.5 * 2^-12 ---

static bool near_reciprocal(double result, double in) {
    const double error = 1.5 / 4096;
    return result * in >= 1 - error && result * in <= 1 + error;
}
// Squared, the error of a root is twice as large.
static bool near_root(double result, double in) {
    const double error = 1.5 / 4096;
    return result * result * in >= (1 - error) * (1 - error) && result * result * in <= (1 + error) * (1 + error);
}

static void approximations(struct flat *f) {
    struct state s;
    loop_begin("RCPPS, RSQRTPS: each element within the error");
    for (unsigned i = 0; i < 2000; i++) {
        float in[4];
        for (unsigned k = 0; k < 4; k++) {
            uint32_t bits = (27 + random_below(200)) << 23 | random_below(1 << 23);
            memcpy(&in[k], &bits, 4);
        }
        for (unsigned root = 0; root < 2; root++) {
            fresh(&s);
            set(&s, 1, in);
            EXECUTE(f, &s, 0x0f, root ? 0x52 : 0x53, 0xc1);
            for (unsigned k = 0; k < 4; k++)
                loop_check((root ? near_root : near_reciprocal)(element(&s, 0, k), in[k]), "%a", in[k]);
        }
    }
    loop_end();
    for (unsigned root = 0; root < 2; root++) {
        static const float in[4] = {16, 3, 5, 7}, old[4] = {1, 2, 3, 4};
        fresh(&s);
        set(&s, 1, in), set(&s, 0, old);
        EXECUTE(f, &s, 0xf3, 0x0f, root ? 0x52 : 0x53, 0xc1);
        ok((root ? near_root : near_reciprocal)(element(&s, 0, 0), 16) && !memcmp(s.fx + XMM + 4, old + 1, 12),
           "%s: the lowest element, the others stay", root ? "RSQRTSS" : "RCPSS");
        ok(s.fx[24] == 0x80, "without exception flags");
    }
}

// --- DPPS, DPPD: bits 7:4 choose the products, bits 3:0 where the sum goes; the rest becomes 0 ---

static void dot_products(struct flat *f) {
    struct state s;
    loop_begin("DPPS, DPPD for every immediate");
    for (unsigned imm = 0; imm < 256; imm++) {
        static const float a[4] = {1, 2, 4, 8}, b[4] = {3, 5, 7, 11};
        float sum = 0;
        for (unsigned i = 0; i < 4; i++) sum += imm >> (4 + i) & 1 ? a[i] * b[i] : 0;
        fresh(&s);
        set(&s, 0, a), set(&s, 1, b);
        EXECUTE(f, &s, 0x66, 0x0f, 0x3a, 0x40, 0xc1, (uint8_t)imm);
        for (unsigned i = 0; i < 4; i++)
            loop_check(element(&s, 0, i) == (imm >> i & 1 ? sum : 0), "DPPS %x, element %u", imm, i);
        static const double c[2] = {3, 5}, d[2] = {7, 11};
        double wide = (imm & 16 ? c[0] * d[0] : 0) + (imm & 32 ? c[1] * d[1] : 0), result[2];
        fresh(&s);
        set(&s, 0, c), set(&s, 1, d);
        EXECUTE(f, &s, 0x66, 0x0f, 0x3a, 0x41, 0xc1, (uint8_t)imm);
        memcpy(result, s.fx + XMM, 16);
        for (unsigned i = 0; i < 2; i++)
            loop_check(result[i] == (imm >> i & 1 ? wide : 0), "DPPD %x, element %u", imm, i);
    }
    loop_end();
}

// --- images ---

// Control, status and tag words, MXCSR, all registers.
static bool same_registers(const uint8_t *a, const uint8_t *b) {
    bool x87 = true;
    for (unsigned i = 0; i < 8; i++) x87 &= !memcmp(a + X87 + 16 * i, b + X87 + 16 * i, 10);
    return x87 && !memcmp(a, b, 5) && !memcmp(a + 24, b + 24, 4) && !memcmp(a + XMM, b + XMM, 256);
}

static void round_trip(struct flat *f, const char *name, const uint8_t *save, const uint8_t *restore, unsigned length) {
    bool wide = save[0] == 0x48;
    loop_begin("%s", name);
    for (unsigned i = 0; i < 200; i++) {
        struct state s, other;
        fresh(&s);
        memset(s.data + AREA, 0xcc, 576);
        memset(s.data + HEADER, 0, 64);
        s.gpr[RAX] = 3, s.gpr[RDX] = 0;
        struct state before = s;
        execute(f, &s, save, length);
        loop_check(s.vector < 0 && same_registers(s.data + AREA, before.fx), "image");
        loop_check(!memcmp(s.data + AREA + 8, before.fx + 8, wide ? 8 : 4), "the instruction pointer of the image");
        loop_check(!memcmp(s.data + AREA + 16, before.fx + 16, wide ? 8 : 4), "the data pointer of the image");
        fresh(&other);
        memcpy(other.data, s.data, sizeof other.data);
        other.gpr[RAX] = 3, other.gpr[RDX] = 0;
        execute(f, &other, restore, length);
        loop_check(other.vector < 0 && same_registers(other.fx, before.fx), "restored");
        uint64_t pointer, expected;
        memcpy(&pointer, other.fx + 8, 8), memcpy(&expected, before.fx + 8, 8);
        loop_check(pointer == (wide ? expected : (uint32_t)expected), "the instruction pointer restored");
    }
    loop_end();
}

static void images(struct flat *f) {
    static const struct {
        const char *name;
        uint8_t save[4], restore[4];
        unsigned length;
    } pairs[] = {
        {"FXSAVE, FXRSTOR", {0x0f, 0xae, 0x03}, {0x0f, 0xae, 0x0b}, 3},
        {"FXSAVE64, FXRSTOR64", {0x48, 0x0f, 0xae, 0x03}, {0x48, 0x0f, 0xae, 0x0b}, 4},
        {"XSAVE, XRSTOR", {0x0f, 0xae, 0x23}, {0x0f, 0xae, 0x2b}, 3},
        {"XSAVE64, XRSTOR64", {0x48, 0x0f, 0xae, 0x23}, {0x48, 0x0f, 0xae, 0x2b}, 4},
        {"XSAVEOPT, XRSTOR", {0x0f, 0xae, 0x33}, {0x0f, 0xae, 0x2b}, 3},
        {"XSAVEC, XRSTOR", {0x0f, 0xc7, 0x23}, {0x0f, 0xae, 0x2b}, 3},
        {"XSAVES, XRSTORS", {0x0f, 0xc7, 0x2b}, {0x0f, 0xc7, 0x1b}, 3},
    };
    for (unsigned i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        round_trip(f, pairs[i].name, pairs[i].save, pairs[i].restore, pairs[i].length);
}

// FNSAVE: the environment of 28 bytes, ST(0) to ST(7) of 10 bytes each, then as FNINIT leaves it. SDM Vol. 1, 8.1.10.
static void fnsave(struct flat *f) {
    struct state s;
    fresh(&s);
    struct state before = s;
    EXECUTE(f, &s, 0xdd, 0x33);
    bool registers = true;
    for (unsigned i = 0; i < 8; i++) registers &= !memcmp(s.data + AREA + 28 + 10 * i, before.fx + X87 + 16 * i, 10);
    ok(registers, "FNSAVE: the registers");
    ok(!memcmp(s.data + AREA, before.fx, 2) && s.data[AREA + 2] == 0xff && s.data[AREA + 3] == 0xff &&
           !memcmp(s.data + AREA + 12, before.fx + 8, 4),
       "the environment");
    ok(s.fx[0] == 0x7f && s.fx[1] == 3 && s.fx[2] == 0 && s.fx[3] == 0 && s.fx[4] == 0, "and initializes the x87 FPU");
}

int main(void) {
    struct flat f;
    machine_new(&f);
    f.cpu->control.cr4 |= CR4_OSXSAVE;
    f.cpu->control.xcr0 = 3;
    cpu_update_mode(f.cpu);
    random_seed(77);
    approximations(&f);
    dot_products(&f);
    images(&f);
    fnsave(&f);
    flat_free(&f);
    return done_testing();
}

// Every row of the SSE, MMX and x87 tables against the host's processor: registers, flags, MXCSR, x87 state, memory,
// exception. What the manual leaves undefined, or to within an error, is listed below and not compared.
#include "tests/tap.h"
#include "tests/vector/encode.h"
#include "tests/vector/model.h"
#include "tests/vector/random.h"
#include "cpu/decode/insn.h"

static bool is_one_of(const char *word, const char *list) {
    char quoted[40];
    snprintf(quoted, sizeof quoted, " %s ", word);
    return strstr(list, quoted);
}

static const char *hex(const uint8_t *bytes, unsigned n, char *text) {
    for (unsigned i = 0; i < n; i++) sprintf(text + 3 * i, "%02x ", bytes[i]);
    return text;
}
// What went in, for one who looks into a failure.
static const char *inputs(const struct state *s, char *text) {
    uint64_t st[2][2], x[2];
    memcpy(st, s->fx + 32, 32), memcpy(x, s->data + 128, 16);
    sprintf(
        text,
        "cw %02x%02x sw %02x%02x tags %02x mxcsr %02x%02x st0 %04x %016lx st1 %04x %016lx mem %016lx %016lx flags %lx",
        s->fx[1], s->fx[0], s->fx[3], s->fx[2], s->fx[4], s->fx[25], s->fx[24], (uint16_t)st[0][1], st[0][0],
        (uint16_t)st[1][1], st[1][0], x[0], x[1], s->flags);
    return text;
}

static const char transcendental[] = " f2xm1 fyl2x fyl2xp1 fpatan fptan fsin fcos fsincos ";

// The transcendental instructions have an error of one unit in the last place, and processors report exact and tiny
// results as they please: where both results are that close, the model's, and UE, PE and C1, are taken for the host's.
// SDM Vol. 1, 8.3.10.
static __int128 ordinal(const uint8_t *st) {
    uint64_t significand, high = 0;
    memcpy(&significand, st, 8), memcpy(&high, st + 8, 2);
    return (__int128)high << 63 | (significand & ~BIT(63));
}
static void forgive_last_place(struct state *model, const struct state *host) {
    for (unsigned i = 0; i < 2; i++) {
        __int128 apart = ordinal(model->fx + 32 + 16 * i) - ordinal(host->fx + 32 + 16 * i);
        if (apart == 1 || apart == -1) memcpy(model->fx + 32 + 16 * i, host->fx + 32 + 16 * i, 10);
    }
    model->fx[2] = (uint8_t)((model->fx[2] & ~0x30) | (host->fx[2] & 0x30));
    model->fx[3] = (uint8_t)((model->fx[3] & ~2) | (host->fx[3] & 2));
}
// AMD processors store the x87 pointers only while an exception is pending, and have another bit in MXCSR_MASK.
static void forgive_pointers(struct state *model, const struct state *host) {
    memcpy(model->fx + 6, host->fx + 6, 18);
    memcpy(model->fx + 28, host->fx + 28, 4);
}
// They also let the memory operands of the SHA instructions lie anywhere.
static bool unaligned_sha(const struct insn_row *row, const struct state *model, const struct state *host) {
    return strncmp(row->mnemonic, "sha", 3) == 0 && model->vector == 13 && host->vector < 0;
}
// Operands for which the manual defines no result: |x| > 1 of F2XM1, |x| > 1 - sqrt(2)/2 of FYL2XP1.
static bool undefined_operand(const char *mnemonic, const struct state *s) {
    unsigned exponent = s->fx[40] | (s->fx[41] & 0x7fu) << 8;
    if (!strcmp(mnemonic, "f2xm1")) return exponent >= 0x3fff && exponent < 0x7fff;
    return !strcmp(mnemonic, "fyl2xp1") && exponent >= 0x3ffd && exponent < 0x7fff;
}

static void compare_row(struct flat *f, const struct insn_row *row, unsigned instances, unsigned operands) {
    char text[100], code_text[64], input_text[300];
    bool inexact = is_one_of(row->mnemonic, transcendental);
    loop_begin("%s (%s)", row->mnemonic, row->encoding);
    for (unsigned i = 0; i < instances; i++) {
        uint8_t code[16];
        bool aligned = row->traits & T_ALIGN16 ? random_below(10) : random_below(2);
        unsigned length = encode_random(row, aligned, code);
        native_code(code, length);
        flat_write(f, FLAT_CODE, code, length);
        for (unsigned j = 0; j < operands; j++) {
            bool masked = inexact || (row->traits & T_X87 && !native_is_reference());
            struct random_options options = {random_below(2), random_below(2), random_below(2),
                                             random_below(2) || masked};
            struct state before, model, host;
            random_state(&before, &options);
            if (undefined_operand(row->mnemonic, &before)) continue;
            model = host = before;
            model_run(f, &model, length);
            native_run(&host);
            if (inexact) forgive_last_place(&model, &host);
            if (!native_is_reference()) forgive_pointers(&model, &host);
            if (!native_is_reference() && unaligned_sha(row, &model, &host)) continue;
            const char *d = difference(&model, &host, text, sizeof text);
            loop_check(!d, "%s%s; %s", hex(code, length, code_text), d, inputs(&before, input_text));
        }
    }
    loop_end();
}

int main(int argc, char **argv) {
    static const char not_compared[] =
        " fxsave fxrstor fxsave64 fxrstor64 xsave xrstor xsaveopt xsavec xsaves xrstors" // test_xsave.c
        " xsave64 xrstor64 xsaveopt64 xsavec64 xsaves64 xrstors64 ";
    // The last two write the x87 pointers, which other processors keep only while an exception is pending.
    static const char by_implementation[] = " rcpps rcpss rsqrtps rsqrtss dpps dppd cvtpi2ps fnsave fnstenv ";
    struct flat f;
    if (!native_open()) {
        skip("rows against the host", "code and data cannot be mapped where the model has them");
        return done_testing();
    }
    bool reference = native_is_reference();
    if (!reference) skip("x87 rows and approximations", "the host is not of the modelled kind");
    machine_new(&f);
    for (uint32_t i = 0; i < cpu_rows.count; i++) {
        const struct insn_row *row = &cpu_rows.rows[i];
        bool mine = row->traits & (T_SSE | T_MMX | T_X87) || is_one_of(row->mnemonic, " movnti fwait ");
        if (!mine || row->traits & T_AVX || is_one_of(row->mnemonic, not_compared)) continue;
        if (!reference && is_one_of(row->mnemonic, by_implementation)) continue;
        if (!native_has(row->feature)) continue;
        if (argc > 1 && strcmp(argv[1], row->mnemonic)) continue;
        random_seed(i);
        compare_row(&f, row, 12, 60);
    }
    flat_free(&f);
    return done_testing();
}

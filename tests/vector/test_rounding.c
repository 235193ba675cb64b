// SSE floating-point gives the same bits and flags however the program that embeds the machine has told the host to
// round.
#include "cpu/decode/insn.h"
#include "tests/tap.h"
#include "tests/vector/encode.h"
#include "tests/vector/model.h"
#include "tests/vector/random.h"
#include <fenv.h>

static void run_under(struct flat *f, int mode, struct state *s, unsigned length) {
    fesetround(mode);
    model_run(f, s, length);
    fesetround(FE_TONEAREST);
}

static void compare_row(struct flat *f, const struct insn_row *row) {
    static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    char text[100];
    loop_begin("%s under every rounding of the host", row->mnemonic);
    for (unsigned i = 0; i < 60; i++) {
        uint8_t code[16];
        unsigned length = encode_random(row, true, code);
        flat_write(f, FLAT_CODE, code, length);
        struct random_options options = {random_below(2), true, false, true};
        struct state before, nearest;
        random_state(&before, &options);
        before.fx[25] &= 0x9f; // rounding control: to nearest, where the host's operations serve
        nearest = before;
        model_run(f, &nearest, length);
        for (unsigned j = 0; j < sizeof modes / sizeof *modes; j++) {
            struct state other = before;
            run_under(f, modes[j], &other, length);
            const char *d = difference(&nearest, &other, text, sizeof text);
            loop_check(!d, "%s", d);
        }
    }
    loop_end();
}

int main(void) {
    static const char rows[] = " addps addpd addss addsd subpd subss mulps mulpd mulss mulsd divps divpd divss divsd "
                               "sqrtps sqrtpd sqrtss sqrtsd cvtsd2ss cvtsi2ss cvtsi2sd cvtpd2ps haddpd cvtsd2si ";
    struct flat f;
    if (!native_open()) {
        skip("rounding of the host", "code and data cannot be mapped where the model has them");
        return done_testing();
    }
    machine_new(&f);
    random_seed(1);
    for (uint32_t i = 0; i < cpu_rows.count; i++) {
        const struct insn_row *row = &cpu_rows.rows[i];
        char quoted[40];
        snprintf(quoted, sizeof quoted, " %s ", row->mnemonic);
        if (row->traits & T_SSE && !(row->traits & T_AVX) && strstr(rows, quoted)) compare_row(&f, row);
    }
    flat_free(&f);
    return done_testing();
}

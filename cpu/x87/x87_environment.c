// FNSTENV, FLDENV, FNSAVE, FRSTOR. SDM Vol. 1, 8.1.10, Figures 8-9 to 8-12; 8.1.7 for the tag word.
//
// Chosen where the manual leaves it open: the reserved upper halves of the 32-bit formats are written as ones (as
// processors do); the real-address mode formats hold the offsets FIP and FDP, as FCS and FDS are deprecated.
#include "cpu/engine/body.h"
#include "cpu/x87/x87.h"

enum tag { TAG_VALID, TAG_ZERO, TAG_SPECIAL, TAG_EMPTY };

static enum tag tag_of(const struct x87 *x, unsigned i) {
    const struct x87_register *r = &x->r[i];
    unsigned exponent = r->sign_exponent & 0x7fff;
    if (x->empty >> i & 1) return TAG_EMPTY;
    if (!exponent && !r->significand) return TAG_ZERO;
    return exponent == 0 || exponent == 0x7fff || !(r->significand >> 63) ? TAG_SPECIAL : TAG_VALID;
}

static uint16_t tag_word(const struct x87 *x) {
    unsigned word = 0;
    for (unsigned i = 0; i < 8; i++) word |= (unsigned)tag_of(x, i) << 2 * i;
    return (uint16_t)word;
}
static void set_tag_word(struct x87 *x, unsigned word) {
    x->empty = 0;
    for (unsigned i = 0; i < 8; i++)
        if ((word >> 2 * i & 3) == TAG_EMPTY) x->empty |= (uint8_t)(1u << i);
}

static bool real_format(const struct cpu *cpu) { return cpu_real(cpu) || cpu_vm86(cpu); }

#define ENVIRONMENT_WORDS 7 // of 2 or 4 bytes
#define SAVE_BYTES_MAX (ENVIRONMENT_WORDS * 4 + 80)

// The words in the order of the figures; `w` is 16 or 32.
static void environment_put(const struct cpu *cpu, uint8_t *out, unsigned w) {
    const struct x87 *x = &cpu->fpu.x87;
    uint32_t ones = 0xffff0000, ip = (uint32_t)x->ip, dp = (uint32_t)x->dp;
    uint32_t word[ENVIRONMENT_WORDS] = {ones | x->control, ones | x->status, ones | tag_word(x)};
    if (!real_format(cpu)) {
        word[3] = ip, word[4] = (uint32_t)x->opcode << 16, word[5] = dp, word[6] = ones;
    } else if (w == 32) {
        word[3] = ones | (uint16_t)ip, word[4] = ip >> 16 << 12 | x->opcode;
        word[5] = ones | (uint16_t)dp, word[6] = dp >> 16 << 12;
    } else {
        word[3] = ip, word[4] = (ip >> 16 & 15) << 12 | x->opcode, word[5] = dp, word[6] = (dp >> 16 & 15) << 12;
    }
    if (w == 16 && !real_format(cpu)) word[4] = word[6] = 0;
    for (unsigned i = 0; i < ENVIRONMENT_WORDS; i++) bytes_set(out + i * w / 8, w, word[i]);
}

static void environment_get(struct cpu *cpu, const uint8_t *in, unsigned w) {
    struct x87 *x = &cpu->fpu.x87;
    uint32_t word[ENVIRONMENT_WORDS];
    for (unsigned i = 0; i < ENVIRONMENT_WORDS; i++) word[i] = (uint32_t)bytes_get(in + i * w / 8, w);
    x->status = (uint16_t)word[1];
    set_tag_word(x, word[2]);
    x->ip = word[3], x->dp = word[5];
    x->opcode = (uint16_t)(w == 32 && !real_format(cpu) ? word[4] >> 16 & X87_OPCODE
                           : real_format(cpu)           ? word[4] & X87_OPCODE
                                                        : 0);
    if (real_format(cpu)) {
        x->ip = (word[3] & 0xffff) | (w == 32 ? word[4] >> 12 & 0xffff : word[4] >> 12 & 15) << 16;
        x->dp = (word[5] & 0xffff) | (w == 32 ? word[6] >> 12 & 0xffff : word[6] >> 12 & 15) << 16;
    }
    x->cs = x->ds = 0;
    x87_set_control(cpu, (uint16_t)word[0]);
}

#define FORMS_ENVIRONMENT(X, n) X(n, M, 16) X(n, M, 32)

BODY(fnstenv) {
    BODY_UNUSED;
    uint8_t image[SAVE_BYTES_MAX];
    uint64_t linear = 0;
    const unsigned bytes = ENVIRONMENT_WORDS * W / 8;
    TRY(op_linear(cpu, op, bytes, true, &linear));
    environment_put(cpu, image, W);
    TRY(store_area(cpu, linear, image, bytes));
    x87_set_control(cpu, cpu->fpu.x87.control | FLOAT_ALL);
    return OUT_OK;
}
INSTANTIATE(fnstenv, NEXT, FORMS_ENVIRONMENT)

BODY(fldenv) {
    BODY_UNUSED;
    uint8_t image[SAVE_BYTES_MAX];
    uint64_t linear = 0;
    const unsigned bytes = ENVIRONMENT_WORDS * W / 8;
    TRY(x87_wait(cpu));
    TRY(op_linear(cpu, op, bytes, false, &linear));
    TRY(load_area(cpu, linear, image, bytes));
    environment_get(cpu, image, W);
    return OUT_OK;
}
INSTANTIATE(fldenv, NEXT, FORMS_ENVIRONMENT)

BODY(fnsave) {
    BODY_UNUSED;
    uint8_t image[SAVE_BYTES_MAX];
    uint64_t linear = 0;
    const unsigned registers = ENVIRONMENT_WORDS * W / 8, bytes = registers + 80;
    TRY(op_linear(cpu, op, bytes, true, &linear));
    environment_put(cpu, image, W);
    for (unsigned i = 0; i < 8; i++) {
        struct f80 v = x87_get(cpu, i);
        bytes_set(image + registers + 10 * i, 64, v.significand);
        bytes_set(image + registers + 10 * i + 8, 16, v.sign_exponent);
    }
    TRY(store_area(cpu, linear, image, bytes));
    x87_init(cpu);
    return OUT_OK;
}
INSTANTIATE(fnsave, NEXT, FORMS_ENVIRONMENT)

BODY(frstor) {
    BODY_UNUSED;
    uint8_t image[SAVE_BYTES_MAX];
    uint64_t linear = 0;
    const unsigned registers = ENVIRONMENT_WORDS * W / 8, bytes = registers + 80;
    TRY(x87_wait(cpu));
    TRY(op_linear(cpu, op, bytes, false, &linear));
    TRY(load_area(cpu, linear, image, bytes));
    environment_get(cpu, image, W);
    for (unsigned i = 0; i < 8; i++) {
        struct x87_register *r = &cpu->fpu.x87.r[x87_physical(cpu, i)];
        r->significand = bytes_get(image + registers + 10 * i, 64);
        r->sign_exponent = (uint16_t)bytes_get(image + registers + 10 * i + 8, 16);
    }
    return OUT_OK;
}
INSTANTIATE(frstor, NEXT, FORMS_ENVIRONMENT)

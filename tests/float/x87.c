#include "tests/float/x87.h"

#include <stdio.h>
#include <string.h>

enum { CONDITIONS = FLOAT_C0 | FLOAT_C1 | FLOAT_C2 | FLOAT_C3 };

void x87_read(const struct x87_image *image, struct x87_result *r) {
    for (int i = 0; i < 2; i++) {
        memcpy(&r->st[i].significand, image->st[i], 8);
        memcpy(&r->st[i].sign_exponent, image->st[i] + 8, 2);
    }
    r->status &= CONDITIONS | FLOAT_ALL;
}

void x87_ours(const struct x87_operation *op, struct f80 a, struct f80 b, uint64_t m, uint16_t control,
              struct x87_result *r) {
    struct float_env env = float_env_from_control_word(control);
    struct x87_result before = *r;
    before.st[0] = a;
    before.st[1] = b;
    before.status = 0;
    *r = before;
    op->ours(a, b, m, &env, r);
    bool store = (op->flags & X87_STORES) == X87_STORES, load = op->flags & X87_LOADS;
    if (store ? float_env_store_blocked(&env) : load ? float_env_load_blocked(&env) : float_env_blocked(&env)) {
        if (op->flags & X87_COMPARES)
            memcpy(r->st, before.st, sizeof r->st);
        else
            *r = before;
    } else if (op->flags & X87_POPS) {
        r->st[0] = r->st[1];
    }
    r->status |= (uint16_t)(env.flags | (env.round_up ? FLOAT_C1 : 0));
}

static bool same_register(struct f80 a, struct f80 b) {
    return a.significand == b.significand && a.sign_exponent == b.sign_exponent;
}

bool x87_same(const struct x87_operation *op, const struct x87_result *host, const struct x87_result *ours) {
    bool second = op->flags & X87_POPS || same_register(host->st[1], ours->st[1]);
    return same_register(host->st[0], ours->st[0]) && second && host->status == ours->status &&
           !memcmp(host->memory, ours->memory, sizeof host->memory);
}

static int show(char *to, size_t size, const char *who, const struct x87_result *r) {
    uint64_t memory;
    memcpy(&memory, r->memory, sizeof memory);
    return snprintf(to, size, "; %s %04x.%016lx %04x.%016lx [%016lx] status %04x", who, r->st[0].sign_exponent,
                    r->st[0].significand, r->st[1].sign_exponent, r->st[1].significand, memory, r->status);
}

const char *x87_difference(struct f80 a, struct f80 b, uint64_t m, uint16_t control, const struct x87_result *host,
                           const struct x87_result *ours) {
    static char text[400];
    int n = snprintf(text, sizeof text, "a %04x.%016lx b %04x.%016lx memory %016lx control %04x", a.sign_exponent,
                     a.significand, b.sign_exponent, b.significand, m, control);
    n += show(text + n, sizeof text - (size_t)n, "host", host);
    show(text + n, sizeof text - (size_t)n, "ours", ours);
    return text;
}

// Opcodes of the x87 that the manual's maps leave empty and every processor executes, against the host's: other
// encodings of FCOM, FCOMP, FXCH, FSTP and FFREE, and what is left of the 8087 and the 287. Status word, tags and the
// registers; pointers differ between vendors.
#include "tests/insn/harness.h"
#include "tests/tap.h"
#include <cpuid.h>
#include <string.h>

static struct harness h;

static const struct alias {
    const char *name;
    uint8_t bytes[2]; // of ST(0)
    bool registers;   // the second is one of eight
} aliases[] = {
    {"FCOM2", {0xdc, 0xd0}, true},  {"FCOMP3", {0xdc, 0xd8}, true},  {"FCOMP5", {0xde, 0xd0}, true},
    {"FXCH4", {0xdd, 0xc8}, true},  {"FXCH7", {0xdf, 0xc8}, true},   {"FSTP8", {0xdf, 0xd0}, true},
    {"FSTP9", {0xdf, 0xd8}, true},  {"FSTPNCE", {0xd9, 0xd8}, true}, {"FFREEP", {0xdf, 0xc0}, true},
    {"FNENI", {0xdb, 0xe0}, false}, {"FNDISI", {0xdb, 0xe1}, false}, {"FNSETPM", {0xdb, 0xe4}, false},
};

static const struct setting {
    uint8_t tags; // by physical register, as FXSAVE has them: 1 is not empty
    uint16_t control, status;
} settings[] = {
    {0xff, 0x37f, 2 << 11}, {0xfb, 0x37f, 2 << 11 | 0x4700}, {0xdf, 0x37f, 2 << 11},
    {0x00, 0x37f, 7 << 11}, {0xfb, 0x37e, 2 << 11},          {0x7e, 0x37f, 5 << 11 | 0x4500},
    {0x81, 0x37e, 0},       {0xff, 0x37f, 3 << 11 | 0x3f},   {0xff, 0x37e, 2 << 11 | 0x8081},
};

static void state_make(const struct setting *s, struct processor_state *in) {
    memset(in, 0, sizeof *in);
    in->rflags = 2;
    in->fx.control = s->control;
    in->fx.status = s->status;
    in->fx.tags = s->tags;
    in->fx.mxcsr = 0x1f80;
    for (unsigned i = 0; i < 8; i++) {
        in->fx.st[i].significand = BIT(63) | (uint64_t)i << 20;
        in->fx.st[i].sign_exponent = (uint16_t)((i & 1) << 15 | (0x3ff0 + i));
    }
}

static bool same(const struct processor_state *a, const struct processor_state *b) {
    if (a->fault || b->fault) return a->fault == b->fault; // the host's state after a fault is not kept
    bool same = a->exit == b->exit && a->fx.status == b->fx.status && a->fx.control == b->fx.control &&
                a->fx.tags == b->fx.tags;
    for (unsigned i = 0; i < 8; i++)
        same &= a->fx.st[i].significand == b->fx.st[i].significand &&
                a->fx.st[i].sign_exponent == b->fx.st[i].sign_exponent;
    return same;
}

// FSTPNCE of an empty ST(0) was seen on AMD's processors alone.
static bool known(const struct alias *a, const struct setting *s) {
    unsigned eax, ebx, ecx, edx, top = s->status >> 11 & 7;
    bool amd = __get_cpuid(0, &eax, &ebx, &ecx, &edx) && ebx == signature_AMD_ebx;
    return amd || a->bytes[0] != 0xd9 || s->tags >> top & 1;
}

static void compare(const struct alias *a, unsigned i) {
    const uint8_t bytes[2] = {a->bytes[0], (uint8_t)(a->bytes[1] + i)};
    harness_code(&h, CODE_64, bytes, 2, true);
    for (unsigned s = 0; s < sizeof settings / sizeof *settings; s++) {
        struct processor_state in, host, ours;
        if (!known(a, &settings[s])) continue;
        state_make(&settings[s], &in);
        harness_host(&h, &in, &host);
        harness_ours(&h, &in, &ours);
        loop_check(
            same(&host, &ours), "setting %u: host status %04x tags %02x fault %d, ours status %04x tags %02x fault %d",
            s, host.fx.status, host.fx.tags, (int)host.fault - 1, ours.fx.status, ours.fx.tags, (int)ours.fault - 1);
    }
}

int main(void) {
    harness_new(&h);
    for (unsigned n = 0; n < sizeof aliases / sizeof *aliases; n++) {
        const struct alias *a = &aliases[n];
        loop_begin("%s", a->name);
        for (unsigned i = 0; i < (a->registers ? 8 : 1); i++) compare(a, i);
        (void)loop_end();
    }
    harness_free(&h);
    return done_testing();
}

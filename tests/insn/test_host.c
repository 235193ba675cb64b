// Every unprivileged row that the host can execute, against the host: random instances, random and edge operands;
// registers, flags, RIP, memory, faults, and the x87 and XMM state where the row has to do with it.
#include "tests/decode/instance.h"
#include "tests/insn/excluded.h"
#include "tests/insn/harness.h"
#include "tests/insn/undefined.h"
#include "tests/tap.h"
#include "cpu/decode/insn.h"
#include <cpuid.h>
#include <stdio.h>
#include <stdlib.h>

static struct harness h;
static enum code_size size;
static uint64_t seed = 1;
static bool strict; // undefined flags too: the host is of the family that we model

// MOV to and from control and debug registers, and loads of segment registers.
static bool system_move(const struct insn_row *row) {
    const char *o = row->operands, *second = strchr(o, ',');
    if (!strcmp(row->mnemonic, "pop") && o[1] == 'S') return true;
    return o[0] == 'C' || o[0] == 'D' || o[0] == 'S' ||
           (second && (second[1] == 'C' || second[1] == 'D') && second[2] == 'y');
}

static bool comparable(const struct insn_row *row) {
    bool far = (row->traits & (T_ALONE | T_BRANCH | T_REP)) == (T_ALONE | T_BRANCH);
    if (system_move(row) || far) return false;
    if (!(row->modes >> size & 1) || row->traits & T_CPL0) return false;
    if (size == CODE_32 && strstr(row->encoding, "REX.W")) return false;
    if (!cpu_model_has(&h.model, (enum feature)row->feature) || !harness_host_has(row->feature)) return false;
    for (unsigned i = 0; i < sizeof(excluded) / sizeof(excluded[0]); i++)
        if (strcmp(excluded[i].mnemonic, row->mnemonic) == 0) return false;
    return true;
}

static uint64_t edge_value(void) {
    uint64_t r = random64(&seed);
    switch (r & 15) {
    case 0: return 0;
    case 1: return 1;
    case 2: return ~0ull;
    case 3: return 1ull << (r >> 8 & 63);
    case 4: return (1ull << (r >> 8 & 63)) - 1;
    case 5: return 0 - (1ull << (r >> 8 & 63));
    case 6: return r >> 8 & 0xff;
    case 7: return 0 - (r >> 8 & 0xff);
    case 8: return 0x8080808080808080 ^ (r >> 63);
    case 9: return r >> 32;
    default: return random64(&seed);
    }
}

// --- states ---

// Where memory operands start: around the border of two pages, so that some cross it.
static uint64_t operand_address(unsigned alignment) {
    int64_t offset = (int64_t)random_below(&seed, 256) - 128;
    return (HARNESS_MIDDLE + (uint64_t)offset) & ~(uint64_t)(alignment - 1);
}

static void fx_random(struct fx_image *fx);

// Implicit memory operands: strings and stack.
static void implicit_addresses(const struct insn_row *row, unsigned address_size, struct processor_state *s) {
    static const char *const stack[] = {"push", "pop", "call", "ret", "enter", "leave", "pushf", "pusha", "popa"};
    bool implicit = row->traits & T_STRING;
    for (unsigned i = 0; i < sizeof(stack) / sizeof(stack[0]); i++) implicit |= strcmp(row->mnemonic, stack[i]) == 0;
    if (!implicit) return;
    static const uint8_t pointers[] = {RSI, RDI, RBX, RSP, RBP};
    for (unsigned i = 0; i < sizeof(pointers); i++)
        s->gpr[pointers[i]] = operand_address(random_below(&seed, 3) ? 8 : 1);
    // REP MOVS and STOS with 32-bit addresses and a count of 0 clear the upper halves of RSI and RDI on some
    // processors; the SDM's operation changes nothing.
    if (row->traits & T_STRING) s->gpr[RCX] = random_below(&seed, 4) + (address_size == 4);
    s->gpr[RAX] &= strcmp(row->mnemonic, "xlatb") == 0 ? 0x3f : ~0ull;
}

// Makes the memory operand's address fall on `target`.
static void explicit_address(const struct insn *insn, struct processor_state *s, uint64_t target) {
    if (insn->base == REG_RIP || insn->base == REG_NONE) return;
    uint64_t index = insn->index == REG_NONE ? 0 : s->gpr[insn->index] << insn->scale;
    s->gpr[insn->base] = target - index - (uint64_t)insn->displacement;
    if (insn->address_size == 4) s->gpr[insn->base] ^= random64(&seed) << 32;
    if (size == CODE_32) s->gpr[insn->base] = (uint32_t)s->gpr[insn->base];
}

// A bit offset in a register reaches memory beyond the operand: near it, or where nothing can be.
static void bit_offset(const struct insn *insn, struct processor_state *s) {
    if (strncmp(insn->row->mnemonic, "bt", 2) || insn->operand[0].kind != OPERAND_MEM) return;
    if (insn->operand[1].kind != OPERAND_REG) return;
    uint64_t near_offset = (uint64_t)random_below(&seed, 2048) - 1024;
    s->gpr[insn->operand[1].number] = random_below(&seed, 8) ? near_offset : BIT(62) + (near_offset & 63);
}

static uint64_t *operand_word(struct processor_state *s, const struct insn *insn, uint64_t address) {
    const struct operand *o = &insn->operand[0];
    if (o->kind == OPERAND_REG) return &s->gpr[o->number];
    return (uint64_t *)(void *)(s->window + (address - (HARNESS_MIDDLE - HARNESS_WINDOW / 2)));
}

// Indirect branches and RET go to the harness's target.
static void branch_target(const struct insn *insn, struct processor_state *s, uint64_t address) {
    uint64_t target = HARNESS_CODE + HARNESS_TARGET + 0x40;
    unsigned width = size == CODE_64 ? 8 : 4;
    if (strcmp(insn->row->mnemonic, "ret") == 0) {
        s->gpr[RSP] &= ~7ull;
        memcpy(s->window + (s->gpr[RSP] - (HARNESS_MIDDLE - HARNESS_WINDOW / 2)), &target, width);
    } else if (insn->row->traits & T_BRANCH && insn->operand[0].kind != OPERAND_REL && insn->operand_count) {
        memcpy(operand_word(s, insn, address), &target, width);
    }
}

static void make_state(const struct insn *insn, struct processor_state *s) {
    unsigned alignment = insn->row->traits & (T_SSE | T_ALIGN16) && random_below(&seed, 8) ? 16
                         : random_below(&seed, 2)                                          ? 8
                                                                                           : 1;
    uint64_t next = HARNESS_CODE + HARNESS_INSN + insn->length;
    uint64_t address = insn->base == REG_RIP                          ? next + (uint64_t)insn->displacement
                       : insn->base == REG_NONE && insn->displacement ? (uint64_t)insn->displacement
                                                                      : operand_address(alignment);
    for (unsigned i = 0; i < 16; i++) s->gpr[i] = size == CODE_64 ? edge_value() : i < 8 ? (uint32_t)edge_value() : 0;
    for (unsigned i = 0; i < HARNESS_WINDOW; i += 8) {
        uint64_t v =
            i >= HARNESS_WINDOW / 2 - 160 && i < HARNESS_WINDOW / 2 + 160 ? edge_value() : i * 0x0101010101010101u;
        memcpy(s->window + i, &v, 8);
    }
    s->rflags = (random64(&seed) & (FLAGS_ARITHMETIC | FLAG_DF)) | FLAG_IF | BIT(1);
    if (random_below(&seed, 4)) s->gpr[RCX] &= 0xff;
    implicit_addresses(insn->row, insn->address_size, s);
    bit_offset(insn, s);
    explicit_address(insn, s, address);
    branch_target(insn, s, address);
    if (h.vector) fx_random(&s->fx);
}

// --- x87 and XMM values ---

static uint64_t float_value(void) {
    static const uint64_t special[] = {0,
                                       0x3ff0000000000000,
                                       0x7ff0000000000000,
                                       0x7ff8000000000000,
                                       0x7ff0000000000001,
                                       0x0010000000000000,
                                       0x000fffffffffffff,
                                       1,
                                       0x3f8000003f800000,
                                       0x7f8000007f800001,
                                       0x0080000000000001,
                                       0x41dfffffffc00000,
                                       0x43e0000000000000,
                                       0x4f0000004f000000};
    uint64_t r = random64(&seed);
    if (r & 1) return edge_value();
    if (r & 2) return special[random_below(&seed, sizeof(special) / 8)] ^ (r & BIT(63)) ^ (r >> 5 & BIT(31));
    uint64_t narrow = 0x3f0000003f000000 + (r >> 40 & 0x1ffffff) + ((r & 0x1ffffff) << 32);
    return r & 4 ? narrow : 0x3fe0000000000000 + (r >> 10);
}

static void fx_random(struct fx_image *fx) {
    memset(fx, 0, sizeof(*fx));
    fx->control = (uint16_t)(0x7f | (random64(&seed) & 0xf00));
    fx->status = (uint16_t)(random64(&seed) & 0x7f3f);
    fx->tags = random_below(&seed, 4) ? 0xff : (uint8_t)random64(&seed);
    fx->mxcsr = (uint32_t)(0x1f80 | (random64(&seed) & 0xe07f));
    fx->mxcsr_mask = 0xffff;
    for (unsigned i = 0; i < 8; i++) {
        uint64_t r = random64(&seed);
        bool mmx = r >> 20 & 1;
        fx->st[i].significand = mmx ? edge_value() : float_value() | BIT(63);
        fx->st[i].sign_exponent = mmx ? 0xffff : (uint16_t)((r & 0x8000) | (0x3ff0 + (r >> 32 & 31)));
        if ((r >> 40 & 7) == 0) fx->st[i].sign_exponent = (uint16_t)(r & 0xffff);
    }
    for (unsigned i = 0; i < 16; i++) fx->xmm[i][0] = float_value(), fx->xmm[i][1] = float_value();
}

// --- comparison ---

// SDM Vol. 1, 8.3.10: transcendental results are within 1 ulp of the exact value, so two processors may differ by 2.
static bool transcendental(const char *mnemonic) {
    static const char *const names[] = {"f2xm1", "fyl2x", "fyl2xp1", "fptan", "fpatan", "fsin", "fcos", "fsincos"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(mnemonic, names[i]) == 0) return true;
    return false;
}

static bool near(const struct fx_image *a, const struct fx_image *b, unsigned i) {
    __int128 x = (__int128)a->st[i].sign_exponent << 63 | (a->st[i].significand & ~BIT(63));
    __int128 y = (__int128)b->st[i].sign_exponent << 63 | (b->st[i].significand & ~BIT(63));
    return x - y <= 2 && y - x <= 2;
}

static const char *compare_transcendental(const struct fx_image *a, const struct fx_image *b) {
    enum { C1 = 1 << 9 }; // the direction of rounding
    if ((a->status ^ b->status) & ~C1) return "status word";
    if (a->tags != b->tags) return "tags";
    for (unsigned i = 0; i < 8; i++)
        if (!near(a, b, i)) return "st";
    return NULL;
}

static const char *compare_fx(const struct fx_image *a, const struct fx_image *b) {
    if (memcmp(a->xmm, b->xmm, sizeof(a->xmm))) return "xmm";
    if (a->mxcsr != b->mxcsr) return "mxcsr";
    if (a->status != b->status) return "status word";
    if (a->control != b->control) return "control word";
    if (a->tags != b->tags) return "tags";
    for (unsigned i = 0; i < 8; i++)
        if (a->st[i].significand != b->st[i].significand || a->st[i].sign_exponent != b->st[i].sign_exponent)
            return "st";
    return NULL;
}

// Results that the SDM leaves undefined.
static bool result_undefined(const struct insn *insn, const struct processor_state *in) {
    const char *m = insn->row->mnemonic;
    if (strcmp(m, "bswap") == 0) return insn->operand_size == 2;
    if (strcmp(m, "shld") == 0 || strcmp(m, "shrd") == 0)
        return insn->operand_size == 2 &&
               ((insn->operand[2].kind == OPERAND_IMM ? (uint64_t)insn->immediate : in->gpr[RCX]) & 31) > 16;
    return false;
}

static const char *compare(const struct insn *insn, const struct processor_state *host,
                           const struct processor_state *ours) {
    if (host->fault != ours->fault) return "fault";
    if (host->fault) return NULL;
    uint64_t mask = FLAGS_ARITHMETIC | FLAG_DF;
    if (!strict) mask &= ~flags_undefined(insn->row->mnemonic);
    for (unsigned i = 0; i < (size == CODE_64 ? 16 : 8); i++)
        if (size == CODE_64 ? host->gpr[i] != ours->gpr[i] : (uint32_t)(host->gpr[i] ^ ours->gpr[i]))
            return "registers";
    if ((host->rflags ^ ours->rflags) & mask) return "flags";
    if (host->exit != ours->exit) return "rip";
    if (memcmp(host->window, ours->window, HARNESS_WINDOW)) return "memory";
    if (!h.vector) return NULL;
    return (transcendental(insn->row->mnemonic) ? compare_transcendental : compare_fx)(&host->fx, &ours->fx);
}

static const char *describe(const struct insn *insn, const uint8_t *bytes, const struct processor_state *in,
                            const struct processor_state *host, const struct processor_state *ours) {
    static char text[2000];
    int n = snprintf(text, sizeof(text), "%s %s:", insn->row->mnemonic, insn->row->operands);
    for (unsigned i = 0; i < insn->length; i++) n += snprintf(text + n, sizeof(text) - n, " %02x", bytes[i]);
    n += snprintf(text + n, sizeof(text) - n, " flags %lx -> host %lx ours %lx; fault %ld %ld; exit %lx %lx",
                  (long)in->rflags, (long)host->rflags, (long)ours->rflags, (long)host->fault - 1,
                  (long)ours->fault - 1, (long)host->exit, (long)ours->exit);
    for (unsigned i = 0; i < 16 && !host->fault; i++)
        if (host->gpr[i] != ours->gpr[i])
            n += snprintf(text + n, sizeof(text) - n, " gpr%u %lx -> %lx %lx", i, (long)in->gpr[i], (long)host->gpr[i],
                          (long)ours->gpr[i]);
    for (unsigned i = 0; i < 3; i++) {
        const struct operand *o = &insn->operand[i];
        if (o->kind == OPERAND_REG && o->class == REG_GPR)
            n += snprintf(text + n, sizeof(text) - n, " op%u=%lx", i, (long)in->gpr[o->number]);
    }
    for (unsigned i = 0; i < 2 && h.vector && insn->row->traits & T_X87; i++)
        n += snprintf(text + n, sizeof(text) - n, " st%u %x:%lx -> %x:%lx %x:%lx", i, in->fx.st[i].sign_exponent,
                      (long)in->fx.st[i].significand, host->fx.st[i].sign_exponent, (long)host->fx.st[i].significand,
                      ours->fx.st[i].sign_exponent, (long)ours->fx.st[i].significand);
    if (h.vector)
        n += snprintf(text + n, sizeof(text) - n, " fsw %x -> %x %x", in->fx.status, host->fx.status, ours->fx.status);
    return text;
}

// --- one row ---

static bool needs_fx(const struct insn_row *row) { return row->traits & (T_SSE | T_MMX | T_X87); }

// What AMD processors do otherwise. Whole rows: a segment register is pushed with zeros above it; NaNs of DPPS and DPPD
// come in another order; FXSAVE stores the x87 pointers only while an exception is pending.
static bool row_made_otherwise(const struct insn_row *row) {
    static const char *const rows[] = {"dpps", "dppd", "fxsave64", "fxrstor64"};
    for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if (!strcmp(row->mnemonic, rows[i])) return true;
    return !strcmp(row->mnemonic, "push") && strlen(row->operands) == 2 && row->operands[1] == 'S';
}

// PREFETCH needs a memory operand; a prefix 66H makes near branches narrow in 64-bit mode; F3 REX.B 90 is an exchange;
// the operands of SHA need no alignment; ARPL does not fault where it does not write.
static bool made_otherwise(const struct insn *insn, const uint8_t *bytes) {
    const char *mnemonic = insn->row->mnemonic;
    bool memory = insn->operand[0].kind == OPERAND_MEM || insn->operand[1].kind == OPERAND_MEM;
    if (!strncmp(insn->row->encoding, "0F 0D", 5)) return !memory;
    if (size == CODE_64 && insn->row->traits & T_BRANCH) return memchr(bytes, 0x66, insn->length);
    if (!strcmp(mnemonic, "pause")) return insn->rex & 1;
    return memory && (!strncmp(mnemonic, "sha1", 4) || !strncmp(mnemonic, "sha256", 6) || !strcmp(mnemonic, "arpl"));
}

// A random instance, patched so that RIP-relative operands hit the data and relative branches the target.
static bool make_instance(const struct pattern *p, uint8_t bytes[15], struct insn *insn) {
    struct instance n;
    instance_make(&n, p, size, &seed, random_below(&seed, 2));
    if (decode(h.decoder, size, n.bytes, 15, insn) != DECODE_OK || insn->row != p->row) return false;
    if (p->row->traits & T_BRANCH && insn->operand_size == 2) return false; // cannot reach the target
    bool offset_is_base = insn->operand[1].number == insn->base || insn->operand[1].number == insn->index;
    if (!strncmp(p->row->mnemonic, "bt", 2) && insn->operand[0].kind == OPERAND_MEM && offset_is_base) return false;
    uint64_t next = HARNESS_CODE + HARNESS_INSN + insn->length;
    if (n.rip_relative) {
        uint64_t from = size == CODE_64 ? next : 0;
        int32_t displacement = (int32_t)(HARNESS_MIDDLE + random_below(&seed, 128) - 64 - from);
        memcpy(n.bytes + n.displacement, &displacement, 4);
    }
    if (insn->operand[0].kind == OPERAND_MOFFS || insn->operand[1].kind == OPERAND_MOFFS) {
        uint64_t offset = HARNESS_MIDDLE + random_below(&seed, 128) - 64;
        memcpy(n.bytes + n.length, &offset, insn->address_size);
    }
    if (insn->operand[0].kind == OPERAND_REL) {
        int32_t distance = (int32_t)(HARNESS_CODE + HARNESS_TARGET + 0x40 - next);
        unsigned immediate_bytes = insn->length - n.length;
        if (immediate_bytes == 1) distance = 0;
        memcpy(n.bytes + n.length, &distance, immediate_bytes);
    }
    memcpy(bytes, n.bytes, 15);
    return decode(h.decoder, size, bytes, 15, insn) == DECODE_OK;
}

static void test_instance(const struct insn *insn, const uint8_t *bytes, unsigned states) {
    harness_code(&h, size, bytes, insn->length, needs_fx(insn->row));
    for (unsigned i = 0; i < states; i++) {
        static struct processor_state in, host, ours;
        make_state(insn, &in);
        bool ends_early = insn->operand[0].size == 0 || strstr("scas cmps", insn->row->mnemonic);
        h.run_steps = insn->rep && !ends_early && in.gpr[RCX] > 1 && random_below(&seed, 2)
                          ? 1 + random_below(&seed, (unsigned)in.gpr[RCX])
                          : 1;
        harness_host(&h, &in, &host);
        harness_ours(&h, &in, &ours);
        if (!strict && result_undefined(insn, &in)) continue;
        const char *why = compare(insn, &host, &ours);
        loop_check(!why, "%s: %s", why, describe(insn, bytes, &in, &host, &ours));
    }
}

static void test_row(const struct insn_row *row, unsigned instances, unsigned states) {
    struct pattern p;
    // Approximations: the SDM gives a relative error only.
    if (!strict && (!strncmp(row->mnemonic, "rcp", 3) || !strncmp(row->mnemonic, "rsqrt", 5))) return;
    if (!strict && row_made_otherwise(row)) return;
    if (!pattern_parse(row, &p)) bail("row %s %s", row->encoding, row->mnemonic);
    loop_begin("%s %s (%s) in %u-bit code", row->mnemonic, row->operands, row->encoding, 16u << size);
    for (unsigned i = 0; i < instances; i++) {
        uint8_t bytes[15];
        struct insn insn;
        if (make_instance(&p, bytes, &insn) && (strict || !made_otherwise(&insn, bytes)))
            test_instance(&insn, bytes, states);
    }
    loop_end();
}

static bool host_is_modelled(void) {
    unsigned a, b, c, d;
    return __get_cpuid(0, &a, &b, &c, &d) && b == 0x756e6547; // "Genu"
}

int main(int count, char **arguments) {
    harness_new(&h);
    strict = host_is_modelled();
    if (!strict) skip("undefined flags as on Intel silicon", "the host is not an Intel processor");
    const char *only = count > 1 ? arguments[1] : NULL;
    for (size = CODE_32; size <= CODE_64; size++) {
        for (uint32_t i = 0; i < cpu_rows.count; i++) {
            const struct insn_row *row = &cpu_rows.rows[i];
            if (only && strcmp(row->mnemonic, only)) continue;
            if (comparable(row)) test_row(row, size == CODE_64 ? 120 : 60, 60);
        }
    }
    harness_free(&h);
    return done_testing();
}

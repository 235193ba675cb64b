// Decimal adjustment, not in 64-bit mode: AAA AAS DAA DAS AAM AAD. SDM Vol. 2A.
// What the SDM leaves undefined is as on Intel silicon: SF, ZF and PF follow AL, OF is clear; the flags of AAD are
// those of its addition.
#include "cpu/engine/body.h"

static uint8_t al(const struct cpu *cpu) { return (uint8_t)cpu->gpr[RAX]; }
static uint8_t ah(const struct cpu *cpu) { return (uint8_t)(cpu->gpr[RAX] >> 8); }
static void set_al(struct cpu *cpu, unsigned v) { reg_set(cpu, RAX * 8, 8, v); }
static void set_ah(struct cpu *cpu, unsigned v) { reg_set(cpu, RAX * 8 + 1, 8, v); }

// AAA and AAS: AX by 106H up or down when the low digit overflowed.
static void ascii_adjust(struct cpu *cpu, int by) {
    bool adjust = (al(cpu) & 0xf) > 9 || flags_af(&cpu->flags);
    if (adjust) reg_set(cpu, RAX * 8, 16, cpu->gpr[RAX] + (uint64_t)(int64_t)by);
    set_al(cpu, al(cpu) & 0xf);
    flags_result(&cpu->flags, al(cpu), 8, adjust, false, adjust);
}

// DAA and DAS: both digits of AL.
static void decimal_adjust(struct cpu *cpu, int sign) {
    uint8_t old = al(cpu);
    bool carry = flags_cf(&cpu->flags), adjust = (old & 0xf) > 9 || flags_af(&cpu->flags), cf = false;
    int v = old;
    if (adjust) {
        v += sign * 6;
        cf = carry || v < 0 || v > 0xff;
    }
    if (old > 0x99 || carry) {
        v += sign * 0x60;
        cf = true;
    }
    set_al(cpu, (unsigned)v & 0xff);
    flags_result(&cpu->flags, (unsigned)v & 0xff, 8, cf, false, adjust);
}

#define DECIMAL(name, statement)                                                                                       \
    BODY(name) {                                                                                                       \
        BODY_UNUSED;                                                                                                   \
        statement;                                                                                                     \
        return OUT_OK;                                                                                                 \
    }                                                                                                                  \
    INSTANTIATE(name, NEXT, FORMS_ONE_NONE)

DECIMAL(aaa, ascii_adjust(cpu, 0x106))
DECIMAL(aas, ascii_adjust(cpu, -0x106))
DECIMAL(daa, decimal_adjust(cpu, 1))
DECIMAL(das, decimal_adjust(cpu, -1))

#define FORMS_ONE_IMMEDIATE(X, n) X(n, I, 32)
BODY(aam) {
    (void)F, (void)W;
    uint8_t base = (uint8_t)op->imm, v = al(cpu);
    if (base == 0) return cpu_fault(cpu, VECTOR_DE);
    set_ah(cpu, v / base);
    set_al(cpu, v % base);
    flags_logic(&cpu->flags, v % base, 8);
    return OUT_OK;
}
INSTANTIATE(aam, NEXT, FORMS_ONE_IMMEDIATE)

BODY(aad) {
    (void)F, (void)W;
    uint64_t a = al(cpu), b = (ah(cpu) * (unsigned)(uint8_t)op->imm) & 0xff, v = (a + b) & 0xff;
    set_al(cpu, (unsigned)v);
    set_ah(cpu, 0);
    flags_add(&cpu->flags, a, b, v, 8);
    return OUT_OK;
}
INSTANTIATE(aad, NEXT, FORMS_ONE_IMMEDIATE)

// Random instances of a row: bytes that decode to it, with the memory operand where the caller wants it.
#ifndef TESTS_DECODE_INSTANCE_H
#define TESTS_DECODE_INSTANCE_H
#include "cpu/decode/decode_table.h"
#include "tests/decode/random.h"
#include "cpu/decode/insn.h"
#include <string.h>

struct instance {
    uint8_t bytes[32];
    unsigned length;       // up to and with ModRM, SIB and displacement; immediates follow at random
    unsigned displacement; // where the displacement is in the bytes; 0: none
    bool rip_relative;
    uint64_t *random;
};

static inline void instance_put(struct instance *n, unsigned byte) { n->bytes[n->length++] = (uint8_t)byte; }
static inline bool instance_chance(struct instance *n, unsigned in) { return random_below(n->random, in) == 0; }

// One of the values that the pattern accepts for a fact.
static inline unsigned instance_pick(struct instance *n, const struct pattern *p, enum fact shift, unsigned count) {
    for (;;) {
        unsigned v = random_below(n->random, count);
        if (p->accept & FACT(shift, v)) return v;
    }
}
static inline bool instance_needs(const struct pattern *p, enum fact shift, unsigned count, unsigned value) {
    return (p->accept & FACTS(shift, count)) == FACT(shift, value);
}

static inline void instance_prefixes(struct instance *n, const struct pattern *p, enum code_size size) {
    static const uint8_t mandatory[] = {0, 0x66, 0xf3, 0xf2}, harmless[] = {0x2e, 0x36, 0x3e, 0x26};
    if (p->space == SPACE_VEX) return;
    bool any = (p->accept & FACTS(FACT_PREFIX_SHIFT, 4)) == FACTS(FACT_PREFIX_SHIFT, 4);
    bool size_16 = !(p->accept & FACT(FACT_SIZE_16_SHIFT, 0));
    if (size_16) {
        if (size != CODE_16) instance_put(n, 0x66);
    } else if (any || p->mandatory_rep || (p->accept & FACT(FACT_PREFIX_SHIFT, PREFIX_66) && !p->mandatory_66)) {
        if (instance_chance(n, 4)) instance_put(n, 0x66);
    }
    unsigned prefix = any ? 0 : instance_pick(n, p, FACT_PREFIX_SHIFT, 4);
    if (prefix && !(prefix == PREFIX_66 && n->length)) instance_put(n, mandatory[prefix]);
    if (instance_chance(n, 32)) instance_put(n, harmless[random_below(n->random, 4)]);
    if (size == CODE_64 && instance_chance(n, 24)) instance_put(n, 0x67);
}

// REX or the VEX bytes with these W, R, X and B, up to the opcode.
static inline void instance_opcode(struct instance *n, const struct pattern *p, enum code_size size, unsigned wrxb) {
    static const uint8_t vex_map[] = {0, 1, 2, 3};
    if (p->space == SPACE_VEX) {
        unsigned prefix = instance_pick(n, p, FACT_PREFIX_SHIFT, 4), l = instance_pick(n, p, FACT_L_SHIFT, 2);
        unsigned vvvv = p->uses_vvvv ? random_below(n->random, size == CODE_64 ? 16 : 8) : 0;
        if (size != CODE_64) wrxb &= 8;
        instance_put(n, 0xc4);
        instance_put(n, (~wrxb & 7) << 5 | vex_map[p->map]);
        instance_put(n, (wrxb >> 3) << 7 | (~vvvv & 15) << 3 | l << 2 | prefix);
    } else {
        if (size == CODE_64 && wrxb) instance_put(n, 0x40 | (wrxb & 15));
        if (p->map != MAP_ONE_BYTE) instance_put(n, 0x0f);
        if (p->map == MAP_0F38) instance_put(n, 0x38);
        if (p->map == MAP_0F3A) instance_put(n, 0x3a);
    }
    instance_put(n, p->opcode + (p->plus_r ? random_below(n->random, 8) : 0));
}

// Memory at [R15 + R14 * scale + disp], [RDI + RSI * scale + disp] without REX.B and X, or [RIP + disp].
static inline void instance_memory(struct instance *n, unsigned reg, bool index, bool rip_relative) {
    unsigned mod = 1 + random_below(n->random, 2);
    n->rip_relative = rip_relative;
    if (rip_relative) {
        instance_put(n, reg << 3 | 5);
    } else {
        instance_put(n, mod << 6 | reg << 3 | (index ? 4 : 7));
        if (index) instance_put(n, random_below(n->random, 4) << 6 | 6 << 3 | 7);
    }
    n->displacement = n->length;
    unsigned size = rip_relative || mod == 2 ? 4 : 1;
    int32_t displacement = (int32_t)(random64(n->random) & 0xffff) - 0x8000;
    for (unsigned i = 0; i < size; i++) instance_put(n, (unsigned)(displacement >> (8 * i)));
}

// `memory` is wanted where the row has both; random bytes fill the rest.
static inline void instance_make(struct instance *n, const struct pattern *p, enum code_size size, uint64_t *random,
                                 bool memory) {
    *n = (struct instance){.random = random};
    if (!(p->accept & FACT(FACT_MOD_SHIFT, 0))) memory = false;
    if (!(p->accept & FACT(FACT_MOD_SHIFT, 1))) memory = true;
    memory &= p->has_modrm && !p->mod_ignored;
    instance_prefixes(n, p, size);
    bool lock = p->row->traits & T_LOCK && memory && instance_chance(n, 8);
    if (lock) instance_put(n, 0xf0);
    bool index = instance_chance(n, 2) && size != CODE_16, rip = memory && instance_chance(n, 6),
         extended = instance_chance(n, 2);
    unsigned wrxb = instance_chance(n, 3) ? 0 : random_below(random, 16);
    if (memory) wrxb = (wrxb & 12) | (extended ? 3 : 0);
    if (size != CODE_64) wrxb = 0;
    wrxb = (wrxb & 7) | (unsigned)instance_pick(n, p, FACT_W_SHIFT, 2) * (instance_chance(n, 2) ? 8 : 0);
    if (instance_needs(p, FACT_W_SHIFT, 2, 1)) wrxb |= 8;
    if (size != CODE_64 && p->space == SPACE_LEGACY) wrxb = 0;
    instance_opcode(n, p, size, wrxb);
    unsigned reg = p->reg_digit == REG_ANY ? random_below(random, 8) : p->reg_digit;
    if (memory)
        instance_memory(n, reg, index, rip);
    else if (p->has_modrm)
        instance_put(n, 0xc0 | reg << 3 | instance_pick(n, p, FACT_RM_SHIFT, 8));
    for (unsigned i = n->length; i < sizeof(n->bytes); i++) n->bytes[i] = (uint8_t)random64(random);
}

#endif

// Code that is mostly made of instructions: instances of the processor's own rows, prefixes before any bytes, and
// bytes. Pointers are set again and again, so that much of it reaches memory.
#include "tests/decode/instance.h"
#include "tests/system/random.h"
#include "cpu/decode/insn.h"

uint64_t random_value(uint64_t *random) {
    uint64_t r = random64(random), shift = r >> 8 & 63;
    switch (r % 8) {
    case 0: return random64(random);
    case 1: return 1ull << shift;
    case 2: return random64(random) >> shift;
    case 3: return ~0ull << shift;
    case 4: return 0xfec00000 + (r >> 16 & 3) * 0x100000 + (r >> 32 & 0xfff);
    case 5: return RANDOM_DATA + (r >> 16) % RANDOM_DATA_BYTES / 4096 * 4096;
    default: return random64(random) & (RANDOM_RAM - 1);
    }
}

static unsigned put(uint8_t *out, unsigned at, uint64_t value, unsigned bytes) {
    memcpy(out + at, &value, bytes);
    return at + bytes;
}

// MOV of an address to one of the registers that instances use, sometimes the stack pointer.
static unsigned pointer(uint64_t *random, enum code_size size, uint8_t *out) {
    static const uint8_t registers[] = {RDI, RSI, R15, R14, RBX, RBP, RSI, RSP};
    unsigned reg = registers[random_below(random, sizeof registers)], n = 0;
    uint64_t to = RANDOM_DATA + random_below(random, RANDOM_DATA_BYTES) / 8 * 8;
    if (reg == RSI || reg == R14) to = random_below(random, 64);
    if (size == CODE_16) n = put(out, n, 0x66, 1);
    if (size == CODE_64) n = put(out, n, 0x40 | reg >> 3, 1);
    n = put(out, n, 0xb8 | (reg & 7), 1);
    return put(out, n, to, 4);
}

// An instance of a row; branches stay near. 0 when these bytes are none after all.
static unsigned instance(uint64_t *random, const struct decoder *decoder, enum code_size size, uint8_t *out) {
    const struct pattern *p = &decoder->patterns[random_below(random, decoder->pattern_count)];
    struct instance n;
    struct insn insn;
    if (!(p->accept & FACT(FACT_MODE_SHIFT, size))) return 0;
    instance_make(&n, p, size, random, random_below(random, 2));
    if (decode(decoder, size, n.bytes, 15, &insn) != DECODE_OK) return 0;
    if (insn.operand_count && insn.operand[0].kind == OPERAND_REL && insn.immediate != (int16_t)insn.immediate)
        put(n.bytes, insn.length - 4u, (uint64_t)(int64_t)(int8_t)random64(random), 4);
    memcpy(out, n.bytes, insn.length);
    return insn.length;
}

static unsigned piece(uint64_t *random, const struct decoder *decoder, enum code_size size, uint8_t *out) {
    static const uint8_t likely[] = {0x0f, 0x66, 0xf0, 0xf2, 0xf3, 0x48, 0xc4, 0xc5, 0x62, 0xcf, 0xcb, 0x8e};
    switch (random_below(random, 16)) {
    case 0:
    case 1: return pointer(random, size, out);
    case 2: random_instruction(random, out); return 1 + random_below(random, 15);
    case 3: return put(out, 0, likely[random_below(random, sizeof likely)], 1);
    case 4: return put(out, 0, random64(random), 1 + random_below(random, 4));
    default: return instance(random, decoder, size, out);
    }
}

void random_code(uint64_t *random, const struct decoder *decoder, enum random_kind kind, uint8_t *code,
                 unsigned bytes) {
    enum code_size size = kind == RANDOM_LONG_4 || kind == RANDOM_LONG_5     ? CODE_64
                          : random_8086(kind) || kind == RANDOM_PROTECTED_16 ? CODE_16
                                                                             : CODE_32;
    enum { LONGEST = 16 };
    unsigned at = 0;
    while (at + LONGEST <= bytes) at += piece(random, decoder, size, code + at);
    memset(code + at, 0x90, bytes - at);
}

// What decode.c and decode_operand.c share: an instruction that is being read.
#ifndef CPU_DECODE_READING_H
#define CPU_DECODE_READING_H
#include "cpu/state/architecture.h"
#include "cpu/decode/decode_table.h"
#include <string.h>

#define REX_W 8
#define REX_R 4
#define REX_X 2
#define REX_B 1

struct reading {
    const struct decoder *decoder;
    const struct pattern *pattern;
    const uint8_t *at, *end;
    enum decode_error at_end; // what running out of bytes means
    enum code_size size;
    bool operand_prefix, address_prefix;
    uint8_t space, map;
    uint8_t mandatory; // enum mandatory_prefix
    uint8_t rex;       // WRXB, from REX or VEX
    uint8_t segment;   // override, or SEGMENT_COUNT
};

static inline bool next_byte(struct reading *r, uint8_t *byte) {
    if (r->at >= r->end) return false;
    *byte = *r->at++;
    return true;
}

// Little-endian, sign-extended.
static inline bool next_bytes(struct reading *r, unsigned size, int64_t *value) {
    if ((size_t)(r->end - r->at) < size) return false;
    uint64_t v = 0;
    memcpy(&v, r->at, size);
    r->at += size;
    unsigned unused = 64 - 8 * size;
    *value = size ? (int64_t)(v << unused) >> unused : 0;
    return true;
}

// Reads what follows the opcode and ModRM of r->pattern: the address, displacements, immediates; fills the operands.
enum decode_error read_operands(struct reading *r, struct insn *insn);

#endif

// Zydis as the judge of our decoder: whether both accept the same bytes, and see the same instruction in them.
#ifndef TESTS_DECODE_JUDGE_H
#define TESTS_DECODE_JUDGE_H
#include "cpu/decode/insn.h"
#include <Zydis/Zydis.h>

struct verdict {
    const char *why;      // NULL: both agree, or the difference is documented in judge.c
    const char *mnemonic; // as Zydis names it, or we; "" when neither accepts
    bool accepted;        // by both
};
void judge_init(ZydisDecoder zydis[3]);
// Decodes 15 bytes both ways and compares. `insn` is ours when we accept.
struct verdict judge(const struct decoder *decoder, const ZydisDecoder zydis[3], enum code_size size,
                     const uint8_t bytes[15], struct insn *insn);

#endif

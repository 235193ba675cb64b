// Random bytes, decoded by us and by Zydis: what one accepts the other accepts, and both see the same instruction.
#include "tests/decode/judge.h"
#include "tests/decode/model.h"
#include "tests/decode/random.h"
#include "cpu/decode/insn.h"
#include <stdio.h>

enum { ROUNDS = 1500000 };

static const char *hex(const uint8_t bytes[15]) {
    static char text[31];
    for (unsigned i = 0; i < 15; i++) snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return text;
}

static void test_size(const struct decoder *decoder, const ZydisDecoder zydis[3], enum code_size size) {
    uint64_t seed = size + 1u;
    unsigned accepted = 0;
    loop_begin("%u-bit code as Zydis decodes it", 16u << size);
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint8_t bytes[15];
        struct insn insn;
        random_instruction(&seed, bytes);
        struct verdict v = judge(decoder, zydis, size, bytes, &insn);
        loop_check(!v.why, "%s: %s: %s", hex(bytes), v.mnemonic, v.why);
        accepted += v.accepted;
    }
    loop_end();
    ok(accepted > ROUNDS / 2, "%u-bit code: more than half of the byte strings are instructions", 16u << size);
}

// Of an instruction of n bytes, every shorter piece asks for more.
static void test_truncated(const struct decoder *decoder) {
    uint64_t seed = 99;
    loop_begin("the beginning of an instruction is not one");
    for (unsigned i = 0; i < 300000; i++) {
        uint8_t bytes[15];
        struct insn insn, piece;
        enum code_size size = (enum code_size)(i % 3);
        random_instruction(&seed, bytes);
        if (decode(decoder, size, bytes, 15, &insn) != DECODE_OK) continue;
        for (unsigned n = 0; n < insn.length; n++)
            loop_check(decode(decoder, size, bytes, n, &piece) == DECODE_MORE, "%s: %u of %u bytes", hex(bytes), n,
                       insn.length);
        loop_check(decode(decoder, size, bytes, insn.length, &piece) == DECODE_OK, "%s: all bytes", hex(bytes));
    }
    loop_end();
}

static void test_limit(const struct decoder *decoder) {
    uint8_t bytes[16] = {[0 ... 14] = 0x2e, 0x90};
    struct insn insn;
    ok(decode(decoder, CODE_64, bytes, 16, &insn) == DECODE_TOO_LONG, "15 prefixes and an opcode are too long");
    ok(decode(decoder, CODE_64, bytes + 1, 15, &insn) == DECODE_OK && insn.length == 15, "15 bytes are not");
    ok(decode(decoder, CODE_64, bytes + 2, 13, &insn) == DECODE_MORE, "13 prefixes may go on");
}

int main(void) {
    ZydisDecoder zydis[3];
    struct decoder *decoder = model_decoder(cpu_model_at(0));
    judge_init(zydis);
    test_size(decoder, zydis, CODE_16);
    test_size(decoder, zydis, CODE_32);
    test_size(decoder, zydis, CODE_64);
    test_truncated(decoder);
    test_limit(decoder);
    decoder_free(decoder);
    return done_testing();
}

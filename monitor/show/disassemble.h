// Instructions as text, by Zydis in Intel's syntax; addresses that have a symbol are named.
#ifndef MONITOR_DISASSEMBLE_H
#define MONITOR_DISASSEMBLE_H
#include "monitor/expression/look.h"

enum instruction_kind { INSTRUCTION_PLAIN, INSTRUCTION_CALL, INSTRUCTION_RETURN, INSTRUCTION_REPEAT };
struct instruction {
    uint64_t address; // in `space`
    uint8_t bytes[15];
    unsigned length;   // 0: nothing could be read there, or it is no instruction
    unsigned readable; // bytes that could be read
    enum instruction_kind kind;
    char text[200];
};
// `code_bits`: 16, 32, 64; 0: of the view.
bool disassemble(const struct look *look, const struct view *view, enum space space, uint64_t address,
                 unsigned code_bits, struct instruction *instruction);

#endif

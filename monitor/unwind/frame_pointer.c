// Frames by frame pointers, and by return addresses that are looked for on the stack.
#include "monitor/unwind/unwind.h"
#include <string.h>

enum { WORD = 8, FRAME_MOST = 1 << 20, GUESS_WORDS = 512 };

bool unwind_follows_call(const struct unwind *u, uint64_t address, uint64_t *target) {
    enum { LONGEST = 7, DIRECT = 5, MODRM_REG = 0x38, CALL_REG = 2 << 3 };
    uint8_t code[LONGEST];
    int32_t distance;
    *target = 0;
    if (!unwind_read(u, address - LONGEST, code, LONGEST)) return false;
    if (code[LONGEST - DIRECT] == 0xe8) {
        memcpy(&distance, code + LONGEST - sizeof distance, sizeof distance);
        *target = address + (uint64_t)(int64_t)distance;
        return true;
    }
    for (unsigned length = 2; length <= LONGEST; length++)
        if (code[LONGEST - length] == 0xff && (code[LONGEST - length + 1] & MODRM_REG) == CALL_REG) return true;
    return false;
}

static enum unwind_step returns(struct unwind *u, uint64_t at, uint64_t bp) {
    uint64_t ip, target;
    if (!unwind_word(u, at, &ip) || !unwind_follows_call(u, ip, &target)) return STEP_UNKNOWN;
    u->ip = ip;
    u->exact = false;
    u->known = 0;
    unwind_set(u, RSP, at + WORD);
    unwind_set(u, RBP, bp);
    return STEP_DONE;
}

// Where the frame is not made yet: before `push rbp` (after endbr64 or at once), or between that and `mov rbp, rsp`.
static enum unwind_step at_prologue(struct unwind *u) {
    static const uint8_t endbr[] = {0xf3, 0x0f, 0x1e, 0xfa}, push[] = {0x55}, move[] = {0x48, 0x89, 0xe5};
    uint8_t code[8];
    uint64_t bp;
    if (!u->exact || !unwind_read(u, u->ip, code, sizeof code)) return STEP_UNKNOWN;
    const uint8_t *next = memcmp(code, endbr, sizeof endbr) == 0 ? code + sizeof endbr : code;
    if (memcmp(next, push, sizeof push) == 0 && memcmp(next + 1, move, sizeof move) == 0)
        return returns(u, u->gpr[RSP], u->gpr[RBP]);
    if (memcmp(code, move, sizeof move) != 0 || !unwind_word(u, u->gpr[RSP], &bp)) return STEP_UNKNOWN;
    return returns(u, u->gpr[RSP] + WORD, bp);
}

enum unwind_step unwind_by_frame_pointer(struct unwind *u) {
    uint64_t bp, frame = u->gpr[RBP];
    if (!unwind_knows(u, RBP) || !unwind_knows(u, RSP)) return STEP_UNKNOWN;
    if (at_prologue(u) == STEP_DONE) return STEP_DONE;
    if (frame % WORD || frame < u->gpr[RSP] || frame - u->gpr[RSP] > FRAME_MOST) return STEP_UNKNOWN;
    return unwind_word(u, frame, &bp) ? returns(u, frame + WORD, bp) : STEP_UNKNOWN;
}

// The nearest word on the stack that a call may have left, into code that has a name.
enum unwind_step unwind_by_guess(struct unwind *u) {
    uint64_t at = u->gpr[RSP], ip;
    char name[160];
    if (!unwind_knows(u, RSP) || at % WORD) return STEP_UNKNOWN;
    for (unsigned i = 0; i < GUESS_WORDS && unwind_word(u, at, &ip); i++, at += WORD) {
        if (!*symbols_name(u->symbols, (int)u->view->level, ip, name, sizeof name)) continue;
        bool known = unwind_knows(u, RBP);
        uint64_t bp = u->gpr[RBP];
        if (returns(u, at, bp) != STEP_DONE) continue;
        if (!known) u->known &= ~(1u << RBP);
        return STEP_DONE;
    }
    return STEP_UNKNOWN;
}

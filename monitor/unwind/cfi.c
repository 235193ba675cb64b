// Frames by the call frame information of ELF files whose symbols were read.
#include "monitor/unwind/unwind.h"

// DWARF's numbers, System V ABI, 3.6.2.
static const uint8_t gpr_of[FRAME_RETURN] = {RAX, RDX, RCX, RBX, RSI, RDI, RBP, RSP,
                                             R8,  R9,  R10, R11, R12, R13, R14, R15};

static bool read_memory(void *context, uint64_t address, unsigned bytes, uint64_t *value) {
    *value = 0;
    return unwind_read(context, address, value, bytes);
}

enum unwind_step unwind_by_cfi(struct unwind *u) {
    const struct frame_memory memory = {u, read_memory};
    struct frame_registers r = {0};
    for (unsigned i = 0; i < FRAME_RETURN; i++) {
        r.value[i] = u->gpr[gpr_of[i]];
        r.known |= (uint32_t)unwind_knows(u, gpr_of[i]) << i;
    }
    enum frame_outcome outcome = symbols_frame(u->symbols, (int)u->view->level, unwind_code(u), &r, &memory);
    if (outcome != FRAME_DONE) return outcome == FRAME_END ? STEP_END : STEP_UNKNOWN;
    u->known = 0;
    for (unsigned i = 0; i < FRAME_RETURN; i++)
        if (r.known >> i & 1) unwind_set(u, gpr_of[i], r.value[i]);
    u->ip = r.value[FRAME_RETURN];
    u->exact = false;
    return STEP_DONE;
}

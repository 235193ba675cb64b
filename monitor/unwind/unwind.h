// Call stacks of a level: from its registers, or from those with which it waits, back through the functions that called
// each other. By what the code says of itself, where it says something: ORC tables of Linux and its modules in the
// guest's memory, call frame information of ELF files (DWARF 5, 6.4); else by frame pointers; else a return address
// is looked for on the stack, and the frame is marked as a guess. Nothing of the guest's memory is trusted: no
// frame lies where the one before does, and there are not more than a caller asks for.
#ifndef MONITOR_UNWIND_H
#define MONITOR_UNWIND_H
#include "monitor/explain/view.h"
#include "monitor/symbols/symbols.h"

enum unwind_how { UNWIND_REGISTERS, UNWIND_ORC, UNWIND_CFI, UNWIND_FRAME_POINTER, UNWIND_GUESS };

struct unwind {
    const struct view *view;
    const struct symbols *symbols;
    uint64_t modules; // address of Linux's list of modules in this level; 0: not known
    // The frame.
    uint64_t ip, gpr[16];
    uint32_t known;      // of gpr: a bit each
    bool exact;          // ip is the next instruction; else what a call returns to
    enum unwind_how how; // this frame was found
    const char *end;     // once unwind_next returned false: why
};

void unwind_begin(struct unwind *unwind, const struct view *view, const struct symbols *symbols, uint64_t modules);
// The caller's frame. False: there is none, or it cannot be found.
bool unwind_next(struct unwind *unwind);
// An address within the instruction that the frame is in: of the call, where ip is what it returns to.
static inline uint64_t unwind_code(const struct unwind *u) { return u->exact ? u->ip : u->ip - 1; }

// --- among the files of this room ---
enum unwind_step { STEP_DONE, STEP_END, STEP_UNKNOWN };
enum unwind_step unwind_by_orc(struct unwind *unwind);
enum unwind_step unwind_by_cfi(struct unwind *unwind);
enum unwind_step unwind_by_frame_pointer(struct unwind *unwind);
enum unwind_step unwind_by_guess(struct unwind *unwind);

// Whether a call instruction ends at the address: E8, with its target, or FF /2 in any of its lengths (SDM Vol. 2A,
// CALL).
bool unwind_follows_call(const struct unwind *unwind, uint64_t address, uint64_t *target);

static inline bool unwind_knows(const struct unwind *u, unsigned gpr) { return u->known >> gpr & 1; }
static inline void unwind_set(struct unwind *u, unsigned gpr, uint64_t value) {
    u->gpr[gpr] = value;
    u->known |= 1u << gpr;
}
static inline bool unwind_read(const struct unwind *u, uint64_t address, void *to, size_t bytes) {
    return view_read(u->view, SPACE_LINEAR, address, to, bytes) == bytes ||
           symbols_kept(u->symbols, (int)u->view->level, address, to, bytes);
}
static inline bool unwind_word(const struct unwind *u, uint64_t address, uint64_t *value) {
    return unwind_read(u, address, value, sizeof *value);
}

#endif

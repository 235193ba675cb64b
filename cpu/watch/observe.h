// Watching a processor: what it does is told to observers, and points (breakpoints, watchpoints) call back when they
// are hit. None of it is state, costs anything while unset, or changes what the processor does: no TLB entry is filled
// for it.
//
// A receiver may look at the processor and at the machine's memory, and may call cpu_stop (cpu/processor/observing.h):
// the machine then stops at the next instruction boundary. Where an instruction is about to be attempted
// (OBSERVE_INSTRUCTION, breakpoints) that is before it, else after what was seen. It must not change anything, nor the
// lists it is called from, until the processor has stopped.
#ifndef CPU_OBSERVE_H
#define CPU_OBSERVE_H
#include "cpu/state/cpu.h"

enum observe {
#define OBSERVE(name, text, number, value, old, linear, physical, information) OBSERVE_##name,
#include "cpu/watch/observe.def"
#undef OBSERVE
    OBSERVE_COUNT,
    OBSERVE_BREAKPOINT = OBSERVE_COUNT, // told to the point that is hit only
    OBSERVE_WATCHPOINT,                 // as OBSERVE_MEMORY; number: enum stored_by, linear ~0 unless by an instruction
};

// What was seen: cpu/watch/observe.def says what the members hold for each kind.
struct sight {
    uint8_t kind; // enum observe
    bool write;   // MEMORY, IO
    uint8_t size; // bytes, where something has a size
    uint32_t number;
    uint64_t step; // steps done, with the attempt in progress (INSTRUCTION, BREAKPOINT: not yet begun)
    uint64_t rip;  // of the instruction, or at the boundary
    uint64_t value, old, linear, physical, information;
};
enum sight_tlb { SIGHT_TLB_DATA, SIGHT_TLB_FETCH, SIGHT_TLB_PAGE /* INVLPG and the like */, SIGHT_TLB_FLUSH };
// Which of them: before SWAPGS, SYSCALL and SYSRET do anything; of RDTSCP and RDPID; of the XSAVE and XRSTOR instructions.
enum sight_implicit { SIGHT_SWAPGS, SIGHT_SYSCALL, SIGHT_SYSRET, SIGHT_RDTSCP, SIGHT_RDPID, SIGHT_XSAVE };
// What SIGHT_TLB_FLUSH flushes: translations of a VPID and PCID but globals, of a VPID with or without its globals, of
// every VPID but 0, of an EPTP, of all EPTPs.
enum sight_flush {
    SIGHT_FLUSH_PCID,
    SIGHT_FLUSH_VPID_BUT_GLOBALS,
    SIGHT_FLUSH_VPID,
    SIGHT_FLUSH_VPIDS,
    SIGHT_FLUSH_EPTP,
    SIGHT_FLUSH_EPTPS
};

// Each as in the columns of observe.def; name "EPT_VIOLATION" style, text in words. NULL past the end.
struct observe_row {
    const char *name, *text, *number, *value, *old, *linear, *physical, *information;
};
const struct observe_row *observe_row(unsigned kind);

struct observer {
    uint64_t wanted; // BIT(OBSERVE_...); after a change, cpu_observe again
    bool again;      // OBSERVE_INSTRUCTION also where the processor goes on after a stop, if told already or passed
    bool follows;    // what it knows belongs to the moment: it looks on, too, while the machine goes to one of its past
    bool loose;      // what it sees in the middle of blocks may have the step and RIP of where the block began
    void *context;
    void (*see)(void *context, struct cpu *cpu, const struct sight *sight);
    struct observer *next;
};

enum point_space {
    POINT_LINEAR,
    POINT_GUEST_PHYSICAL, // what goes into EPT; the same as physical where there is none
    POINT_PHYSICAL,
    POINT_TRANSLATIONS, // what `doubts` says of each translation that is not among the fast entries
    POINT_PAGES,        // every page of memory with one of the flags (enum page_flag) in `address`; `bytes` is not used
};
enum point_access { POINT_EXECUTE = 1, POINT_READ = 2, POINT_WRITE = 4 };
struct point {
    uint64_t address, bytes; // POINT_EXECUTE: the first byte of the instruction; bytes is not used
    enum point_space space;
    unsigned access; // POINT_EXECUTE alone, or POINT_READ and POINT_WRITE
    bool follows;    // as of an observer
    // POINT_PAGES: whether what the processor does to the page now is meant; NULL: it is. The answer holds for its
    // translation context until the page's flag is set anew.
    bool (*concerns)(struct point *point, const struct cpu *cpu, uint64_t physical);
    // POINT_TRANSLATIONS: whether accesses through it are to be looked at again; those of data until their instruction
    // runs alone. `page`: physical page and TLB_ bits; `access`: POINT_EXECUTE, READ or WRITE. It tells by itself, and
    // `hit` is not called.
    bool (*doubts)(struct point *point, struct cpu *cpu, uint64_t linear, uint64_t page, unsigned access);
    void *context;
    void (*hit)(struct point *point, struct cpu *cpu, const struct sight *sight);
    struct point *next;
};

// --- for those who tell ---
// `op` as in cpu_steps: NULL when RIP and steps are settled.
void observe_tell(struct cpu *cpu, const struct op *op, struct sight *sight);
ALWAYS_INLINE bool observed(const struct cpu *cpu, enum observe kind) {
    return unlikely(cpu->observation.wanted & BIT(kind));
}
#define OBSERVE_TELL(cpu, op, what, ...)                                                                               \
    do {                                                                                                               \
        if (observed(cpu, OBSERVE_##what))                                                                             \
            observe_tell(cpu, op, &(struct sight){.kind = OBSERVE_##what __VA_OPT__(, ) __VA_ARGS__});                 \
    } while (0)

// cpu->observation.doing
enum observing { OBSERVING_EXECUTE = 1, OBSERVING_ALONE = 2, OBSERVING_DATA = 4, OBSERVING_TIME = 8 };

#endif

// What an operation of the modelled processor came to. Faults and exits are return values; the compiler makes the
// caller look at them.
#ifndef CPU_OUTCOME_H
#define CPU_OUTCOME_H

enum [[nodiscard]] outcome{
    OUT_OK,     // done
    OUT_FAULT,  // an exception is recorded in cpu->fault; nothing architectural was changed
    OUT_VMEXIT, // a VM exit is recorded by VT-x; the run loop carries it out
    OUT_SOLO,   // nothing was done: the instruction must run alone, at its exact step (MMIO, self-modified code)
    OUT_LEAVE,  // done; RIP already names the next instruction; return to the run loop (RIP, mode or TLB changed)
    OUT_AGAIN,  // a repeated string instruction did some iterations and is not finished; RIP names it still
    OUT_MISS,   // a fast form found its memory operand not in the fast TLB; the plain form does the instruction
    OUT_STOP,   // done like OUT_LEAVE, and the processor has nothing to run (HLT, shutdown, wait for SIPI)
};

#define TRY(expression)                                                                                                \
    do {                                                                                                               \
        enum outcome try_outcome = (expression);                                                                       \
        if (__builtin_expect(try_outcome != OUT_OK, 0)) return try_outcome;                                            \
    } while (0)

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define COLD __attribute__((noinline, cold))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define BIT(n) (1ull << (n))
#define BITS(high, low) ((~0ull >> (63 - (high))) & (~0ull << (low)))

#endif

// Stencils: the compiled bodies of records, with holes where a record's fields go. They are made from the bodies by the
// build (cpu/engine/extract/extract.c) and copied one behind the other for a block that is hot (cpu/engine/tier.c).
//
// A file with bodies is compiled once more with VMXRAY_STENCIL: each fast instance becomes a function of the processor
// alone, whose record is made of addresses of symbols that nobody defines. What the compiler leaves for the linker are
// the holes. A stencil ends in a jump to `hole_next`, the record behind it; what it does not do itself (a memory
// operand that is not in the fast TLB) it leaves to the record's own handler: a jump to `way_miss`.
#ifndef CPU_STENCIL_H
#define CPU_STENCIL_H
#include "cpu/state/op.h"

#define STENCIL_HOLES(X)                                                                                               \
    X(dst)                                                                                                             \
    X(src) X(base) X(index) X(scale) X(segment_base) X(disp) X(imm) X(offset) X(length)                                \
        X(row) /* of the record behind, for two that are executed as one */ X(disp2) X(offset2) X(length2)

// Ways out of a stencil, each to a handler with the record: the record's own, which does all of it again (`miss`), or
// what goes on where a block ends (cpu/engine/run.h), RIP being set.
#define STENCIL_WAYS(X) X(miss) X(taken) X(next) X(far) X(back) X(onward)

enum stencil_hole {
#define HOLE(name) HOLE_##name,
    STENCIL_HOLES(HOLE)
#undef HOLE
        HOLE_LITERAL, // a constant that the compiler put beside the code: `literal`
    HOLE_NEXT,        // the code behind this stencil
#define WAY(name) WAY_##name,
    STENCIL_WAYS(WAY)
#undef WAY
};

struct stencil_patch {
    uint16_t at;
    uint8_t hole, bytes; // which field, how many bytes of it; of a way how many bytes of code come before it
    uint16_t literal;    // these; of HOLE_LITERAL, the constant
    int32_t addend;
};

struct stencil {
    const uint8_t *code;
    const struct stencil_patch *patch;
    uint16_t bytes, patches;
};

// What a stencil is the code of: a handler of a body, `fn[form][width]`; with a branch, the two as one record.
struct stencil_row {
    const struct body *body, *branch;
    uint8_t form, width;
    struct stencil stencil;
};
struct stencil_table {
    const struct stencil_row *rows;
    unsigned count, literals;
    const uint8_t (*literal)[16];
};
extern const struct stencil_table stencil_table;

#ifdef VMXRAY_STENCIL
struct cpu;
// Weak: the compiler must not take them for different from 0.
#define HOLE(name) extern char hole_##name[] __attribute__((weak));
STENCIL_HOLES(HOLE)
#undef HOLE
enum outcome hole_next(struct cpu *cpu);
#define WAY(name) __attribute__((cold)) enum outcome way_##name(struct cpu *cpu);
STENCIL_WAYS(WAY)
#undef WAY

#define FILLED(name) (uintptr_t) hole_##name
#define STENCIL_OP                                                                                                     \
    {                                                                                                                  \
        .disp = (int64_t)FILLED(disp), .imm = (int64_t)FILLED(imm), .dst = FILLED(dst), .src = FILLED(src),            \
        .base = FILLED(base), .index = FILLED(index), .scale = FILLED(scale), .segment_base = FILLED(segment_base),    \
        .offset = FILLED(offset), .length = FILLED(length), .row = FILLED(row)                                         \
    }
#define STENCIL_OP2                                                                                                    \
    { .disp = (int64_t)FILLED(disp2), .offset = FILLED(offset2), .length = FILLED(length2) }
#define STENCIL __attribute__((used)) static enum outcome
#endif

#endif

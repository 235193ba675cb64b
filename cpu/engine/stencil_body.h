// What INSTANTIATE makes of a body in a file that is compiled for its stencils (cpu/engine/stencil.h): functions of the
// fast instances alone, named st__BODY__FORM__WIDTH.
#ifndef CPU_STENCIL_BODY_H
#define CPU_STENCIL_BODY_H
#include "cpu/engine/stencil.h"

#define STENCIL_ONE(name, f, w, bits, KIND)                                                                            \
    STENCIL st__##name##__##f##KIND##__##w(struct cpu *cpu) {                                                          \
        const struct op op = STENCIL_OP;                                                                               \
        if (unlikely(name##_inline(cpu, &op, (enum form)(FORM_##f | FORM_FAST | (bits)), w) != OUT_OK))                \
            return hole_miss(cpu);                                                                                     \
        return hole_next(cpu);                                                                                         \
    }

#define STENCIL_NEXT(name, f, w)
#define STENCIL_END(name, f, w)
#define STENCIL_BRANCH(name, f, w)
#define STENCIL_FAST_BRANCH(name, f, w)
#define STENCIL_FAST(name, f, w) STENCIL_ONE(name, f, w, 0, ) STENCIL_BASED_##f(name, f, w)
#define STENCIL_BASED(name, f, w) STENCIL_ONE(name, f, w, FORM_BASED, _BASED)
#define STENCIL_BASED_M STENCIL_BASED
#define STENCIL_BASED_RM STENCIL_BASED
#define STENCIL_BASED_MR STENCIL_BASED
#define STENCIL_BASED_MI STENCIL_BASED
#define STENCIL_BASED_NONE(name, f, w)
#define STENCIL_BASED_R(name, f, w)
#define STENCIL_BASED_I(name, f, w)
#define STENCIL_BASED_RR(name, f, w)
#define STENCIL_BASED_RI(name, f, w)
#define STENCIL_QUIET(name, f, w) STENCIL_FAST(name, f, w) STENCIL_QUIET_##f(name, f, w)
#define STENCIL_QUIETLY(name, f, w) STENCIL_ONE(name, f, w, FORM_QUIET, _QUIET)
#define STENCIL_QUIET_R STENCIL_QUIETLY
#define STENCIL_QUIET_RR STENCIL_QUIETLY
#define STENCIL_QUIET_RI STENCIL_QUIETLY
#define STENCIL_QUIET_RM(name, f, w)                                                                                   \
    STENCIL_QUIETLY(name, f, w) STENCIL_ONE(name, f, w, FORM_BASED | FORM_QUIET, _BASED_QUIET)
#define STENCIL_QUIET_M(name, f, w)
#define STENCIL_QUIET_MR(name, f, w)
#define STENCIL_QUIET_MI(name, f, w)

// A conditional branch: to the block that the link names, if it may run now; else the record's handler finds the way.
#define STENCIL_TO(cpu, number, target)                                                                                \
    do {                                                                                                               \
        struct block *to = (cpu)->block->link[number];                                                                 \
        if (unlikely(!to || (cpu)->attention || (cpu)->budget < to->count)) return hole_miss(cpu);                     \
        (cpu)->rip = (target);                                                                                         \
        (cpu)->budget -= to->count;                                                                                    \
        (cpu)->block = to;                                                                                             \
        return to->ops[0].fn(cpu, to->ops);                                                                            \
    } while (0)
#define STENCIL_EITHER(cpu, op, taken)                                                                                 \
    do {                                                                                                               \
        if (taken) STENCIL_TO(cpu, 0, (cpu)->rip + (uint64_t)(op).disp);                                               \
        STENCIL_TO(cpu, 1, op_rip(cpu, &(op)) + (op).length);                                                          \
    } while (0)

#endif

// What INSTANTIATE makes of a body in a file that is compiled for its stencils (cpu/engine/stencil.h): functions of the
// fast instances alone, named st__BODY__FORM__WIDTH.
#ifndef CPU_STENCIL_BODY_H
#define CPU_STENCIL_BODY_H
#include "cpu/engine/stencil.h"

#define STENCIL_ONE(name, f, w, bits, KIND)                                                                            \
    STENCIL st__##name##__##f##KIND##__##w(struct cpu *cpu) {                                                          \
        const struct op op = STENCIL_OP;                                                                               \
        if (unlikely(name##_inline(cpu, &op, (enum form)(FORM_##f | FORM_FAST | (bits)), w) != OUT_OK))                \
            return way_miss(cpu);                                                                                      \
        return hole_next(cpu);                                                                                         \
    }

// A body that cannot fail, as whatever can calls a function, which is no hole.
#define STENCIL_NEXT(name, f, w)                                                                                       \
    STENCIL st__##name##__##f##__##w(struct cpu *cpu) {                                                                \
        const struct op op = STENCIL_OP;                                                                               \
        if (unlikely(name##_inline(cpu, &op, FORM_##f, w) != OUT_OK)) __builtin_trap();                                \
        return hole_next(cpu);                                                                                         \
    }
#define STENCIL_END(name, f, w)
#define STENCIL_BRANCH(name, f, w)
#define STENCIL_FAST_BRANCH(name, f, w)                                                                                \
    STENCIL st__##name##__##f##__##w(struct cpu *cpu) {                                                                \
        const struct op op = STENCIL_OP;                                                                               \
        if (unlikely(name##_inline(cpu, &op, (enum form)(FORM_##f | FORM_FAST), w) != OUT_OK)) return way_miss(cpu);   \
        return way_onward(cpu);                                                                                        \
    }
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

#endif

// How a body is written: once, as an inline function over constant form and width, then instantiated.
//
//     BODY(add) {                                   // cpu, op, F (enum form), W (8, 16, 32, 64) are in scope
//         uint64_t a, b;
//         struct target p;
//         TRY(source(cpu, op, F, W, &b));
//         TRY(target_open(cpu, op, F, W, &p, &a));
//         uint64_t r = (a + b) & MASK(W);
//         TRY(target_set(cpu, F, W, &p, r));
//         flags_add(&cpu->flags, a, b, r, W);
//         return OUT_OK;
//     }
//     INSTANTIATE(add, NEXT, FORMS_ALU)
//
// The second argument of INSTANTIATE says what follows the body:
//     NEXT    the next record of the block
//     END     the block ends; RIP is advanced past the instruction (rows with T_END or T_ALONE)
//     BRANCH  the block ends; the body has set cpu->rip (rows with T_BRANCH, alone or with T_ALONE)
// The handlers tail-call each other; a build without tail calls returns to a loop (see cpu/engine/run.c).
#ifndef CPU_BODY_H
#define CPU_BODY_H
#include "cpu/memory/access.h"

#define MASK(w) (~0ull >> (64 - (w)))

// The Makefile sets this where the compiler turns calls in tail position into jumps (gcc and clang at -O2).
#ifndef VMXRAY_TAIL_CALLS
#define VMXRAY_TAIL_CALLS 0
#endif
#if VMXRAY_TAIL_CALLS && defined(__clang__)
#define TAIL __attribute__((musttail)) return
#else
#define TAIL return
#endif

// cpu/engine/link.c

enum outcome op_stopped(struct cpu *cpu, const struct op *op, enum outcome outcome);
op_fn run_next_block; // after END and BRANCH: cpu->rip is set; chain to the next block or return to the loop

// The next record of the block; a statement, because a call in tail position must stand in the handler itself.
#if VMXRAY_TAIL_CALLS
#define FOLLOW_NEXT(cpu, op) TAIL(op)[1].fn(cpu, (op) + 1)
#else
#define FOLLOW_NEXT(cpu, op) return OUT_OK
#endif

// clang-format off
#define BODY(name)                                                                                                     \
    ALWAYS_INLINE enum outcome name##_inline(struct cpu *cpu, const struct op *op, const enum form F, const unsigned W)
// clang-format on
#define BODY_UNUSED (void)cpu, (void)op, (void)F, (void)W

#define HANDLER_NEXT(name, f, w)                                                                                       \
    static enum outcome name##_##f##_##w(struct cpu *cpu, const struct op *op) {                                       \
        enum outcome outcome = name##_inline(cpu, op, FORM_##f, w);                                                    \
        if (unlikely(outcome != OUT_OK)) return op_stopped(cpu, op, outcome);                                          \
        FOLLOW_NEXT(cpu, op);                                                                                          \
    }
// A plain instance behind a fast one without calls, for bodies that reach memory through source, target_open,
// target_set and destination alone, hand F on to them and compare it with nothing but form_plain: FOLLOW is FAST. Forms
// of one memory operand have another instance for addresses without index and segment base.
#define HANDLER_PLAIN(name, f, w)                                                                                      \
    static COLD enum outcome name##_##f##_##w##_plain(struct cpu *cpu, const struct op *op) {                          \
        enum outcome outcome = name##_inline(cpu, op, FORM_##f, w);                                                    \
        if (unlikely(outcome != OUT_OK)) return op_stopped(cpu, op, outcome);                                          \
        FOLLOW_NEXT(cpu, op);                                                                                          \
    }
#define INSTANCE(name, f, w, kind, bits)                                                                               \
    static enum outcome name##_##f##_##w##kind(struct cpu *cpu, const struct op *op) {                                 \
        if (unlikely(name##_inline(cpu, op, (enum form)(FORM_##f | FORM_FAST | (bits)), w) != OUT_OK))                 \
            TAIL name##_##f##_##w##_plain(cpu, op);                                                                    \
        FOLLOW_NEXT(cpu, op);                                                                                          \
    }
#define HANDLER_FAST(name, f, w) HANDLER_PLAIN(name, f, w) INSTANCE(name, f, w, , 0) HANDLER_BASED_##f(name, f, w)
#define HANDLER_BASED(name, f, w) INSTANCE(name, f, w, _based, FORM_BASED)
#define HANDLER_BASED_M HANDLER_BASED
#define HANDLER_BASED_RM HANDLER_BASED
#define HANDLER_BASED_MR HANDLER_BASED
#define HANDLER_BASED_MI HANDLER_BASED
#define HANDLER_BASED_NONE(name, f, w)
#define HANDLER_BASED_R(name, f, w)
#define HANDLER_BASED_I(name, f, w)
#define HANDLER_BASED_RR(name, f, w)
#define HANDLER_BASED_RI(name, f, w)
// FOLLOW is QUIET: a fast body that sets flags, with an instance that leaves them alone: under `if (!(F &
// FORM_QUIET))`.
#define HANDLER_QUIET(name, f, w) HANDLER_FAST(name, f, w) HANDLER_QUIET_##f(name, f, w)
#define HANDLER_QUIETLY(name, f, w) INSTANCE(name, f, w, _quiet, FORM_QUIET)
#define HANDLER_QUIET_R HANDLER_QUIETLY
#define HANDLER_QUIET_RR HANDLER_QUIETLY
#define HANDLER_QUIET_RI HANDLER_QUIETLY
#define HANDLER_QUIET_RM(name, f, w)                                                                                   \
    HANDLER_QUIETLY(name, f, w) INSTANCE(name, f, w, _based_quiet, FORM_BASED | FORM_QUIET)
#define HANDLER_QUIET_M(name, f, w)
#define HANDLER_QUIET_MR(name, f, w)
#define HANDLER_QUIET_MI(name, f, w)
#define HANDLER_END(name, f, w)                                                                                        \
    static enum outcome name##_##f##_##w(struct cpu *cpu, const struct op *op) {                                       \
        enum outcome outcome = name##_inline(cpu, op, FORM_##f, w);                                                    \
        if (unlikely(outcome != OUT_OK)) return op_stopped(cpu, op, outcome);                                          \
        cpu->rip = op_next_rip(cpu, op);                                                                               \
        TAIL run_next_block(cpu, op);                                                                                  \
    }
#define HANDLER_BRANCH(name, f, w)                                                                                     \
    static enum outcome name##_##f##_##w(struct cpu *cpu, const struct op *op) {                                       \
        enum outcome outcome = name##_inline(cpu, op, FORM_##f, w);                                                    \
        if (unlikely(outcome != OUT_OK)) return op_stopped(cpu, op, outcome);                                          \
        TAIL run_next_block(cpu, op);                                                                                  \
    }

// The same of a body that branches: a plain instance behind one without calls.
#define HANDLER_FAST_BRANCH(name, f, w)                                                                                \
    static COLD enum outcome name##_##f##_##w##_plain(struct cpu *cpu, const struct op *op) {                          \
        enum outcome outcome = name##_inline(cpu, op, FORM_##f, w);                                                    \
        if (unlikely(outcome != OUT_OK)) return op_stopped(cpu, op, outcome);                                          \
        TAIL run_next_block(cpu, op);                                                                                  \
    }                                                                                                                  \
    static enum outcome name##_##f##_##w(struct cpu *cpu, const struct op *op) {                                       \
        if (unlikely(name##_inline(cpu, op, (enum form)(FORM_##f | FORM_FAST), w) != OUT_OK))                          \
            TAIL name##_##f##_##w##_plain(cpu, op);                                                                    \
        TAIL run_next_block(cpu, op);                                                                                  \
    }

#define WIDTH_8 W8
#define WIDTH_16 W16
#define WIDTH_32 W32
#define WIDTH_64 W64
#define ENTRY(name, f, w) [FORM_##f][WIDTH_##w] = name##_##f##_##w,
#define ENTRY_KIND(name, f, w, kind, KIND) [FORM_##f##KIND][WIDTH_##w] = name##_##f##_##w##kind,
#define ENTRY_NEXT ENTRY
#define ENTRY_END ENTRY
#define ENTRY_BRANCH ENTRY
#define ENTRY_FAST_BRANCH ENTRY
#define ENTRY_FAST(name, f, w) ENTRY(name, f, w) ENTRY_BASED_##f(name, f, w)
#define ENTRY_BASED(name, f, w) ENTRY_KIND(name, f, w, _based, _BASED)
#define ENTRY_BASED_M ENTRY_BASED
#define ENTRY_BASED_RM ENTRY_BASED
#define ENTRY_BASED_MR ENTRY_BASED
#define ENTRY_BASED_MI ENTRY_BASED
#define ENTRY_BASED_NONE(name, f, w)
#define ENTRY_BASED_R(name, f, w)
#define ENTRY_BASED_I(name, f, w)
#define ENTRY_BASED_RR(name, f, w)
#define ENTRY_BASED_RI(name, f, w)
#define ENTRY_QUIET(name, f, w) ENTRY_FAST(name, f, w) ENTRY_QUIET_##f(name, f, w)
#define ENTRY_QUIETLY(name, f, w) ENTRY_KIND(name, f, w, _quiet, _QUIET)
#define ENTRY_QUIET_R ENTRY_QUIETLY
#define ENTRY_QUIET_RR ENTRY_QUIETLY
#define ENTRY_QUIET_RI ENTRY_QUIETLY
#define ENTRY_QUIET_RM(name, f, w) ENTRY_QUIETLY(name, f, w) ENTRY_KIND(name, f, w, _based_quiet, _BASED_QUIET)
#define ENTRY_QUIET_M(name, f, w)
#define ENTRY_QUIET_MR(name, f, w)
#define ENTRY_QUIET_MI(name, f, w)

// Lists of (form, width): X(handler-kind, name, form, width)
#define WIDTHS_ALL(X, n, f) X(n, f, 8) X(n, f, 16) X(n, f, 32) X(n, f, 64)
#define WIDTHS_WORD(X, n, f) X(n, f, 16) X(n, f, 32) X(n, f, 64)
#define WIDTHS_DWORD(X, n, f) X(n, f, 32) X(n, f, 64)
#define WIDTHS_BYTE(X, n, f) X(n, f, 8)

#define FORMS_ALU(X, n)                                                                                                \
    WIDTHS_ALL(X, n, RR) WIDTHS_ALL(X, n, RM) WIDTHS_ALL(X, n, MR) WIDTHS_ALL(X, n, RI) WIDTHS_ALL(X, n, MI)
#define FORMS_UNARY(X, n) WIDTHS_ALL(X, n, R) WIDTHS_ALL(X, n, M)
#define FORMS_SHIFT(X, n) WIDTHS_ALL(X, n, RR) WIDTHS_ALL(X, n, MR) WIDTHS_ALL(X, n, RI) WIDTHS_ALL(X, n, MI)
#define FORMS_REG_RM(X, n) WIDTHS_WORD(X, n, RR) WIDTHS_WORD(X, n, RM)
#define FORMS_REG_RM_DWORD(X, n) WIDTHS_DWORD(X, n, RR) WIDTHS_DWORD(X, n, RM)
#define FORMS_RM_REG(X, n) WIDTHS_WORD(X, n, RR) WIDTHS_WORD(X, n, MR)
#define FORMS_BIT(X, n) WIDTHS_WORD(X, n, RR) WIDTHS_WORD(X, n, MR) WIDTHS_WORD(X, n, RI) WIDTHS_WORD(X, n, MI)
#define FORMS_VEX_RM(X, n) WIDTHS_DWORD(X, n, RRR) WIDTHS_DWORD(X, n, RRM)
#define FORMS_NONE(X, n) WIDTHS_ALL(X, n, NONE)
#define FORMS_ONE_NONE(X, n) X(n, NONE, 32)
// Vector instructions use one width slot: W is 32 whatever the vector length.
#define FORMS_VECTOR(X, n) X(n, RR, 32) X(n, RM, 32)
#define FORMS_VECTOR_STORE(X, n) X(n, RR, 32) X(n, MR, 32)

#define INSTANTIATE(name, follow, FORMS) INSTANTIATE_FLAGS(name, follow, FORMS, FLAGS_UNKNOWN)
// With what it does to the flags.
#ifdef VMXRAY_STENCIL
#include "cpu/engine/stencil_body.h"
#define INSTANTIATE_FLAGS(name, follow, FORMS, effect) FORMS(STENCIL_##follow, name)
#else
#define INSTANTIATE_FLAGS(name, follow, FORMS, effect)                                                                 \
    FORMS(HANDLER_##follow, name)                                                                                      \
    const struct body body_##name = {#name, effect, {FORMS(ENTRY_##follow, name)}};
#endif

#endif

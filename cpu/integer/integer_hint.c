// Instructions that do nothing or only check: NOP and the hints, PAUSE, BOUND, ARPL. SDM Vol. 2.
// Memory operands of NOP and prefetches are not accessed. CET is not modelled, so ENDBRANCH is a NOP.
#include "cpu/engine/body.h"
#include "cpu/state/intercept.h"

BODY(nop) {
    BODY_UNUSED;
    return OUT_OK;
}
#define FORMS_NOP(X, n) WIDTHS_ALL(X, n, NONE) WIDTHS_ALL(X, n, RR) WIDTHS_ALL(X, n, MR) WIDTHS_ALL(X, n, M)
INSTANTIATE(nop, NEXT, FORMS_NOP)

BODY(pause) {
    BODY_UNUSED;
    return intercept(cpu, op, ICEPT_PAUSE, NO_OPERAND);
}
INSTANTIATE(pause, END, FORMS_ONE_NONE)

// A signed index against a pair of signed bounds in memory.
BODY(bound) {
    (void)F;
    uint64_t linear = 0, low = 0, high = 0;
    TRY(op_linear(cpu, op, 2 * W / 8, false, &linear));
    TRY(load(cpu, linear, W, &low));
    TRY(load(cpu, (uint32_t)(linear + W / 8), W, &high));
    int64_t index = (int64_t)flags_extend(reg_get(cpu, op->dst, W), W);
    int64_t lower = (int64_t)flags_extend(low, W), upper = (int64_t)flags_extend(high, W);
    return index < lower || index > upper ? cpu_fault(cpu, VECTOR_BR) : OUT_OK;
}
#define FORMS_BOUND(X, n) X(n, RM, 16) X(n, RM, 32)
INSTANTIATE(bound, NEXT, FORMS_BOUND)

// Raises the RPL of a selector to that of another. One that is high enough already is not written: read-only memory
// will do (so do processors; the manual only says that the operand then is unaffected).
BODY(arpl) {
    (void)W;
    uint64_t selector = 0, linear = 0, other = reg_get(cpu, op->src, 16) & 3;
    if (F == FORM_MR)
        TRY(op_linear(cpu, op, 2, false, &linear));
    else
        selector = reg_get(cpu, op->dst, 16);
    if (F == FORM_MR) TRY(load(cpu, linear, 16, &selector));
    bool raise = (selector & 3) < other;
    if (raise) TRY(destination(cpu, op, F, 16, (selector & ~3ull) | other));
    flags_set_zf(&cpu->flags, raise);
    return OUT_OK;
}
#define FORMS_ARPL(X, n) X(n, RR, 16) X(n, MR, 16)
INSTANTIATE(arpl, NEXT, FORMS_ARPL)

// What must hold whatever a guest does, asserted where it is cheap to look: an assertion that fails is a bug of this
// program. Compiled in with -DVMXRAY_INVARIANTS (`make SAN=1`, and so what fuzzes), nothing otherwise.
#ifndef CPU_INVARIANT_H
#define CPU_INVARIANT_H

#ifdef VMXRAY_INVARIANTS
#undef NDEBUG
#include <assert.h>
#define INVARIANT_NAMED(condition, text) ((condition) ? (void)0 : __assert_fail(text, __FILE__, __LINE__, __func__))
#else
#define INVARIANT_NAMED(condition, text) ((void)(0 && (condition)))
#endif
#define INVARIANT(condition) INVARIANT_NAMED(condition, #condition)

#endif

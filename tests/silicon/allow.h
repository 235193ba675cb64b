// What may differ between the host and the model, and what cannot be tried: rows with a reason each (allow.def,
// exclude.def).
#ifndef TESTS_SILICON_ALLOW_H
#define TESTS_SILICON_ALLOW_H
#include "tests/silicon/meeting.h"

// Why it cannot be tried on this host; NULL: it can.
const char *meeting_excluded(const struct meeting *m, const struct cpu_model *model);
// Parts of `differing` that may differ.
unsigned meeting_allowed(const struct meeting *m, unsigned differing);
// RFLAGS that the manual leaves undefined.
uint64_t meeting_flags(const struct meeting *m);
// How often each row was needed.
void allow_report(void);

#endif

// Questions about the past of a run, and what they take.
#ifndef TESTS_BENCH_ASK_H
#define TESTS_BENCH_ASK_H
#include "tests/bench/past/course.h"

void tell_spread(const char *what, double *ms, unsigned count); // how they are spread; nothing, when there are none
void go_to_end(const struct course *course);

void go_about(const struct course *course);    // goto, and steps back
void ask_when(const struct course *course);    // when-written of what was written long ago
void go_back_to(const struct course *course);  // reverse-continue to a watchpoint
void list_values(const struct course *course); // values and first, through a span

// The VMCS with which level 1 ran last; false: there is none.
bool level_vmcs(const struct course *course, uint64_t *vmcs);
// What an EPT entry of it that maps some page is; false: it has none.
bool ept_entry(const struct course *course, uint64_t vmcs, uint64_t guest_physical, struct place *entry);

#endif

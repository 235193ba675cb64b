// What a model counts as it goes (count.h).
#ifndef CPU_TIMING_ACCOUNT_H
#define CPU_TIMING_ACCOUNT_H
#include "cpu/timing/count.h"
#include <stddef.h>
#include <string.h>

// A VM exit of `level` ended, and took so many cycles: level 0 runs.
void account_exit(struct timing_account *account, unsigned level, unsigned reason, uint64_t took);
// A VM entry to account->running ended.
void account_entry(struct timing_account *account, uint64_t took);

#endif

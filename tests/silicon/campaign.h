// Many cases, one after the other, and an account of those where the host and the model differ.
#ifndef TESTS_SILICON_CAMPAIGN_H
#define TESTS_SILICON_CAMPAIGN_H
#include <stdbool.h>
#include <stdint.h>

struct campaign_counts {
    unsigned tried, excluded, completed, faulted, remarks;
    bool each, as_remarks;
};
// `count` cases of the seed, from number `first` on, in 64-bit, 32-bit and 16-bit code, each width a claim, and for so
// many seconds at most where the host is slow. `each`: every difference is told, not the first few, and how often each
// row of allow.def was needed. `as_remarks`: a difference that has no row is told, and is no failure: nobody has yet
// found out whether it is the processor's own habit. Returns how many there were.
struct campaign_plan {
    uint64_t seed, first, count;
    unsigned seconds;
    bool each, as_remarks;
};
unsigned campaign(const struct campaign_plan *plan);

#endif

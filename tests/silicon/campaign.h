// Many cases, one after the other, and an account of those where the host and the model differ.
#ifndef TESTS_SILICON_CAMPAIGN_H
#define TESTS_SILICON_CAMPAIGN_H
#include <stdbool.h>
#include <stdint.h>

struct campaign_counts {
    unsigned tried, excluded, completed, faulted;
    bool each;
};
// Cases `first` to `first + count - 1` of the seed, in 64-bit and in 32-bit code, each width a claim; `each`: every
// difference is told, not the first few, and how often each row of allow.def was needed.
void campaign(uint64_t seed, uint64_t first, uint64_t count, bool each);

#endif

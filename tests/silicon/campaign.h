// Many cases, one after the other, and an account of those where the host and the model differ.
#ifndef TESTS_SILICON_CAMPAIGN_H
#define TESTS_SILICON_CAMPAIGN_H
#include <stdbool.h>
#include <stdint.h>

struct campaign_counts {
    unsigned tried, excluded, completed, faulted;
    bool each;
};
// `count` cases of the seed, from number `first` on, in 64-bit, 32-bit and 16-bit code, each width a claim, and for so
// many seconds at most where the host is slow. `each`: every difference is told, not the first few, and how often each
// row of allow.def was needed.
void campaign(uint64_t seed, uint64_t first, uint64_t count, unsigned seconds, bool each);

#endif

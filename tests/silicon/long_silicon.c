// 1,000,000 random instructions of each width on this machine's processor and on the model, others each time; the seed
// stands in the claims' names. long_silicon SEED repeats them.
#include "tests/silicon/campaign.h"
#include "tests/silicon/silicon.h"
#include "tests/tap.h"
#include <stdlib.h>
#include <time.h>

enum { CASES = 1000000, SECONDS = 1000 };

int main(int count, char **arguments) {
    const char *why;
    if (!native_open(&why)) {
        skip("random instructions on this machine's processor", why);
        return done_testing();
    }
    uint64_t seed = count > 1 ? strtoull(arguments[1], NULL, 0) : (uint64_t)time(NULL);
    campaign(&(struct campaign_plan){.seed = seed, .count = CASES, .seconds = SECONDS, .each = true});
    native_close();
    return done_testing();
}

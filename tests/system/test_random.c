// Random code, in every mode of every CPU model, for some seconds: the process does not crash, every run ends, what
// must hold of a processor does, and runs that are stepped, observed or without caches are the same run. SEED=n begins
// elsewhere. long_fuzz.c goes on for a minute.
#include "tests/system/random.h"
#include "tests/tap.h"
#include <stdlib.h>
#include <time.h>

int main(void) {
    const char *wants_seed = getenv("SEED");
    time_t end = time(NULL) + 3;
    uint64_t seed = wants_seed ? strtoull(wants_seed, NULL, 0) / RANDOM_RUNS * RANDOM_RUNS : RANDOM_RUNS;
    loop_begin("random code: a run in pieces without caches is the same run");
    for (unsigned batches = 0; batches < RANDOM_KINDS || time(NULL) < end; batches++, seed += RANDOM_RUNS)
        random_batch(seed);
    loop_end();
    for (unsigned k = 0; k < RANDOM_KINDS; k++)
        ok(random_kind_steps(k) > 5000, "%s: %lu steps", random_kind_name(k), random_kind_steps(k));
    return done_testing();
}

// A minute of damaged snapshots, with a seed of its own each time: `SEED=N` gives one again.
#include "tests/snapshot/damage.h"
#include "tests/tap.h"
#include <stdlib.h>
#include <time.h>

int main(void) {
    const char *given = getenv("SEED");
    time_t begin = time(NULL);
    for (uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)begin; time(NULL) - begin < 60; seed++) {
        damage_try(seed, 1000);
        if (given) break;
    }
    return done_testing();
}

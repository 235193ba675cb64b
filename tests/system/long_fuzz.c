// Random code, in every mode of every CPU model, for a minute: see random.h. SEED=n begins elsewhere, VMXRAY_ROUNDS=n
// makes as many batches of runs instead. A run that hangs is ended by a signal.
#include "tests/system/random.h"
#include "tests/tap.h"
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { FIRST = 1000, HANG_SECONDS = 120 };

int main(void) {
    const char *wants_seed = getenv("SEED"), *rounds = getenv("VMXRAY_ROUNDS");
    uint64_t batch = wants_seed ? strtoull(wants_seed, NULL, 0) / RANDOM_RUNS : FIRST;
    unsigned most = rounds ? (unsigned)strtoul(rounds, NULL, 0) : ~0u, count = 0;
    time_t end = time(NULL) + 60;
    loop_begin("random code: whole, stepped, observed, without caches: the same run, and a processor's rules hold");
    for (; count < most && (rounds || time(NULL) < end); count++) {
        alarm(HANG_SECONDS);
        random_batch((batch + count) * RANDOM_RUNS);
    }
    loop_end();
    for (unsigned k = 0; k < RANDOM_KINDS; k++)
        ok(random_kind_steps(k) > 5000 || count < RANDOM_KINDS, "%s: %lu steps", random_kind_name(k),
           random_kind_steps(k));
    ok(random_guest_entries() > count || count < 100, "%lu guests of a hypervisor", random_guest_entries());
    return done_testing();
}

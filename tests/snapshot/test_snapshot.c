// Snapshots: a machine made of one alone goes on as the one that was saved does, from any position, in idle time,
// between events, over resets, with several processors.
#include "devices/snapshot/snapshot.h"
#include "cpu/processor/observing.h"
#include "tests/decode/random.h"
#include "tests/devices/busy.h"
#include "tests/snapshot/store.h"
#include "tests/door.h"
#include "tests/tap.h"

enum { MOMENTS = 60, LATER = 3, LATER_STEPS = 20000 };

static struct store store;

// To some position, with inputs on the way.
static void run_some(struct machine *m, uint64_t *random) {
    enum machine_stop why = machine_run(m, 1 + random_below(random, 60000));
    uint64_t cycles = machine_idle_cycles(m);
    if (why == MACHINE_IDLE && cycles != ~0ull && cycles && random_below(random, 2))
        (void)alter(m, INPUT_IDLE, 0, random64(random) % cycles);
    if (why == MACHINE_TRIPLE_FAULT || why == MACHINE_STUCK) alter_reset(m);
    for (unsigned i = random_below(random, 3); i; i--) busy_input(m, random);
}

// The same to both, with one input and one reset.
static bool go_the_same_way(struct machine *a, struct machine *b, uint64_t seed) {
    for (unsigned i = 0; i < LATER; i++) {
        uint64_t one = seed + i, other = seed + i;
        enum machine_stop why = machine_run(a, LATER_STEPS);
        if (why != machine_run(b, LATER_STEPS) || machine_hash(a) != machine_hash(b)) return false;
        busy_input(a, &one), busy_input(b, &other);
        if (why == MACHINE_TRIPLE_FAULT || why == MACHINE_STUCK || i == 1) alter_reset(a), alter_reset(b);
    }
    machine_run(a, 100), machine_run(b, 100);
    return machine_hash(a) == machine_hash(b);
}

static bool one_moment(struct machine *m, uint64_t *random) {
    struct position at, here;
    struct snapshot *from;
    const char *why;
    uint64_t hash = machine_hash(m);
    const struct sink sink = store_sink(&store);
    machine_position(m, &at);
    if ((why = snapshot_save(m, &sink, NULL)) || machine_hash(m) != hash) bail("%s", why ? why : "saving changes it");
    struct machine *copy = store_machine(&store, NULL, &from, &why);
    if (!copy) bail("%s", why);
    machine_position(copy, &here);
    bool same = machine_hash(copy) == hash && position_same(&here, &at) && go_the_same_way(m, copy, random64(random));
    machine_free(copy);
    snapshot_free(from);
    return same;
}

static void moments(unsigned cpus) {
    uint64_t random = 7 + cpus;
    struct machine *m = busy_machine(cpus);
    struct observer observer = {
        .wanted = BIT(OBSERVE_INTERRUPT) | BIT(OBSERVE_EXCEPTION), .see = busy_stop, .context = &random};
    machine_idle_limit(m, 100);
    loop_begin("%u processors: %d moments are saved, and go on from what was saved", cpus, MOMENTS);
    for (unsigned n = 0; n < MOMENTS; n++) {
        machine_add_observer(m, &observer);
        run_some(m, &random);
        machine_remove_observer(m, &observer);
        uint64_t step = machine_steps(m);
        machine_drop_offers(m); // what is queued and not yet taken is no part of a machine
        machine_idle_limit(m, ~0ull);
        loop_check(one_moment(m, &random), "at step %llu", (unsigned long long)step);
        machine_idle_limit(m, 100);
    }
    loop_end();
    machine_free(m);
}

int main(void) {
    moments(1);
    moments(2);
    moments(3);
    store_free(&store);
    return done_testing();
}

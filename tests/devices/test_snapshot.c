// Snapshots: a machine made of one alone goes on as the one that was saved does, from any position, in idle time,
// between events, with several processors; and what is damaged is refused with a word that says where.
#include "devices/snapshot/snapshot.h"
#include "cpu/processor/observing.h"
#include "tests/decode/random.h"
#include "tests/devices/busy.h"
#include "tests/devices/store.h"
#include "tests/door.h"
#include "tests/tap.h"
#include <stdlib.h>
#include <string.h>

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
    struct machine *copy = store_machine(&store, &from, &why);
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

// --- damage ---

// Of a small machine that has been through something. Its memory is little.
static void small_snapshot(void) {
    struct machine *m = busy_machine(1);
    const struct sink sink = store_sink(&store);
    machine_run(m, 30000);
    if (snapshot_save(m, &sink, NULL)) bail("not saved");
    machine_free(m);
}

// Whether it is refused, with a word that says where.
static bool refused(void) {
    struct snapshot *from;
    const char *why;
    struct machine *m = store_machine(&store, &from, &why);
    bool good = !m && strncmp(why, "at byte ", 8) == 0;
    if (m) machine_free(m);
    snapshot_free(from);
    return good;
}

static void damaged(void) {
    uint64_t random = 1;
    small_snapshot();
    size_t size = store.size;
    loop_begin("a snapshot with a byte that is another one is refused, and told where");
    for (unsigned n = 0; n < 300; n++) {
        size_t at = n < 100 ? n : random64(&random) % size;
        uint8_t other = (uint8_t)(1 + random_below(&random, 255));
        store.bytes[at] ^= other;
        loop_check(refused(), "byte %zu", at);
        store.bytes[at] ^= other;
    }
    loop_end();
    loop_begin("and one that ends too early");
    for (unsigned n = 0; n < 300; n++) {
        store.size = n < 100 ? n : n < 200 ? size - 1 - (n - 100) : random64(&random) % size;
        loop_check(refused(), "after %zu bytes", store.size);
    }
    loop_end();
    store.size = size;
}

int main(void) {
    moments(1);
    moments(2);
    moments(3);
    damaged();
    store_free(&store);
    return done_testing();
}

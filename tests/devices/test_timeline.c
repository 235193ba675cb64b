// Going back: a machine is put back to moments of its past, and goes through the same states again, with the inputs
// that it had; several processors, idle time, and stops between events as well.
#include "devices/history/timeline.h"
#include "cpu/processor/observing.h"
#include "devices/snapshot/packer.h"
#include "tests/charge.h"
#include "tests/decode/random.h"
#include "tests/devices/busy.h"
#include "tests/door.h"
#include "tests/tap.h"
#include <string.h>
#include <zstd.h>

enum { MOMENTS = 300, MEMORY = 64 << 20, SHORT_OF_MEMORY = 3 << 20 };

struct moment {
    struct position at;
    uint64_t hash;
};
static struct moment moments[MOMENTS];

// Runs on for a while, as a person would who stops it, changes something, and lets it run.
static void live(struct timeline *t, struct machine *m, uint64_t *random, struct moment *out) {
    enum machine_stop why = timeline_run(t, 1 + random_below(random, 60000));
    uint64_t cycles = machine_idle_cycles(m);
    if (why == MACHINE_IDLE && cycles != ~0ull && cycles && random_below(random, 2))
        (void)alter(m, INPUT_IDLE, 0, random64(random) % cycles);
    if (why == MACHINE_TRIPLE_FAULT || why == MACHINE_STUCK) alter_reset(m);
    for (unsigned i = random_below(random, 3); i; i--) busy_input(m, random);
    (void)timeline_run(t, 1 + random_below(random, 100)); // a moment has no inputs before it at its own position
    machine_position(m, &out->at);
    out->hash = machine_hash(m);
    if (random_below(random, 8) == 0 && !timeline_keep(t)) bail("no memory");
}

static bool goes_to(struct timeline *t, struct machine *m, const struct moment *moment) {
    struct position at;
    const char *wrong = NULL;
    bool gone = timeline_go(t, &moment->at, &wrong);
    machine_position(m, &at);
    return gone && position_same(&at, &moment->at) && machine_hash(m) == moment->hash;
}

static struct timeline *recorded(struct machine *m, uint64_t bytes, const struct packer *packer, uint64_t *random) {
    struct timeline *t = timeline_new(m, bytes);
    struct observer observer = {
        .wanted = BIT(OBSERVE_INTERRUPT) | BIT(OBSERVE_EXCEPTION), .see = busy_stop, .context = random};
    if (!t) bail("no timeline");
    timeline_set_packer(t, packer);
    machine_add_observer(m, &observer);
    machine_idle_limit(m, 100);
    for (unsigned n = 0; n < MOMENTS; n++) live(t, m, random, &moments[n]);
    machine_remove_observer(m, &observer);
    machine_idle_limit(m, ~0ull);
    return t;
}

static void back_and_forth(unsigned cpus) {
    uint64_t random = 5 + cpus, end_hash;
    struct machine *m = busy_machine(cpus);
    struct timeline *t = recorded(m, MEMORY, NULL, &random);
    struct timeline_facts facts;
    struct moment *last = &moments[MOMENTS - 1];
    timeline_facts(t, &facts);
    ok(!facts.in_past && facts.inputs > 50 && position_same(&facts.end, &last->at), "%u processors: %u checkpoints",
       cpus, facts.checkpoints);
    loop_begin("%u processors: %d moments of the past, in any order, have the hashes that they had", cpus, MOMENTS);
    for (unsigned n = 0; n < MOMENTS; n++) {
        unsigned i = random_below(&random, MOMENTS);
        loop_check(goes_to(t, m, &moments[i]), "moment %u of step %llu", i, (unsigned long long)moments[i].at.steps);
    }
    loop_end();
    ok(goes_to(t, m, &moments[10]) && !alter(m, INPUT_NMI, 0, 0), "nothing else comes in there");
    timeline_facts(t, &facts);
    for (unsigned i = 0; i < 1000 && facts.in_past; i++) {
        (void)timeline_run(t, ~0ull);
        timeline_facts(t, &facts);
    }
    ok(machine_hash(m) == last->hash, "running on comes to the end, and there it is live again");
    while (machine_steps(m) < last->at.steps + 50000) (void)timeline_run(t, 50000);
    end_hash = machine_hash(m);
    struct moment end = {.hash = end_hash};
    machine_position(m, &end.at);
    ok(goes_to(t, m, &moments[3]) && goes_to(t, m, &end), "what came after it is kept as well");
    timeline_free(t);
    machine_free(m);
}

// The first position at a step is where a run of so many steps stops.
static void steps(void) {
    uint64_t random = 77;
    struct machine *m = busy_machine(1), *fresh = busy_machine(1);
    struct timeline *t = timeline_new(m, MEMORY);
    const char *wrong = NULL;
    while (machine_steps(m) < 3000000) (void)timeline_run(t, 3000000 - machine_steps(m));
    static uint64_t step[50], hash[50];
    for (unsigned i = 0; i < 50; i++) step[i] = 1 + (i ? step[i - 1] : 0) + random_below(&random, 60000);
    for (unsigned i = 0; i < 50; i++) {
        while (machine_steps(fresh) < step[i]) (void)machine_run(fresh, step[i] - machine_steps(fresh));
        hash[i] = machine_hash(fresh);
    }
    loop_begin("a step of the past: the hash of a fresh run that stops there");
    for (unsigned n = 0; n < 100; n++) {
        unsigned i = random_below(&random, 50);
        loop_check(timeline_go_step(t, step[i], &wrong) && machine_steps(m) == step[i] && machine_hash(m) == hash[i],
                   "step %llu", (unsigned long long)step[i]);
    }
    loop_end();
    ok(!timeline_go_step(t, 3000001, &wrong) && !wrong, "none behind the end");
    timeline_free(t);
    machine_free(m), machine_free(fresh);
}

// A change in the past makes another line of it.
static void branches(void) {
    uint64_t random = 3;
    struct machine *m = busy_machine(1);
    struct timeline *t = recorded(m, MEMORY, NULL, &random);
    struct moment other;
    bool there = goes_to(t, m, &moments[100]);
    timeline_branch(t);
    ok(there && alter(m, INPUT_NMI, 0, 0), "after a branch there is a present again");
    while (machine_steps(m) < moments[100].at.steps + 100000) (void)timeline_run(t, 100000);
    machine_position(m, &other.at);
    other.hash = machine_hash(m);
    const char *wrong = NULL;
    ok(goes_to(t, m, &moments[50]) && goes_to(t, m, &other), "its past is the common one, its end its own");
    ok(!timeline_go(t, &moments[MOMENTS - 1].at, &wrong) || machine_hash(m) != moments[MOMENTS - 1].hash,
       "what was to come is gone");
    timeline_free(t);
    machine_free(m);
}

static bool runs_to(struct timeline *t, struct machine *m, uint64_t steps);

static bool comes_to_end(struct timeline *t, struct machine *m, uint64_t hash) {
    for (unsigned n = 0; n < 2000 && !timeline_at_last(t); n++) (void)timeline_run(t, ~0ull);
    return timeline_at_last(t) && machine_hash(m) == hash;
}

// What was left can be returned to, from the same position with other inputs as well.
static void lines(unsigned cpus) {
    uint64_t random = 30 + cpus;
    struct machine *m = busy_machine(cpus);
    struct timeline *t = recorded(m, MEMORY, NULL, &random);
    struct timeline_line line;
    struct moment other;
    const char *wrong = NULL;
    uint64_t first = moments[MOMENTS - 1].hash;
    ok(!timeline_line(t, 0, &line) && goes_to(t, m, &moments[150]), "%u processors: there is one line at first", cpus);
    timeline_branch(t);
    ok(timeline_line(t, 0, &line) && !timeline_line(t, 1, &line) && position_same(&line.from, &moments[150].at) &&
           position_same(&line.end, &moments[MOMENTS - 1].at) && line.inputs > 10,
       "what came after is one: %llu inputs", (unsigned long long)line.inputs);
    for (unsigned i = 0; i < 5; i++) (void)machine_set_register(m, 0, REGISTER_RBX, i);
    (void)timeline_keep(t);
    (void)runs_to(t, m, moments[150].at.steps + 200000);
    machine_position(m, &other.at);
    other.hash = machine_hash(m);
    ok(timeline_go_line(t, 0, &wrong) && machine_hash(m) == moments[150].hash && timeline_expects(t),
       "it is returned to: %s", wrong ? wrong : "");
    ok(comes_to_end(t, m, first), "and comes to its end");
    ok(goes_to(t, m, &moments[10]) && goes_to(t, m, &moments[250]), "with all that lies in it");
    ok(timeline_line(t, 0, &line) && !timeline_line(t, 1, &line) && position_same(&line.end, &other.at),
       "the other one is left");
    ok(timeline_go_line(t, 0, &wrong) && comes_to_end(t, m, other.hash),
       "and can be returned to, with what was changed first");
    timeline_branch(t);
    ok(!timeline_expects(t) && alter(m, INPUT_NMI, 0, 0) && runs_to(t, m, other.at.steps + 100000),
       "where it goes on live");
    ok(timeline_go_line(t, 0, &wrong) && comes_to_end(t, m, first), "the first once more");
    timeline_free(t);
    machine_free(m);
}

static size_t pack(void *context, void *to, size_t room, const void *from, size_t bytes) {
    (void)context;
    size_t packed = ZSTD_compress(to, room, from, bytes, 1);
    return ZSTD_isError(packed) ? 0 : packed;
}
static bool unpack(void *context, void *to, size_t bytes, const void *from, size_t packed) {
    (void)context;
    return ZSTD_decompress(to, bytes, from, packed) == bytes;
}

static void type_ahead(struct machine *m) {
    uint8_t typed[100];
    for (unsigned i = 0; i < sizeof typed; i++) typed[i] = (uint8_t)(i * 7);
    const struct input input = {.kind = INPUT_SERIAL, .bytes = sizeof typed, .data = typed};
    if (!machine_offer(m, &input)) bail("nothing can be typed");
}

// What was typed and not taken yet is there again at the end, and is taken as if nobody had gone back.
static void typed_ahead(void) {
    struct machine *m = busy_machine(1), *straight = busy_machine(1);
    struct timeline *t = timeline_new(m, MEMORY), *other = timeline_new(straight, MEMORY);
    struct timeline_facts facts;
    const char *wrong = NULL;
    while (machine_steps(m) < 30000) (void)timeline_run(t, 30000 - machine_steps(m));
    while (machine_steps(straight) < 30000) (void)timeline_run(other, 30000 - machine_steps(straight));
    type_ahead(m), type_ahead(straight);
    timeline_facts(t, &facts);
    bool there = timeline_go_step(t, 1000, &wrong) && timeline_go(t, &facts.end, &wrong);
    while (machine_steps(m) < 90000) (void)timeline_run(t, 90000 - machine_steps(m));
    while (machine_steps(straight) < 90000) (void)timeline_run(other, 90000 - machine_steps(straight));
    timeline_facts(t, &facts);
    ok(there && facts.inputs && machine_hash(m) == machine_hash(straight),
       "keys typed ahead are not lost by going back: %u inputs", (unsigned)facts.inputs);
    timeline_free(t), timeline_free(other);
    machine_free(m), machine_free(straight);
}

static unsigned short_of_memory(const struct packer *packer) {
    uint64_t random = 9;
    struct machine *m = busy_machine(1);
    struct timeline *t = recorded(m, SHORT_OF_MEMORY, packer, &random);
    struct timeline_facts facts;
    unsigned back = 0, gone = 0, some = 0;
    timeline_facts(t, &facts);
    ok(facts.bytes <= SHORT_OF_MEMORY, "no more memory than allowed: %llu", (unsigned long long)facts.bytes);
    for (unsigned i = 0; i < MOMENTS; i++) {
        const char *wrong = NULL;
        timeline_facts(t, &facts);
        if (moments[i].at.steps < facts.first.steps)
            gone += !timeline_go(t, &moments[i].at, &wrong) && !wrong;
        else if (moments[i].at.steps > facts.first.steps)
            back += goes_to(t, m, &moments[i]);
        else
            some++;
    }
    ok(back && (gone || packer) && back + gone + some == MOMENTS, "%u moments can be gone back to, %u are too old",
       back, gone);
    timeline_free(t);
    machine_free(m);
    return facts.checkpoints;
}

// Stands in idle time, which is all at one step.
static void come_to_idle(struct timeline *t, struct machine *m) {
    machine_idle_limit(m, 1000);
    while (timeline_run(t, 100000) != MACHINE_IDLE || machine_idle_cycles(m) < 1000) continue;
}

static bool runs_to(struct timeline *t, struct machine *m, uint64_t steps) {
    for (unsigned i = 0; i < 100 && machine_steps(m) < steps; i++) (void)timeline_run(t, steps - machine_steps(m));
    return machine_steps(m) == steps;
}

// Several checkpoints at one step and at one position, between the moments that are gone to.
static void idle_time(void) {
    struct machine *m = busy_machine(1);
    struct timeline *t = timeline_new(m, MEMORY);
    struct moment idle[3], end;
    const char *wrong = NULL;
    come_to_idle(t, m);
    uint64_t piece = machine_idle_cycles(m) / 4;
    for (unsigned i = 0; i < 3; i++) {
        (void)alter(m, INPUT_IDLE, 0, piece);
        machine_position(m, &idle[i].at);
        idle[i].hash = machine_hash(m);
        for (unsigned k = 0; i == 1 && k < 12; k++) (void)timeline_keep(t);
    }
    ok(idle[0].at.steps == idle[2].at.steps, "three moments of one step");
    machine_idle_limit(m, ~0ull);
    bool ran = runs_to(t, m, idle[2].at.steps + 50000);
    machine_position(m, &end.at);
    end.hash = machine_hash(m);
    ok(ran && goes_to(t, m, &idle[2]) && goes_to(t, m, &end) && goes_to(t, m, &idle[0]) && goes_to(t, m, &idle[2]),
       "are gone to, over checkpoints at that step");
    ok(runs_to(t, m, end.at.steps) && machine_hash(m) == end.hash, "and run on from");
    ok(goes_to(t, m, &idle[0]) && timeline_go_step(t, end.at.steps - 1000, &wrong) && goes_to(t, m, &end),
       "over a dozen checkpoints at one position");
    come_to_idle(t, m);
    struct position behind;
    machine_position(m, &behind);
    behind.cycle += 10;
    ok(!timeline_go(t, &behind, &wrong) && !wrong, "idle time behind the end cannot be gone to");
    wrong = NULL;
    ok(timeline_go(t, &idle[0].at, &wrong) && runs_to(t, m, idle[2].at.steps + 50000), "back, and to the end");
    while (timeline_run(t, 100000) == MACHINE_STEPS && machine_steps(m) < end.at.steps + 500000) continue;
    ok(machine_idle_cycles(m) >= 1000, "where idle time is asked for as before");
    timeline_free(t);
    machine_free(m);
}

// What a checkpoint holds has another size from now on: it must not be written over its end.
static void other_parts(void) {
    struct machine *m = busy_machine(1);
    struct timeline *t = timeline_new(m, MEMORY);
    struct timeline_facts facts;
    const char *wrong = NULL;
    while (machine_steps(m) < 100000) (void)timeline_run(t, 100000 - machine_steps(m));
    struct charge charge;
    machine_set_timing(m, 0, charge_new(&charge, CHARGE_SEVEN));
    ok(!timeline_keep(t) && !timeline_go_step(t, 50000, &wrong) && wrong,
       "no checkpoint fits a machine with more parts");
    while (machine_steps(m) < 30000000) (void)timeline_run(t, 30000000 - machine_steps(m));
    timeline_facts(t, &facts);
    ok(facts.first.steps >= 100000 && timeline_go_step(t, facts.first.steps + 1000, &wrong), "the past begins anew");
    timeline_free(t);
    machine_free(m);
}

int main(void) {
    idle_time();
    other_parts();
    back_and_forth(1);
    back_and_forth(2);
    back_and_forth(3);
    steps();
    branches();
    typed_ahead();
    lines(1);
    lines(2);
    static const struct packer packer = {NULL, pack, unpack};
    unsigned without = short_of_memory(NULL), with = short_of_memory(&packer);
    ok(with > without + 1, "old pages are packed before moments are given up: %u checkpoints, %u without", with,
       without);
    return done_testing();
}

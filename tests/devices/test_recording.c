// A run as bytes: what was recorded is replayed to the same hashes, by a machine that is made of the bytes alone; bytes
// that are damaged, cut off or made up are refused with the place, and crash nothing.
#include "cpu/processor/observing.h"
#include "devices/recording/recording.h"
#include "devices/history/timeline.h"
#include "tests/decode/random.h"
#include "tests/devices/busy.h"
#include "tests/door.h"
#include "tests/tap.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MEMORY = 64 << 20, ROUNDS = 200 };

struct bytes {
    uint8_t *byte;
    size_t count, room;
};

static void put(void *context, const void *from, size_t count) {
    struct bytes *b = context;
    if (b->count + count > b->room) {
        b->room = 2 * (b->count + count);
        b->byte = realloc(b->byte, b->room);
        if (!b->byte) bail("no memory");
    }
    memcpy(b->byte + b->count, from, count);
    b->count += count;
}

static void took(void *context, const struct input *input) { recording_input(context, input); }

// What a live run of a busy machine leaves behind.
struct run {
    struct bytes bytes;
    uint64_t hash;
    struct position end;
};

static void live(struct machine *m, struct timeline *t, struct recording_writer *w, uint64_t *random) {
    struct position at;
    enum machine_stop why = timeline_run(t, 1 + random_below(random, 60000));
    if (why == MACHINE_TRIPLE_FAULT || why == MACHINE_STUCK) alter_reset(m);
    for (unsigned i = random_below(random, 3); i; i--) busy_input(m, random);
    machine_position(m, &at);
    if (random_below(random, 4) == 0) recording_reached(w, &at);
    if (random_below(random, 8) == 0) recording_hash(w, m);
    if (random_below(random, 16) == 0) recording_mark(w, "here", &at);
}

// It has run for a while, and things were done to it that nobody knows of any more.
static void run_before(struct machine *m, uint64_t *random) {
    for (unsigned i = 0; i < 20; i++) {
        enum machine_stop why = machine_run(m, 1 + random_below(random, 20000));
        if (why == MACHINE_TRIPLE_FAULT || why == MACHINE_STUCK) alter_reset(m);
        busy_input(m, random);
    }
    machine_drop_offers(m);
}

static struct run record(unsigned cpus, unsigned rounds, uint64_t random, bool has_run) {
    struct run run = {.hash = 0};
    struct machine *m = busy_machine(cpus);
    if (has_run) run_before(m, &random);
    struct timeline *t = timeline_new(m, MEMORY);
    struct recording_writer w = {.context = &run.bytes, .put = put};
    struct observer observer = {
        .wanted = BIT(OBSERVE_INTERRUPT) | BIT(OBSERVE_EXCEPTION), .see = busy_stop, .context = &random};
    machine_add_observer(m, &observer);
    (void)(has_run ? recording_begin_here(&w, m, "a test") : recording_begin(&w, m, "a test"));
    timeline_tell(t, &(struct input_log){.context = &w, .took = took});
    for (unsigned n = 0; n < rounds; n++) live(m, t, &w, &random);
    machine_position(m, &run.end);
    recording_end(&w, &run.end, "it was long enough", 6);
    run.hash = machine_hash(m);
    machine_remove_observer(m, &observer);
    timeline_free(t);
    machine_free(m);
    return run;
}

static struct recording *read_all(const struct bytes *b, char *error, size_t size) {
    // no byte behind the end may be looked at
    uint8_t *copy = malloc(b->count ? b->count : 1);
    if (b->count) memcpy(copy, b->byte, b->count);
    struct recording *r = recording_read(copy, b->count, NULL, error, size);
    free(copy);
    return r;
}

static struct machine *machine_of(const struct recording *r) {
    char error[200];
    struct machine *m = machine_new(&r->setup.config, error, sizeof error);
    if (m && recording_start(r, m, NULL, error, sizeof error)) return m;
    if (m) machine_free(m);
    return NULL;
}

// The names of the parts whose hashes differ from those recorded, or "".
static const char *differing(const struct recording *r, const struct recording_hashes *wanted, struct machine *m) {
    struct recording_parts parts = r->parts;
    struct recording_hashes now;
    recording_look(m, &parts, &now);
    for (unsigned i = 0; i < wanted->count; i++)
        if (now.hash[i] != wanted->hash[i]) return r->parts.name[i];
    return "";
}

static void replays(unsigned cpus, uint64_t history, bool has_run) {
    struct run run = record(cpus, ROUNDS, 11 + cpus, has_run);
    char error[300] = "";
    struct recording *r = read_all(&run.bytes, error, sizeof error);
    struct machine *m = r ? machine_of(r) : NULL;
    if (!m) bail("no recording: %s", error);
    struct timeline *t = timeline_new(m, history);
    ok(r->ended && (r->begin.steps > 0) == has_run && r->begin.steps == machine_steps(m) && r->status == 6 &&
           !strcmp(r->reason, "it was long enough") && !strcmp(r->program, "a test") && !*r->cut &&
           r->setup.config.model.preemption_timer_rate == BUSY_TIMER_RATE && position_same(&r->end, &run.end),
       "%u processors, from step %llu, %llu bytes of history: what was written is read", cpus,
       (unsigned long long)r->begin.steps, (unsigned long long)history);
    ok(r->inputs.count > 50 && timeline_expect(t, &r->inputs, &r->end) && !timeline_at_last(t) &&
           !alter(m, INPUT_NMI, 0, 0),
       "%zu inputs are expected, and no others come in", r->inputs.count);
    loop_begin("the hashes on the way");
    for (size_t i = 0; i < r->hash_count; i++) {
        for (unsigned n = 0; n < 100 && machine_steps(m) < r->hashes[i].at.steps; n++)
            (void)timeline_run_to(t, &r->hashes[i].at);
        (void)timeline_run_to(t, &r->hashes[i].at);
        struct position at;
        machine_position(m, &at);
        loop_check(position_same(&at, &r->hashes[i].at), "hash %zu: step %llu", i, (unsigned long long)at.steps);
    }
    loop_end();
    for (unsigned n = 0; n < 1000 && !timeline_at_last(t); n++) (void)timeline_run(t, ~0ull);
    ok(timeline_at_last(t) && machine_hash(m) == run.hash, "the end has the hash that it had");
    ok(timeline_run(t, 1000) == MACHINE_STEPS && machine_steps(m) == run.end.steps, "and nothing runs beyond it");
    if (history) {
        const char *wrong = NULL;
        uint64_t middle = (r->begin.steps + run.end.steps) / 2;
        bool back = timeline_go_step(t, middle, &wrong);
        ok(back && machine_steps(m) == middle && timeline_go(t, &run.end, &wrong) && machine_hash(m) == run.hash,
           "one can go back, and come to the end again");
        ok(timeline_at_last(t) && timeline_go_step(t, r->begin.steps + 1000, &wrong), "once more");
        for (unsigned n = 0; n < 1000 && !timeline_at_last(t); n++) (void)timeline_run(t, ~0ull);
        ok(machine_hash(m) == run.hash, "running on from there comes to the end too: %d", timeline_at_last(t));
    }
    timeline_branch(t);
    ok(!timeline_expects(t) && (alter(m, INPUT_NMI, 0, 0), timeline_run(t, 5000) != MACHINE_LOST),
       "then it goes on live");
    timeline_free(t);
    machine_free(m);
    recording_free(r);
    free(run.bytes.byte);
}

// A replay goes to a moment that lies ahead before it has come there.
static void goes_ahead(void) {
    struct run run = record(1, ROUNDS, 5, false);
    struct recording *r = read_all(&run.bytes, NULL, 0);
    struct machine *m = machine_of(r), *other = machine_of(r);
    struct timeline *t = timeline_new(m, MEMORY), *o = timeline_new(other, 0);
    const char *wrong = NULL;
    uint64_t step = run.end.steps / 3;
    (void)(timeline_expect(t, &r->inputs, &r->end) && timeline_expect(o, &r->inputs, &r->end));
    for (unsigned n = 0; n < 1000 && machine_steps(other) < step; n++)
        (void)timeline_run(o, step - machine_steps(other));
    ok(timeline_go_step(t, step, &wrong) && machine_hash(m) == machine_hash(other), "a moment ahead, at once");
    ok(!timeline_go_step(t, run.end.steps + 1, &wrong), "none behind the end");
    ok(!timeline_go_step(o, 5, &wrong) && wrong, "without history one cannot go back");
    timeline_branch(t);
    ok(!timeline_expects(t) && alter(m, INPUT_NMI, 0, 0), "from a moment in between another line begins");
    timeline_free(t), timeline_free(o);
    machine_free(m), machine_free(other);
    recording_free(r);
    free(run.bytes.byte);
}

// --- checkpoints in it ---

enum { MOMENTS = 60 };
static struct moment {
    struct position at;
    uint64_t hash;
} moments[MOMENTS];

// With a branch now and then: the moments after it are no more.
static unsigned record_moments(struct bytes *bytes, unsigned cpus, uint64_t random) {
    struct machine *m = busy_machine(cpus);
    struct timeline *t = timeline_new(m, MEMORY);
    struct recording_writer w = {.context = bytes, .put = put};
    struct recording_changes changes;
    const char *wrong = NULL;
    unsigned count = 0;
    if (!recording_begin(&w, m, "a test") || !recording_changes_begin(&changes, m)) bail("no memory");
    timeline_tell(t, &(struct input_log){.context = &w, .took = took});
    for (unsigned n = 0; n < 200 && count < MOMENTS; n++) {
        live(m, t, &w, &random);
        (void)timeline_run(t, 1 + random_below(&random, 100)); // a moment has no inputs before it at its own position
        if (random_below(&random, 3) == 0 && !recording_checkpoint(&w, m, &changes)) bail("no checkpoint");
        moments[count].hash = machine_hash(m);
        machine_position(m, &moments[count++].at);
        if (count < 10 || random_below(&random, 12)) continue;
        count -= random_below(&random, 8) + 1;
        struct timeline_facts facts;
        if (!timeline_go(t, &moments[count - 1].at, &wrong)) bail("cannot go back: %s", wrong);
        timeline_branch(t);
        timeline_facts(t, &facts);
        recording_branch(&w, &moments[count - 1].at, facts.taken);
    }
    recording_end(&w, &moments[count - 1].at, "", 0);
    recording_changes_end(&changes);
    timeline_free(t);
    machine_free(m);
    return count;
}

static void with_checkpoints(unsigned cpus, uint64_t history) {
    struct bytes bytes = {.count = 0};
    uint64_t random = 40 + cpus;
    unsigned count = record_moments(&bytes, cpus, random);
    char error[600] = "";
    const char *wrong = NULL;
    struct recording *r = read_all(&bytes, error, sizeof error);
    struct machine *m = r ? machine_of(r) : NULL;
    struct timeline *t = m ? timeline_new(m, history) : NULL;
    if (!t) bail("no recording: %s", error);
    uint64_t begin = machine_hash(m);
    unsigned forgotten = 0;
    for (size_t i = 0; i < r->checkpoint_count; i++) forgotten += r->checkpoint[i].forgotten;
    ok(r->checkpoint_count > 10 && forgotten && timeline_expect(t, &r->inputs, &r->end) &&
           recording_load(r, m, t, NULL, error, sizeof error),
       "%u processors: %zu checkpoints, of which %u were left behind by a branch: %s", cpus, r->checkpoint_count,
       forgotten, error);
    ok(machine_hash(m) == begin && !machine_steps(m), "the machine is at its beginning");
    loop_begin("moments in any order");
    for (unsigned n = 0; n < 100; n++) {
        unsigned i = random_below(&random, count);
        struct timeline_facts facts;
        timeline_facts(t, &facts);
        bool old = history < MEMORY && moments[i].at.steps < facts.first.steps; // there was no room to keep it
        bool gone = timeline_go(t, &moments[i].at, &wrong);
        loop_check((old && !gone && !wrong) || (gone && machine_hash(m) == moments[i].hash), "moment %u of step %llu",
                   i, (unsigned long long)moments[i].at.steps);
    }
    loop_end();
    for (unsigned n = 0; n < 1000 && !timeline_at_last(t); n++) (void)timeline_run(t, ~0ull);
    ok(timeline_at_last(t) && machine_hash(m) == moments[count - 1].hash, "and on to the end");
    timeline_free(t);
    machine_free(m);
    recording_free(r);
    free(bytes.byte);
}

// What is in a checkpoint is looked at when it is loaded.
static void damaged_checkpoint(void) {
    struct bytes bytes = {.count = 0};
    uint64_t random = 9;
    (void)record_moments(&bytes, 1, 77);
    struct recording *r = read_all(&bytes, NULL, 0);
    unsigned refused = 0, named = 0;
    for (unsigned n = 0; n < 60; n++) {
        char error[600] = "";
        struct machine *m = machine_of(r);
        struct timeline *t = timeline_new(m, MEMORY);
        struct recording_checkpoint *c = &r->checkpoint[random_below(&random, (uint32_t)r->checkpoint_count)];
        size_t at = random_below(&random, (uint32_t)c->size), size = c->size;
        uint8_t was = c->bytes[at];
        if (n % 4)
            c->bytes[at] ^= 1;
        else
            c->size = at;
        if (!timeline_expect(t, &r->inputs, &r->end)) bail("no memory");
        refused += !recording_load(r, m, t, NULL, error, sizeof error);
        named += strstr(error, "the checkpoint of step ") != NULL;
        c->bytes[at] = was, c->size = size;
        timeline_free(t);
        machine_free(m);
    }
    ok(refused == 60 && named == 60, "checkpoints that are damaged or cut are refused: %u, %u", refused, named);
    recording_free(r);
    free(bytes.byte);
}

// Another hash than was recorded is seen, with the part that has it.
static void tells_parts(void) {
    struct run run = record(2, 60, 6, false);
    struct recording *r = read_all(&run.bytes, NULL, 0);
    struct machine *m = machine_of(r);
    struct recording_hashes *first = &r->hashes[0];
    ok(first->at.steps == 0 && !*differing(r, first, m), "a machine that has not run has the first hash");
    (void)machine_set_register(m, 1, REGISTER_RBX, 77);
    ok(!strcmp(differing(r, first, m), "cpu"), "a register is in the part cpu: %s", differing(r, first, m));
    machine_free(m);
    m = machine_of(r);
    (void)machine_set_memory(m, 0x9000, "x", 1);
    ok(!strcmp(differing(r, first, m), "memory"), "a byte of RAM in the part memory: %s", differing(r, first, m));
    machine_free(m);
    recording_free(r);
    free(run.bytes.byte);
}

static void forgets(void) {
    struct bytes bytes = {.count = 0};
    struct machine *m = busy_machine(1);
    struct recording_writer w = {.context = &bytes, .put = put};
    recording_begin(&w, m, "a test");
    for (unsigned i = 1; i <= 10; i++) {
        struct position at = {.steps = 100 * i, .cycle = 100 * i};
        recording_input(&w, &(struct input){.at = at, .kind = INPUT_NMI});
        recording_mark(&w, i < 5 ? "early" : "late", &at);
    }
    recording_branch(&w, &(struct position){.steps = 450, .cycle = 450}, 4);
    struct recording *r = read_all(&bytes, NULL, 0);
    ok(r && r->inputs.count == 4 && r->end.steps == 450 && recording_find(r, "early") && !recording_find(r, "late"),
       "what came after a branch is not the run's past");
    recording_free(r);
    // data of more than a frame
    static uint8_t large[3 << 20];
    for (unsigned i = 0; i < sizeof large; i++) large[i] = (uint8_t)(i * 7 >> 3);
    struct position at = {.steps = 500, .cycle = 500};
    recording_input(&w, &(struct input){.at = at, .kind = INPUT_MEMORY, .bytes = sizeof large, .data = large});
    r = read_all(&bytes, NULL, 0);
    ok(r && r->inputs.count == 5 && r->inputs.input[4].bytes == sizeof large &&
           !memcmp(r->inputs.input[4].data, large, sizeof large),
       "an input of 3 MBytes");
    recording_free(r);
    machine_free(m);
    free(bytes.byte);
}

// --- what is wrong ---

static void damage(void) {
    struct run run = record(1, 40, 3, false);
    char error[300];
    unsigned refused = 0, named = 0;
    loop_begin("each byte of a recording changed: %zu", run.bytes.count);
    for (size_t i = 0; i < run.bytes.count; i++) {
        run.bytes.byte[i] ^= (uint8_t)(1 + i % 255);
        *error = '\0';
        struct recording *r = read_all(&run.bytes, error, sizeof error);
        refused += !r, named += strstr(error, "at byte") || i < RECORDING_MAGIC_BYTES;
        loop_check(!r, "byte %zu", i);
        recording_free(r);
        run.bytes.byte[i] ^= (uint8_t)(1 + i % 255);
    }
    loop_end();
    ok(refused == run.bytes.count && named == refused, "all %u are refused, with the place", refused);
    free(run.bytes.byte);
}

// Whoever writes can be killed at any moment.
static void cut(void) {
    struct run run = record(1, 40, 3, false);
    struct bytes bytes = run.bytes;
    char error[300];
    size_t least = 0, before = 0;
    struct position reached = {0};
    loop_begin("cut off at each of %zu lengths", run.bytes.count);
    for (bytes.count = 0; bytes.count <= run.bytes.count; bytes.count++) {
        *error = '\0';
        struct recording *r = read_all(&bytes, error, sizeof error);
        if (r && !least) least = bytes.count;
        loop_check(r ? r->inputs.count >= before && position_compare(&r->end, &reached) != POSITION_BEHIND
                     : !least && *error,
                   "%zu bytes: %s", bytes.count, error);
        if (r) before = r->inputs.count, reached = r->end;
        recording_free(r);
    }
    loop_end();
    ok(least && before > 10, "from %zu bytes on there is something to replay", least);
    size_t end = run.bytes.count;
    for (unsigned i = 0; i < 5000; i++) put(&run.bytes, "", 1);
    struct recording *r = read_all(&run.bytes, error, sizeof error);
    ok(r && r->inputs.count == before && *r->cut, "zeroes that a power failure left behind");
    recording_free(r);
    run.bytes.byte[end + 4000] = 1;
    ok(!read_all(&run.bytes, error, sizeof error), "anything else there is damage: %s", error);
    free(run.bytes.byte);
}

// Frames whose checks are right, and whose contents are not: somebody made them up.
static void put_frame(struct bytes *b, uint64_t number, unsigned kind, const uint8_t *body, size_t length);
#include "devices/recording/recording_code.h"
static void put_frame(struct bytes *b, uint64_t number, unsigned kind, const uint8_t *body, size_t length) {
    uint8_t head[RECORDING_HEADER_BYTES] = {(uint8_t)kind, (uint8_t)length, (uint8_t)(length >> 8),
                                            (uint8_t)(length >> 16)};
    uint32_t checks[2] = {code_check_head(number, head), code_check(number, body, length, NULL, 0)};
    memcpy(head + 4, checks, sizeof checks);
    put(b, head, sizeof head);
    put(b, body, length);
}

// Copies a recording frame by frame; some have a byte or more changed, are left out, come twice, or are of another
// kind.
static void made_up(const struct bytes *from, struct bytes *to, uint64_t *random) {
    uint64_t number = 0;
    to->count = 0;
    put(to, from->byte, RECORDING_MAGIC_BYTES);
    for (size_t at = RECORDING_MAGIC_BYTES; at < from->count;) {
        const uint8_t *head = from->byte + at;
        size_t length = head[1] | (size_t)head[2] << 8 | (size_t)head[3] << 16;
        static uint8_t body[CODE_PIECE_BYTES + CODE_SMALL_BYTES];
        uint8_t kind = head[0];
        size_t used = length < sizeof body ? length : sizeof body;
        memcpy(body, head + RECORDING_HEADER_BYTES, used);
        unsigned what = random_below(random, 800);
        if (what < 3 && used) body[random_below(random, (uint32_t)used)] = (uint8_t)random64(random);
        if (what == 3 && used) used = random_below(random, (uint32_t)used);
        if (what == 4) kind = (uint8_t)random_below(random, 17);
        if (what == 5) used = random_below(random, 4096);
        if (what != 6) put_frame(to, number++, kind, body, used);
        if (what == 7) put_frame(to, number++, kind, body, used);
        at += RECORDING_HEADER_BYTES + length;
    }
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

// What can be read is run, too, if it is a machine of a size that the host has.
static void run_it(const struct recording *r) {
    if (r->setup.config.ram_bytes > 16 << 20) return;
    struct machine *m = machine_of(r);
    struct timeline *t = m ? timeline_new(m, 0) : NULL;
    if (t && timeline_expect(t, &r->inputs, &r->end))
        for (unsigned n = 0; n < 20 && !timeline_at_last(t); n++) (void)timeline_run(t, 20000);
    timeline_free(t);
    machine_free(m);
}

static void fuzz(double for_seconds, bool has_run) {
    struct run run = record(1, 10, 8, has_run);
    struct bytes bytes = {.count = 0};
    uint64_t random = 1, tried = 0, read = 0;
    for (double end = seconds() + for_seconds; seconds() < end || tried <= 100; tried++) {
        char error[300] = "";
        made_up(&run.bytes, &bytes, &random);
        struct recording *r = read_all(&bytes, error, sizeof error);
        if (!r && !*error) ok(false, "refused without a word");
        read += r != NULL;
        if (r && tried % 16 == 0) run_it(r);
        recording_free(r);
    }
    ok(tried > 100 && read && read < tried, "made up: %llu recordings, of which %llu can be read",
       (unsigned long long)tried, (unsigned long long)read);
    free(run.bytes.byte);
    free(bytes.byte);
}

int main(void) {
    replays(1, MEMORY, false);
    replays(1, 0, false);
    replays(3, MEMORY, false);
    replays(1, MEMORY, true);
    replays(3, 0, true);
    goes_ahead();
    tells_parts();
    forgets();
    with_checkpoints(1, MEMORY);
    with_checkpoints(2, MEMORY);
    with_checkpoints(1, 4 << 20);
    damaged_checkpoint();
    damage();
    cut();
    const char *is_long = getenv("LONG");
    fuzz(is_long && *is_long ? 60 : 2, false);
    fuzz(is_long && *is_long ? 60 : 2, true);
    return done_testing();
}

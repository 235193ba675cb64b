// Positions and inputs: a run stops at any position, in idle time and between events as well, and goes on to what an
// undisturbed one comes to; a run with every kind of input is recorded, and replayed from the log alone.
#include "cpu/processor/observing.h"
#include "devices/machine/machine_observe.h"
#include "tests/decode/random.h"
#include "tests/devices/busy.h"
#include "tests/door.h"
#include "tests/tap.h"
#include <stdlib.h>
#include <string.h>

enum { POSITIONS = 1000, INPUTS = 400 };

// --- stopping anywhere ---

// A moment of the run that is compared with, and the hash there; 0 in the middle of time that was skipped.
struct moment {
    struct position at;
    uint64_t hash;
};
static struct moment moments[POSITIONS];

// Somewhere in the idle time that comes now, if there is any.
static bool idle_moment(const struct machine *m, uint64_t *random, struct moment *out) {
    uint64_t cycles = machine_idle_cycles(m);
    if (cycles < 2 || cycles == ~0ull) return false;
    machine_position(m, &out->at);
    out->at.cycle += 1 + random64(random) % (cycles - 1);
    if (out->at.round) out->at.round = out->at.cycle;
    out->at.events = 0; // of another boundary: it is later
    out->hash = 0;
    return true;
}

// Runs along, and notes positions where it happens to be: after some steps, between events, in idle time.
static void note_moments(struct machine *m, uint64_t *random, unsigned kinds[3]) {
    struct observer observer = {.wanted = BIT(OBSERVE_INTERRUPT), .see = busy_stop, .context = random};
    machine_add_observer(m, &observer);
    machine_idle_limit(m, 1);
    for (unsigned n = 0; n < POSITIONS;) {
        enum machine_stop why = machine_run(m, 1 + random_below(random, 3000));
        unsigned kind = why == MACHINE_IDLE ? 2 : why == MACHINE_OBSERVED ? 1 : 0;
        if (why == MACHINE_IDLE && !idle_moment(m, random, &moments[n])) continue;
        if (why != MACHINE_IDLE) {
            machine_position(m, &moments[n].at);
            moments[n].hash = machine_hash(m);
        }
        if (n && position_same(&moments[n].at, &moments[n - 1].at)) continue;
        kinds[kind]++, n++;
    }
    machine_remove_observer(m, &observer);
    (void)machine_run(m, 1); // past an attempt that was held back
    machine_idle_limit(m, ~0ull);
}

static void positions(unsigned cpus) {
    struct machine *noted = busy_machine(cpus), *stopped = busy_machine(cpus), *whole = busy_machine(cpus);
    uint64_t random = 7 + cpus;
    unsigned kinds[3] = {0};
    note_moments(noted, &random, kinds);
    ok(kinds[0] > 50 && kinds[1] > 50 && kinds[2] > 50,
       "%u processors: %u moments after steps, %u between events, %u in idle time", cpus, kinds[0], kinds[1], kinds[2]);
    loop_begin("%u processors: a run stops at each of %d positions, with the same hash", cpus, POSITIONS);
    for (unsigned n = 0; n < POSITIONS; n++) {
        struct position at;
        enum machine_stop why = machine_run_to(stopped, &moments[n].at);
        machine_position(stopped, &at);
        loop_check(
            why == MACHINE_STEPS && position_same(&at, &moments[n].at),
            "%u: %d at cycle %lu, step %lu, processor %u, %u events%s; wanted cycle %lu, step %lu, processor %u, %u "
            "events%s",
            n, why, at.cycle, at.steps, at.processor, at.events, at.after_events ? ", held" : "", moments[n].at.cycle,
            moments[n].at.steps, moments[n].at.processor, moments[n].at.events,
            moments[n].at.after_events ? ", held" : "");
        if (moments[n].hash) loop_check(machine_hash(stopped) == moments[n].hash, "%u: another hash", n);
    }
    loop_end();
    uint64_t end = machine_steps(noted) + 100000;
    struct machine *all[] = {noted, stopped, whole};
    for (unsigned i = 0; i < 3; i++)
        while (machine_steps(all[i]) < end) (void)machine_run(all[i], end - machine_steps(all[i]));
    ok(machine_hash(noted) == machine_hash(whole) && machine_hash(stopped) == machine_hash(whole),
       "and goes on to the hash of an undisturbed run");
    struct position past = moments[5].at, at;
    ok(machine_run_to(whole, &past) == MACHINE_STEPS && machine_steps(whole) == end, "a position of the past: at once");
    past = (struct position){.cycle = machine_cycles(whole) + 5, .steps = end};
    while (machine_cpu(whole, 0)->boundary.activity != ACTIVITY_ACTIVE) (void)machine_run(whole, 1);
    machine_position(whole, &at);
    past = at, past.cycle += 3;
    ok(machine_run_to(whole, &past) == MACHINE_STEPS, "one that never comes ends the run");
    machine_position(whole, &past);
    ok(past.steps == at.steps, "before another step");
    for (unsigned i = 0; i < 3; i++) machine_free(all[i]);
}

// --- recording and replaying ---

struct record {
    struct input input[INPUTS + 100];
    uint8_t data[INPUTS + 100][16];
    unsigned count, next, kinds;
};

static void took(void *context, const struct input *input) {
    struct record *r = context;
    if (r->count == INPUTS + 100 || input->bytes > 16) bail("too many inputs");
    if (input->bytes) memcpy(r->data[r->count], input->data, input->bytes);
    r->input[r->count] = *input;
    r->input[r->count].data = r->data[r->count];
    r->kinds |= 1u << input->kind;
    r->count++;
}
static const struct input *next(void *context) {
    struct record *r = context;
    return r->next < r->count ? &r->input[r->next++] : NULL;
}

static void record_run(struct machine *m, uint64_t *random) {
    struct observer observer = {
        .wanted = BIT(OBSERVE_INTERRUPT) | BIT(OBSERVE_EXCEPTION), .see = busy_stop, .context = random};
    machine_add_observer(m, &observer);
    machine_idle_limit(m, 100);
    for (unsigned n = 0; n < INPUTS; n++) {
        enum machine_stop why = machine_run(m, 1 + random_below(random, 3000));
        uint64_t cycles = machine_idle_cycles(m);
        if (why == MACHINE_IDLE && cycles != ~0ull && cycles && random_below(random, 2))
            (void)alter(m, INPUT_IDLE, 0, random64(random) % cycles);
        if (why == MACHINE_TRIPLE_FAULT || why == MACHINE_STUCK) alter_reset(m);
        for (unsigned i = random_below(random, 3); i; i--) busy_input(m, random);
    }
    machine_remove_observer(m, &observer);
    machine_idle_limit(m, ~0ull);
    (void)machine_run(m, 1);
}

static void replay(unsigned cpus) {
    static struct record record;
    struct machine *m = busy_machine(cpus), *again = busy_machine(cpus);
    uint64_t random = 99 + cpus;
    struct position end, at;
    record = (struct record){0};
    machine_set_log(m, &(struct input_log){.context = &record, .took = took});
    record_run(m, &random);
    machine_position(m, &end);
    ok(record.count > 100 && (record.kinds | 1 << INPUT_FIELD | 1 << INPUT_POINTER | 1 << INPUT_MEDIUM) == (1 << INPUT_KINDS) - 1,
       "%u processors: %u inputs are recorded, of kinds %x", cpus, record.count, record.kinds);
    machine_set_log(again, &(struct input_log){.context = &record, .next = next});
    ok(!alter(again, INPUT_NMI, 0, 0) && !machine_set_register(again, 0, REGISTER_RBX, 1) &&
           !machine_offer(again, &(struct input){.kind = INPUT_SERIAL, .bytes = 1, .data = "x"}),
       "a replay takes nothing else");
    enum machine_stop why;
    do {
        why = machine_run_to(again, &end);
        machine_position(again, &at);
    } while (why != MACHINE_LOST && (at.steps < end.steps || at.cycle < end.cycle));
    ok(why == MACHINE_STEPS && position_same(&at, &end) && record.next == record.count,
       "and comes to the same end (%d), after all inputs (%u)", why, record.next);
    ok(machine_hash(again) == machine_hash(m), "with the same hash");
    machine_set_log(again, NULL);
    machine_set_log(m, NULL);
    (void)machine_run(m, 5000), (void)machine_run(again, 5000);
    ok(machine_hash(again) == machine_hash(m), "from which both go on alike");
    record.next = 0;
    record.input[50].at.steps--;
    struct machine *wrong = busy_machine(cpus);
    machine_set_log(wrong, &(struct input_log){.context = &record, .next = next});
    for (unsigned i = 0; i < 100000 && why != MACHINE_LOST && machine_steps(wrong) < end.steps; i++)
        why = machine_run(wrong, 100000);
    ok(why == MACHINE_LOST, "a log that does not fit is noticed");
    machine_free(m), machine_free(again), machine_free(wrong);
}

// An event after which no attempt follows: an NMI whose delivery ends in the shutdown state. What is repaired after it
// must not be repaired before it in the replay.
static void between_events(void) {
    static struct record record;
    struct machine *m = busy_machine(1), *again = busy_machine(1);
    struct position end;
    record = (struct record){0};
    machine_set_log(m, &(struct input_log){.context = &record, .took = took});
    (void)machine_run(m, 500);
    (void)machine_set_register(m, 0, REGISTER_IDTR_LIMIT, 0);
    (void)alter(m, INPUT_NMI, 0, 0);
    ok(machine_run(m, 100) == MACHINE_TRIPLE_FAULT, "an NMI that cannot be delivered");
    (void)machine_set_register(m, 0, REGISTER_IDTR_LIMIT, 0x3ff);
    machine_position(m, &end);
    ok(end.events == 1 && record.input[1].at.events == 0 && record.input[2].at.events == 1 &&
           record.input[2].at.steps == record.input[1].at.steps,
       "inputs before and after an event, at one step");
    machine_set_log(again, &(struct input_log){.context = &record, .next = next});
    while (record.next < record.count && machine_run(again, 1000) != MACHINE_LOST) continue;
    (void)machine_run(again, 1000);
    ok(machine_hash(again) == machine_hash(m), "come in that order in a replay");
    machine_free(m), machine_free(again);
}

static void stop_once(void *context, struct cpu *cpu, const struct sight *sight) {
    (void)sight;
    if (!(*(unsigned *)context)++) cpu_stop(cpu);
}

// A breakpoint at the first instruction of a round of turns: the round has begun, and nothing was attempted in it.
static void round_begins(void) {
    static struct record record;
    struct machine *m = busy_machine(2), *again = busy_machine(2), *stopped = busy_machine(2);
    unsigned seen = 0;
    struct observer observer = {.wanted = BIT(OBSERVE_INSTRUCTION), .see = stop_once, .context = &seen};
    struct position at, end;
    record = (struct record){0};
    machine_set_log(m, &(struct input_log){.context = &record, .took = took});
    machine_add_observer(m, &observer);
    ok(machine_run(m, 100) == MACHINE_OBSERVED, "a stop before the first instruction of a round");
    machine_remove_observer(m, &observer);
    machine_position(m, &at);
    uint64_t hash = machine_hash(m);
    ok(at.steps == 0 && at.round > at.cycle && !at.after_events && machine_set_register(m, 0, REGISTER_RBX, 7),
       "where something is changed");
    (void)machine_run(m, 5000);
    machine_position(m, &end);
    machine_set_log(again, &(struct input_log){.context = &record, .next = next});
    ok(machine_run_to(again, &end) == MACHINE_STEPS && machine_hash(again) == machine_hash(m), "is replayed there");
    struct position here;
    bool came = machine_run_to(stopped, &at) == MACHINE_STEPS;
    machine_position(stopped, &here);
    ok(came && position_same(&here, &at) && machine_hash(stopped) == hash, "and can be run to");
    machine_free(m), machine_free(again), machine_free(stopped);
}

// Made-up inputs are refused, and change nothing.
static void refusals(void) {
    struct machine *m = busy_machine(1);
    uint64_t before = machine_hash(m), value = ~0ull;
    static struct key_event keys[PS2_PENDING + 1];
    for (unsigned i = 0; i <= PS2_PENDING; i++) keys[i].key = KEY_a;
    const struct input bad[] = {
        {.kind = INPUT_KINDS},
        {.kind = 255},
        {.kind = INPUT_SERIAL, .unit = 200, .bytes = 1, .data = "x"},
        {.kind = INPUT_SERIAL, .bytes = 1 << 20, .data = "x"},
        {.kind = INPUT_SERIAL, .bytes = 1},
        {.kind = INPUT_IDLE, .where = ~0ull},
        {.kind = INPUT_INTERRUPT, .where = 256},
        {.kind = INPUT_NMI, .unit = 1},
        {.kind = INPUT_INIT, .unit = 255},
        {.kind = INPUT_MEMORY, .where = BUSY_RAM - 7, .bytes = 8, .data = &value},
        {.kind = INPUT_MEMORY, .where = ~0ull, .bytes = 8, .data = &value},
        {.kind = INPUT_REGISTER, .where = REGISTER_COUNT, .bytes = 8, .data = &value},
        {.kind = INPUT_REGISTER, .where = ~0ull, .bytes = 8, .data = &value},
        {.kind = INPUT_REGISTER, .where = REGISTER_RAX, .bytes = 9, .data = &value},
        {.kind = INPUT_REGISTER, .where = REGISTER_MXCSR, .bytes = 4, .data = &value},
        {.kind = INPUT_REGISTER, .unit = 7, .where = REGISTER_RAX, .bytes = 8, .data = &value},
        {.kind = INPUT_MSR, .where = 0x12345678, .bytes = 8, .data = &value},
        {.kind = INPUT_MSR, .where = 0xc0000080, .bytes = 7, .data = &value},
        {.kind = INPUT_FIELD, .where = 0x6800, .bytes = 8, .data = &value},
        {.kind = INPUT_FIELD, .where = 0x6801, .bytes = 16, .data = bad},
        {.kind = INPUT_KEY, .bytes = 3, .data = "\x1e\1\0"},
        {.kind = INPUT_KEY, .bytes = 4, .data = "\x7f\1\0\0"},
        {.kind = INPUT_KEY, .bytes = 8, .data = "\x1e\1\0\0\x1e\2\0\0"},
        {.kind = INPUT_KEY, .bytes = sizeof keys, .data = keys},
        {.kind = INPUT_TIMING, .where = 99},
        {.kind = INPUT_TIMING, .where = 1ull << 32},
        {.kind = INPUT_MEDIUM, .where = DRIVE_EMPTY}, // there is no drive
        {.kind = INPUT_POINTER, .bytes = 8, .data = "\0\0\0\0\0\0\0"}, // there is no mouse
    };
    loop_begin("inputs that somebody made up are refused");
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) loop_check(!machine_alter(m, &bad[i]), "%u", i);
    loop_end();
    ok(machine_hash(m) == before, "and change nothing");
    struct input_row row;
    unsigned kinds = 0, live = 0;
    for (; input_row(kinds, &row); kinds++) live += row.live;
    ok(kinds == INPUT_KINDS && live == 3, "%u kinds, %u of them live", kinds, live);
    machine_free(m);
}

int main(void) {
    refusals();
    between_events();
    round_begins();
    for (unsigned cpus = 1; cpus <= 3; cpus++) positions(cpus);
    for (unsigned cpus = 1; cpus <= 2; cpus++) replay(cpus);
    return done_testing();
}

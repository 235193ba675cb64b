// Asking when something changed, on machines with several processors, inputs and idle time: against the same past gone
// through one step at a time.
#include "devices/asking/scan.h"
#include "cpu/processor/register.h"
#include "tests/decode/random.h"
#include "tests/devices/busy.h"
#include "tests/door.h"
#include "tests/side.h"
#include "tests/tap.h"
#include <string.h>

enum { MEMORY = 64 << 20, PLACES = 60, STEPS = 40000, CHANGES = 2048, QUESTIONS = 150 };

struct known {
    struct place place;
    uint64_t value;
    unsigned count;
    struct {
        uint64_t step, old, now;
    } change[CHANGES];
};
static struct known known[PLACES];

static uint64_t read_known(struct machine *m, const struct place *p) {
    uint64_t value = 0;
    if (p->space == PLACE_PHYSICAL)
        (void)machine_read(m, p->address, &value, p->bytes);
    else
        memcpy(&value, (const char *)machine_cpu(m, p->processor) + p->address, p->bytes);
    return value;
}

static struct timeline *recorded(struct machine *m, uint64_t *random) {
    struct timeline *t = timeline_new(m, MEMORY);
    if (!t) bail("no timeline");
    machine_idle_limit(m, 100);
    while (machine_steps(m) < STEPS) {
        enum machine_stop why = timeline_run(t, 1 + random_below(random, 3000));
        uint64_t cycles = machine_idle_cycles(m);
        if (why == MACHINE_IDLE && cycles != ~0ull && cycles && random_below(random, 2))
            (void)alter(m, INPUT_IDLE, 0, random64(random) % cycles);
        if (why == MACHINE_TRIPLE_FAULT || why == MACHINE_STUCK) alter_reset(m);
        for (unsigned i = random_below(random, 2); i; i--) busy_input(m, random);
        if (random_below(random, 6) == 0 && !timeline_keep(t)) bail("no memory");
    }
    machine_idle_limit(m, ~0ull);
    return t;
}

// General registers of all processors, and the pages that the run changed.
static void choose(struct machine *m, unsigned cpus, uint64_t *random, const uint8_t *before) {
    for (unsigned i = 0; i < PLACES; i++) {
        struct place *p = &known[i].place;
        known[i].count = 0;
        *p = (struct place){.space = PLACE_REGISTER,
                            .processor = (uint8_t)random_below(random, cpus),
                            .bytes = 8,
                            .address = offsetof(struct cpu, gpr) + 8 * random_below(random, 16)};
        const uint8_t *now = machine_ram(m, 0, 1 << 20);
        for (unsigned tries = 0; i % 2 && tries < 200000; tries++) {
            uint64_t at = random_below(random, (1 << 20) - 8);
            if (now[at] == before[at] || (at & 0xfff) > 0xff8) continue;
            *p = (struct place){.space = PLACE_PHYSICAL, .bytes = 4, .address = at};
            break;
        }
    }
}

static void note(struct machine *m, struct known *k, uint64_t step) {
    uint64_t now = read_known(m, &k->place);
    if (now == k->value) return;
    k->change[k->count % CHANGES].step = step;
    k->change[k->count % CHANGES].old = k->value;
    k->change[k->count++ % CHANGES].now = now;
    k->value = now;
}

static void step_through(struct machine *m, struct timeline *t, uint64_t end) {
    const char *wrong = NULL;
    if (!timeline_go_step(t, 0, &wrong)) bail("the beginning: %s", wrong);
    for (unsigned i = 0; i < PLACES; i++) known[i].value = read_known(m, &known[i].place);
    for (uint64_t step = 0; step + 1 < end; step++) {
        while (machine_steps(m) == step) (void)timeline_run(t, 1);
        for (unsigned i = 0; i < PLACES; i++) note(m, &known[i], step);
    }
}

static void ask(struct timeline *t, struct known *k, uint64_t step) {
    const char *wrong = NULL;
    struct change c = {0};
    unsigned i = k->count;
    while (i && i + CHANGES > k->count && k->change[(i - 1) % CHANGES].step >= step) i--;
    if (i + CHANGES <= k->count) return;
    bool gone = timeline_go_step(t, step, &wrong);
    enum search found = gone ? timeline_changed(t, &k->place, SEARCH_ALL, &c, &wrong) : SEARCH_WRONG;
    bool same = i ? found == SEARCH_FOUND && c.step == k->change[(i - 1) % CHANGES].step &&
                        c.old == k->change[(i - 1) % CHANGES].old && c.now == k->change[(i - 1) % CHANGES].now
                  : found == SEARCH_NOTHING;
    loop_check(same, "%s %llx before %llu: %d (%s) step %llu, known %llu",
               k->place.space == PLACE_PHYSICAL ? "memory" : "register", (unsigned long long)k->place.address,
               (unsigned long long)step, found, wrong ? wrong : "", (unsigned long long)c.step,
               i ? (unsigned long long)k->change[(i - 1) % CHANGES].step : 0);
}

struct comparing {
    const struct known *k;
    unsigned next;
    bool same;
};

static bool compare(void *context, const struct change *c) {
    struct comparing *l = context;
    unsigned i = l->next++ % CHANGES;
    l->same &= l->next <= l->k->count && l->k->change[i].step == c->step && l->k->change[i].old == c->old &&
               l->k->change[i].now == c->now;
    return l->same;
}

static unsigned first_from(const struct known *k, uint64_t step) {
    unsigned i = 0;
    while (i < k->count && k->change[i].step < step) i++;
    return i;
}

static void list(struct timeline *t, struct known *k, uint64_t from, uint64_t to) {
    const char *wrong = NULL;
    if (k->count > CHANGES) return;
    struct comparing l = {k, first_from(k, from), true};
    enum search found = timeline_values(t, &k->place, (struct scan_span){from, to}, compare, &l, &wrong);
    loop_check(found != SEARCH_WRONG && l.same && l.next == first_from(k, to),
               "%s %llx from %llu to %llu, change %u of step %llu",
               k->place.space == PLACE_PHYSICAL ? "memory" : "register", (unsigned long long)k->place.address,
               (unsigned long long)from, (unsigned long long)to, l.next,
               (unsigned long long)(l.next ? k->change[(l.next - 1) % CHANGES].step : 0));
}

static void ask_all(struct timeline *t, unsigned cpus, unsigned workers, uint64_t end, uint64_t *random) {
    loop_begin("%u processors, %u workers: when values changed last", cpus, workers);
    for (unsigned i = 0; i < QUESTIONS / workers; i++) ask(t, &known[i % PLACES], 1 + random64(random) % (end - 2));
    loop_end();
    loop_begin("%u processors, %u workers: all changes in a span", cpus, workers);
    for (unsigned i = 0; i < PLACES; i += workers) {
        uint64_t from = random64(random) % (end - 6000);
        list(t, &known[i], from, from + 1 + random_below(random, 5000));
    }
    loop_end();
}

static void with(unsigned cpus) {
    static uint8_t before[1 << 20];
    uint64_t random = 40 + cpus;
    struct machine *m = busy_machine(cpus);
    memcpy(before, machine_ram(m, 0, sizeof before), sizeof before);
    struct timeline *t = recorded(m, &random);
    struct timeline_facts f;
    timeline_facts(t, &f);
    choose(m, cpus, &random, before);
    step_through(m, t, f.end.steps);
    const struct side_by_side side = side_by_side(3, 1000);
    ask_all(t, cpus, 1, f.end.steps, &random);
    timeline_set_side_by_side(t, &side);
    ask_all(t, cpus, side.workers, f.end.steps, &random);
    timeline_free(t);
    machine_free(m);
}

int main(void) {
    for (unsigned cpus = 1; cpus <= 3; cpus++) with(cpus);
    return done_testing();
}

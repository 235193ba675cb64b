// What is known of levels, exits, events and counts: the same whoever looks on, saved, put back, and never a danger,
// whatever the bytes were. The guest is the teaching hypervisor, which runs itself, which runs a guest.
#include "devices/snapshot/follower.h"
#include "devices/history/history.h"
#include "monitor/causes/exits.h"
#include "devices/machine/machine_observe.h"
#include "monitor/load/load.h"
#include "tests/decode/random.h"
#include "tests/door.h"
#include "tests/monitor/turtles.h"
#include "tests/tap.h"
#include "vmx/vmcs/vmx.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIDDLE = 2200000, MORE = 20000 };

static uint8_t *knows(struct machine *m, size_t *bytes) {
    *bytes = followers_size(m);
    uint8_t *out = malloc(*bytes);
    if (!out) bail("memory");
    followers_save(m, out);
    return out;
}

static bool know_the_same(struct machine *a, struct machine *b) {
    size_t bytes, others;
    uint8_t *x = knows(a, &bytes), *y = knows(b, &others);
    bool same = bytes == others && memcmp(x, y, bytes) == 0;
    for (size_t i = 0; !same && i < bytes; i++) {
        if (x[i] == y[i]) continue;
        diag("byte %zu of %zu", i, bytes);
        break;
    }
    free(x);
    free(y);
    return same;
}

// The same by what is asked, not by what is saved.
static bool answer_the_same(struct machine *a, struct machine *b) {
    const struct cpu *x = machine_cpu(a, 0), *y = machine_cpu(b, 0);
    struct vmx_level_info of_a, of_b;
    uint32_t index;
    bool same = !state_differs(&vmx_history_state, vmx_history(x), vmx_history(y), &index) &&
                !state_differs(&vmx_history_cpu_state, vmx_history_cpu(x), vmx_history_cpu(y), &index);
    for (unsigned level = 0; level < VMX_LEVELS; level++) {
        bool known = vmx_level_info(x, level, &of_a);
        same &= known == vmx_level_info(y, level, &of_b) && (!known || of_a.vmcs == of_b.vmcs);
        same &= vmx_entry_count(x, level) == vmx_entry_count(y, level) && vmx_level(x) == vmx_level(y);
        for (unsigned r = 0; r < VMX_REASONS; r++) same &= vmx_exit_count(x, level, r) == vmx_exit_count(y, level, r);
    }
    return same;
}

static void look_on(void *context, struct cpu *cpu, const struct sight *sight) {
    (void)cpu, (void)sight;
    ++*(unsigned *)context;
}

// --- whoever looks on ---

static void test_observed(unsigned cpus) {
    struct machine *alone = turtles(cpus, "depth=2"), *watched = turtles(cpus, "depth=2");
    unsigned seen = 0;
    struct observer observer = {.wanted = (1ull << OBSERVE_COUNT) - 1, .context = &seen, .see = look_on};
    machine_add_observer(watched, &observer);
    (void)machine_run(alone, MIDDLE);
    while (machine_steps(watched) < machine_steps(alone)) (void)machine_run(watched, 1);
    const struct history *h = machine_history(alone);
    const struct history_exit *exit = history_last_exit(machine_history_cpu(alone, 0));
    ok(seen > MIDDLE && h->events > 0 && exit && vmx_exit_count(machine_cpu(alone, 0), 2, EXIT_CPUID) > 0,
       "%u processors: there were exits of level 2, and events", cpus);
    ok(know_the_same(alone, watched), "%u processors: single-stepped with an observer of everything, the same is known",
       cpus);
    machine_free(alone);
    machine_free(watched);
}

// --- saved and put back ---

static void copy_machine(struct machine *from, struct machine *to) {
    struct machine_part a, b;
    for (unsigned i = 0; machine_part(from, i, &a) && machine_part(to, i, &b); i++) {
        uint8_t *bytes = malloc(state_size(a.table));
        if (!bytes) bail("memory");
        state_save(a.table, a.object, bytes);
        uint32_t index;
        if (state_load(b.table, b.object, bytes, &index)) bail("%s is refused", b.name);
        free(bytes);
    }
    memcpy(inside_ram(to, 0, 0xa0000), machine_ram(from, 0, 0xa0000), 0xa0000);
    uint64_t high = 0xc0000;
    memcpy(inside_ram(to, high, TURTLES_RAM - high), machine_ram(from, high, TURTLES_RAM - high), TURTLES_RAM - high);
    if (machine_loaded(to)) bail("the state that was copied is impossible");
}

struct hits {
    uint64_t count;
};
static const struct state_field hit_fields[] = {STATE_ONE(struct hits, count)};
static const struct state_table hit_table = STATE_TABLE("hits", hit_fields);

static void test_saved(void) {
    struct machine *a = turtles(1, "depth=2"), *b = turtles(1, "depth=2");
    struct hits of_a = {42}, of_b = {0};
    struct follower follows_a = {.table = &hit_table, .object = &of_a},
                    follows_b = {.table = &hit_table, .object = &of_b};
    size_t bytes;
    machine_add_follower(a, &follows_a);
    machine_add_follower(b, &follows_b);
    (void)machine_run(a, MIDDLE);
    copy_machine(a, b);
    ok(machine_hash(a) == machine_hash(b) && !answer_the_same(a, b),
       "the machine's state alone does not have its past");
    uint8_t *saved = knows(a, &bytes);
    ok(!followers_load(b, saved), "all of it is taken");
    ok(know_the_same(a, b) && answer_the_same(a, b) && of_b.count == 42,
       "saved and put back in another machine, all followers know the same");
    (void)machine_run(a, MORE);
    (void)machine_run(b, MORE);
    ok(machine_hash(a) == machine_hash(b) && answer_the_same(a, b), "both go on, and still know the same");
    machine_remove_follower(b, &follows_b);
    struct follower f;
    unsigned with = 0, without = 0;
    while (machine_follower(a, with, &f)) with++;
    while (machine_follower(b, without, &f)) without++;
    ok(with == without + 1, "a follower leaves");
    free(saved);
    machine_free(a);
    machine_free(b);
}

// --- any bytes ---

static uint64_t ask_costs(const struct history_cpu *c) {
    const struct cost_part *p;
    struct exit_price price = {0};
    uint64_t sum = 0;
    for (unsigned level = 0; level < VMX_LEVELS; level++)
        for (unsigned kind = 0; exit_price_next(c, level, -1, &kind); kind++) {
            exit_price_add(&price, c, kind);
            for (unsigned part = 0; (p = exit_part_next(c, kind, &part));) sum += c->cost.kind[p->inner].reason;
        }
    return sum + price.count;
}

static uint64_t ask_stamps(const struct history *h) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < HISTORY_ORIGINS; i++) {
        const struct vmcs_stamp *stamp = history_stamp(h, h->origin[i].pointer, i);
        if (stamp) sum += stamp_step(stamp) + stamp_level(stamp) + stamp_writer(stamp);
    }
    return sum;
}

// Everything that is asked through an index or a count. The sum keeps the compiler from leaving it out.
static uint64_t ask(struct machine *m) {
    const struct history *h = machine_history(m);
    const struct history_cpu *c = machine_history_cpu(m, 0);
    const struct history_exit *exit = history_last_exit(c);
    struct vmx_failure failure;
    uint64_t sum = exit ? exit->step : 0;
    for (unsigned i = 0; i < HISTORY_EVENTS; i++) sum += history_event(h, i) ? history_event(h, i)->kind : 0;
    for (unsigned i = 0; i < c->chain_count; i++) sum += c->chain[i].vector;
    for (unsigned i = 0; vmx_explain_failure(&c->failure, i, &failure); i++)
        for (unsigned j = 0; j < failure.reads.count; j++) sum += strlen(failure.reads.read[j].what);
    for (unsigned i = 0; i < HISTORY_VMCSS; i++) sum += history_entry(h, h->vmcs[i].pointer) ? 1 : 0;
    return sum + ask_costs(c) + ask_stamps(h);
}

static void test_any_bytes(void) {
    struct machine *m = turtles(1, "depth=2");
    uint64_t random = 1, sum = 0;
    uint8_t bytes[64];
    bool kinds = true;
    (void)machine_run(m, MIDDLE);
    for (unsigned turn = 0; turn < 20; turn++) {
        const struct state_table *tables[] = {&vmx_history_state, &vmx_history_cpu_state};
        void *objects[] = {(void *)machine_history(m), (void *)machine_history_cpu(m, 0)};
        for (unsigned t = 0; t < 2; t++) {
            size_t size = state_size(tables[t]);
            uint8_t *any = malloc(size);
            if (!any) bail("memory");
            for (size_t i = 0; i < size; i++) any[i] = (uint8_t)random64(&random);
            uint32_t index;
            if (state_load(tables[t], objects[t], any, &index)) bail("%s is refused", tables[t]->name);
            free(any);
        }
        vmx_history_loaded(m->cpu[0]);
        sum += ask(m);
        for (unsigned i = 0; i < HISTORY_EVENTS; i++) kinds &= machine_history(m)->event[i].kind < EVENT_KINDS;
        (void)machine_run(m, 1000);
        sum += ask(m);
    }
    memset(bytes, 0, sizeof bytes);
    ok(kinds && sum, "with any bytes as its past a machine runs on, and every question has an answer");
    machine_free(m);
}

int main(void) {
    test_observed(1);
    test_observed(2);
    test_saved();
    test_any_bytes();
    return done_testing();
}

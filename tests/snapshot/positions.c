// Saving at random positions; see positions.h.
#include "tests/snapshot/positions.h"
#include "cpu/processor/observing.h"
#include "devices/machine/machine_observe.h"
#include "monitor/expression/look.h"
#include "monitor/files/packed.h"
#include "monitor/load/load.h"
#include "tests/decode/random.h"
#include "tests/snapshot/store.h"
#include "tests/tap.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// A machine on the way, with what brings it to its next position.
struct traveller {
    struct machine *m;
    struct snapshot *from; // NULL: it was loaded
    struct observer observer;
    uint64_t random, counted;
};

static const char *guest_path(const char *file, char path[300]) {
    const char *o = getenv("O"), *guests = getenv("GUESTS");
    snprintf(path, 300, "%s/%s", o ? o : "o", file);
    if (access(path, R_OK) != 0) snprintf(path, 300, "%s/%s", guests ? guests : "o/guests", file);
    return path;
}

static struct machine *begin(const struct course *course, struct boot *boot) {
    struct machine_config config;
    char error[200], kernel[300], initrd[300];
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    config.ram_bytes = course->ram_bytes;
    config.cpus = course->cpus;
    struct machine *m = machine_new(&config, error, sizeof error);
    const struct boot_wish wish = {.kernel = guest_path(course->kernel, kernel),
                                   .initrd = course->initrd ? guest_path(course->initrd, initrd) : NULL,
                                   .append = course->append};
    if (!m || !boot_open(boot, &wish) || !boot_load(boot, m)) bail("%s: no machine", course->name);
    return m;
}

// One event of a few ends a run between two events of one boundary.
static void see(void *context, struct cpu *cpu, const struct sight *sight) {
    struct traveller *t = context;
    (void)sight;
    if (++t->counted % 7 == 0) cpu_stop(cpu);
}

// To a position near that step: at it, at an event, or in idle time.
static void travel(struct traveller *t, uint64_t step) {
    uint64_t now = machine_steps(t->m);
    if (step > now) (void)machine_run(t->m, step - now);
    unsigned choice = random_below(&t->random, 3);
    if (choice == 0) return;
    t->counted = 0;
    if (choice == 1) machine_add_observer(t->m, &t->observer);
    if (choice == 2) machine_cycle_limit(t->m, machine_cycles(t->m) + random_below(&t->random, 1 << 20));
    (void)machine_run(t->m, 200000);
    if (choice == 1) machine_remove_observer(t->m, &t->observer);
    machine_cycle_limit(t->m, ~0ull);
}

static struct traveller traveller(struct machine *m, struct traveller *t) {
    *t = (struct traveller){.m = m, .random = 1};
    t->observer = (struct observer){
        .wanted = BIT(OBSERVE_INTERRUPT) | BIT(OBSERVE_EXCEPTION) | BIT(OBSERVE_EXIT), .see = see, .context = t};
    return *t;
}

static void renew(struct traveller *t, struct store *store) {
    struct snapshot *from;
    const struct sink sink = store_sink(store);
    const char *why = snapshot_save(t->m, &sink, packed_by_zstd());
    if (why) bail("%s", why);
    struct machine *next = store_machine(store, packed_by_zstd(), &from, &why);
    if (!next) bail("%s", why);
    machine_free(t->m);
    snapshot_free(t->from);
    t->m = next, t->from = from;
}

// Whether the processor whose turn it is stands within MOVS or STOS with a prefix.
static bool repeats(struct machine *m) {
    struct look look = {.machine = m, .level = -1, .processor = machine_turn(m)};
    struct view view;
    uint8_t bytes[3] = {0};
    if (!view_make(&look, -1, &view) ||
        view_read(&view, SPACE_LINEAR, view_code_address(&view), bytes, sizeof bytes) != sizeof bytes ||
        (bytes[0] != 0xf3 && bytes[0] != 0xf2))
        return false;
    uint8_t opcode = bytes[1] / 16 == 4 ? bytes[2] : bytes[1];
    return opcode == 0xa4 || opcode == 0xa5 || opcode == 0xaa || opcode == 0xab;
}

static bool same(const struct traveller *a, const struct traveller *b) {
    struct position here, there;
    machine_position(a->m, &here);
    machine_position(b->m, &there);
    return position_same(&here, &there) && machine_hash(a->m) == machine_hash(b->m);
}

void positions_try(const struct course *course) {
    struct boot left_boot = {0}, moved_boot = {0};
    struct traveller left, moved;
    struct store store = {0};
    uint64_t random = 3, total = 0;
    unsigned repeated = 0;
    char path[300];
    if (access(guest_path(course->kernel, path), R_OK) != 0) {
        skip(course->name, "the guest is not there");
        return;
    }
    traveller(begin(course, &left_boot), &left), traveller(begin(course, &moved_boot), &moved);
    loop_begin("%s: saved and made anew at %u positions, and the hash of the run that was not", course->name,
               course->positions);
    for (unsigned i = 1; i <= course->positions; i++) {
        uint64_t span = course->steps / course->positions, step = span * i - random64(&random) % span;
        travel(&left, step), travel(&moved, step);
        loop_check(same(&left, &moved), "position %u, step %llu", i, (unsigned long long)machine_steps(left.m));
        repeated += repeats(moved.m);
        renew(&moved, &store);
        total += store.size;
    }
    (void)machine_run(left.m, 1000000), (void)machine_run(moved.m, 1000000);
    loop_check(same(&left, &moved), "a million steps later");
    loop_end();
    diag("%u within a repeated instruction, %llu KBytes on average", repeated,
         (unsigned long long)(total / course->positions / 1024));
    machine_free(left.m), machine_free(moved.m);
    snapshot_free(moved.from);
    boot_close(&left_boot), boot_close(&moved_boot);
    store_free(&store);
}

// Pairs of machines that must stay equal, and batches of runs.
#define _GNU_SOURCE // mremap
#include "devices/machine/machine_observe.h"
#include "tests/compiled.h"
#include "tests/charge.h"
#include "tests/system/random.h"
#include "tests/door.h"
#include "tests/tap.h"
#include "cpu/memory/mode.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEGS = 48, LEG_STEPS = 120 };
enum { EXTRA_BYTES = 65536 };
#define EXTRA 0xff000000u // pc-testdev's memory
enum manner { WHOLE, DROPPED, STEPPED, OBSERVED, MOVED, MANNERS };
static const char *const manner_name[MANNERS] = {"whole", "in pieces without caches", "stepped", "observed",
                                                 "moved to another machine"};
static const char *const kind_name[RANDOM_KINDS + 1] = {
    "real",       "protected 16",  "protected 32", "virtual-8086",     "32-bit paging",
    "PAE paging", "compatibility", "64-bit",       "64-bit, 5 levels", NULL};
// Features that every other turn of the models goes without.
static const char *const without[] = {"xsave", "fsgsbase", "nx", "sep", "vme", "pge", "pse"};
enum { WITHOUT = sizeof without / sizeof *without };

static struct machine *whole, *other, *spare;
static uint8_t code[RANDOM_CODE_BYTES];
static uint64_t total[RANDOM_KINDS], sights;

const char *random_kind_name(unsigned kind) { return kind_name[kind]; }
uint64_t random_kind_steps(unsigned kind) { return total[kind]; }

// --- machines ---

static unsigned model_count(void) {
    unsigned count = 0;
    while (cpu_model_at(count)) count++;
    return count;
}

// Every fourth batch goes by a timing model.
static void set_timing(struct machine *m, unsigned processor, uint64_t batch) {
    static struct charge charges[9]; // three machines of up to three processors
    static unsigned next;
    enum charge_kind kind = (enum charge_kind)(batch / 4 % CHARGE_NOTHING);
    if (batch % 4 == 3) machine_set_timing(m, processor, charge_new(&charges[next++ % 9], kind));
}

static struct machine *new_machine(uint64_t batch, enum random_kind kind) {
    struct machine_config config;
    char error[200], name[100];
    uint64_t turn = batch / RANDOM_KINDS, models = model_count();
    const char *less = turn / models % 2 ? without[turn / models / 2 % WITHOUT] : NULL;
    snprintf(name, sizeof name, "%s%s%s%s", cpu_model_at((unsigned)(turn % models))->name, less ? ",-" : "",
             less ? less : "", kind == RANDOM_LONG_5 ? ",+la57" : "");
    machine_config_default(&config);
    if (!cpu_model_parse(name, &config.model, error, sizeof error)) bail("%s: %s", name, error);
    config.ram_bytes = RANDOM_RAM;
    if (!machine_config_device(&config, "pc-testdev", error, sizeof error)) bail("%s", error);
    config.cpus = 1 + (unsigned)(turn % 3);
    struct machine *m = machine_new(&config, error, sizeof error);
    if (!m) bail("machine_new: %s", error);
    for (unsigned i = 0; i < config.cpus; i++) set_timing(m, i, batch);
    return m;
}

static void restart(struct machine *m, uint64_t *random, enum random_kind kind) {
    alter_reset(m);
    for (unsigned i = 0; i < machine_configuration(m)->cpus; i++) {
        random_registers(random, kind, inside_cpu(m, i));
        inside_cpu(m, i)->boundary.activity = ACTIVITY_ACTIVE;
    }
    if (!cpu_model_has(machine_cpu(m, 0)->wire.model, FEATURE_VMX) || !random_chance(random, 2)) return;
    const struct timing *timing = machine_cpu(m, 0)->wire.timing;
    machine_set_timing(m, 0, NULL); // its first steps are a hypervisor's, in one turn
    random_guest(random, kind, m);
    machine_set_timing(m, 0, timing);
}

static void set_up(struct machine *m, uint64_t *random, enum random_kind kind) {
    uint8_t *ram = inside_ram(m, 0, RANDOM_DATA + RANDOM_DATA_BYTES);
    random_memory(random, kind, ram);
    unsigned turned = random_below(random, RANDOM_CODE_BYTES);
    memcpy(ram + RANDOM_CODE, code + turned, RANDOM_CODE_BYTES - turned);
    memcpy(ram + RANDOM_CODE + RANDOM_CODE_BYTES - turned, code, turned);
    for (unsigned n = random_below(random, 256); n--;)
        ram[RANDOM_CODE + random_below(random, RANDOM_CODE_BYTES)] = (uint8_t)random64(random);
    restart(m, random, kind);
    machine_drop_derived(m);
}

// --- what happens between two legs ---

// Through the local APIC's own registers: it is enabled, a vector is sent to itself.
static void self_interrupt(struct cpu *cpu, uint64_t random) {
    enum { SVR = 0xfee000f0, ICR = 0xfee00300, ENABLE = 0x1ff, SELF = 1 << 18 };
    cpu->wire.platform->mmio_write(cpu->wire.platform->machine, cpu, SVR, 4, ENABLE);
    cpu->wire.platform->mmio_write(cpu->wire.platform->machine, cpu, ICR, 4, SELF | (16 + random % 240));
}

static void change_memory(struct machine *m, uint64_t *random) {
    enum { TABLES_BYTES = 5 * 4096 };
    uint64_t at = random_chance(random, 2) ? RANDOM_TABLES + random_below(random, TABLES_BYTES) / 8 * 8
                                           : RANDOM_CODE + random_below(random, RANDOM_CODE_BYTES) / 8 * 8;
    uint64_t v = 0;
    (void)machine_read(m, at, &v, 8);
    v ^= 1ull << random_below(random, 64);
    (void)machine_set_memory(m, at, &v, 8);
    machine_drop_derived(m);
}

// Somewhere else: what it did until now soon becomes a round of faults and handlers.
static void jump(struct cpu *cpu, uint64_t *random) {
    uint64_t to = RANDOM_CODE + random_below(random, RANDOM_CODE_BYTES);
    cpu->rip = cpu_64bit(cpu) ? to : (uint32_t)(to - cpu->fetch.base);
    if (cpu_real(cpu) || cpu_vm86(cpu)) cpu->rip &= UINT16_MAX;
}

static void event(struct machine *m, uint64_t *random, enum random_kind kind) {
    struct cpu *cpu = inside_cpu(m, 0);
    uint64_t r = random64(random);
    switch (r % 16) {
    case 0: cpu_pend(cpu, PENDING_NMI, true); break;
    case 1: self_interrupt(cpu, r >> 8); break;
    case 2: change_memory(m, random); break;
    case 3: (void)alter_serial(m, 0, (uint8_t)(r >> 8)); break;
    case 4: cpu_set_rflags(cpu, cpu_rflags(cpu) ^ (r & BIT(8) ? FLAG_TF : FLAG_IF)); break;
    case 5:
        if (r >> 8 & 7) break;
        cpu_pend(cpu, r & BIT(16) ? PENDING_INIT : PENDING_SIPI, true);
        break;
    case 6:
    case 7:
    case 8: restart(m, random, kind); return;
    default: break;
    }
    if (random_hypervisor(cpu)) return;
    cpu->gpr[r >> 32 & 15] = random_value(random);
    if (r >> 40 & 3) jump(cpu, random);
}

// --- running ---

static void see(void *context, struct cpu *cpu, const struct sight *sight) {
    (void)context, (void)cpu;
    sights += sight->kind < OBSERVE_COUNT;
}
static void hit(struct point *point, struct cpu *cpu, const struct sight *sight) {
    (void)point, (void)cpu, (void)sight;
    sights++;
}

static const char *broken;
static void look(const struct machine *m, const struct cpu *cpu) {
    const char *rule = invariant_broken(cpu);
    if (!rule || broken) return;
    broken = rule;
    diag("%s: at step %lu, RIP %lx, RFLAGS %lx, CR0 %lx, CR4 %lx, EFER %lx, CS %x %x, SS %x %x", rule, machine_steps(m),
         cpu->rip, cpu_rflags(cpu), cpu->control.cr0, cpu->control.cr4, cpu->control.efer, cpu->segment[CS].selector,
         cpu->segment[CS].rights, cpu->segment[SS].selector, cpu->segment[SS].rights);
}

// `steps` on, over what stops it. False: this run is over: a triple fault, or nothing wakes it.
static bool drive(struct machine *m, uint64_t steps, enum manner manner) {
    enum { IDLES = 8 };
    uint64_t end = machine_steps(m) + steps, idle_at = ~0ull;
    for (unsigned stops = (unsigned)steps, idles = 0; machine_steps(m) < end; stops++) {
        uint64_t left = end - machine_steps(m), piece = left;
        if (manner == DROPPED) piece = 1 + stops * 37 % 101;
        if (manner == STEPPED) piece = 1;
        enum machine_stop why = machine_run(m, piece < left ? piece : left);
        for (unsigned i = 0; i < machine_configuration(m)->cpus; i++) look(m, machine_cpu(m, i));
        if (manner == DROPPED && stops % 3 == 0) machine_drop_derived(m);
        if (manner == STEPPED && stops % 61 == 0) machine_drop_derived(m);
        if (why == MACHINE_TRIPLE_FAULT || why == MACHINE_STUCK) return false;
        if (why != MACHINE_IDLE) continue;
        idles = idle_at == machine_steps(m) ? idles + 1 : 0, idle_at = machine_steps(m);
        if (idles == IDLES || machine_idle_cycles(m) == ~0ull) return false;
    }
    return true;
}

static void print_difference(void) {
    struct machine_part a, b;
    for (unsigned i = 0; machine_part(whole, i, &a) && machine_part(other, i, &b); i++) {
        uint32_t index = 0;
        const struct state_field *f = a.object && b.object ? state_differs(a.table, a.object, b.object, &index) : NULL;
        if (f) diag("differs: %s, %s[%u]", a.name, f->name, index);
    }
}

// `other` goes on in the spare machine, which takes over nothing but its state and its memory.
static void move(void) {
    struct machine_part from, to;
    (void)machine_hash(other); // brings what is lazy to its canonical form
    for (unsigned i = 0; machine_part(other, i, &from) && machine_part(spare, i, &to); i++) {
        uint8_t *saved = malloc(state_size(from.table));
        if (!saved || !from.object != !to.object) bail("part %s", from.name);
        if (from.object) {
            state_save(from.table, from.object, saved);
            uint32_t index;
            const struct state_field *refused = state_load(to.table, to.object, saved, &index);
            if (refused) bail("%s, %s[%u] is refused", to.name, refused->name, index);
        }
        free(saved);
    }
    memcpy(inside_ram(spare, 0, RANDOM_RAM), machine_ram(other, 0, RANDOM_RAM), RANDOM_RAM);
    memcpy(inside_ram(spare, EXTRA, EXTRA_BYTES), machine_ram(other, EXTRA, EXTRA_BYTES), EXTRA_BYTES);
    if (machine_loaded(spare)) bail("the state that was moved is impossible");
    struct machine *moved = spare;
    spare = other, other = moved;
}

static void run(struct machine *m, uint64_t seed, enum random_kind kind, enum manner manner) {
    struct observer observer = {.wanted = BIT(OBSERVE_COUNT) - 1, .see = see};
    struct point points[] = {
        {.address = RANDOM_CODE + seed % RANDOM_CODE_BYTES, .access = POINT_EXECUTE, .hit = hit},
        {.address = RANDOM_DATA, .bytes = RANDOM_DATA_BYTES, .access = POINT_READ | POINT_WRITE, .hit = hit}};
    uint64_t random = seed;
    set_up(m, &random, kind);
    look(m, machine_cpu(m, 0));
    if (manner == OBSERVED) machine_add_observer(m, &observer);
    for (unsigned i = 0; manner == OBSERVED && i < 2; i++) machine_add_point(m, &points[i]);
    for (unsigned leg = 0; leg < LEGS; leg++) {
        if (drive(m, 1 + random_below(&random, LEG_STEPS), manner))
            event(m, &random, kind);
        else
            restart(m, &random, kind);
        if (manner == MOVED && leg % 12 == 5) move(), m = other;
    }
    for (unsigned i = 0; manner == OBSERVED && i < 2; i++) machine_remove_point(m, &points[i]);
    if (manner == OBSERVED) machine_remove_observer(m, &observer);
}

// Machines go on with what the runs before left.
static bool one_run(uint64_t seed, enum random_kind kind) {
    uint64_t mixed = seed * 0x9e3779b97f4a7c15ull, begin = machine_steps(whole);
    enum manner manner = (enum manner)(1 + mixed / 7 % (MANNERS - 1));
    broken = NULL;
    run(whole, mixed, kind, WHOLE);
    run(other, mixed, kind, manner);
    total[kind] += machine_steps(whole) - begin;
    bool same = machine_steps(whole) == machine_steps(other) && machine_hash(whole) == machine_hash(other);
    if (!same) print_difference();
    bool good = loop_check(same, "SEED=%lu, %s, %s: %lu steps, whole %lu", seed, kind_name[kind], manner_name[manner],
                           machine_steps(other), machine_steps(whole));
    return loop_check(!broken, "SEED=%lu, %s: %s", seed, kind_name[kind], broken) && good;
}

void random_batch(uint64_t seed) {
    uint64_t batch = seed / RANDOM_RUNS, random = batch;
    enum random_kind kind = (enum random_kind)(batch % RANDOM_KINDS);
    whole = new_machine(batch, kind), other = new_machine(batch, kind), spare = new_machine(batch, kind);
    (void)compiled(whole); // the others are interpreted
    random_code(&random, machine_cpu(whole, 0)->wire.decoder, kind, code, sizeof code);
    for (unsigned i = 0; i < RANDOM_RUNS; i++)
        if (!one_run(batch * RANDOM_RUNS + i, kind)) break;
    machine_free(whole), machine_free(other), machine_free(spare);
}

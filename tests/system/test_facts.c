// The library explains itself, with nothing of the monitor's program: it is asked for views, walks, what exits, why
// something exited and failed, and what is known of the past, of random guests of a hypervisor. It changes nothing.
#include "cpu/state/model.h"
#include "devices/history/history.h"
#include "monitor/vmcs/intercepts.h"
#include "monitor/vmcs/vmcs.h"
#include "monitor/explain/walk.h"
#include "tests/door.h"
#include "tests/system/random.h"
#include "tests/tap.h"
#include "vmx/vmcs/vmx.h"
#include <string.h>

enum { SEEDS = 150, MOMENTS = 20, STEPS = 97, FACTS = 32 };

static struct { unsigned views, mapped, faults, exits, failures, rules, events; } asked;

static struct machine *new_machine(void) {
    struct machine_config config;
    char error[200];
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    config.ram_bytes = RANDOM_RAM;
    struct machine *m = machine_new(&config, error, sizeof error);
    if (!m) bail("machine_new: %s", error);
    return m;
}

static void set_up(struct machine *m, uint64_t seed) {
    uint64_t random = seed;
    enum random_kind kind = seed % 2 ? RANDOM_LONG_4 : RANDOM_PAGED_PAE;
    uint8_t *ram = inside_ram(m, 0, RANDOM_DATA + RANDOM_DATA_BYTES);
    alter_reset(m);
    random_memory(&random, kind, ram);
    random_code(&random, machine_cpu(m, 0)->wire.decoder, kind, ram + RANDOM_CODE, RANDOM_CODE_BYTES);
    random_registers(&random, kind, m->cpu[0]);
    random_guest(&random, kind, m);
    machine_drop_derived(m);
}

// A fact has words; each of its values has a name and a place, and what is wanted of it is wanted of its bits.
static bool is_sound(const struct fact *fact) {
    bool sound = fact->text && *fact->text && fact->values <= FACT_VALUES;
    for (unsigned i = 0; sound && i < fact->values; i++) {
        const struct fact_value *v = &fact->value[i];
        sound = v->name && *v->name && v->place.space <= PLACE_DEVICE && !(v->needed & ~v->mask);
    }
    if (!sound) diag("%s: %s", fact->rule ? fact->rule : "(no rule)", fact->text ? fact->text : "(no text)");
    return sound;
}

static bool are_sound(const struct fact *facts, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        if (!is_sound(&facts[i])) return false;
    return true;
}

// A walk that an entry ends breaks a rule of that entry; one that maps its address, or finds no entry, breaks none.
static bool ask_walk(const struct view *view, uint64_t linear) {
    struct walk walk;
    struct fact facts[FACTS];
    bool maps = walk_first_stage(view, linear, &walk);
    unsigned count = walk_facts(view, &walk, facts, FACTS);
    bool broken = walk.look.verdict == LOOK_NOT_PRESENT || walk.look.verdict == LOOK_RESERVED;
    asked.mapped += maps;
    asked.faults += broken;
    return maps == (walk.look.verdict == LOOK_MAPS) && (count > 0) == broken && are_sound(facts, count);
}

static bool ask_level(struct machine *m, int level) {
    struct view view;
    char error[160];
    if (!view_of(m, 0, level, machine_history(m), &view, error, sizeof error)) return *error;
    asked.views++;
    return ask_walk(&view, view_code_address(&view)) && ask_walk(&view, view.gpr[RSP]) &&
           ask_walk(&view, 0x7fffffff0000);
}

static bool ask_vmx(struct machine *m) {
    const struct cpu *cpu = machine_cpu(m, 0);
    const struct history_cpu *past = machine_history_cpu(m, 0);
    const struct history_exit *exit = history_last_exit(past);
    struct fact facts[FACTS];
    struct guest_rules guest;
    struct vmx_failure failure;
    bool sound = true;
    unsigned count = exit ? exit_facts(cpu, exit, facts, FACTS) : 0;
    sound &= are_sound(facts, count);
    asked.exits += count > 0;
    if (guest_rules_of(cpu, vmx_current_vmcs(cpu), &guest)) {
        count = intercept_facts(&guest, facts, FACTS);
        sound &= are_sound(facts, count < FACTS ? count : FACTS);
        asked.rules += count;
    }
    for (unsigned i = 0; past->has_failure && vmx_explain_failure(&past->failure, i, &failure); i++) {
        const struct fact fact = fact_of_check(&failure, past->failure.vmcs);
        sound &= is_sound(&fact) && fact.values > 0;
        asked.failures++;
    }
    for (unsigned n = 0; n < 10 && history_event(machine_history(m), n); n++) asked.events++;
    return sound;
}

int main(void) {
    struct machine *m = new_machine();
    loop_begin("at %d moments of %d random guests every answer is sound, and asking changes nothing", MOMENTS, SEEDS);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        set_up(m, seed);
        for (unsigned moment = 0; moment < MOMENTS; moment++) {
            (void)machine_run(m, STEPS);
            uint64_t before = machine_hash(m);
            bool sound = ask_level(m, -1) && ask_level(m, 0) && ask_level(m, 1) && ask_level(m, 2) && ask_vmx(m);
            loop_check(sound && machine_hash(m) == before, "seed %llu, moment %u", (unsigned long long)seed, moment);
        }
    }
    loop_end();
    ok(asked.views && asked.mapped && asked.faults, "views; walks that map and that do not: %u, %u, %u", asked.views,
       asked.mapped, asked.faults);
    ok(asked.exits && asked.rules && asked.events, "reasons of exits, rules of what exits, events: %u, %u, %u",
       asked.exits, asked.rules, asked.events);
    ok(asked.failures, "rules that failed at VM entries: %u", asked.failures);
    machine_free(m);
    return done_testing();
}

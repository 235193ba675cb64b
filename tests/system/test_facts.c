// The library explains itself, with nothing of the monitor's program: it is asked for views, walks, what exits, why
// something exited and failed, and what is known of the past, of random guests of a hypervisor. It changes nothing.
#include "cpu/state/model.h"
#include "devices/history/history.h"
#include "devices/irq/lapic.h"
#include "devices/irq/pic.h"
#include "monitor/causes/event.h"
#include "monitor/causes/exits.h"
#include "monitor/faults/fault.h"
#include "monitor/causes/virtual_apic.h"
#include "monitor/causes/waiting.h"
#include "monitor/vmcs/intercepts.h"
#include "monitor/vmcs/vmcs.h"
#include "monitor/explain/walk.h"
#include "tests/door.h"
#include "tests/system/random.h"
#include "tests/tap.h"
#include "vmx/vmcs/vmx.h"
#include <stdio.h>
#include <string.h>

enum { SEEDS = 150, MOMENTS = 20, STEPS = 97, FACTS = 32 };

static struct {
    unsigned views, mapped, faults, exits, failures, rules, events, exceptions, triples, undefined, wrong, counts;
} asked;

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

// --- exceptions ---

// The bits of an error code that hold are those that it has, of those that have a meaning.
static bool has_bits(const struct fact *facts, unsigned count, uint64_t code, uint64_t meaning) {
    uint64_t held = 0, seen = 0;
    for (unsigned i = 1; i < count; i++) {
        const struct fact_value *v = fact_value_named(&facts[i], "error code");
        if (!v || v->now != code || facts[i].because != 0) return false;
        seen |= v->mask;
        if (facts[i].holds) held |= v->mask & code;
    }
    return seen == meaning && held == (code & meaning);
}

// An exception is told by its row, with what was put down of it.
static bool ask_exception(const struct history_fault *fault) {
    struct fact facts[FACTS];
    unsigned count = fault_facts(fault, facts, FACTS);
    const struct fact_value *code = fact_value_named(&facts[0], "error code");
    bool sound = are_sound(facts, count) && facts[0].holds && code && code->now == fault->information;
    const bool about_segment = fault->vector >= VECTOR_TS && fault->vector <= VECTOR_GP;
    if (fault->vector == VECTOR_PF) sound &= has_bits(facts, count, fault->information, 0x3f);
    if (about_segment) sound &= has_bits(facts, count, fault->information, 0xffff);
    asked.exceptions++;
    return sound;
}

// The exceptions lead to each other, in the order in which they came.
static bool ask_triple(const struct history_cpu *past) {
    struct fact facts[FACTS];
    unsigned count = triple_facts(past, facts, FACTS);
    bool sound = count == past->chain_count + 1 && are_sound(facts, count);
    for (unsigned i = 1; sound && i < count; i++) sound = facts[i].because == (int)i - 1;
    asked.triples++;
    return sound;
}

// The registers of a view, as a fault that came up there would have them.
static void fault_from(struct history_fault *fault, const struct view *view) {
    memcpy(fault->gpr, view->gpr, sizeof fault->gpr);
    fault->rflags = view->rflags, fault->cr0 = view->cr0, fault->cr3 = view->cr3;
    fault->cr4 = view->cr4, fault->efer = view->efer;
    for (unsigned s = ES; s <= GS; s++) {
        fault->segment_base[s] = view->base[s];
        fault->segment_limit[s] = view->segment[s].limit;
        fault->segment_rights[s] = view->segment[s].rights;
    }
}

// An RDTSCP where the guest's next instruction is: an invalid opcode exactly as its control says.
static bool ask_invalid_opcode(struct machine *m) {
    static const uint8_t rdtscp[] = {0x0f, 0x01, 0xf9};
    uint8_t before[sizeof rdtscp];
    struct fact facts[FACTS];
    struct guest_rules guest;
    struct view view;
    char error[160];
    if (!view_of(m, 0, 1, machine_history(m), &view, error, sizeof error)) return true;
    uint64_t at = view_code_address(&view);
    struct history_fault fault = {.vector = VECTOR_UD, .level = 1, .rip = view.rip};
    fault_from(&fault, &view);
    if (view_read(&view, SPACE_LINEAR, at, before, sizeof before) != sizeof before) return true;
    if (!view_write(&view, SPACE_LINEAR, at, rdtscp, sizeof rdtscp)) return true;
    unsigned count = fault_cause_facts(&fault, &view, facts, FACTS);
    (void)view_write(&view, SPACE_LINEAR, at, before, sizeof before);
    if (!guest_rules_of(view.cpu, view.vmcs, &guest)) return false;
    bool undefined = !guest_control(&guest, GROUP_PROC2, PROC2_ENABLE_RDTSCP);
    asked.undefined += undefined;
    return are_sound(facts, count) && (fact_named(facts, count, "RDTSCP") != NULL) == undefined;
}

static bool ask_faults(struct machine *m) {
    const struct history_cpu *past = machine_history_cpu(m, 0);
    bool sound = ask_invalid_opcode(m);
    if (history_last_fault(past)) sound &= ask_exception(history_last_fault(past));
    if (past->has_triple) sound &= ask_triple(past);
    return sound;
}

static bool ask_made_up_faults(void) {
    const struct history_fault page = {.vector = VECTOR_PF, .information = 0x1b},
                               selector = {.vector = VECTOR_GP, .information = 0x12b};
    return ask_exception(&page) && ask_exception(&selector);
}

// --- events and exits ---

// Every event that is kept is told once, oldest first; the wrong ones are those whose fact does not hold.
static bool ask_events(const struct history *h) {
    struct event_search all = event_search(h, HISTORY_EVENTS, false), wrong = event_search(h, HISTORY_EVENTS, true),
                        last = event_search(h, 3, false);
    const struct history_event *e, *w = event_next(&wrong);
    uint64_t step = 0, told = 0, newest = 0;
    bool sound = true;
    while ((e = event_next(&all))) {
        const struct fact fact = event_fact(e);
        sound &= is_sound(&fact) && fact_value_named(&fact, "step")->now == e->step && e->step >= step;
        if (!fact.holds) sound &= w == e, w = event_next(&wrong), asked.wrong++;
        step = e->step, told++;
    }
    while (event_next(&last)) newest++;
    const uint64_t kept = h->events < HISTORY_EVENTS ? h->events : HISTORY_EVENTS;
    const struct history_event *lost = event_last_lost(h);
    return sound && !w && told == kept && newest == (kept < 3 ? kept : 3) && (!lost || lost->kind == EVENT_LOST);
}

// The guest goes without an event in three ways.
static bool ask_kinds(void) {
    bool sound = true;
    for (unsigned kind = 0; kind < EVENT_KINDS; kind++) {
        const struct history_event event = {.kind = (uint8_t)kind};
        const struct fact fact = event_fact(&event);
        bool wrong = kind == EVENT_REPLACES || kind == EVENT_LOST || kind == EVENT_TRIPLE;
        sound &= is_sound(&fact) && fact.section && fact.holds == !wrong;
    }
    return sound;
}

// The counters of a level add up, and a loop is told with what it is made of.
static bool ask_exit_counts(struct machine *m) {
    const struct cpu *cpu = machine_cpu(m, 0);
    const struct history_cpu *past = machine_history_cpu(m, 0);
    bool sound = true;
    for (unsigned level = 0; level < VMX_LEVELS; level++) {
        struct exit_total total = exit_total(cpu, level);
        struct exit_count c;
        struct fact facts[FACTS];
        for (unsigned reason = 0; exit_count_next(cpu, level, &reason, &c); asked.counts++) total.exits -= c.count;
        unsigned count = exit_loop_facts(cpu, past, level, facts, FACTS);
        sound &= !total.exits && (count > 0) == (past->loop[level].times >= 2) && are_sound(facts, count);
        for (unsigned i = 1; i < count; i++) sound &= facts[i].because == 0;
    }
    return sound;
}

static bool ask_made_up_loop(struct machine *m) {
    static struct history_cpu past;
    struct fact facts[FACTS];
    past.loop[1] = (struct history_loop){.exit = {.reason = EXIT_CPUID, .level = 1, .rip = 0x1234}, .times = 1};
    past.loop[1].exit.vmcs = vmx_current_vmcs(machine_cpu(m, 0));
    bool chance = exit_loop_facts(machine_cpu(m, 0), &past, 1, facts, FACTS) == 0;
    past.loop[1].times = 2;
    unsigned count = exit_loop_facts(machine_cpu(m, 0), &past, 1, facts, FACTS);
    return chance && count > 1 && are_sound(facts, count) && fact_value_named(&facts[0], "times")->now == 3 &&
           fact_value_named(&facts[0], "RIP")->now == 0x1234 && !strcmp(facts[1].rule, "CPUID");
}

// --- what waits ---

// The rules that hold of the first thing of a kind that waits, "a b c".
struct awaited {
    enum waiting_kind kind;
    bool found, sound;
    unsigned vector;
    char held[200];
};
static void await(void *context, const struct waiting *w) {
    struct awaited *a = context;
    a->sound &= w->count > 0 && are_sound(w->fact, w->count);
    if (w->kind != a->kind || a->found) return;
    a->found = true;
    a->vector = w->vector;
    for (unsigned i = 0; i < w->count; i++) {
        size_t used = strlen(a->held);
        if (w->fact[i].holds) snprintf(a->held + used, sizeof a->held - used, "%s ", w->fact[i].rule);
    }
}

// Whether that waits now, kept by these and nothing else.
static bool waits(struct machine *m, enum waiting_kind kind, unsigned vector, const char *held) {
    struct awaited a = {.kind = kind, .sound = true};
    bool any = waiting_search(m, 0, await, &a);
    if (!a.found || strcmp(a.held, held))
        diag("kind %d: %s, kept by: %s", (int)kind, a.found ? "waits" : "none", a.held);
    return any && a.found && a.sound && a.vector == vector && !strcmp(a.held, held);
}

static void *part_named(struct machine *m, const char *name) {
    struct machine_part part;
    for (unsigned i = 0; machine_part(m, i, &part); i++)
        if (!strcmp(part.name, name)) return part.object;
    bail("no part %s", name);
    return NULL;
}

static void ask_waiting(struct machine *m) {
    enum { VECTOR = 0x41 };
    alter_reset(m);
    struct cpu *cpu = m->cpu[0];
    struct lapic *l = part_named(m, "lapic");
    struct pic *pic = part_named(m, "pic");
    struct awaited none = {.sound = true};
    ok(!waiting_search(m, 0, await, &none), "nothing waits after a reset");
    l->irr[VECTOR / 32] |= BIT(VECTOR % 32);
    l->svr = 0x1ff;
    l->tpr = 0x50;
    l->isr[2] |= 1; // 40H
    ok(waits(m, WAITING_APIC, VECTOR, "task_priority in_service interrupts_off "), "what keeps an interrupt back");
    l->tpr = 0x30;
    l->isr[2] = 0;
    cpu->rflags |= FLAG_IF;
    ok(waits(m, WAITING_APIC, VECTOR, ""), "and what does not");
    pic->chip[0].irr = pic->chip[0].imr = 0x10;
    pic->chip[0].vector = 0x20;
    l->lvt[LVT_LINT0] |= LVT_MASKED;
    ok(waits(m, WAITING_PIC, 0x24, "pic_masked lint0_masked "), "an IRQ that the 8259A masks");
    cpu->boundary.pending |= PENDING_NMI;
    cpu->boundary.nmi_blocked = 1;
    ok(waits(m, WAITING_NMI, VECTOR_NMI, "nmi "), "an NMI that an NMI blocks");
}

static void ask_virtual_waiting(struct machine *m) {
    enum { PAGE = RANDOM_DATA, DESCRIPTOR = RANDOM_DATA + 0x800 };
    set_up(m, 0);
    struct cpu *cpu = m->cpu[0];
    uint64_t vmcs = vmx_current_vmcs(cpu);
    const struct {
        enum vmcs_field field;
        uint64_t value;
    } fields[] = {{FIELD_PIN_CONTROLS, BIT(PIN_POSTED_INTERRUPTS)},
                  {FIELD_PROC_CONTROLS, BIT(PROC_TPR_SHADOW) | BIT(PROC_ACTIVATE_SECONDARY)},
                  {FIELD_PROC2_CONTROLS, BIT(PROC2_VIRTUAL_INTERRUPTS)},
                  {FIELD_VIRTUAL_APIC_ADDRESS, PAGE},
                  {FIELD_POSTED_DESCRIPTOR, DESCRIPTOR},
                  {FIELD_GUEST_INTERRUPT_STATUS, 0x3125},
                  {FIELD_GUEST_RFLAGS, FLAG_IF},
                  {FIELD_GUEST_INTERRUPTIBILITY, 2}};
    for (unsigned i = 0; i < sizeof fields / sizeof *fields; i++)
        if (!vmx_vmcs_write(cpu, vmcs, fields[i].field, fields[i].value)) bail("vmx_vmcs_write");
    cpu->rflags |= FLAG_IF;
    uint8_t *page = memset(inside_ram(m, PAGE, 4096), 0, 4096), *descriptor = page + (DESCRIPTOR - PAGE);
    page[VIRTUAL_APIC_PPR] = 0x30;
    page[VIRTUAL_APIC_IRR + 0x10] = 1 << 5;
    descriptor[1] = 4; // vector 10
    bool runs = vmx_in_non_root(cpu);
    ok(waits(m, WAITING_VIRTUAL, 0x25, runs ? "virtual_priority " : "virtual_priority guest_mov_ss "),
       "a virtual interrupt below VPPR");
    page[VIRTUAL_APIC_PPR] = 0x10;
    (void)vmx_vmcs_write(cpu, vmcs, FIELD_GUEST_INTERRUPTIBILITY, 0);
    ok(waits(m, WAITING_VIRTUAL, 0x25, runs ? "" : "guest_enters "), "and one that nothing keeps but VM entry");
    ok(waits(m, WAITING_POSTED, 10, "not_outstanding "), "a posted interrupt that nobody was told of");
    descriptor[32] = 1;
    ok(waits(m, WAITING_POSTED, 10, "notification "), "and one whose notification is to come");
    page[VIRTUAL_APIC_IRR + 0x10] = 0;
    ok(waits(m, WAITING_REMARK, 0x25, "rvi_not_in_virr "), "RVI that VIRR does not have is remarked");
}

int main(void) {
    struct machine *m = new_machine();
    loop_begin("at %d moments of %d random guests every answer is sound, and asking changes nothing", MOMENTS, SEEDS);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        set_up(m, seed);
        for (unsigned moment = 0; moment < MOMENTS; moment++) {
            (void)machine_run(m, STEPS);
            uint64_t before = machine_hash(m);
            bool sound = ask_level(m, -1) && ask_level(m, 0) && ask_level(m, 1) && ask_level(m, 2) && ask_vmx(m) &&
                         ask_faults(m) && ask_events(machine_history(m)) && ask_exit_counts(m);
            loop_check(sound && machine_hash(m) == before, "seed %llu, moment %u", (unsigned long long)seed, moment);
        }
    }
    loop_end();
    ok(asked.views && asked.mapped && asked.faults, "views; walks that map and that do not: %u, %u, %u", asked.views,
       asked.mapped, asked.faults);
    ok(asked.exits && asked.rules && asked.events, "reasons of exits, rules of what exits, events: %u, %u, %u",
       asked.exits, asked.rules, asked.events);
    ok(asked.failures, "rules that failed at VM entries: %u", asked.failures);
    ok(asked.exceptions && asked.triples && asked.undefined, "exceptions, triple faults, invalid opcodes: %u, %u, %u",
       asked.exceptions, asked.triples, asked.undefined);
    ok(ask_made_up_faults(), "an error code is told bit by bit");
    ok(asked.wrong && asked.counts, "events that went wrong, counters of exits: %u, %u", asked.wrong, asked.counts);
    ok(ask_kinds(), "every kind of event is told, and three go wrong");
    ok(ask_made_up_loop(m), "the same exit three times without progress is a loop, twice is chance");
    ask_waiting(m);
    ask_virtual_waiting(m);
    machine_free(m);
    return done_testing();
}

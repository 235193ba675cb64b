// VMCS regions: used as memory while active, active on two processors, given another use without VMCLEAR. SDM Vol. 3C,
// 24.1, 24.11.1. A VMCS is active from VMPTRLD to VMCLEAR on that processor. Those of hypervisors that are guests are
// known by the VM exits of their VMPTRLD and VMCLEAR; what runs below them may use these regions as it likes.
// NOT IMPLEMENTED: a VMPTRLD of a guest that its hypervisor lets fail; pages that the hypervisor moves.
#include "monitor/report/guests.h"
#include "monitor/explain/walk.h"
#include "vmx/level/level.h"
#include <stdlib.h>

enum { REGIONS = 64 };
enum { VMLAUNCH_NOT_CLEAR = 4, VMRESUME_NOT_LAUNCHED = 5 }; // VM-instruction errors
enum launch_state { LAUNCH_UNKNOWN, LAUNCH_CLEAR, LAUNCH_TRIED, LAUNCH_DONE };

struct regions {
    uint64_t clock;
    struct region {
        uint64_t used; // when it was loaded last, for replacement; 0: free
        uint64_t pointer, physical;
        uint64_t active;    // BIT(processor_of)
        uint64_t step, rip; // of the last VMPTRLD
        uint32_t level, processor;
    } of[REGIONS];
    // Of hypervisors that are guests, what is known of the launch state; by level and pointer.
    struct launch {
        uint64_t key, state; // enum launch_state; key 0: free
    } launch[REGIONS];
    uint64_t guest[REGIONS]; // the processors that hypervisors have which are guests: guest_key, 0: free
    // no state
    unsigned top; // none is used from here on
    struct reports *reports;
    struct point point;
    struct follower follower;
};

static const struct state_field fields[] = {
    STATE_ONE(struct regions, clock),          STATE_EACH(struct regions, of, used),
    STATE_EACH(struct regions, of, pointer),   STATE_EACH(struct regions, of, physical),
    STATE_EACH(struct regions, of, active),    STATE_EACH(struct regions, of, step),
    STATE_EACH(struct regions, of, rip),       STATE_EACH_TO(struct regions, of, level, VMX_LEVELS - 1),
    STATE_EACH(struct regions, of, processor), STATE_EACH(struct regions, launch, key),
    STATE_EACH(struct regions, launch, state), STATE_ARRAY(struct regions, guest),
};
static bool loaded(const void *object) {
    struct regions *r = (struct regions *)(uintptr_t)object;
    r->top = REGIONS;
    while (r->top && !r->of[r->top - 1].used) r->top--;
    return true;
}
static const struct state_table table = STATE_TABLE("report regions", fields, loaded);

static struct machine *machine_of(const struct regions *r) { return r->reports->monitor->look.machine; }

static struct region *find(struct regions *r, unsigned level, uint64_t pointer) {
    for (unsigned i = 0; i < REGIONS; i++)
        if (r->of[i].used && r->of[i].level == level && r->of[i].pointer == pointer) return &r->of[i];
    return NULL;
}

// The one that is there, else a free one, else the one that was loaded longest ago.
static struct region *take(struct regions *r, unsigned level, uint64_t pointer) {
    struct region *g = find(r, level, pointer), *oldest = r->of;
    if (g) return g;
    for (unsigned i = 1; i < REGIONS; i++)
        if (r->of[i].used < oldest->used) oldest = &r->of[i];
    *oldest = (struct region){.level = level, .pointer = pointer};
    if (r->top <= (unsigned)(oldest - r->of)) r->top = (unsigned)(oldest - r->of) + 1;
    return oldest;
}

// Of the processors that hypervisors of this level have: those of a guest go from one of the machine's to another.
static unsigned processor_of(struct regions *r, const struct cpu *cpu, unsigned level) {
    const uint64_t key = level ? guest_key(cpu, level) : 0;
    unsigned place = (unsigned)(key >> 1) % REGIONS;
    for (unsigned i = 0; level && i < REGIONS; i++) {
        if (r->guest[i] == key) return i;
        if (!r->guest[i]) place = i;
    }
    if (level) r->guest[place] = key;
    return level ? place : (unsigned)cpu->id;
}

// As the processor looks at it; what a hypervisor wants of the regions of its guests is its own.
static bool is_region(struct machine *machine, uint64_t physical) {
    uint32_t revision = 0;
    return machine_read(machine, physical, &revision, sizeof revision) && (revision & ~BIT(31)) == vmx_revision();
}

static struct place region_place(const struct region *g) {
    return (struct place){.space = g->level ? PLACE_GUEST : PLACE_PHYSICAL,
                          .level = (uint8_t)g->level,
                          .bytes = 8,
                          .address = g->pointer};
}

static void add_beginning(struct report *report, const struct region *g) {
    if (!g->step) return;
    report->began = "VMPTRLD made it active";
    report->beginning =
        (struct report_moment){.step = g->step, .rip = g->rip, .processor = g->processor, .level = g->level};
}

// --- VMPTRLD, VMCLEAR, VMXON, VMXOFF ---

static void activate(struct regions *r, struct cpu *cpu, const struct sight *s, unsigned level, uint64_t pointer,
                     uint64_t physical) {
    if (!level && !is_region(machine_of(r), physical)) return;
    struct region *g = find(r, level, pointer);
    const uint64_t self = BIT(processor_of(r, cpu, level));
    if (g && g->physical != (physical & ~(PAGE_BYTES - 1))) g->active = 0; // another guest's, or it has moved
    if (g && g->active & ~self) {
        struct report report = report_at(cpu, RULE_vmcs_two_processors, s);
        report_value(&report, "VMCS pointer", region_place(g), pointer);
        report_value(&report, "active on processor", (struct place){0}, g->processor);
        report.same = pointer;
        add_beginning(&report, g);
        report_file(r->reports, cpu, &report);
    }
    g = take(r, level, pointer);
    const struct report_moment now = report_moment(cpu, s);
    if (!(g->active & self)) g->step = now.step, g->rip = now.rip, g->processor = now.processor;
    g->used = ++r->clock;
    g->physical = physical & ~(PAGE_BYTES - 1);
    bool anew = !g->active;
    g->active |= self;
    if (anew) machine_flag_page(machine_of(r), physical, PAGE_VMX, false);
    machine_flag_page(machine_of(r), physical, PAGE_VMX, true);
}

static void clear(struct regions *r, const struct cpu *cpu, unsigned level, uint64_t pointer) {
    struct region *g = find(r, level, pointer);
    if (!g || (g->active &= ~BIT(processor_of(r, cpu, level)))) return;
    *g = (struct region){0}; // its page keeps the flag until somebody uses it
}

static void clear_all(struct regions *r, const struct cpu *cpu, unsigned level) {
    for (unsigned i = 0; i < REGIONS; i++)
        if (r->of[i].used && r->of[i].level >= level) clear(r, cpu, r->of[i].level, r->of[i].pointer);
}

static void see_instruction(struct regions *r, struct cpu *cpu, const struct sight *s) {
    if (s->number == EXIT_VMPTRLD) activate(r, cpu, s, 0, s->physical, s->physical);
    if (s->number == EXIT_VMCLEAR) clear(r, cpu, 0, s->physical);
    if (s->number == EXIT_VMXON || s->number == EXIT_VMXOFF) clear_all(r, cpu, 0);
}

// --- VMLAUNCH and VMRESUME ---

static void file_launch(struct regions *r, struct cpu *cpu, const struct sight *s, uint64_t error, uint64_t pointer,
                        unsigned level) {
    struct report report = report_at(cpu, RULE_vmcs_launch_state, s);
    report_value(&report, "VM-instruction error", (struct place){0}, error);
    report_value(
        &report, "VMCS pointer",
        (struct place){
            .space = level ? PLACE_GUEST : PLACE_PHYSICAL, .level = (uint8_t)level, .bytes = 8, .address = pointer},
        pointer);
    report_file(r->reports, cpu, &report);
}

static struct launch *launch_of(struct regions *r, unsigned level, uint64_t pointer) {
    const uint64_t key = pointer | level;
    struct launch *l = &r->launch[(pointer >> PAGE_SHIFT) % REGIONS];
    for (unsigned i = 0; i < REGIONS; i++)
        if (r->launch[i].key == key) return &r->launch[i];
    for (unsigned i = 0; i < REGIONS && l->key; i++)
        if (!r->launch[i].key) l = &r->launch[i];
    *l = (struct launch){key, LAUNCH_UNKNOWN};
    return l;
}

// As its hypervisor will see it. A VMLAUNCH counts as done when the guest's guest has run.
static void see_guest_launch(struct regions *r, struct cpu *cpu, const struct sight *s, unsigned level) {
    struct vmx_level_info info;
    if (!vmx_level_info(cpu, level, &info) || info.current == VMX_NO_VMCS) return;
    struct launch *l = launch_of(r, level, info.current);
    if (s->number == EXIT_VMLAUNCH && l->state == LAUNCH_DONE)
        file_launch(r, cpu, s, VMLAUNCH_NOT_CLEAR, info.current, level);
    if (s->number == EXIT_VMRESUME && l->state == LAUNCH_CLEAR)
        file_launch(r, cpu, s, VMRESUME_NOT_LAUNCHED, info.current, level);
    if (s->number == EXIT_VMLAUNCH && l->state == LAUNCH_CLEAR) l->state = LAUNCH_TRIED;
}

static void see_entry(struct regions *r, const struct cpu *cpu, unsigned level) {
    struct vmx_level_info info;
    if (level < 2 || !vmx_level_info(cpu, level, &info)) return;
    struct launch *l = launch_of(r, level - 1, info.vmcs);
    if (l->state == LAUNCH_TRIED) l->state = LAUNCH_DONE;
}

// Of a guest that is a hypervisor: where its memory is, as long as the guest is still there.
static void see_exit(struct regions *r, struct cpu *cpu, const struct sight *s, unsigned level) {
    struct view view;
    uint64_t pointer = 0, physical = 0;
    if (s->number == EXIT_VMXON || s->number == EXIT_VMXOFF) clear_all(r, cpu, level);
    if (s->number == EXIT_VMLAUNCH || s->number == EXIT_VMRESUME) see_guest_launch(r, cpu, s, level);
    if ((s->number != EXIT_VMPTRLD && s->number != EXIT_VMCLEAR) || !level_operand(cpu, &pointer)) return;
    if (s->number == EXIT_VMCLEAR) {
        launch_of(r, level, pointer)->state = LAUNCH_CLEAR;
        clear(r, cpu, level, pointer);
        return;
    }
    struct look look = r->reports->monitor->look;
    look.processor = (unsigned)cpu->id;
    if (view_is_there(cpu, level) && view_make(&look, (int)level, &view) &&
        walk_guest_physical(&view, pointer, &physical))
        activate(r, cpu, s, level, pointer, physical);
}

static void see_failure(struct regions *r, struct cpu *cpu, const struct sight *s) {
    if (s->number == VMLAUNCH_NOT_CLEAR || s->number == VMRESUME_NOT_LAUNCHED)
        file_launch(r, cpu, s, s->number, s->physical, 0);
}

static void see(struct reports *reports, struct cpu *cpu, const struct sight *s, unsigned level) {
    struct regions *r = reports->data[REPORT_VMCS];
    if (s->kind == OBSERVE_VMX_INSTRUCTION) see_instruction(r, cpu, s);
    if (s->kind == OBSERVE_EXIT && level) see_exit(r, cpu, s, level);
    if (s->kind == OBSERVE_ENTRY) see_entry(r, cpu, level);
    if (s->kind == OBSERVE_FAILED_ENTRY) see_failure(r, cpu, s);
}

// --- accesses to the regions ---

static void file_use(struct regions *r, struct cpu *cpu, const struct region *g, const struct sight *s, bool other) {
    enum report_rule rule = other ? RULE_vmcs_page_reused : s->write ? RULE_vmcs_region_written : RULE_vmcs_region_read;
    struct report report = report_at(cpu, rule, s);
    report_value(&report, "VMCS pointer", region_place(g), g->pointer);
    report_value(&report, s->write ? "written" : "read",
                 (struct place){.space = PLACE_PHYSICAL, .bytes = s->size < 8 ? s->size : 8, .address = s->physical},
                 s->value);
    report.same = g->pointer;
    add_beginning(&report, g);
    report_file(r->reports, cpu, &report);
}

// What hypervisors do with the regions of their guests is not looked at.
static bool concerns(struct point *point, const struct cpu *cpu, uint64_t physical) {
    const struct regions *r = point->context;
    const unsigned level = cpu->wire.extension ? vmx_level(cpu) : 0;
    const uint64_t page = physical & ~(PAGE_BYTES - 1);
    bool known = false;
    for (unsigned i = 0; i < r->top; i++) {
        if (!r->of[i].used || r->of[i].physical != page) continue;
        known = true;
        if (level >= r->of[i].level) return true;
    }
    return !known;
}

static void hit(struct point *point, struct cpu *cpu, const struct sight *s) {
    struct regions *r = point->context;
    const unsigned level = cpu->wire.extension ? vmx_level(cpu) : 0;
    const bool device = s->linear == ~0ull && s->number == STORED_BY_DEVICE;
    bool known = false;
    if (s->linear == ~0ull && !device) return;
    for (unsigned i = 0; i < REGIONS; i++) {
        const struct region *g = &r->of[i];
        if (!g->used || g->physical != (s->physical & ~(PAGE_BYTES - 1))) continue;
        known = true;
        if (device || level > g->level)
            file_use(r, cpu, g, s, true);
        else if (level == g->level)
            file_use(r, cpu, g, s, false);
    }
    if (!known) machine_flag_page(machine_of(r), s->physical, PAGE_VMX, false);
}

// --- beginning and ending ---

static void begin_on(struct regions *r, const struct cpu *cpu) {
    struct vmx_kept kept;
    for (unsigned i = 0; vmx_kept(cpu, i, &kept); i++) {
        if (kept.pointer == VMX_NO_VMCS) continue;
        struct region *g = take(r, 0, kept.pointer);
        g->used = ++r->clock;
        g->physical = kept.pointer;
        g->active |= BIT(cpu->id);
        machine_flag_page(machine_of(r), kept.pointer, PAGE_VMX, true);
    }
}

static bool begin(struct reports *reports) {
    struct regions *r = calloc(1, sizeof *r);
    const struct cpu *cpu;
    if (!r) return false;
    reports->data[REPORT_VMCS] = r;
    r->reports = reports;
    r->point = (struct point){.address = PAGE_VMX,
                              .space = POINT_PAGES,
                              .access = POINT_READ | POINT_WRITE,
                              .follows = true,
                              .context = r,
                              .concerns = concerns,
                              .hit = hit};
    r->follower = (struct follower){.table = &table, .object = r};
    for (unsigned i = 0; (cpu = machine_cpu(machine_of(r), i)); i++)
        if (cpu->wire.extension) begin_on(r, cpu);
    machine_add_follower(machine_of(r), &r->follower);
    machine_add_point(machine_of(r), &r->point);
    return true;
}

static void end(struct reports *reports) {
    struct regions *r = reports->data[REPORT_VMCS];
    machine_remove_point(machine_of(r), &r->point);
    machine_remove_follower(machine_of(r), &r->follower);
    for (unsigned i = 0; i < REGIONS; i++)
        if (r->of[i].used) machine_flag_page(machine_of(r), r->of[i].physical, PAGE_VMX, false);
    free(r);
}

const struct detector detector_VMCS = {
    .wanted = BIT(OBSERVE_VMX_INSTRUCTION) | BIT(OBSERVE_EXIT) | BIT(OBSERVE_ENTRY) | BIT(OBSERVE_FAILED_ENTRY),
    .begin = begin,
    .see = see,
    .end = end,
};

// timeline: the past as a picture of fixed width, a row for each thing.
#include "devices/machine/machine_observe.h"
#include "monitor/drive/asking.h"
#include "monitor/drive/back.h"
#include "monitor/drive/marks.h"
#include "monitor/drive/moments.h"
#include "monitor/stops/stops.h"
#include "vmx/vmcs/vmx.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { COLUMNS = 64 };

struct picture {
    struct monitor *monitor;
    struct scan_span span;
    unsigned level[MACHINE_CPUS];         // that runs
    char levels[VMX_LEVELS][COLUMNS + 1]; // '#': it ran
    char checkpoints[COLUMNS + 1], inputs[COLUMNS + 1], resets[COLUMNS + 1], marks[COLUMNS + 1], stops[COLUMNS + 1],
        here[COLUMNS + 1];
    struct observer observer;
};

static unsigned column_of(const struct picture *p, uint64_t step) {
    uint64_t steps = p->span.to - p->span.from + 1;
    return (unsigned)((__uint128_t)(step - p->span.from) * COLUMNS / steps);
}

static void put(const struct picture *p, char *row, uint64_t step, char mark) {
    if (step >= p->span.from && step <= p->span.to) row[column_of(p, step)] = mark;
}

// --- which level ran ---

static void draw_level(struct picture *p, unsigned level, uint64_t from, uint64_t to) {
    for (unsigned i = column_of(p, from); i <= column_of(p, to); i++) p->levels[level][i] = '#';
}

static void see_switch(void *context, struct cpu *cpu, const struct sight *sight) {
    struct picture *p = context;
    uint64_t step = sight->step + cpu->wire.other_steps;
    if (step > p->span.to) return;
    if (step < p->span.from) step = p->span.from;
    p->level[cpu->id] = sight->kind == OBSERVE_EXIT ? 0 : vmx_level(cpu);
    draw_level(p, p->level[cpu->id], step, step);
}

// The levels that run on from column to column are drawn where each column begins.
static void draw_running(struct picture *p) {
    const struct cpu *cpu;
    uint64_t step = machine_steps(p->monitor->look.machine);
    if (step > p->span.to) return;
    for (unsigned i = 0; (cpu = machine_cpu(p->monitor->look.machine, i)); i++)
        draw_level(p, cpu->wire.extension ? vmx_level(cpu) : 0, step, step);
}

static bool draw_run(struct picture *p, struct timeline *t) {
    struct machine *m = p->monitor->look.machine;
    uint64_t now, width = (p->span.to - p->span.from) / COLUMNS / 2 + 1;
    enum machine_stop why = MACHINE_STEPS;
    p->observer = (struct observer){.wanted = BIT(OBSERVE_EXIT) | BIT(OBSERVE_ENTRY), .context = p, .see = see_switch};
    machine_add_observer(m, &p->observer);
    draw_running(p);
    while ((now = machine_steps(m)) < p->span.to && why != MACHINE_INTERRUPTED && !machine_stop_is_final(why)) {
        stops_begin(p->monitor);
        why = timeline_run(t, p->span.to - now < width ? p->span.to - now : width);
        draw_running(p);
        if (why == MACHINE_OBSERVED && stops_caught(p->monitor)) put(p, p->stops, machine_steps(m), '!');
        if (!timeline_in_past(t)) break;
    }
    stops_begin(p->monitor);
    machine_remove_observer(m, &p->observer);
    return why != MACHINE_INTERRUPTED && !machine_stop_is_final(why);
}

// --- what is known without ---

static void draw_marks(struct picture *p, const struct timeline *t) {
    struct position at;
    struct input input;
    for (unsigned i = 0; timeline_checkpoint(t, i, &at); i++) put(p, p->checkpoints, at.steps, '|');
    for (size_t i = 0; timeline_input(t, i, &input); i++)
        put(p, input.kind == INPUT_RESET ? p->resets : p->inputs, input.at.steps,
            input.kind == INPUT_RESET ? 'R' : '+');
    for (unsigned i = 0; mark_at(p->monitor, i, &at); i++) put(p, p->marks, at.steps, 'm');
    put(p, p->here, machine_steps(p->monitor->look.machine), '^');
}

static void blank(char *row) { memset(row, ' ', COLUMNS); }

static size_t row_length(const char *row) {
    size_t length = COLUMNS;
    while (length && row[length - 1] == ' ') length--;
    return length;
}

static void row_print(const struct picture *p, const char *name, const char *row) {
    if (row_length(row)) print(p->monitor, "%-12s %.*s\n", name, (int)row_length(row), row);
}

static void picture_print(const struct picture *p) {
    char name[24];
    print(p->monitor, "%-12s step %" PRIu64 " to step %" PRIu64 "\n", "", p->span.from, p->span.to);
    for (unsigned i = VMX_LEVELS; i--;) {
        snprintf(name, sizeof name, "level %u", i);
        row_print(p, name, p->levels[i]);
    }
    row_print(p, "checkpoints", p->checkpoints);
    row_print(p, "inputs", p->inputs);
    row_print(p, "resets", p->resets);
    row_print(p, "stops", p->stops);
    row_print(p, "marks", p->marks);
    row_print(p, "here", p->here);
}

bool command_timeline(struct monitor *monitor, const char *arguments) {
    struct picture p = {.monitor = monitor};
    struct asking asking;
    struct timeline *t = back_timeline(monitor);
    if (!t || !take_span(monitor, &arguments, &p.span)) return false;
    char *rows[] = {p.checkpoints, p.inputs, p.resets, p.marks, p.stops, p.here};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) blank(rows[i]);
    for (unsigned i = 0; i < VMX_LEVELS; i++) blank(p.levels[i]);
    draw_marks(&p, t);
    if (!asking_begin(monitor, p.span.from, &asking)) return false;
    bool drawn = draw_run(&p, t);
    bool back = asking_end(&asking);
    if (!drawn) return monitor_error(monitor, "interrupted");
    picture_print(&p);
    return back;
}

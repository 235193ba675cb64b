// Where the processor is: step, cycles, processor, level, VMCS, mode, and the instruction that comes next.
#include "monitor/show/where.h"
#include "devices/history/timeline.h"
#include "monitor/symbols/symbols.h"
#include "vmx/vmcs/vmx.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { BYTES_WIDTH = 20 };

void where_instruction(struct monitor *monitor, const struct view *view, const struct instruction *i,
                       const char *mark) {
    char name[160], bytes[2 * sizeof i->bytes * 2] = "";
    unsigned digits = view_code_bits(view) == 64 ? 16 : 8, length = i->length ? i->length : i->readable ? 1 : 0;
    for (unsigned b = 0; b < length; b++) snprintf(bytes + 2 * b, 3, "%02x", i->bytes[b]);
    symbols_name(monitor->look.symbols, (int)view->level, i->address, name, sizeof name);
    print(monitor, "%s%0*" PRIx64, mark, (int)digits, i->address);
    if (*name) print_in(monitor, YELLOW, " <%s>", name);
    print_in(monitor, DIM, "  %-*s", BYTES_WIDTH, bytes);
    print(monitor, "  %s\n", i->text);
}

void where_source(struct monitor *monitor, const struct source_place *place) {
    char text[200];
    print_in(monitor, GREEN, "%s:%u", place->shown, place->line);
    if (source_text(place, place->line, text, sizeof text)) print(monitor, "  %s", text + strspn(text, " "));
    print(monitor, "\n");
}

static void print_levels(struct monitor *monitor, const struct view *view) {
    print(monitor, "  level %u", view->level);
    if (view->source == VIEW_GUEST_AREA) print(monitor, " (waits in its VMCS)");
    if (view->source == VIEW_HOST_AREA) print(monitor, " (as the next VM exit loads it)");
    if (view->vmcs != VMX_NO_VMCS) print(monitor, "  VMCS %" PRIx64, view->vmcs);
}

static void tell_past(struct monitor *monitor) {
    const struct timeline *t = monitor->run->timeline;
    struct timeline_facts f;
    if (!t || (!timeline_in_past(t) && !timeline_expects(t))) return;
    timeline_facts(t, &f);
    print_in(monitor, CYAN, "  (%s: the end is step %" PRIu64 ")", timeline_in_past(t) ? "past" : "replay",
             f.end.steps);
}

static bool is_alteration(const struct input *input, uint64_t step) {
    struct input_row row;
    return input->at.steps == step && input_row(input->kind, &row) && !row.live;
}

// One step may be there twice: before and after what was done by hand at it.
static void tell_alteration(struct monitor *monitor) {
    const struct timeline *t = monitor->run->timeline;
    uint64_t step = machine_steps(monitor->look.machine);
    struct input input;
    const struct input *coming;
    size_t all = 0, to_come = 0;
    if (!t || (!timeline_in_past(t) && !timeline_expects(t))) return;
    for (size_t i = 0; timeline_input(t, i, &input); i++) all += is_alteration(&input, step);
    for (size_t i = 0; (coming = timeline_coming(t, i)) && coming->at.steps <= step; i++)
        to_come += is_alteration(coming, step);
    if (!all) return;
    print_in(monitor, CYAN,
             to_come == all ? "  (before the alteration here)"
             : to_come      ? "  (between the alterations here)"
                            : "  (after the alteration here)");
}

void where_print(struct monitor *monitor) {
    static const char *const activities[] = {"", "  halted", "  shut down", "  waits for SIPI"};
    struct view view;
    struct instruction instruction;
    struct source_place source;
    if (!view_make(&monitor->look, monitor->look.level, &view)) return;
    print_in(monitor, BOLD, "step %" PRIu64, machine_steps(monitor->look.machine));
    print(monitor, "  cycle %" PRIu64 "  cpu %u", machine_cycles(monitor->look.machine), monitor->look.processor);
    print_levels(monitor, &view);
    print(monitor, "  %s, CPL %u%s", view_mode(&view), view_cpl(&view), activities[view.cpu->boundary.activity & 3]);
    tell_past(monitor);
    tell_alteration(monitor);
    if (monitor->altered.count && monitor->altered.first_step <= machine_steps(monitor->look.machine))
        print_in(monitor, RED, "  (altered since step %" PRIu64 ")", monitor->altered.first_step);
    print(monitor, "\n");
    if (symbols_line(monitor->look.symbols, (int)view.level, view_code_address(&view), &source)) {
        print(monitor, "  ");
        where_source(monitor, &source);
    }
    disassemble(&monitor->look, &view, SPACE_LINEAR, view_code_address(&view), 0, &instruction);
    where_instruction(monitor, &view, &instruction, "  ");
}

bool command_where(struct monitor *monitor, const char *arguments) {
    (void)arguments;
    where_print(monitor);
    return true;
}

// What stops the guest; see stops.h.
#include "monitor/stops/stops.h"
#include "monitor/show/sight.h"
#include "vmx/vmcs/vmx.h"
#include "cpu/processor/observing.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct stops *stops_of(struct monitor *monitor) {
    if (!monitor->stops) monitor->stops = calloc(1, sizeof *monitor->stops);
    return monitor->stops;
}

// --- when something is seen ---

static unsigned level_of(const struct cpu *cpu) { return cpu->wire.extension ? vmx_level(cpu) : 0; }

// A condition that cannot be evaluated stops the guest, and says so.
static bool condition_holds(struct stop *stop, char *error, size_t error_size) {
    struct view view;
    uint64_t value;
    *error = '\0';
    if (!stop->condition || !view_make(&stop->monitor->look, -1, &view)) return true;
    return !expression_value(&stop->test, &view, &value, error, error_size) || value;
}

static bool passes(struct stop *stop, struct cpu *cpu, const struct sight *sight, char *error, size_t error_size) {
    struct look *look = &stop->monitor->look;
    struct stops *s = stop->monitor->stops;
    unsigned before = look->processor;
    s->seen = *sight;
    look->sight = &s->seen;
    look->in_sight = true;
    look->processor = cpu->id;
    bool holds = condition_holds(stop, error, error_size);
    look->processor = before;
    look->sight = s->count ? &s->caught[0].sight : NULL;
    look->in_sight = false;
    return holds;
}

static void count_hit(struct stop *stop, uint64_t step) {
    while (stop->hits < stop->hit.known && stop->hit.step[stop->hits] < step)
        stop->hits++; // passed, as one stood there
    uint64_t index = stop->hits++;
    if (index >= HITS_KEPT || index > stop->hit.known) return;
    if (index == stop->hit.room) {
        uint64_t room = 2 * stop->hit.room + 16, *more = realloc(stop->hit.step, room * sizeof *more);
        if (!more) return;
        stop->hit.step = more;
        stop->hit.room = room;
    }
    if (index < stop->hit.known && stop->hit.step[index] == step) return; // gone through once more
    stop->hit.step[index] = step;
    stop->hit.known = index + 1;
}

// A stop's point or kind of sight came by: does it stop the guest?
static void consider(struct stop *stop, struct cpu *cpu, const struct sight *sight) {
    struct stops *s = stop->monitor->stops;
    struct caught *c = &s->caught[s->count];
    if (!stop->enabled || s->count == STOPS_AT_ONCE) return;
    if (stop->level >= 0 && (unsigned)stop->level != level_of(cpu)) return;
    if (!passes(stop, cpu, sight, c->error, sizeof c->error)) return;
    if (!s->looking_back) count_hit(stop, sight->step + cpu->wire.other_steps);
    if (!s->looking_back && stop->ignore) {
        stop->ignore--;
        return;
    }
    c->stop = stop;
    c->value = stop->of[cpu->id].value;
    c->old = stop->of[cpu->id].old;
    c->sight = *sight;
    c->processor = cpu->id;
    c->level = level_of(cpu);
    stop->monitor->look.sight = &s->caught[0].sight;
    s->count++;
    cpu_stop(cpu);
}

static void point_hit(struct point *point, struct cpu *cpu, const struct sight *sight) {
    consider(point->context, cpu, sight);
}

static void see(void *context, struct cpu *cpu, const struct sight *sight) {
    struct stops *s = context;
    for (struct stop *stop = s->first; stop; stop = stop->next)
        if (stop->enabled && stop->wanted & BIT(sight->kind) && (!stop->filter || stop->filter(stop, cpu, sight)))
            consider(stop, cpu, sight);
}

// --- the list ---

struct stop *stop_new(struct monitor *monitor, const char *title) {
    struct stops *s = stops_of(monitor);
    struct stop *stop = s ? calloc(1, sizeof *stop) : NULL;
    if (!stop) {
        monitor_error(monitor, "not enough memory");
        return NULL;
    }
    stop->monitor = monitor;
    stop->level = -1;
    snprintf(stop->title, sizeof stop->title, "%s", title);
    return stop;
}

void stop_discard(struct stop *stop) {
    for (unsigned i = 0; i < stop->commands; i++) free(stop->command[i]);
    free(stop->condition);
    free(stop->hit.step);
    free(stop);
}

// What the observer wants follows from the stops that are enabled.
static void observer_update(struct monitor *monitor) {
    struct stops *s = monitor->stops;
    uint64_t wanted = 0;
    for (const struct stop *stop = s->first; stop; stop = stop->next) wanted |= stop->enabled ? stop->wanted : 0;
    s->observer.wanted = wanted;
    s->observer.context = s;
    s->observer.see = see;
    if (wanted && !s->observing)
        machine_add_observer(monitor->look.machine, &s->observer);
    else if (!wanted && s->observing)
        machine_remove_observer(monitor->look.machine, &s->observer);
    else if (wanted)
        machine_observers_changed(monitor->look.machine);
    s->observing = wanted;
}

void stop_enable(struct monitor *monitor, struct stop *stop, bool on) {
    if (stop->enabled == on) return;
    stop->enabled = on;
    if (on) stop_watch_begin(stop);
    if (stop->has_point) {
        if (on)
            machine_add_point(monitor->look.machine, &stop->point);
        else
            machine_remove_point(monitor->look.machine, &stop->point);
    }
    observer_update(monitor);
}

bool stop_install(struct monitor *monitor, struct stop *stop, const char *arguments) {
    struct stops *s = monitor->stops;
    const char *text = arguments + strspn(arguments, " \t");
    if (strncmp(text, "if", 2) == 0 && strchr(" \t(", text[2])) {
        text += 2 + strspn(text + 2, " \t");
        stop->condition = strdup(text);
        if (!expression_compile(&monitor->look, &text, &stop->test)) {
            stop_discard(stop);
            return false;
        }
    }
    if (!take_end(&monitor->look, text)) {
        stop_discard(stop);
        return false;
    }
    struct stop **end = &s->first;
    while (*end) end = &(*end)->next;
    *end = stop;
    stop->number = ++s->numbers;
    stop->point.context = stop;
    stop->point.hit = point_hit;
    stop_enable(monitor, stop, true);
    stop_describe(monitor, stop);
    return true;
}

void stop_delete(struct monitor *monitor, struct stop *stop) {
    struct stops *s = monitor->stops;
    stop_enable(monitor, stop, false);
    struct stop **at = &s->first;
    while (*at != stop) at = &(*at)->next;
    *at = stop->next;
    for (unsigned i = 0; i < s->count; i++)
        if (s->caught[i].stop == stop) s->caught[i].stop = NULL;
    observer_update(monitor);
    stop_discard(stop);
}

void stops_free(struct monitor *monitor) {
    while (monitor->stops && monitor->stops->first) stop_delete(monitor, monitor->stops->first);
    free(monitor->stops);
    monitor->stops = NULL;
    monitor->look.sight = NULL;
}

struct stop *stop_find(struct monitor *monitor, uint64_t number) {
    struct stop *stop = monitor->stops ? monitor->stops->first : NULL;
    while (stop && stop->number != number) stop = stop->next;
    if (!stop) monitor_error(monitor, "there is no breakpoint %" PRIu64 " (info breakpoints lists them)", number);
    return stop;
}

void stop_describe(struct monitor *monitor, const struct stop *stop) {
    print(monitor, "%-4u %-3s  %s", stop->number, stop->enabled ? "on" : "off", stop->title);
    if (stop->level >= 0) print(monitor, "  level %d", stop->level);
    if (stop->condition) print(monitor, "  if %s", stop->condition);
    if (stop->once) print(monitor, "  once");
    if (stop->ignore) print(monitor, "  ignoring the next %" PRIu64, stop->ignore);
    if (stop->hits) print(monitor, "  hit %" PRIu64 " time%s", stop->hits, stop->hits == 1 ? "" : "s");
    print(monitor, "\n");
    for (unsigned i = 0; i < stop->commands; i++) print(monitor, "          %s\n", stop->command[i]);
}

// --- around a run ---

void stops_begin(struct monitor *monitor) {
    struct stops *s = monitor->stops;
    if (!s) return;
    s->count = 0;
    monitor->look.sight = NULL;
}

bool stops_caught(const struct monitor *monitor) { return monitor->stops && monitor->stops->count; }

// --- in the past ---

void stops_stand(struct monitor *monitor) {
    for (struct stop *stop = monitor->stops ? monitor->stops->first : NULL; stop; stop = stop->next)
        stop_watch_begin(stop);
}

void stops_moved(struct monitor *monitor) {
    for (struct stop *stop = monitor->stops ? monitor->stops->first : NULL; stop; stop = stop->next)
        stop->hit.known = 0;
    stops_stand(monitor);
}

void stops_branch(struct monitor *monitor) {
    for (struct stop *stop = monitor->stops ? monitor->stops->first : NULL; stop; stop = stop->next)
        if (stop->hit.known > stop->hits) stop->hit.known = stop->hits;
}

void stops_look_back(struct monitor *monitor, bool on) {
    if (monitor->stops) monitor->stops->looking_back = on;
    if (!on) stops_stand(monitor);
}

static bool is_caught(const struct stops *s, const struct stop *stop) {
    for (unsigned i = 0; i < s->count; i++)
        if (s->caught[i].stop == stop) return true;
    return false;
}

// Of a stop with more hits than are kept, those after the last one that is kept are not known apart.
void stops_recount(struct monitor *monitor) {
    struct stops *s = monitor->stops;
    uint64_t now = machine_steps(monitor->look.machine);
    for (struct stop *stop = s ? s->first : NULL; stop; stop = stop->next) {
        uint64_t hits = 0, end = now + is_caught(s, stop);
        while (hits < stop->hit.known && stop->hit.step[hits] < end) hits++;
        if (hits < HITS_KEPT) stop->hits = hits;
    }
}

void stops_pass_none(struct monitor *monitor) {
    for (struct stop *stop = monitor->stops ? monitor->stops->first : NULL; stop; stop = stop->next) {
        stop->ignore += stop->passed;
        stop->passed = 0;
    }
}

bool stops_let_pass(struct monitor *monitor) {
    struct stops *s = monitor->stops;
    unsigned left = 0;
    for (unsigned i = 0; i < s->count; i++) {
        struct stop *stop = s->caught[i].stop;
        if (stop->ignore)
            stop->ignore--, stop->passed++;
        else
            s->caught[left++] = s->caught[i];
    }
    s->count = left;
    monitor->look.sight = left ? &s->caught[0].sight : NULL;
    return !left;
}

static void print_title(struct monitor *monitor, const struct stop *stop) {
    print_in(monitor, CYAN, "%u: %s", stop->number, stop->title);
    if (stop->condition) print_in(monitor, CYAN, " if %s", stop->condition);
    print(monitor, "\n");
}

void stops_report(struct monitor *monitor) {
    struct stops *s = monitor->stops;
    for (unsigned i = 0; s && i < s->count; i++) {
        const struct caught *c = &s->caught[i];
        if (!i) monitor->look.processor = c->processor;
        if (c->stop) print_title(monitor, c->stop);
        if (c->error[0]) monitor_error(monitor, "its condition has no value: %s", c->error);
        if (c->stop && c->sight.kind == OBSERVE_INSTRUCTION)
            print(monitor, "0x%" PRIx64 " becomes 0x%" PRIx64 "\n", c->old, c->value);
        if (c->sight.kind != OBSERVE_BREAKPOINT) sight_print(&monitor->look, &c->sight, c->level);
    }
}

void stops_spend(struct monitor *monitor) {
    struct stops *s = monitor->stops;
    for (unsigned i = 0; s && i < s->count; i++)
        if (s->caught[i].stop && s->caught[i].stop->once) stop_delete(monitor, s->caught[i].stop);
}

// One of them may delete another, or itself; continue ends a list.
static void carry_out_list(struct monitor *monitor, const struct caught *c) {
    for (unsigned i = 0; c->stop && i < c->stop->commands && !monitor->letting_go.go_on && !monitor->prompt.leave; i++)
        if (!monitor->carry_out(monitor, c->stop->command[i])) break;
}

bool stops_carry_out(struct monitor *monitor) {
    struct stops *s = monitor->stops;
    bool go_on = false;
    monitor->letting_go.in_list = true;
    for (unsigned i = 0; s && i < s->count; i++) {
        monitor->letting_go.go_on = false;
        carry_out_list(monitor, &s->caught[i]);
        go_on |= monitor->letting_go.go_on;
    }
    monitor->letting_go.in_list = false;
    stops_spend(monitor);
    return go_on;
}

// Observers and points of a machine; memory through page tables. See machine_observe.h.
#include "devices/machine/machine_observe.h"
#include "cpu/memory/peek.h"
#include "cpu/memory/tlb.h"
#include "devices/machine/machine_private.h"
#include "cpu/processor/observing.h"

void machine_observers_changed(struct machine *m) {
    for (unsigned i = 0; i < m->config.cpus; i++) cpu_observe(m->cpu[i], m->observers);
}

void machine_add_observer(struct machine *m, struct observer *observer) {
    struct observer **at = &m->observers;
    while (*at && (observer->follows || !(*at)->follows)) at = &(*at)->next;
    observer->next = *at;
    *at = observer;
    machine_observers_changed(m);
}

void machine_remove_observer(struct machine *m, struct observer *observer) {
    struct observer **at = &m->observers;
    while (*at && *at != observer) at = &(*at)->next;
    if (*at) *at = observer->next;
    machine_observers_changed(m);
}

static void points_changed(struct machine *m) {
    for (unsigned i = 0; i < m->config.cpus; i++) cpu_set_points(m->cpu[i], m->points);
}

void machine_add_point(struct machine *m, struct point *point) {
    struct point **at = &m->points;
    while (*at && (point->follows || !(*at)->follows)) at = &(*at)->next;
    point->next = *at;
    *at = point;
    points_changed(m);
}

void machine_remove_point(struct machine *m, struct point *point) {
    struct point **at = &m->points;
    while (*at && *at != point) at = &(*at)->next;
    if (*at) *at = point->next;
    points_changed(m);
}

void machine_flag_page(struct machine *m, uint64_t physical, unsigned flag, bool on) {
    pages_flag(&m->memory.pages, physical, (enum page_flag)flag, on);
}

void machine_drop_linear(struct machine *m, uint64_t linear) {
    for (unsigned i = 0; i < m->config.cpus; i++) tlb_drop_fast_linear(m->cpu[i], linear);
}

void machine_drop_quick(struct machine *m, unsigned cpu) { tlb_drop_fast(m->cpu[cpu]); }

// --- stops ---

enum machine_stop machine_observed(struct machine *m, struct cpu *cpu) {
    cpu->observation.stop = STOPPING_NO;
    for (unsigned i = 0; i < m->config.cpus; i++)
        if (m->cpu[i] == cpu) m->observed_cpu = i;
    return MACHINE_OBSERVED;
}

unsigned machine_observed_cpu(const struct machine *m) { return m->observed_cpu; }
unsigned machine_turn(const struct machine *m) { return m->config.cpus > 1 ? m->turns.processor : 0; }

void machine_pass_points(struct machine *m, unsigned cpu) { cpu_pass(m->cpu[cpu]); }

bool machine_held(const struct machine *m) {
    for (unsigned i = 0; i < m->config.cpus; i++)
        if (m->cpu[i]->boundary.held_step == m->cpu[i]->time.steps) return true;
    return false;
}

// --- memory ---

bool machine_read_through(struct machine *m, const struct peek_roots *roots, uint64_t linear, void *to, size_t length) {
    uint8_t *bytes = to;
    while (length) {
        uint64_t physical = 0, room = MEMORY_PAGE - linear % MEMORY_PAGE;
        size_t n = length < room ? length : room;
        if (!peek_physical(m->cpu[0], roots, linear, &physical) || !machine_read(m, physical, bytes, n)) return false;
        linear += n, bytes += n, length -= n;
    }
    return true;
}

bool machine_read_linear(struct machine *m, unsigned cpu, uint64_t linear, void *to, size_t length) {
    struct peek_roots roots = peek_current(m->cpu[cpu]);
    return machine_read_through(m, &roots, linear, to, length);
}

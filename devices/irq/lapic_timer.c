// The local APIC timer: one-shot, periodic and TSC-deadline mode. SDM Vol. 3A, 10.5.4.
//
// The divider runs freely from cycle 0: the count goes down at the ticks of (crystal frequency / divisor), and its
// value is a function of the ticks since it was loaded. A masked timer fires nothing, so it needs no event.
#include "devices/irq/lapic.h"
#include "cpu/state/cpu.h"

static uint32_t mode(const struct lapic *l) { return l->lvt[LVT_TIMER] & (uint32_t)LVT_TIMER_MODE; }
static bool masked(const struct lapic *l) { return l->lvt[LVT_TIMER] & LVT_MASKED; }
static bool deadline_mode(const struct lapic *l) { return mode(l) == LVT_TIMER_TSC_DEADLINE; }

// Figure 10-10: bits 3, 1 and 0; 111 divides by 1.
static uint32_t divisor(const struct lapic *l) {
    unsigned value = (l->timer_divide & 3) | (l->timer_divide >> 1 & 4);
    return value == 7 ? 1 : 2u << value;
}

static uint64_t tick_at(const struct lapic *l, uint64_t cycle) {
    return clock_ticks(l->clock, cycle, l->timer_hz, divisor(l));
}
static uint64_t now_tick(const struct lapic *l) { return tick_at(l, clock_local(l->clock)); }
static uint64_t tsc(const struct lapic *l) { return clock_local(l->clock) + l->cpu->time.tsc_base; }

// Ticks of the present count that are left.
static uint64_t left(const struct lapic *l, uint64_t tick) {
    if (!l->timer_counting) return 0;
    uint64_t elapsed = tick - l->timer_start;
    if (mode(l) == LVT_TIMER_PERIODIC) return l->timer_initial - elapsed % l->timer_initial;
    return elapsed < l->timer_initial ? l->timer_initial - elapsed : 0;
}

uint32_t lapic_timer_current(const struct lapic *l) { return deadline_mode(l) ? 0 : (uint32_t)left(l, now_tick(l)); }

static void arm_count(struct lapic *l) {
    uint64_t tick = now_tick(l), ticks = left(l, tick);
    if (ticks == 0)
        clock_disarm(l->clock, l->timer);
    else
        clock_arm(l->clock, l->timer, clock_cycle_of_tick(l->clock, tick + ticks, l->timer_hz, divisor(l)));
}

static void fire_deadline(struct lapic *l) {
    l->tsc_deadline = 0;
    lapic_local_interrupt(l, LVT_TIMER);
}

// So many cycles later. What is beyond all cycles is beyond the end of time, too: it does not come, but it is waited
// for.
static uint64_t later(uint64_t now, uint64_t cycles) {
    return cycles < CLOCK_NEVER - 1 - now ? now + cycles : CLOCK_NEVER - 1;
}

static void arm_deadline(struct lapic *l) {
    l->tsc_base_seen = l->cpu->time.tsc_base;
    clock_disarm(l->clock, l->timer);
    if (l->tsc_deadline == 0) return;
    uint64_t now = tsc(l);
    if (now >= l->tsc_deadline)
        fire_deadline(l);
    else
        clock_arm(l->clock, l->timer, later(clock_local(l->clock), l->tsc_deadline - now));
}

static void arm(struct lapic *l) {
    if (deadline_mode(l))
        arm_deadline(l);
    else if (masked(l))
        clock_disarm(l->clock, l->timer);
    else
        arm_count(l);
}

static void fire(void *chip) {
    struct lapic *l = chip;
    if (deadline_mode(l)) {
        arm_deadline(l);
        return;
    }
    if (mode(l) != LVT_TIMER_PERIODIC) l->timer_counting = 0;
    lapic_local_interrupt(l, LVT_TIMER);
    arm(l);
}

// With several processors a timer's event comes at the end of the round. What looks at the timer before that, or
// changes it, comes after it.
void lapic_timer_due(struct lapic *l) {
    if (l->clock->deadline[l->timer] > clock_local(l->clock)) return;
    clock_disarm(l->clock, l->timer);
    fire(l);
}

// "The timer is disarmed by a change between TSC-deadline mode and the others"; one-shot and periodic go on counting.
void lapic_timer_lvt(struct lapic *l, uint32_t old) {
    bool was_deadline = (old & LVT_TIMER_MODE) == LVT_TIMER_TSC_DEADLINE;
    if (was_deadline != deadline_mode(l)) {
        l->timer_counting = 0;
        l->timer_initial = 0;
        l->tsc_deadline = 0;
    } else if (l->timer_counting && (old & LVT_TIMER_MODE) != mode(l) && mode(l) != LVT_TIMER_PERIODIC) {
        // From periodic to one-shot: the period in progress is the last one.
        uint64_t tick = now_tick(l), elapsed = tick - l->timer_start;
        l->timer_start = tick - elapsed % l->timer_initial;
    } else if (l->timer_counting && !(old & LVT_TIMER_PERIODIC) && now_tick(l) - l->timer_start >= l->timer_initial) {
        l->timer_counting = 0; // ran out while masked
    }
    arm(l);
}

void lapic_timer_set_initial(struct lapic *l, uint32_t value) {
    if (deadline_mode(l)) return; // "writes to the initial-count register are ignored"
    l->timer_initial = value;
    l->timer_counting = value != 0;
    l->timer_start = now_tick(l);
    arm(l);
}

void lapic_timer_set_divide(struct lapic *l, uint32_t value) {
    uint64_t ticks = left(l, now_tick(l));
    l->timer_divide = value & 11;
    l->timer_start = now_tick(l) - (l->timer_initial - ticks);
    arm(l);
}

uint64_t lapic_tsc_deadline(const struct lapic *l) { return deadline_mode(l) ? l->tsc_deadline : 0; }

void lapic_set_tsc_deadline(struct lapic *l, uint64_t value) {
    lapic_timer_due(l);
    if (!deadline_mode(l)) return;
    l->tsc_deadline = value;
    arm_deadline(l);
}

void lapic_tsc_changed(struct lapic *l) {
    if (deadline_mode(l) && l->tsc_base_seen != l->cpu->time.tsc_base) arm_deadline(l);
}

void lapic_timer_loaded(struct lapic *l) { l->tsc_base_seen = l->cpu->time.tsc_base; }

void lapic_timer_reset(struct lapic *l) {
    l->timer_initial = l->timer_divide = 0;
    l->timer_start = 0;
    l->timer_counting = 0;
    l->tsc_deadline = 0;
    clock_disarm(l->clock, l->timer);
}

void lapic_timer_init(struct lapic *l) { l->timer = clock_timer_new(l->clock, fire, l); }

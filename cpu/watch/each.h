// Looking at a processor at the first moment of each step, before anything else comes there: every value is what it is
// for who runs one step and looks. An observer of a kind of its own, for a machine with one processor; the machine
// tells it too, where it has something to do at a step.
#ifndef CPU_EACH_H
#define CPU_EACH_H
#include "cpu/watch/observe.h"

#define OBSERVE_EACH_STEP BIT(63) // among what an observer wants

struct each_step {
    struct observer observer;    // wanted: OBSERVE_EACH_STEP alone
    bool (*each)(void *context); // true: the run stops there, with RUN_STOPPED
    void *context;
    uint64_t step; // of which it was told
};

ALWAYS_INLINE bool each_step_wanted(const struct cpu *cpu) {
    return unlikely(cpu->observation.wanted & OBSERVE_EACH_STEP);
}

// Tells of the present step, unless that was done.
static inline bool each_step_tell(struct cpu *cpu) {
    struct observer *o = cpu->observation.observers;
    while (!(o->wanted & OBSERVE_EACH_STEP)) o = o->next;
    struct each_step *e = (struct each_step *)o;
    if (e->step == cpu->time.steps) return false;
    e->step = cpu->time.steps;
    return e->each(e->context);
}

#endif

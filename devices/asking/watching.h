// Going through a span of the past with an eye on one value. Private to devices/asking.
#ifndef DEVICES_ASKING_WATCHING_H
#define DEVICES_ASKING_WATCHING_H
#include "devices/asking/scan.h"
#include "cpu/watch/observe.h"
#include "devices/history/timeline_private.h"

#define SWITCHES (BIT(OBSERVE_EXIT) | BIT(OBSERVE_ENTRY) | BIT(OBSERVE_FAILED_ENTRY))
#define FIELD_SIGHTS (SWITCHES | BIT(OBSERVE_VMWRITE) | BIT(OBSERVE_VMX_INSTRUCTION))
#define MSR_SIGHTS (SWITCHES | BIT(OBSERVE_MSR_WRITE) | BIT(OBSERVE_CONTROL_REGISTER))
#define EVENT_SIGHTS (BIT(OBSERVE_EXCEPTION) | BIT(OBSERVE_INTERRUPT) | BIT(OBSERVE_EVENT_INJECTED))

// How a change is noticed. By stores to memory, at nearly the speed of a free run; by what can be seen of VT-x, MSRs
// and control registers, where nothing else changes the value; else by comparing after each step.
enum noticing { NOTICE_STORES, NOTICE_SIGHTS, NOTICE_STEPS };

struct watching {
    struct timeline *t;
    const struct place *place;
    enum noticing how;
    uint64_t sights; // BIT(enum observe)
    bool stores;     // also of an equal value
    // what was found
    bool found;
    uint64_t step;   // after about so many steps,
    uint64_t before; // or so many: an input came between a store and the first look at what became of it
    // while it goes on
    uint64_t value, stored_step;
    bool stored;
    int stored_by;
    struct point point;
    struct observer observer;
};

void watching_prepare(struct watching *w, struct timeline *t, const struct place *place, bool stores);
// From where the machine is to a position: the last change is noted, to within a step or two. False: *wrong says why
// not.
bool watching_span(struct watching *w, const struct position *end, const char **wrong);
// Each change among the steps of [from, to), in order; false of `one` ends it.
enum search watching_each(struct watching *w, uint64_t from, uint64_t to, scan_change_fn *one, void *context,
                          const char **wrong);
// The last change among the steps of [from, to), exactly.
enum search watching_steps(struct watching *w, uint64_t from, uint64_t to, struct change *out, const char **wrong);

void watching_note_beginning(struct timeline *t, struct change *c); // who is about to do a step
bool watching_one_step(struct timeline *t, const char **wrong);     // whatever stops on the way to its end
// On to the first position of each step up to `to`: `each` is called there; true ends it. False: *wrong.
bool watching_go_on(struct timeline *t, uint64_t to, bool (*each)(void *context), void *context, const char **wrong);

#endif

// Going through a span of the past from its beginning to its end: each change of a value, or the moments at which
// something holds. A moment here is the first position at a step.
#ifndef DEVICES_ASKING_SCAN_H
#define DEVICES_ASKING_SCAN_H
#include "devices/asking/change.h"

struct scan_span {
    uint64_t from, to; // changes by the steps of [from, to); moments from `from` to `to`
};

// Calls for each change, in order; false ends the scan. Where the machine stands then is not said. SEARCH_FOUND: there
// was one.
typedef bool scan_change_fn(void *context, const struct change *change);
enum search timeline_values(struct timeline *timeline, const struct place *place, struct scan_span span,
                            scan_change_fn *one, void *context, const char **wrong);

// What is asked of each moment. With `sights` (BIT(enum observe)) or `memory` it only becomes true or false where one of
// these is seen, or one of these places is stored to; without either it may do so at any step.
// `copy` and `done`: the same of another machine that goes through the same past, for a worker
// (timeline_set_side_by_side). `copy` makes the context, or gives NULL, `done` ends it; both on threads. NULL: nothing
// is done side by side.
enum { SCAN_MEMORIES = 8 };
struct scan_test {
    bool (*holds)(void *context);
    void *context;
    uint64_t sights;
    const struct place *memory; // PLACE_PHYSICAL, at most SCAN_MEMORIES of them
    unsigned memories;
    void *(*copy)(void *context, struct machine *machine);
    void (*done)(void *context, void *copy);
};
static inline bool scan_test_is_seen(const struct scan_test *test) { return test->sights || test->memories; }
// The first or the last moment of the span at which it holds, and the machine goes there.
enum search timeline_first(struct timeline *timeline, const struct scan_test *test, struct scan_span span,
                           uint64_t *step, const char **wrong);
enum search timeline_last(struct timeline *timeline, const struct scan_test *test, struct scan_span span,
                          uint64_t *step, const char **wrong);

// A value without one place, like a register of a level: it is read at each moment. False: it is not there, and counts
// as what it was last. `sights`: what must be seen for it to change from this moment on; 0: it may at any step.
struct scan_value {
    bool (*read)(void *context, uint64_t *value);
    uint64_t (*sights)(void *context);
    void *context;
    void *(*copy)(void *context, struct machine *machine); // as in struct scan_test
    void (*done)(void *context, void *copy);
};
enum search timeline_values_read(struct timeline *timeline, const struct scan_value *value, struct scan_span span,
                                 scan_change_fn *one, void *context, const char **wrong);
// The last change before the present, as timeline_changed.
enum search timeline_changed_read(struct timeline *timeline, const struct scan_value *value, struct change *out,
                                  const char **wrong);

// What is seen where the value of a place changes; 0: it may change at any step.
uint64_t place_sights(const struct machine *machine, const struct place *place);

#endif

// Going through spans, by one machine (scan.c), and by several side by side where there are threads (side.c). Private
// to devices/asking.
#ifndef DEVICES_ASKING_SCANNING_H
#define DEVICES_ASKING_SCANNING_H
#include "devices/asking/watching.h"

// A value that comes and goes: the last one that was there.
struct scan_known {
    bool known;
    uint64_t value;
};

// As timeline_values, timeline_first or timeline_last, and timeline_values_read, without onlookers. The last one leaves
// what the value was at the end.
enum search scanning_values(struct timeline *t, const struct place *place, struct scan_span span, scan_change_fn *one,
                            void *context, const char **wrong);
enum search scanning_moments(struct timeline *t, const struct scan_test *test, struct scan_span span, bool last,
                             uint64_t *step, const char **wrong);
enum search scanning_moving(struct timeline *t, const struct scan_value *value, struct scan_span span,
                            struct scan_known *last, scan_change_fn *one, void *context, const char **wrong);

// The same, the beginning by one machine, and what is longer by several, if there are any.
enum search side_values(struct timeline *t, const struct place *place, struct scan_span span, scan_change_fn *one,
                        void *context, const char **wrong);
enum search side_moments(struct timeline *t, const struct scan_test *test, struct scan_span span, bool last,
                         uint64_t *step, const char **wrong);
enum search side_moving(struct timeline *t, const struct scan_value *value, struct scan_span span, scan_change_fn *one,
                        void *context, const char **wrong);

#endif

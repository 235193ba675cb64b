// What a question over time is about, at each moment: a place, or a register of a level, which is on the processor
// while the level runs, and in a VMCS while it waits.
#include "cpu/watch/observe.h"
#include "devices/asking/scan.h"
#include "monitor/drive/asking.h"
#include <stdio.h>
#include <stdlib.h>

#define COMES_AND_GOES                                                                                                 \
    (BIT(OBSERVE_EXIT) | BIT(OBSERVE_ENTRY) | BIT(OBSERVE_FAILED_ENTRY) | BIT(OBSERVE_VMWRITE) |                       \
     BIT(OBSERVE_VMX_INSTRUCTION))

// A register of a level of one processor.
struct level_value {
    struct machine *machine;
    unsigned processor;
    const struct asked *asked;
};

static bool level_view(const struct level_value *v, struct view *view) {
    char error[200];
    return view_of(v->machine, v->processor, v->asked->level, NULL, view, error, sizeof error);
}

static bool level_read(void *context, uint64_t *value) {
    const struct level_value *v = context;
    const struct name *name = &v->asked->register_name;
    struct view view;
    char error[200];
    return level_view(v, &view) && name_value(&view, name->kind, name->value, value, error, sizeof error);
}

static uint64_t level_sights(void *context) {
    const struct level_value *v = context;
    struct view view;
    struct place place;
    char error[200];
    if (!level_view(v, &view) || view.source != VIEW_LIVE) return COMES_AND_GOES;
    if (!name_place(&view, &v->asked->register_name, &place, error, sizeof error)) return 0;
    uint64_t sights = place_sights(v->machine, &place);
    return sights ? sights | COMES_AND_GOES : 0;
}

static void *copy_value(void *context, struct machine *machine) {
    const struct level_value *v = context;
    struct level_value *copy = malloc(sizeof *copy);
    if (copy) *copy = (struct level_value){machine, v->processor, v->asked};
    return copy;
}
static void done_value(void *context, void *copy) {
    (void)context;
    free(copy);
}

static struct level_value value_of(const struct asking *a, const struct asked *asked) {
    return (struct level_value){a->look.machine, a->look.processor, asked};
}

enum search asked_changed(struct asking *a, const struct asked *asked, enum search_depth depth, struct change *change,
                          const char **wrong) {
    if (!asked->of_level) return timeline_changed(a->timeline, &asked->place, depth, change, wrong);
    struct level_value v = value_of(a, asked);
    const struct scan_value value = {.read = level_read, .sights = level_sights, .context = &v};
    return timeline_changed_read(a->timeline, &value, change, wrong);
}

enum search asked_values(struct asking *a, const struct asked *asked, struct scan_span span, scan_change_fn *one,
                         void *context, const char **wrong) {
    if (!asked->of_level) return timeline_values(a->timeline, &asked->place, span, one, context, wrong);
    struct level_value v = value_of(a, asked);
    const struct scan_value value = {level_read, level_sights, &v, copy_value, done_value};
    return timeline_values_read(a->timeline, &value, span, one, context, wrong);
}

bool asked_value(struct asking *a, const struct asked *asked, uint64_t *value) {
    struct level_value v = value_of(a, asked);
    return asked->of_level ? level_read(&v, value) : place_read(a->look.machine, &asked->place, value);
}

bool asked_here(struct asking *a, const struct asked *asked, struct place *place) {
    struct level_value v = value_of(a, asked);
    struct view view;
    char error[200] = "";
    *place = asked->place;
    if (!asked->of_level) return true;
    return (view_of(v.machine, v.processor, asked->level, NULL, &view, error, sizeof error) &&
            name_place(&view, &asked->register_name, place, error, sizeof error)) ||
           monitor_error(a->monitor, "%s: %s", asked->name, error);
}

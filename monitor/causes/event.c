// The events of the past as facts; see event.h.
#include "monitor/causes/event.h"
#include <stddef.h>

static const struct {
    const char *name, *section, *text;
    bool wrong;
} rows[EVENT_KINDS] = {
#define HAPPENS(kind, wrong, section, text) [EVENT_##kind] = {#kind, section, text, wrong},
#include "monitor/causes/event.def"
#undef HAPPENS
};

struct fact event_fact(const struct history_event *e) {
    const unsigned kind = e->kind % EVENT_KINDS;
    const struct place nowhere = {.space = PLACE_NONE, .level = e->level, .processor = e->processor};
    struct fact fact = {.rule = rows[kind].name,
                        .section = rows[kind].section,
                        .text = rows[kind].text,
                        .holds = !rows[kind].wrong,
                        .because = FACT_NO_CAUSE};
    fact_value(&fact, "step", nowhere, e->step, 0, 0);
    fact_value(&fact, "vector", nowhere, e->vector, 0, 0);
    fact_value(&fact, "type", nowhere, e->type, 0, 0);
    if (e->has_error_code) fact_value(&fact, "error code", nowhere, e->error_code, 0, 0);
    if (e->kind == EVENT_VECTORING || e->kind == EVENT_LOST)
        fact_value(&fact, "exit reason", nowhere, e->reason & UINT16_MAX, 0, 0);
    if (e->since) fact_value(&fact, "since step", nowhere, e->since, 0, 0);
    return fact;
}

static bool is_wanted(const struct history_event *e, bool only_wrong) {
    return !only_wrong || rows[e->kind % EVENT_KINDS].wrong;
}

struct event_search event_search(const struct history *history, uint64_t count, bool only_wrong) {
    struct event_search s = {history, 0, only_wrong};
    const struct history_event *e;
    for (; count && (e = history_event(history, s.next)); s.next++) count -= is_wanted(e, only_wrong);
    return s;
}

const struct history_event *event_next(struct event_search *s) {
    while (s->next) {
        const struct history_event *e = history_event(s->history, --s->next);
        if (is_wanted(e, s->only_wrong)) return e;
    }
    return NULL;
}

const struct history_event *event_last_lost(const struct history *history) {
    const struct history_event *e;
    for (uint64_t n = 0; (e = history_event(history, n)); n++)
        if (e->kind == EVENT_LOST) return e;
    return NULL;
}

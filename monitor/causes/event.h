// What became of the events of the past: injected, delivered, cut short by a VM exit, given again, or lost; as facts.
// SDM Vol. 3C, 26.6, 27.2.4.
#ifndef MONITOR_CAUSES_EVENT_H
#define MONITOR_CAUSES_EVENT_H
#include "devices/history/history.h"
#include "monitor/explain/fact.h"

// The rule is the name of its kind: "LOST". It holds unless the guest goes without an event that it was to have.
struct fact event_fact(const struct history_event *event);

// The last `left` of the events that are kept, oldest first; with only_wrong of those whose fact does not hold.
struct event_search {
    const struct history *history;
    uint64_t next; // n-th last and 1
    bool only_wrong;
};
struct event_search event_search(const struct history *history, uint64_t count, bool only_wrong);
const struct history_event *event_next(struct event_search *search); // NULL: no more
const struct history_event *event_last_lost(const struct history *history);

#endif

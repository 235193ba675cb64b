// first, last, values: a span of the past is gone through, and the present stays where it is.
#include "cpu/pages/pages.h"
#include "devices/asking/scan.h"
#include "monitor/drive/asking.h"
#include "monitor/drive/back.h"
#include "monitor/drive/drive.h"
#include "monitor/drive/moments.h"
#include "monitor/expression/expression.h"
#include "monitor/show/where.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES_MOST = 10000, VALUES_UNASKED = 300 }; // of a span that was named, and else

// --- the span ---

static bool take_bound(struct monitor *monitor, const char **text, const char *name, uint64_t *step) {
    char word[8];
    const char *from = *text;
    if (!take_word(text, word, sizeof word) || strcmp(word, name) != 0) {
        *text = from;
        return true;
    }
    if (!**text) return monitor_error(monitor, "%s which step?", name);
    return take_value(&monitor->look, text, step);
}

bool take_span(struct monitor *monitor, const char **text, struct scan_span *span) {
    struct timeline_facts f;
    timeline_facts(monitor->run->timeline, &f);
    *span = (struct scan_span){f.first.steps, machine_steps(monitor->look.machine)};
    if (!take_bound(monitor, text, "from", &span->from) || !take_bound(monitor, text, "to", &span->to) ||
        !take_end(&monitor->look, *text))
        return false;
    if (span->from < f.first.steps) return back_out_of_reach(monitor, span->from);
    if (span->to > f.end.steps) return back_out_of_reach(monitor, span->to);
    return span->from <= span->to ||
           monitor_error(monitor, "from step %" PRIu64 " to step %" PRIu64 ": that is backwards", span->from, span->to);
}

static bool tell_search(struct monitor *monitor, enum search found, const char *wrong) {
    if (found != SEARCH_WRONG) return true;
    return monitor_error(monitor, "%s", wrong && !strcmp(wrong, "interrupted") ? wrong : "the past cannot be replayed");
}

// --- first, last ---

struct holding {
    struct machine *machine;
    unsigned processor;
    struct expression expression;
    int level;
    bool valued; // at some step it had a value; else why it had none:
    char error[200];
    bool quickly; // over registers alone, of the level that runs:
    struct expression_quick quick;
    struct expression_watch watch;
    const struct history *history; // for memory of guests of guests: NULL where none is read, which takes half the time
};

static bool holds(void *context) {
    struct holding *h = context;
    struct view view;
    uint64_t value;
    if (h->quickly) return expression_quick_value(&h->quick, machine_cpu(h->machine, h->processor));
    if (!view_of(h->machine, h->processor, h->level, h->history, &view, h->error, sizeof h->error))
        return false; // the level is not there
    bool valued = expression_value(&h->expression, &view, &value, h->error, sizeof h->error);
    h->valued |= valued;
    return valued && value;
}

// The same of a worker's machine. Whether it ever had a value is told afterwards; by several at once.
static void *copy_holding(void *context, struct machine *machine) {
    const struct holding *h = context;
    struct holding *copy = malloc(sizeof *copy);
    if (!copy) return NULL;
    *copy = *h;
    copy->machine = machine;
    copy->valued = false;
    if (h->history) copy->history = machine_history(machine);
    return copy;
}
static void done_holding(void *context, void *copied) {
    struct holding *h = context, *copy = copied;
    if (copy->valued) __atomic_store_n(&h->valued, true, __ATOMIC_RELAXED);
    free(copy);
}

static bool take_condition(struct monitor *monitor, const char **text, struct holding *h, struct scan_test *test) {
    struct view view;
    *h = (struct holding){.machine = monitor->look.machine, .processor = monitor->look.processor, .level = -1};
    bool named = **text == '@';
    if (!take_view(&monitor->look, text, &view)) return false;
    if (named) h->level = (int)view.level;
    if (!expression_compile(&monitor->look, text, &h->expression)) return false;
    *text += strspn(*text, " ");
    const char *seen = expression_sight_name(&h->expression);
    if (seen)
        return monitor_error(
            monitor,
            "%s is only known where catch or watch sees something: catch KIND if CONDITION, as in catch io if "
            "port == 0x3f8, and then reverse-continue goes back to the last time",
            seen);
    h->quickly = h->valued = !named && expression_quicken(&h->expression, &view, &h->quick);
    bool watched = expression_watch(&h->expression, &view, named, &h->watch);
    if (watched && h->watch.memories && !h->watch.sights) h->level = -1; // that memory is there whoever runs
    if (!watched && expression_reads_memory(&h->expression)) h->history = machine_history(monitor->look.machine);
    *test = (struct scan_test){.holds = holds, .context = h, .copy = copy_holding, .done = done_holding};
    if (!watched) return true;
    test->sights = h->watch.sights;
    test->memory = h->watch.memory;
    test->memories = h->watch.memories;
    return true;
}

// Why it has no value at the end of the span; whoever looked there last.
static bool has_no_value(struct asking *a, struct holding *h, uint64_t step) {
    const char *wrong = NULL;
    *h->error = 0;
    if (timeline_go_step(a->timeline, step, &wrong)) (void)holds(h);
    return !h->valued;
}

typedef enum search moment_fn(struct timeline *, const struct scan_test *, struct scan_span, uint64_t *, const char **);

static bool moment(struct monitor *monitor, const char *arguments, const char *name, moment_fn *find) {
    struct holding h;
    struct scan_test test;
    struct scan_span span;
    struct asking asking;
    uint64_t step = 0;
    const char *wrong = NULL;
    if (!back_timeline(monitor)) return false;
    if (!*arguments)
        return monitor_error(monitor, "%s moment at which what holds? %s EXPRESSION [from STEP] [to STEP]", name, name);
    if (!take_condition(monitor, &arguments, &h, &test) || !take_span(monitor, &arguments, &span) ||
        !asking_begin(monitor, ~0ull, &asking))
        return false;
    enum search found = find(asking.timeline, &test, span, &step, &wrong);
    bool told = tell_search(monitor, found, wrong);
    if (found == SEARCH_NOTHING && !h.valued) h.valued = !has_no_value(&asking, &h, span.to);
    if (found == SEARCH_NOTHING && !h.valued && *h.error)
        told = monitor_error(monitor, "it has a value at no step from %" PRIu64 " to %" PRIu64 ": %s", span.from,
                             span.to, h.error);
    else if (found == SEARCH_NOTHING)
        print(monitor, "It holds at no step from %" PRIu64 " to %" PRIu64 ".\n", span.from, span.to);
    if (found == SEARCH_FOUND && (told = asking_go(&asking, step, &wrong))) where_print(monitor);
    told = asking_end(&asking) && told;
    if (found == SEARCH_FOUND && told)
        print(monitor, "(goto %" PRIu64 " leads there; the present stays at step %" PRIu64 ")\n", step,
              machine_steps(monitor->look.machine));
    return told;
}

bool command_first(struct monitor *monitor, const char *arguments) {
    return moment(monitor, arguments, "first", timeline_first);
}
bool command_last(struct monitor *monitor, const char *arguments) {
    return moment(monitor, arguments, "last", timeline_last);
}

// --- values ---

struct listing_values {
    struct monitor *monitor;
    unsigned count, most;
    uint64_t last;
};

static bool list_value(void *context, const struct change *c) {
    struct listing_values *l = context;
    struct monitor *monitor = l->monitor;
    char name[100];
    symbols_name(monitor->look.symbols, (int)c->level, c->rip, name, sizeof name);
    print(monitor, "step %-12" PRIu64 " cpu %u  level %u  0x%-18" PRIx64 " 0x%" PRIx64, c->step, c->processor, c->level,
          c->now, c->rip);
    if (*name) print_in(monitor, YELLOW, " <%s>", name);
    if (c->from_outside) print(monitor, "  (from outside)");
    if (c->stored_by == STORED_BY_DEVICE) print(monitor, "  (a device)");
    if (c->stored_by == STORED_BY_PROCESSOR) print(monitor, "  (the processor)");
    print(monitor, "\n");
    l->last = c->now;
    return ++l->count < l->most;
}

// What was written or set by hand at the present is done, though its step is not.
static bool list_present(struct asking *a, const struct asked *asked, struct listing_values *l, const char **wrong) {
    struct change c = {.stored_by = -1, .from_outside = true};
    if (!timeline_go(a->timeline, &a->present, wrong)) return false;
    drive_follow(a->monitor);
    if (!asked_value(a, asked, &c.now) || c.now == l->last) return true;
    struct view view;
    if (!view_make(&a->monitor->look, -1, &view)) return false;
    c.step = machine_steps(view.machine);
    c.processor = view.cpu->id;
    c.level = view.level;
    c.rip = view_code_address(&view);
    (void)list_value(l, &c);
    return true;
}

static void tell_values(const struct asking *a, const struct listing_values *l, const struct scan_span *span) {
    if (!l->count) print(a->monitor, "It stayed so up to step %" PRIu64 ".\n", span->to);
    if (l->count < l->most) return;
    print(a->monitor, "... these are %u; ask about a span for more: values WHAT from STEP to STEP\n", l->count);
}

bool command_values(struct monitor *monitor, const char *arguments) {
    struct asked asked;
    struct scan_span span;
    struct asking asking;
    struct listing_values listing = {.monitor = monitor, .most = VALUES_UNASKED};
    const char *wrong = NULL;
    uint64_t value = 0;
    if (!back_timeline(monitor)) return false;
    if (!*arguments) return monitor_error(monitor, "values of what? values WHAT [from STEP] [to STEP]");
    if (!take_asked(&monitor->look, &arguments, &asked)) return false;
    if (*arguments) listing.most = VALUES_MOST;
    if (!take_span(monitor, &arguments, &span) || !asking_begin(monitor, ~0ull, &asking)) return false;
    bool told = asking_go(&asking, span.from, &wrong);
    bool there = told && asked_value(&asking, &asked, &value);
    listing.last = value;
    if (there)
        print(monitor, "%s: 0x%" PRIx64 " at step %" PRIu64 "\n", asked.name, value, span.from);
    else if (told)
        print(monitor, "%s: not there at step %" PRIu64 "\n", asked.name, span.from);
    enum search found = told ? asked_values(&asking, &asked, span, list_value, &listing, &wrong) : SEARCH_WRONG;
    if (found != SEARCH_WRONG && listing.count < listing.most && span.to == asking.present.steps &&
        !list_present(&asking, &asked, &listing, &wrong))
        found = SEARCH_WRONG;
    told = tell_search(monitor, found, wrong);
    if (told) tell_values(&asking, &listing, &span);
    return asking_end(&asking) && told;
}

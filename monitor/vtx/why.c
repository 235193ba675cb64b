// why: explains what happened last: a VM exit, a failed VM entry, a fault, a triple fault, an event that was lost, and
// what waits to be delivered.
#include "monitor/vtx/why.h"
#include "monitor/causes/event.h"
#include "monitor/expression/expression.h"
#include "monitor/session/monitor.h"
#include <inttypes.h>
#include <string.h>

void why_lost(struct monitor *monitor, const struct history *h) {
    const struct history_event *e = event_last_lost(h);
    if (!e) return;
    const char *name = vmx_exit_name(e->reason);
    const struct fact fact = event_fact(e);
    print_in(monitor, RED, "%s %x for level %u was lost\n", e->type == EVENT_NMI ? "NMI, vector" : "interrupt, vector",
             e->vector, e->level);
    print(monitor,
          "  its delivery was cut short at step %" PRIu64 " by VM exit %s; IDT-vectoring information was valid.\n"
          "  The entry at step %" PRIu64 " with VMCS %" PRIx64 " did not inject it again. %s\n",
          e->since, name ? name : "?", e->step, e->vmcs, fact.section);
    if (h->lost > 1) print(monitor, "  %" PRIu64 " events were lost so far (events lost lists them)\n", h->lost);
}

static bool nothing(struct monitor *monitor, const char *what) {
    print(monitor, "no %s was seen so far\n", what);
    return true;
}

static bool exit_last(struct monitor *monitor, const struct history *h) {
    (void)h;
    const struct history_cpu *c = look_past(&monitor->look);
    if (!c->has_exit) return nothing(monitor, "VM exit");
    why_exit(monitor, &c->loop[c->exit_level].exit);
    return true;
}

static bool entry_last(struct monitor *monitor, const struct history *h) {
    (void)h;
    const struct history_cpu *c = look_past(&monitor->look);
    if (!c->has_failure) return nothing(monitor, "failed VM entry");
    why_failure(monitor, &c->failure);
    return true;
}

static bool fault_last(struct monitor *monitor, const struct history *h) {
    (void)h;
    const struct history_cpu *c = look_past(&monitor->look);
    if (!c->has_fault) return nothing(monitor, "exception");
    why_fault(monitor, &c->fault);
    return true;
}

static bool triple_last(struct monitor *monitor, const struct history *h) {
    (void)h;
    const struct history_cpu *c = look_past(&monitor->look);
    if (!c->has_triple) return nothing(monitor, "triple fault");
    why_triple(monitor, c);
    return true;
}

static bool lost_last(struct monitor *monitor, const struct history *h) {
    if (!h->lost) return nothing(monitor, "lost event");
    why_lost(monitor, h);
    return true;
}

static bool interrupt_now(struct monitor *monitor, const struct history *h) {
    (void)h;
    if (!why_interrupt(monitor)) print(monitor, "no interrupt waits\n");
    return true;
}

// The latest of them, then what is wrong beside it.
static bool latest(struct monitor *monitor, const struct history *h) {
    const struct history_cpu *c = look_past(&monitor->look);
    uint64_t exit = c->has_exit ? c->loop[c->exit_level].exit.step : 0, failure = c->has_failure ? c->failure.step : 0,
             fault = c->has_fault ? c->fault.step : 0, triple = c->has_triple ? c->triple.step : 0;
    bool any = c->has_exit || c->has_failure || c->has_fault || c->has_triple;
    if (c->has_triple && triple >= fault && triple >= failure && triple + 1 >= exit)
        why_triple(monitor, c);
    else if (c->has_failure && failure >= exit && failure >= fault)
        why_failure(monitor, &c->failure);
    else if (c->has_fault && fault > exit)
        why_fault(monitor, &c->fault);
    else if (c->has_exit)
        why_exit(monitor, &c->loop[c->exit_level].exit);
    if (h->lost) why_lost(monitor, h);
    any |= h->lost | why_interrupt(monitor);
    if (!any) print(monitor, "nothing that needs an explanation was seen so far\n");
    return true;
}

bool command_why(struct monitor *monitor, const char *arguments) {
    static const struct {
        const char *word;
        bool (*function)(struct monitor *monitor, const struct history *h);
    } words[] = {{"exit", exit_last},     {"entry", entry_last}, {"fault", fault_last},
                 {"triple", triple_last}, {"lost", lost_last},   {"interrupt", interrupt_now}};
    char word[32];
    const struct history *h = look_history(&monitor->look);
    if (!h) return false;
    if (!take_word(&arguments, word, sizeof word)) return latest(monitor, h);
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (word_is(word, words[i].word, 1))
            return take_end(&monitor->look, arguments) && words[i].function(monitor, h);
    return monitor_error(monitor, "why %s? exit, entry, fault, triple, lost, interrupt, or nothing: the latest", word);
}

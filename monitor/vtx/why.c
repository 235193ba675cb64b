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
    if (!history_last_fault(c)) return nothing(monitor, "exception");
    why_fault(monitor, history_last_fault(c));
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

static bool instruction_last(struct monitor *monitor, const struct history *h) {
    (void)h;
    const struct history_cpu *c = look_past(&monitor->look);
    const struct history_refusal *r = history_refusal(c, 0);
    if (!r && !c->told.times) return nothing(monitor, "VMX instruction that failed");
    if (r && (!c->told.times || r->last_step >= c->told.step))
        why_refusal(monitor, r);
    else
        why_told(monitor, &c->told);
    return true;
}

// --- the latest of them, and what is wrong beside it ---

enum latest { LATEST_NONE, LATEST_EXIT, LATEST_FAULT, LATEST_REFUSAL, LATEST_FAILURE, LATEST_TRIPLE };
struct moment {
    enum latest what;
    uint64_t step;
};

static void consider(struct moment *m, bool happened, enum latest what, uint64_t step) {
    if (happened && (m->what == LATEST_NONE || step >= m->step)) *m = (struct moment){what, step};
}

// What ends something counts before what it led to in the same step. A refusal that is a fault is told with that.
static struct moment latest_of(const struct history_cpu *c) {
    const struct history_exit *exit = c->has_exit ? &c->loop[c->exit_level].exit : NULL;
    const struct history_fault *fault = history_last_fault(c);
    const struct history_refusal *refusal = history_refusal(c, 0);
    struct moment m = {LATEST_NONE, 0};
    consider(&m, exit, LATEST_EXIT, exit ? exit->step : 0);
    consider(&m, fault && !(fault->flags & FAULT_EXITED), LATEST_FAULT, fault ? fault->step : 0);
    consider(&m, refusal && !(fault && fault->step == refusal->last_step), LATEST_REFUSAL,
             refusal ? refusal->last_step : 0);
    consider(&m, c->has_failure, LATEST_FAILURE, c->failure.step);
    consider(&m, c->has_triple, LATEST_TRIPLE, c->triple.step + 1);
    return m;
}

static void explain(struct monitor *monitor, const struct history_cpu *c, enum latest what) {
    switch (what) {
    case LATEST_NONE: break;
    case LATEST_EXIT: why_exit(monitor, &c->loop[c->exit_level].exit); break;
    case LATEST_FAULT: why_fault(monitor, history_last_fault(c)); break;
    case LATEST_REFUSAL: why_refusal(monitor, history_refusal(c, 0)); break;
    case LATEST_FAILURE: why_failure(monitor, &c->failure); break;
    case LATEST_TRIPLE: why_triple(monitor, c); break;
    }
}

static bool latest(struct monitor *monitor, const struct history *h) {
    const struct history_cpu *c = look_past(&monitor->look);
    struct moment m = latest_of(c);
    uint64_t told = m.what == LATEST_TRIPLE ? m.step - 1 : m.step;
    explain(monitor, c, m.what);
    bool any = m.what != LATEST_NONE;
    any |= why_refused(monitor, h, c, told);
    if (h->lost) why_lost(monitor, h);
    any |= h->lost | why_interrupt(monitor);
    if (!any) print(monitor, "nothing that needs an explanation was seen so far\n");
    return true;
}

bool command_why(struct monitor *monitor, const char *arguments) {
    static const struct {
        const char *word;
        bool (*function)(struct monitor *monitor, const struct history *h);
    } words[] = {{"exit", exit_last},
                 {"entry", entry_last},
                 {"fault", fault_last},
                 {"triple", triple_last},
                 {"lost", lost_last},
                 {"interrupt", interrupt_now},
                 {"instruction", instruction_last},
                 {"slow", why_slow}};
    char word[32];
    const struct history *h = look_history(&monitor->look);
    if (!h) return false;
    if (!take_word(&arguments, word, sizeof word)) return latest(monitor, h);
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (word_is(word, words[i].word, 1))
            return take_end(&monitor->look, arguments) && words[i].function(monitor, h);
    return monitor_error(
        monitor, "why %s? exit, entry, fault, triple, instruction, lost, interrupt, slow, or nothing: the latest", word);
}

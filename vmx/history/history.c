// What is remembered: who shares it, and its state. See history.h.
#include "vmx/history/history.h"
#include "vmx/vmcs/vmcs.h"
#include <stdlib.h>

_Static_assert(HISTORY_LEVELS == LEVEL_DEPTH + 1, "level 0 and the guests");

const struct history *vmx_history(const struct cpu *cpu) { return cpu->wire.extension ? vmx_of(cpu)->history : NULL; }
const struct history_cpu *vmx_history_cpu(const struct cpu *cpu) {
    return cpu->wire.extension ? vmx_of(cpu)->past : NULL;
}

const struct history_vmcs *history_entry(const struct history *h, uint64_t vmcs) {
    for (unsigned i = 0; i < HISTORY_VMCSS; i++)
        if (h->vmcs[i].used && h->vmcs[i].pointer == vmcs) return &h->vmcs[i];
    return NULL;
}

const struct history_vmcs12 *history_vmcs12(const struct history *h, unsigned level, uint64_t pointer) {
    for (unsigned i = 0; i < HISTORY_VMCS12S; i++)
        if (h->vmcs12[i].used && h->vmcs12[i].level == level && h->vmcs12[i].pointer == pointer) return &h->vmcs12[i];
    return NULL;
}

const struct history_refusal *history_refusal(const struct history_cpu *c, unsigned n) {
    if (n >= c->refusals || n >= HISTORY_REFUSALS) return NULL;
    return &c->refusal[(c->refusals - 1 - n) % HISTORY_REFUSALS];
}

const struct history_fault *history_last_fault(const struct history_cpu *c) {
    return c->chain_count ? &c->chain[c->chain_count - 1] : NULL;
}

const struct history_event *history_event(const struct history *h, uint64_t n) {
    if (n >= h->events || n >= HISTORY_EVENTS) return NULL;
    return &h->event[(h->events - 1 - n) % HISTORY_EVENTS];
}

// --- who shares ---

bool history_attach(struct vmx *vmx) {
    vmx->history = calloc(1, sizeof *vmx->history);
    vmx->past = calloc(1, sizeof *vmx->past);
    if (!vmx->history || !vmx->past) {
        free(vmx->history);
        free(vmx->past);
        return false;
    }
    vmx->history->users = 1;
    vmx->history->field_bytes = sizeof vmx->history->vmcs[0].field;
    return true;
}

static void leave(struct history *history) {
    if (!--history->users) free(history);
}

void history_detach(struct vmx *vmx) {
    leave(vmx->history);
    free(vmx->past);
}

void history_share(struct vmx *vmx, const struct vmx *with) {
    if (vmx->history == with->history) return;
    leave(vmx->history);
    vmx->history = with->history;
    vmx->origin = NULL;
    vmx->history->users++;
}

// --- state ---

// Every byte of these is meant.
#define WHOLE(type) _Static_assert(sizeof(struct type) % 8 == 0, "a whole number of words")
WHOLE(history_event);
WHOLE(history_loop);
WHOLE(history_failure);
WHOLE(history_fault);
WHOLE(history_refusal);
WHOLE(history_told);
WHOLE(history_owed);
WHOLE(history_vmcs);
WHOLE(history_vmcs12);
WHOLE(vmcs_origin);
WHOLE(cost_book);

#define ALL(member) STATE_ONE(struct history, member)
#define ALL_WORDS(member) STATE_WORDS(struct history, member)
static const struct state_field fields[] = {
    ALL(clock),        ALL(lost),          ALL(events), ALL_WORDS(event), ALL_WORDS(vmcs),
    ALL_WORDS(vmcs12), ALL_WORDS(cleared), ALL(clears), ALL(uncleared),   ALL_WORDS(origin),
};
const struct state_table vmx_history_state = STATE_TABLE("history", fields);

#define ONE(member) STATE_ONE(struct history_cpu, member)
#define ONE_WORDS(member) STATE_WORDS(struct history_cpu, member)
static const struct state_field cpu_fields[] = {
    ONE(has_exit),    ONE(has_failure),   ONE(refusals),      ONE(has_triple), ONE(exit_level),
    ONE(chain_count), ONE(entered),       ONE(reads),         ONE(read_gpr),   ONE(read_field),
    ONE(twelve),      ONE(twelve_level),  ONE_WORDS(loop),    ONE_WORDS(owed), ONE_WORDS(triple),
    ONE_WORDS(chain), ONE_WORDS(failure), ONE_WORDS(refusal), ONE_WORDS(told), ONE_WORDS(cost),
};
const struct state_table vmx_history_cpu_state = STATE_TABLE("history of a processor", cpu_fields);

static void at_most(uint32_t *value, uint32_t most) {
    if (*value > most) *value = 0;
}

static void failure_loaded(struct history_failure *f) {
    for (unsigned i = 0; i < HISTORY_RULES; i++) {
        struct history_rule *r = &f->rule[i];
        if (r->reads > HISTORY_READS) r->reads = 0;
        for (unsigned j = 0; j < HISTORY_READS; j++) r->read[j].what[HISTORY_NAME - 1] = '\0';
    }
}

void vmx_history_loaded(struct cpu *cpu) {
    if (!cpu->wire.extension) return;
    struct history_cpu *c = vmx_of(cpu)->past;
    struct history *h = vmx_of(cpu)->history;
    history_origin_loaded(vmx_of(cpu));
    at_most(&c->exit_level, LEVEL_DEPTH);
    at_most(&c->twelve_level, LEVEL_DEPTH);
    at_most(&c->chain_count, HISTORY_CHAIN);
    at_most(&c->entered, HISTORY_VMCSS - 1);
    at_most(&c->twelve, HISTORY_VMCS12S);
    at_most(&c->read_gpr, R15);
    failure_loaded(&c->failure);
    for (unsigned i = 0; i < HISTORY_CHAIN; i++) at_most(&c->chain[i].level, LEVEL_DEPTH);
    at_most(&c->told.level, LEVEL_DEPTH);
    for (unsigned i = 0; i < HISTORY_REFUSALS; i++) at_most(&c->refusal[i].level, LEVEL_DEPTH);
    history_cost_loaded(&c->cost);
    for (unsigned i = 0; i < HISTORY_EVENTS; i++)
        if (h->event[i].kind >= EVENT_KINDS) h->event[i].kind = EVENT_TRIPLE;
}

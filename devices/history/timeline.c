// The past of a machine: how it begins, what the machine tells it, what is known of it; see timeline.h and
// docs/internals/timeline.md.
#include "devices/history/timeline_private.h"
#include <stdlib.h>

// --- what the machine tells ---

static void page_changes(void *context, const struct area *area, uint64_t page, const uint8_t *old) {
    struct timeline *t = context;
    if (t->swapping || t->failed) return;
    bool zero = page_hash_knows_zero(&t->m->memory.hash, area, page); // one that was never touched stays so
    t->failed = !page_list_add(&t->present, (uint32_t)(area - t->pages->area), page, zero ? NULL : old);
}

static void took(void *context, const struct input *input) {
    struct timeline *t = context;
    input_list_add(&t->inputs, input);
    if (t->also.took) t->also.took(t->also.context, input);
}

static const struct input *next(void *context) {
    struct timeline *t = context;
    return t->next < t->inputs.count ? &t->inputs.input[t->next++] : NULL;
}

bool timeline_keeps(const struct timeline *t) { return t->budget != 0; }
bool timeline_replaying(const struct timeline *t) { return t->in_past || t->expecting; }

// Inputs that a replay has taken.
size_t timeline_inputs_taken(const struct timeline *t) {
    return timeline_replaying(t) ? t->next - (t->m->replay != NULL) : t->inputs.count;
}

static void replay_from(struct timeline *t, size_t inputs) {
    t->next = inputs;
    machine_set_log(t->m, &(struct input_log){.context = t, .next = next});
}

void timeline_go_into_past(struct timeline *t, size_t inputs) {
    if (!timeline_replaying(t)) {
        t->offers = t->m->offers;
        t->m->offers = NULL;
    }
    replay_from(t, inputs);
    t->in_past = true;
}

// At the last checkpoint, or behind it: `inputs` were taken.
void timeline_go_live(struct timeline *t, size_t inputs) {
    if (t->expecting)
        replay_from(t, inputs);
    else
        machine_set_log(t->m, &(struct input_log){.context = t, .took = took});
    if (t->in_past && !t->expecting) {
        t->m->offers = t->offers;
        t->offers = NULL;
    }
    t->in_past = false;
}

// What was offered at the end that is not come back to.
static void drop_offers(struct timeline *t) {
    struct offer *present = t->m->offers;
    t->m->offers = t->offers;
    t->offers = NULL;
    machine_drop_offers(t->m);
    t->m->offers = present;
}

// --- its life ---

struct timeline *timeline_new(struct machine *m, uint64_t bytes) {
    struct timeline *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->m = m;
    t->pages = machine_pages(m);
    t->budget = bytes;
    t->watcher = (struct page_watcher){.context = t, .before_first_store = page_changes};
    if (timeline_keeps(t) && !pages_watch(t->pages, &t->watcher)) {
        free(t);
        return NULL;
    }
    timeline_go_live(t, 0);
    if (!timeline_keeps(t) || timeline_checkpoint_here(t)) return t;
    timeline_free(t);
    return NULL;
}

void timeline_tell(struct timeline *t, const struct input_log *log) { t->also = *log; }

bool timeline_expect(struct timeline *t, const struct input_list *inputs, const struct position *last) {
    for (size_t i = 0; i < inputs->count; i++) input_list_add(&t->inputs, &inputs->input[i]);
    if (t->inputs.failed) return false;
    t->last = *last;
    t->expecting = true;
    timeline_go_live(t, 0);
    return true;
}

void timeline_set_packer(struct timeline *t, const struct packer *packer) { t->packer = packer; }

void timeline_set_side_by_side(struct timeline *t, const struct side_by_side *side) { t->side = side; }

void timeline_free(struct timeline *t) {
    if (!t) return;
    machine_set_log(t->m, NULL);
    if (timeline_keeps(t)) pages_unwatch(t->pages, &t->watcher);
    timeline_forget(t);
    drop_offers(t);
    input_list_free(&t->inputs);
    free(t->checkpoint);
    free(t);
}

void timeline_branch(struct timeline *t) {
    if (!timeline_replaying(t)) return;
    size_t inputs = timeline_inputs_taken(t);
    timeline_leave_line(t);
    while (t->count > t->base + 1) checkpoint_free(&t->checkpoint[--t->count]);
    if (t->count) page_list_free(&t->checkpoint[t->base].pages);
    input_list_cut(&t->inputs, inputs);
    t->expecting = false;
    drop_offers(t);
    timeline_go_live(t, inputs);
}

// --- facts ---

bool timeline_in_past(const struct timeline *t) { return t->in_past; }
bool timeline_expects(const struct timeline *t) { return t->expecting; }

bool timeline_at_last(const struct timeline *t) {
    return t->expecting && !t->in_past && !t->m->replay && position_order(t->m, &t->last) != POSITION_AHEAD;
}

void timeline_facts(const struct timeline *t, struct timeline_facts *out) {
    *out = (struct timeline_facts){
        .in_past = t->in_past, .checkpoints = t->count, .bytes = timeline_bytes_used(t), .inputs = t->inputs.count};
    out->taken = t->forgotten + timeline_inputs_taken(t);
    machine_position(t->m, &out->end);
    out->first = t->count ? t->checkpoint[0].at : out->end; // none: the host is short of memory
    if (timeline_replaying(t)) out->end = *timeline_end(t);
}

bool timeline_checkpoint(const struct timeline *t, unsigned index, struct position *out) {
    if (index < t->count) *out = t->checkpoint[index].at;
    return index < t->count;
}

bool timeline_input(const struct timeline *t, size_t index, struct input *out) {
    if (index < t->inputs.count) *out = t->inputs.input[index];
    return index < t->inputs.count;
}

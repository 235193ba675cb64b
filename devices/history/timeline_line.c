// Lines: what came after a moment at which another line of the past begins. A line is its inputs and where it ended;
// going through it once more makes all the rest. See timeline.h.
#include "devices/history/timeline_private.h"
#include <stdlib.h>
#include <string.h>

static void line_free(struct kept_line *line) { input_list_free(&line->inputs); }

void timeline_forget_lines(struct timeline *t) {
    for (unsigned i = 0; i < t->lines; i++) line_free(&t->line[i]);
    t->lines = 0;
}

static void remove_line(struct timeline *t, unsigned index) {
    t->lines--;
    memmove(&t->line[index], &t->line[index + 1], (t->lines - index) * sizeof *t->line);
}

// When there are too many, the oldest goes.
static void add_line(struct timeline *t, const struct kept_line *line) {
    if (t->lines == TIMELINE_LINES) {
        line_free(&t->line[0]);
        remove_line(t, 0);
    }
    t->line[t->lines++] = *line;
}

// What follows the present becomes a line of its own, unless nothing does. Without memory it is lost.
void timeline_leave_line(struct timeline *t) {
    size_t taken = timeline_inputs_taken(t);
    struct kept_line line = {.line = {.taken = t->forgotten + taken, .end = *timeline_end(t)}};
    machine_position(t->m, &line.line.from);
    if (taken == t->inputs.count && position_same(&line.line.from, &line.line.end)) return;
    for (size_t i = taken; i < t->inputs.count; i++) input_list_add(&line.inputs, &t->inputs.input[i]);
    line.line.inputs = line.inputs.count;
    if (line.inputs.failed)
        line_free(&line);
    else
        add_line(t, &line);
}

bool timeline_line(const struct timeline *t, unsigned index, struct timeline_line *out) {
    if (index < t->lines) *out = t->line[index].line;
    return index < t->lines;
}

// The last checkpoint that the line has too: there are those with more inputs at the same position.
static int shared_checkpoint(const struct timeline *t, const struct timeline_line *line) {
    for (unsigned i = t->count; i--;) {
        const struct checkpoint *c = &t->checkpoint[i];
        bool before = position_compare(&c->at, &line->from) != POSITION_AHEAD;
        if (before && t->forgotten + c->inputs <= line->taken) return (int)i;
    }
    return -1;
}

static bool go_to_fork(struct timeline *t, const struct timeline_line *line, const char **wrong) {
    int index = shared_checkpoint(t, line);
    *wrong = index < 0 ? "what is kept of the past begins later" : NULL;
    if (index < 0 || !timeline_go_checkpoint(t, (unsigned)index, wrong)) return false;
    struct onlookers who = timeline_send_away(t->m);
    enum machine_stop why = timeline_run_to_input(t, &line->from, line->taken);
    for (unsigned i = 0; i < STANDSTILLS && position_order(t->m, &line->from) == POSITION_AHEAD; i++)
        if (!timeline_ends_the_way(why, wrong)) why = timeline_run_to_input(t, &line->from, line->taken);
    timeline_set_onlookers(t->m, who);
    bool there =
        position_order(t->m, &line->from) == POSITION_HERE && t->forgotten + timeline_inputs_taken(t) == line->taken;
    if (!there && !*wrong) *wrong = "the replay";
    return there;
}

bool timeline_go_line(struct timeline *t, unsigned index, const char **wrong) {
    if (index >= t->lines || !go_to_fork(t, &t->line[index].line, wrong)) return false;
    struct kept_line line = t->line[index];
    remove_line(t, index);
    timeline_branch(t); // the other one becomes a line
    for (size_t i = 0; i < line.inputs.count; i++) input_list_add(&t->inputs, &line.inputs.input[i]);
    t->last = line.line.end;
    t->expecting = true;
    timeline_go_live(t, (size_t)(line.line.taken - t->forgotten));
    line_free(&line);
    *wrong = t->inputs.failed ? "memory" : NULL;
    return !*wrong;
}

const struct input *timeline_coming(const struct timeline *t, size_t index) {
    size_t at = timeline_inputs_taken(t) + index;
    return at < t->inputs.count ? &t->inputs.input[at] : NULL;
}

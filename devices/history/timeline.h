// The past of one machine, kept while it runs: checkpoints, what the pages that changed between them were, and all
// inputs. So it can be put back to any moment since the beginning of the timeline, and goes through the same states
// again. docs/internals/timeline.md.
//
// While the present lies before the end of what was recorded, the run is a replay: inputs come as they came, and
// nothing else may come in. At the end it goes on live, and is recorded again.
#ifndef DEVICES_HISTORY_TIMELINE_H
#define DEVICES_HISTORY_TIMELINE_H
#include "devices/machine/machine_input.h"

struct timeline;
// Begins at the present. With 0 bytes nothing is kept, and one cannot go back. At most `bytes` of the host's memory are
// used: when that is not enough, checkpoints are given up, and at last the oldest part of the past. NULL: memory is
// short, or there are too many watchers of pages. To be freed before the machine.
struct timeline *timeline_new(struct machine *machine, uint64_t bytes);
void timeline_free(struct timeline *timeline);
// What packs old pages when there is no room any more, before checkpoints are given up; NULL, the default: nothing.
struct packer;
void timeline_set_packer(struct timeline *timeline, const struct packer *packer);

// Threads that long searches may share (side_by_side.h); NULL, the default: none.
struct side_by_side;
void timeline_set_side_by_side(struct timeline *timeline, const struct side_by_side *side);

// Who else is to be told of inputs that are taken while the present is the end.
void timeline_tell(struct timeline *timeline, const struct input_log *log);

// At the beginning: what is to come was recorded, and is expected: these inputs, which are copied, up to a position.
// Nothing else comes in until then, and nothing runs beyond it until timeline_branch. False: memory is short.
struct input_list;
bool timeline_expect(struct timeline *timeline, const struct input_list *inputs, const struct position *last);
// Before it has run: a checkpoint that was recorded, at a position with so many inputs taken before. The machine has
// its state, but not its memory; `pages` have what changed since the one before, as it is at this one; they are the
// timeline's afterwards. Several, in order, then once timeline_known_end: the machine is at its beginning again. False,
// or the name of a part: memory is short, or the state is none; the machine must not be used then.
struct page_list;
bool timeline_known(struct timeline *timeline, const struct position *at, uint64_t inputs, struct page_list *pages);
const char *timeline_known_end(struct timeline *timeline);
bool timeline_expects(const struct timeline *timeline);
bool timeline_at_last(const struct timeline *timeline); // the end of what is expected is reached

// As machine_run. In the past: at most to the end of what was recorded, with MACHINE_STEPS there.
enum machine_stop timeline_run(struct timeline *timeline, uint64_t steps);
// As machine_run_to, for a position of the past or the present.
enum machine_stop timeline_run_to(struct timeline *timeline, const struct position *position);
// The same where inputs are expected: to the position with so many of them taken (struct timeline_facts, taken).
enum machine_stop timeline_run_to_input(struct timeline *timeline, const struct position *position, uint64_t taken);

// Back or forth to the first position at a step; to a position that machine_position gave before. Observers, points and
// stops by the guest are passed over. Of inputs that were taken at that very position: they are done where a checkpoint
// was left after them, else to come. False: it lies before the beginning or behind the end, or `wrong` says what is
// the matter with what was kept: the machine stands somewhere else in the past then.
bool timeline_go_step(struct timeline *timeline, uint64_t step, const char **wrong);
bool timeline_go(struct timeline *timeline, const struct position *position, const char **wrong);
// To a checkpoint, 0 the oldest.
bool timeline_go_checkpoint(struct timeline *timeline, unsigned index, const char **wrong);

// Leaves a checkpoint at the present, to come back to quickly. False: memory is short.
bool timeline_keep(struct timeline *timeline);

// Whatever was done to the machine since timeline_keep, without running it, is undone. False: `wrong`, and the machine
// must not be used.
bool timeline_undo(struct timeline *timeline, const char **wrong);
// All of the past is forgotten: the machine is another one now, and its past begins here. False: memory is short.
bool timeline_begin_anew(struct timeline *timeline);

// The present becomes the end. What came after it is a line of its own from now on, and can be returned to.
void timeline_branch(struct timeline *timeline);

// Lines that were left, the oldest first; there are 16 at most. False past the last one.
struct timeline_line {
    struct position from, end;
    uint64_t taken;  // inputs before it
    uint64_t inputs; // of its own
};
bool timeline_line(const struct timeline *timeline, unsigned index, struct timeline_line *out);
// To where the line begins; its inputs are expected up to its end (timeline_expects), where timeline_branch makes it go
// on live. It is none of those that were left any more; the present one is. False: as timeline_go.
bool timeline_go_line(struct timeline *timeline, unsigned index, const char **wrong);
// Of the inputs that a replay has still to take; NULL past the last one.
const struct input *timeline_coming(const struct timeline *timeline, size_t index);

bool timeline_in_past(const struct timeline *timeline);
bool timeline_keeps(const struct timeline *timeline); // something: one can go back

struct timeline_facts {
    bool in_past;
    struct position first, end; // of what is kept; `end` is the present unless in_past
    unsigned checkpoints;
    uint64_t bytes; // of the host's memory
    uint64_t inputs;
    uint64_t taken; // inputs up to the present, since the beginning of the timeline
};
void timeline_facts(const struct timeline *timeline, struct timeline_facts *out);
// Where a checkpoint lies. False past the last one.
bool timeline_checkpoint(const struct timeline *timeline, unsigned index, struct position *out);
// An input that was taken, in the order in which they were. False past the last one.
bool timeline_input(const struct timeline *timeline, size_t index, struct input *out);

#endif

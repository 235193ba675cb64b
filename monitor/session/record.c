// A run that is written down; see record.h.
#include "monitor/session/record.h"
#include "devices/history/recording.h"
#include "devices/history/timeline.h"
#include "monitor/files/behind.h"
#include "monitor/session/blocks.h"
#include "monitor/files/complaint.h"
#include "monitor/files/files.h"
#include "monitor/files/packed.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct record {
    struct run *run;
    struct behind *to;
    struct recording_writer writer;
    struct position reached;        // by the run; it may be some milliseconds ago
    struct position told;           // of that, in the file
    uint64_t hash_every, next_hash; // steps
    struct recording_changes changes;
    struct blocks blocks;
    uint64_t checkpoint_step, checkpoint_bytes; // of the last one; of all so far
    bool begun, failed;                         // failed: it was said that it cannot be written
};

static void put(void *context, const void *bytes, size_t count) {
    behind_put(((struct record *)context)->to, bytes, count);
}

// On the thread that writes, or when all is over.
static void tell_reached(void *context) {
    struct record *r = context;
    if (position_same(&r->reached, &r->told)) return;
    recording_reached(&r->writer, &r->reached);
    r->told = r->reached;
}

static size_t whole(void *context, uint64_t at, const uint8_t *bytes, size_t count) {
    (void)context;
    return recording_whole(at == 0, bytes, count);
}

bool record_open(struct run *run) {
    const struct options *o = run->options;
    if (!*o->record) return true;
    struct record *r = run->record = calloc(1, sizeof *r);
    if (!r) return complain("not enough memory");
    *r = (struct record){
        .run = run, .writer = {.context = r, .put = put, .packer = packed_by_zstd()}, .hash_every = o->record_hashes};
    r->to = behind_open(o->record, &(struct behind_user){r, tell_reached, whole});
    return r->to || complain("%s: %s", o->record, files_why());
}

// --- what comes in ---

static void took(void *context, const struct input *input) {
    struct record *r = context;
    behind_lock(r->to);
    recording_input(&r->writer, input);
    r->reached = r->told = input->at;
    behind_unlock(r->to);
}

void record_listen(struct run *run) {
    const struct input_log log = {.context = run->record, .took = took};
    if (!run->record) return;
    if (run->timeline)
        timeline_tell(run->timeline, &log);
    else
        machine_set_log(run->machine, &log);
}

bool record_begin(struct run *run) {
    struct record *r = run->record;
    if (!r) return true;
    behind_lock(r->to);
    bool begun = recording_begin(&r->writer, run->machine, "vmxray " VMXRAY_VERSION);
    behind_unlock(r->to);
    if (run->options->record_checkpoints && !recording_changes_begin(&r->changes, run->machine))
        return complain("%s: not enough memory for checkpoints", run->options->record);
    machine_position(run->machine, &r->reached);
    r->told = r->reached;
    r->next_hash = r->hash_every;
    record_listen(run);
    images_watch(run->options->images, blocks_written(&r->blocks, &r->writer, r->to, run->options->record_disks));
    if (!begun) return complain("%s: not enough memory to begin a recording", run->options->record);
    r->begun = behind_begin(r->to);
    return r->begun || complain("%s: the host gives no thread to write it", run->options->record);
}

// --- as the run goes on ---

// What is gone through again is in the file already.
static bool is_present(const struct run *run) {
    return !run->timeline || (!timeline_in_past(run->timeline) && !timeline_expects(run->timeline));
}

// Told once; the run goes on.
static void tell_failure(struct record *r, int error, uint64_t bytes) {
    if (!error || r->failed) return;
    r->failed = r->run->record_failed = true;
    (void)console_flush(r->run->console);
    complain("%s: the recording ends after %" PRIu64 " bytes: %s%s", r->run->options->record, bytes, strerror(error),
             files_advice(error));
}

static void look_at_file(struct record *r) {
    uint64_t bytes;
    int error = behind_error(r->to, &bytes);
    tell_failure(r, error, bytes);
}

// At the present.
static void put_hash(struct record *r) {
    behind_lock(r->to);
    recording_hash(&r->writer, r->run->machine);
    machine_position(r->run->machine, &r->reached);
    r->told = r->reached;
    behind_unlock(r->to);
}

static void plan_hash(struct record *r) {
    uint64_t step = machine_steps(r->run->machine);
    r->next_hash = step - step % r->hash_every + r->hash_every;
}

// --- checkpoints ---

// The fuller the room for them, the rarer they become; a lot of pages is waited for.
static bool checkpoint_is_due(const struct record *r, uint64_t step) {
    enum { LEAST = 20000000, MOST = 100000000, STEPS_A_PAGE = 10000, QUARTERS = 4 };
    uint64_t room = r->run->options->record_checkpoints, since = step - r->checkpoint_step;
    if (!room || r->changes.failed || since < LEAST || r->checkpoint_bytes >= room) return false;
    uint64_t wanted = r->changes.count * (uint64_t)STEPS_A_PAGE;
    if (wanted > MOST) wanted = MOST;
    return since >= wanted << QUARTERS * r->checkpoint_bytes / room;
}

static void put_checkpoint(struct record *r, uint64_t step) {
    behind_lock(r->to);
    uint64_t before = r->writer.bytes;
    if (!recording_checkpoint(&r->writer, r->run->machine, &r->changes)) r->changes.failed = true;
    r->checkpoint_bytes += r->writer.bytes - before;
    machine_position(r->run->machine, &r->reached);
    r->told = r->reached;
    behind_unlock(r->to);
    r->checkpoint_step = step;
}

void record_look(struct run *run) {
    struct record *r = run->record;
    struct position now;
    if (!r || !r->begun || r->failed || !is_present(run)) return;
    machine_position(run->machine, &now);
    behind_lock(r->to);
    r->reached = now;
    behind_unlock(r->to);
    if (now.steps >= r->next_hash) {
        put_hash(r);
        plan_hash(r);
    }
    if (checkpoint_is_due(r, now.steps)) put_checkpoint(r, now.steps);
    look_at_file(r);
}

uint64_t record_next_stop(const struct run *run) {
    const struct record *r = run->record;
    return r && r->begun && !r->failed && is_present(run) ? r->next_hash : UINT64_MAX;
}

void record_mark(struct run *run, const char *name, const struct position *at) {
    struct record *r = run->record;
    if (!r || !r->begun) return;
    behind_lock(r->to);
    recording_mark(&r->writer, name, at);
    behind_unlock(r->to);
}

void record_branch(struct run *run) {
    struct record *r = run->record;
    struct timeline_facts facts;
    if (!r || !r->begun) return;
    timeline_facts(run->timeline, &facts);
    behind_lock(r->to);
    machine_position(run->machine, &r->reached);
    r->told = r->reached;
    recording_branch(&r->writer, &r->reached, facts.taken);
    behind_unlock(r->to);
    plan_hash(r);
    r->checkpoint_step = r->reached.steps;
}

void record_line(struct run *run) {
    struct record *r = run->record;
    struct timeline_facts facts;
    const struct input *input;
    if (!r || !r->begun) return;
    record_branch(run);
    timeline_facts(run->timeline, &facts);
    behind_lock(r->to);
    for (size_t i = 0; (input = timeline_coming(run->timeline, i)); i++) recording_input(&r->writer, input);
    r->reached = r->told = facts.end;
    recording_reached(&r->writer, &facts.end);
    behind_unlock(r->to);
}

void record_hash(struct run *run) {
    struct record *r = run->record;
    if (r && r->begun && !r->failed && is_present(run)) put_hash(r);
}

// In the past the end of what was recorded is the end.
static void put_end(struct record *r, const char *reason) {
    behind_lock(r->to);
    recording_end(&r->writer, &r->reached, reason, (uint8_t)r->run->status);
    r->told = r->reached;
    behind_unlock(r->to);
}

static void forget_log(struct run *run) {
    if (run->timeline)
        timeline_tell(run->timeline, &(struct input_log){.context = NULL});
    else
        machine_set_log(run->machine, NULL);
}

static void end(struct run *run, const char *reason) {
    struct record *r = run->record;
    uint64_t bytes = 0;
    if (r->begun) {
        forget_log(run);
        images_watch(run->options->images, NULL);
        put_end(r, reason);
    }
    int error = r->to ? behind_close(r->to, &bytes) : 0;
    tell_failure(r, error, bytes);
    recording_changes_end(&r->changes);
    blocks_free(&r->blocks);
    run->record = NULL;
    free(r);
}

void record_close(struct run *run, const char *reason) {
    if (!run->record) return;
    record_hash(run);
    end(run, reason);
}

void record_leave(struct run *run, const char *reason) {
    struct record *r = run->record;
    if (!r) return;
    uint64_t steps = r->reached.steps;
    bool told = r->begun && !r->failed;
    end(run, reason);
    if (told && !run->record_failed)
        complain("%s: the recording ends at step %" PRIu64 ": %s", run->options->record, steps, reason);
}

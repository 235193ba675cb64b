// A run that is written down; see record.h.
#include "monitor/session/record.h"
#include "devices/recording/recording.h"
#include "devices/history/timeline.h"
#include "monitor/files/behind.h"
#include "monitor/session/blocks.h"
#include "monitor/files/complaint.h"
#include "monitor/files/files.h"
#include "monitor/files/packed.h"
#include "monitor/host/parse.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct record {
    struct run *run;
    struct record_wish wish;
    struct behind *to;
    struct recording_writer writer;
    struct position reached; // by the run; it may be some milliseconds ago
    struct position told;    // of that, in the file
    uint64_t next_hash;      // step
    uint64_t taken_before;   // inputs of the run, before it began
    struct position began;
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

// --- what is asked for ---

static bool take_wish(struct record_wish *wish, const char *word) {
    if (strcmp(word, "disk=full") == 0 || strcmp(word, "disk=hashes") == 0) {
        wish->disks = word[5] == 'f';
        return true;
    }
    if (strncmp(word, "checkpoints=", 12) == 0) return parse_size(word + 12, 1 << 20, &wish->checkpoints);
    return strncmp(word, "hashes=", 7) == 0 && parse_count(word + 7, &wish->hashes) && wish->hashes;
}

bool record_take(struct record_wish *wish, const char *text) {
    char word[64];
    if (!parse_item(&text, wish->path, sizeof wish->path) || !*wish->path) return false;
    while (parse_item(&text, word, sizeof word))
        if (!take_wish(wish, word)) return false;
    return true;
}

// --- its file ---

static bool open_file(struct run *run, const struct record_wish *wish) {
    struct record *r = run->record = calloc(1, sizeof *r);
    if (!r) return complain("not enough memory");
    *r = (struct record){.run = run, .wish = *wish, .writer = {.context = r, .put = put, .packer = packed_by_zstd()}};
    r->to = behind_open(r->wish.path, &(struct behind_user){r, tell_reached, whole});
    return r->to || complain("%s: %s", r->wish.path, files_why());
}

bool record_open(struct run *run) { return !*run->options->record.path || open_file(run, &run->options->record); }

const char *record_path(const struct run *run) { return run->record ? run->record->wish.path : NULL; }
bool record_needs_images(const struct run *run) { return run->record && !run->record->wish.disks; }

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

// At the start: whether it is as configuration and boot image alone make it.
static bool is_new(const struct run *run) {
    const struct options *o = run->options;
    return !o->loadvm && !o->incoming;
}

static uint64_t inputs_taken(const struct run *run) {
    struct timeline_facts facts = {.taken = 0};
    if (run->timeline) timeline_facts(run->timeline, &facts);
    return facts.taken;
}

static bool begin_thread(struct record *r) {
    r->begun = behind_begin(r->to);
    return r->begun || complain("%s: the host gives no thread to write it", r->wish.path);
}

// What a machine is that has run may be large: the thread is there first, and is waited for.
static bool put_beginning(struct record *r, bool new) {
    const char *program = "vmxray " VMXRAY_VERSION;
    if (!new && !begin_thread(r)) return false;
    behind_lock(r->to);
    behind_wait(r->to, !new);
    bool begun = new ? recording_begin(&r->writer, r->run->machine, program)
                     : recording_begin_here(&r->writer, r->run->machine, program);
    behind_wait(r->to, false);
    behind_unlock(r->to);
    if (!begun) complain("%s: not enough memory to begin a recording", r->wish.path);
    return begun;
}

static void plan_hash(struct record *r) {
    uint64_t step = machine_steps(r->run->machine);
    r->next_hash = step - step % r->wish.hashes + r->wish.hashes;
}

static bool begin(struct run *run, bool new) {
    struct record *r = run->record;
    if (r->wish.checkpoints && !recording_changes_begin(&r->changes, run->machine))
        return complain("%s: not enough memory for checkpoints", r->wish.path);
    machine_position(run->machine, &r->began);
    r->reached = r->told = r->began;
    r->taken_before = inputs_taken(run);
    r->checkpoint_step = machine_steps(run->machine);
    plan_hash(r);
    if (!put_beginning(r, new)) return false;
    images_watch(run->options->images, blocks_written(&r->blocks, &r->writer, r->to, r->wish.disks));
    return r->begun || begin_thread(r);
}

bool record_begin(struct run *run) {
    if (!run->record) return true;
    record_listen(run);
    return begin(run, is_new(run));
}

bool record_from_here(struct run *run) { return begin(run, false); }

bool record_into(struct run *run, const struct record_wish *wish) {
    if (open_file(run, wish)) return true;
    record_close(run, NULL);
    return false;
}

void record_known(struct run *run) {
    struct record *r = run->record;
    struct timeline_facts facts;
    const struct input *input;
    timeline_facts(run->timeline, &facts);
    behind_lock(r->to);
    for (size_t i = 0; (input = timeline_coming(run->timeline, i)); i++) recording_input(&r->writer, input);
    r->reached = r->told = facts.end;
    recording_reached(&r->writer, &facts.end);
    behind_unlock(r->to);
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
    complain("%s: the recording ends after %" PRIu64 " bytes: %s%s", r->wish.path, bytes, strerror(error),
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

// --- checkpoints ---

// The fuller the room for them, the rarer they become; a lot of pages is waited for.
static bool checkpoint_is_due(const struct record *r, uint64_t step) {
    enum { LEAST = 20000000, MOST = 100000000, STEPS_A_PAGE = 10000, QUARTERS = 4 };
    uint64_t room = r->wish.checkpoints, since = step - r->checkpoint_step;
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

// Whether the present, with so many inputs taken, lies before the beginning.
static bool lies_before(const struct record *r, uint64_t taken) {
    struct position now;
    machine_position(r->run->machine, &now);
    return taken < r->taken_before || position_compare(&r->began, &now) == POSITION_AHEAD;
}

void record_branch(struct run *run) {
    struct record *r = run->record;
    struct timeline_facts facts;
    if (!r || !r->begun) return;
    timeline_facts(run->timeline, &facts);
    if (lies_before(r, facts.taken)) {
        record_leave(run, "the run goes on from a moment before it began");
        return;
    }
    behind_lock(r->to);
    machine_position(run->machine, &r->reached);
    r->told = r->reached;
    recording_branch(&r->writer, &r->reached, facts.taken - r->taken_before);
    behind_unlock(r->to);
    plan_hash(r);
    r->checkpoint_step = r->reached.steps;
}

void record_line(struct run *run) {
    struct record *r = run->record;
    if (!r || !r->begun) return;
    record_branch(run);
    if (run->record) record_known(run);
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
    char path[OPTIONS_PATH];
    uint64_t steps = r->reached.steps;
    bool told = r->begun && !r->failed;
    memcpy(path, r->wish.path, sizeof path);
    end(run, reason);
    if (told && !run->record_failed) complain("%s: the recording ends at step %" PRIu64 ": %s", path, steps, reason);
}

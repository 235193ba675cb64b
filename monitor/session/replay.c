// A run that was written down, run once more; see replay.h.
#include "monitor/session/replay.h"
#include "devices/recording/difference.h"
#include "devices/recording/recording.h"
#include "devices/history/timeline.h"
#include "monitor/files/complaint.h"
#include "monitor/files/packed.h"
#include "monitor/files/signals.h"
#include "monitor/host/parse.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// --- reading ---

// What the recording decides: all of the machine. Where what the guest sends goes is this run's.
static bool fill_in(struct options *o) {
    const struct recording *r = o->recording;
    unsigned ports = o->machine.serial_ports;
    if (o->serial_options > r->setup.config.serial_ports)
        return complain("-serial: the machine in %s has %u serial port%s, and %u were named", o->replay,
                        r->setup.config.serial_ports, r->setup.config.serial_ports == 1 ? "" : "s", ports);
    o->machine = r->setup.config;
    for (unsigned i = o->serial_options ? o->serial_options : 1; i < r->setup.config.serial_ports; i++)
        o->serial[i].kind = CHANNEL_NULL;
    if (!r->ended && !*r->cut) complain("%s: whoever wrote it was cut off; what it has is replayed", o->replay);
    if (*r->cut) complain("%s: it was cut off within %s; what comes before is replayed", o->replay, r->cut);
    return true;
}

static bool find_place(struct options *o) {
    const struct recording *r = o->recording;
    const struct recording_mark *mark = recording_find(r, o->replay_at);
    uint64_t step;
    if (!*o->replay_at) return true;
    o->stopped = true;
    if (strcmp(o->replay_at, "end") == 0)
        o->opened = r->end;
    else if (mark)
        o->opened = mark->at;
    else if (parse_count(o->replay_at, &step) && step <= r->end.steps && step >= r->begin.steps)
        o->opened = (struct position){.steps = step}; // the first there
    else
        return complain("-replay %s,at=%s: it has neither such a step, from %" PRIu64 " up to %" PRIu64
                        ", nor a mark of that name",
                        o->replay, o->replay_at, r->begin.steps, r->end.steps);
    return true;
}

bool replay_read(struct options *o) {
    char error[500];
    struct file file;
    if (file_is_pipe(o->replay))
        (void)complain("-replay %s: this is a pipe; all of the recording is waited for before it is run", o->replay);
    if (!file_load(&file, o->replay, error, sizeof error)) return complain("-replay %s: %s", o->replay, error);
    o->recording = recording_read(file.bytes, file.size, packed_by_zstd(), error, sizeof error);
    file_free(&file);
    if (!o->recording) return complain("-replay %s: %s", o->replay, error);
    return fill_in(o) && find_place(o);
}

void replay_free(struct options *o) { recording_free(o->recording); }

static void note_end(struct run *run) {
    const struct recording *r = run->options->recording;
    if (!r->ended || !run_ended_by_guest(r->reason)) return;
    run->guests_end.known = true;
    run->guests_end.at = r->end;
    run->guests_end.status = (enum status)r->status;
    snprintf(run->guests_end.text, sizeof run->guests_end.text, "%s", r->reason);
}

bool replay_begin(struct run *run) {
    const struct recording *r = run->options->recording;
    struct timeline_facts facts;
    char error[600];
    if (!r) return true;
    if (!timeline_expect(run->timeline, &r->inputs, &r->end)) return complain("not enough memory");
    note_end(run);
    timeline_facts(run->timeline, &facts);
    return !facts.checkpoints || !r->checkpoint_count ||
           recording_load(r, run->machine, run->timeline, packed_by_zstd(), error, sizeof error) ||
           complain("-replay %s: %s (-history 0 does without checkpoints)", run->options->replay, error);
}

// --- comparing ---

static void name_parts(struct run *run, const struct recording_hashes *was, const struct recording_hashes *is,
                       const struct recording_parts *parts) {
    size_t size = sizeof run->lost, used = strlen(run->lost);
    const char *between = "";
    for (unsigned i = 0; i < was->count && used < size; i++) {
        if (was->hash[i] == is->hash[i]) continue;
        used += (size_t)snprintf(run->lost + used, size - used, "%s%s", between, parts->name[i]);
        between = ", ";
    }
}

// The first value that is another one than in a checkpoint of the recording.
struct first_value {
    struct run *run;
    uint64_t step;
    bool told;
};
static void tell_value(void *context, const struct pair_value *v) {
    struct first_value *f = context;
    char name[120];
    if (f->told) return;
    f->told = true;
    if (!*v->field)
        snprintf(name, sizeof name, "%.60s[0x%" PRIx64 "]", v->part, v->index);
    else if (v->elements > 1)
        snprintf(name, sizeof name, "%.40s %u %.60s[%" PRIu64 "]", v->part, v->nth, v->field, v->index);
    else
        snprintf(name, sizeof name, "%.40s %u %.60s", v->part, v->nth, v->field);
    size_t used = strlen(f->run->lost);
    snprintf(f->run->lost + used, sizeof f->run->lost - used,
             "; at step %" PRIu64 ", of which there is a checkpoint, %s is 0x%" PRIx64 " and was 0x%" PRIx64, f->step,
             name, v->value[0], v->value[1]);
}

static void look_at_parting(void *context) {
    const struct parting *p = context;
    if (!signals_is_asked() && !signals_ending()) return;
    for (unsigned i = 0; i < 2; i++)
        if (p->pair.m[i]) machine_stop_soon(p->pair.m[i]);
}

// Which field it is, where a checkpoint that stands in the recording has it.
static void name_field(struct run *run, const struct position *good) {
    enum { PAST_BYTES = 64 << 20, OF_A_PART = 1 };
    static struct parting parting;
    const struct pair_wish wish = {.history_bytes = PAST_BYTES,
                                   .packer = packed_by_zstd_in_memory(),
                                   .config = machine_configuration(run->machine),
                                   .look = look_at_parting,
                                   .context = &parting};
    struct first_value first = {.run = run};
    char error[300];
    enum pair_found found =
        parting_find(&parting, run->options->recording, good, &wish, &first.step, error, sizeof error);
    uint64_t count = found == PAIR_DIFFERS ? pair_tell(&parting.pair, OF_A_PART, tell_value, &first) : 0;
    size_t used = strlen(run->lost);
    if (count > 1) snprintf(run->lost + used, sizeof run->lost - used, " (one of %" PRIu64 ")", count);
    parting_close(&parting);
}

static bool compare(struct run *run, const struct recording_hashes *was) {
    const struct recording *r = run->options->recording;
    struct recording_parts parts = r->parts;
    struct recording_hashes is;
    recording_look(run->machine, &parts, &is);
    if (memcmp(is.hash, was->hash, was->count * sizeof *was->hash) == 0) return true;
    const struct position *good = run->compared ? &r->hashes[run->compared - 1].at : &r->begin;
    snprintf(run->lost, sizeof run->lost,
             "this is not the run that was recorded: they part between step %" PRIu64 " and step %" PRIu64 ", in ",
             good->steps, was->at.steps);
    name_parts(run, was, &is, &parts);
    name_field(run, good);
    return false;
}

static const struct recording_hashes *next_hashes(const struct run *run) {
    const struct recording *r = run->options->recording;
    return run->compared < r->hash_count ? &r->hashes[run->compared] : NULL;
}

// What was passed by a way on which nothing is compared is left out. False: they part.
static bool compare_here(struct run *run) {
    struct timeline_facts facts;
    struct position now;
    const struct recording_hashes *next;
    timeline_facts(run->timeline, &facts);
    machine_position(run->machine, &now);
    for (; (next = next_hashes(run)); run->compared++) {
        bool here = position_same(&next->at, &now) && next->inputs == facts.taken;
        if (here && !compare(run, next)) return false;
        bool ahead = position_compare(&next->at, &now) == POSITION_AHEAD || next->inputs > facts.taken;
        if (!here && ahead) return true;
    }
    return true;
}

enum machine_stop replay_run(struct run *run, uint64_t steps) {
    struct timeline *t = run->timeline;
    if (!compare_here(run)) return MACHINE_LOST;
    const struct recording_hashes *next = next_hashes(run);
    bool near = next && next->at.steps - machine_steps(run->machine) <= steps;
    enum machine_stop why = near ? timeline_run_to_input(t, &next->at, next->inputs) : timeline_run(t, steps);
    return compare_here(run) ? why : MACHINE_LOST;
}

// --- going somewhere ---

// Where the way to a goal begins, with a checkpoint of the recording; 0: there is none. What lies before it is not run.
static uint64_t way_begins(const struct run *run, const struct position *goal) {
    struct position at;
    uint64_t step = 0;
    if (!run->options->recording->checkpoint_count) return 0;
    for (unsigned i = 0; timeline_checkpoint(run->timeline, i, &at) && at.steps <= goal->steps; i++) step = at.steps;
    return step;
}

static void tell_parted(struct run *run) {
    (void)console_flush(run->console);
    complain("-replay %s: %s", run->options->replay, run->lost);
    run->lost[0] = 0;
    run->parted = true;
    run->compared = SIZE_MAX;
}

// On the way to a goal nothing is passed over that the recording says of it. False: interrupted, or it does not lead
// there.
static bool compare_up_to(struct run *run, const struct position *goal, const char **wrong) {
    const struct recording_hashes *next;
    struct timeline_facts facts;
    if (!run->options->recording || !timeline_expects(run->timeline)) return true;
    timeline_facts(run->timeline, &facts);
    if (position_compare(goal, &facts.end) == POSITION_AHEAD) return true; // nobody can go there
    uint64_t begins = way_begins(run, goal);
    for (; (next = next_hashes(run)); run->compared++) {
        if (position_compare(&next->at, goal) == POSITION_AHEAD) break;
        if (next->at.steps < begins) continue;
        bool gone = timeline_go(run->timeline, &next->at, wrong);
        if (!gone && *wrong) return false;
        if (!gone) continue; // it is not kept any more
        (void)timeline_run_to_input(run->timeline, &next->at, next->inputs);
        if (compare(run, next)) continue;
        tell_parted(run);
        break;
    }
    return true;
}

bool replay_to_step(struct run *run, uint64_t step, const char **wrong) {
    return compare_up_to(run, &(struct position){.steps = step}, wrong) && timeline_go_step(run->timeline, step, wrong);
}

bool replay_to(struct run *run, const struct position *position, const char **wrong) {
    return compare_up_to(run, position, wrong) && timeline_go(run->timeline, position, wrong);
}

// --- the end ---

bool replay_goes_on(const struct run *run) { return run->options->recording && timeline_expects(run->timeline); }
bool replay_at_end(const struct run *run) { return run->options->recording && timeline_at_last(run->timeline); }

const char *replay_reason(const struct run *run) {
    const struct recording *r = run->options->recording;
    return r->ended ? r->reason : "whoever wrote it was cut off";
}

enum status replay_status(const struct run *run) {
    const struct recording *r = run->options->recording;
    return r->ended ? (enum status)r->status : STATUS_DONE;
}

const char *replay_mark(const struct run *run, unsigned index, struct position *at) {
    const struct recording *r = run->options->recording;
    if (!r || index >= r->mark_count) return NULL;
    *at = r->mark[index].at;
    return r->mark[index].name;
}

bool replay_to_mark(struct run *run, const char *name) {
    const struct recording_mark *mark = recording_find(run->options->recording, name);
    struct timeline *t = run->timeline;
    struct timeline_facts facts;
    const struct input *input;
    timeline_facts(t, &facts);
    uint64_t taken = facts.taken;
    for (size_t i = 0; mark && (input = timeline_coming(t, i)) && taken < mark->inputs; i++, taken++)
        if (position_compare(&input->at, &mark->at) == POSITION_AHEAD) break;
    return !mark || taken == facts.taken || timeline_run_to_input(t, &mark->at, taken) == MACHINE_STEPS;
}

static bool cannot_go(const struct run *run, const char *wrong) {
    const struct options *o = run->options;
    if (signals_ending())
        return complain("-replay %s,at=%s: %s ended it on the way, at step %" PRIu64 " of %" PRIu64, o->replay,
                        o->replay_at, signals_name(signals_ending()), machine_steps(run->machine), o->opened.steps);
    return complain("-replay %s,at=%s: it does not lead there (%s)", o->replay, o->replay_at,
                    wrong ? wrong : "no such position");
}

// Where no past is kept: by running there.
static bool run_there(struct run *run) {
    const struct options *o = run->options;
    run->quiet = true;
    enum run_event event = run_until(run, o->opened.steps);
    if (event == RUN_TARGET && o->opened.cycle) (void)timeline_run_to(run->timeline, &o->opened);
    run->quiet = false;
    return event == RUN_TARGET || !signals_ending() || cannot_go(run, NULL);
}

bool replay_go(struct run *run) {
    const struct options *o = run->options;
    const char *wrong = NULL;
    struct timeline_facts facts;
    if (!o->recording || !*o->replay_at) return true;
    timeline_facts(run->timeline, &facts);
    run->printed = o->opened.steps;
    if (!facts.checkpoints) return run_there(run);
    bool first = !o->opened.cycle && o->opened.steps;
    run_looks(run, true);
    bool gone = first ? replay_to_step(run, o->opened.steps, &wrong) : replay_to(run, &o->opened, &wrong);
    run_looks(run, false);
    return gone ? replay_to_mark(run, o->replay_at) : cannot_go(run, wrong);
}

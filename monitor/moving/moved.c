// Another machine for a run; see moved.h.
#include "monitor/stops/stops.h"
#include "monitor/disk/media.h"
#include "monitor/session/record.h"
#include "monitor/moving/moved.h"
#include "devices/history/timeline.h"
#include "monitor/drive/marks.h"
#include "monitor/drive/drive.h"
#include "monitor/host/status.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHY = 600 };

// --- at the start ---

// What of a configuration an option says. Others are the snapshot's.
static void take_given(struct machine_config *c, const struct machine_config *said, const char *option) {
    if (!strcmp(option, "m")) c->ram_bytes = said->ram_bytes;
    if (!strcmp(option, "smp")) c->cpus = said->cpus;
    if (!strcmp(option, "cpu")) c->model = said->model;
    if (!strcmp(option, "rtc")) c->rtc_epoch = said->rtc_epoch;
    if (!strcmp(option, "timing")) c->timing = said->timing;
    if (!strcmp(option, "seed")) c->seed = said->seed;
    if (!strcmp(option, "serial")) c->serial_ports = said->serial_ports;
    if (!strcmp(option, "machine") || !strcmp(option, "M")) c->bios_tick = said->bios_tick, c->machine = said->machine;
    if (!strcmp(option, "fw_cfg")) c->file = said->file, c->files = said->files;
    if (strcmp(option, "device") != 0) return;
    c->devices = said->devices;
    memcpy(c->device, said->device, sizeof c->device);
}

// "-loadvm FILE".
static const char *title(const struct options *o, char text[WHY]) {
    snprintf(text, WHY, "%s %s", o->loadvm ? "-loadvm" : "-incoming", o->loadvm ? o->loadvm : o->incoming);
    return text;
}

static bool open_it(struct snapshot_file *f, const struct options *o, char *why, size_t size) {
    return o->loadvm ? snapshot_file_open(f, o->loadvm, why, size) : snapshot_file_incoming(f, o->incoming, why, size);
}

static bool fits(const struct snapshot_file *f, const struct options *o, const struct machine_config *said) {
    char differs[WHY], name[WHY];
    for (unsigned i = 0; i < o->givens; i++) {
        struct machine_config wanted = f->setup->config;
        take_given(&wanted, said, o->given[i]);
        const char *other = setup_differs(&wanted, &f->setup->config, differs, sizeof differs);
        if (other)
            return complain("%s: it is another machine than -%s says: %s; leave -%s out", title(o, name), o->given[i],
                            other, o->given[i]);
    }
    return true;
}

// Whoever comes to a socket may be anybody: only a machine ends the wait.
static bool waits_on(const struct snapshot_file *f, const struct options *o) {
    char name[WHY];
    if (!f->comes || !incoming_goes_on(&f->incoming)) return false;
    complain("%s: waiting for another one to come", title(o, name));
    return true;
}

bool moved_open(struct snapshot_file *f, struct options *o, const struct machine_config *said) {
    char why[WHY], name[WHY];
    do {
        bool open = open_it(f, o, why, sizeof why);
        if (!open) complain("%s: %s", title(o, name), why);
        if (!open || !fits(f, o, said)) continue;
        o->machine = f->setup->config;
        return true;
    } while (waits_on(f, o));
    return false;
}

bool moved_load(struct snapshot_file *f, const struct options *o, struct machine *machine) {
    char why[WHY], name[WHY];
    return snapshot_file_load(f, machine, why, sizeof why) || complain("%s: %s", title(o, name), why);
}

bool moved_again(struct snapshot_file *f, struct options *o, const struct machine_config *said) {
    return waits_on(f, o) && moved_open(f, o, said);
}

// --- in a run ---

// Whoever keeps the past can undo it; without one, only for this.
static bool try(struct monitor *monitor, struct snapshot_file *f, struct timeline *t, const char *name) {
    char why[WHY];
    const char *wrong = NULL;
    if (!t || !timeline_keep(t)) return monitor_error(monitor, "not enough memory to try it");
    if (snapshot_file_load(f, monitor->look.machine, why, sizeof why)) return true;
    if (timeline_undo(t, &wrong)) return monitor_error(monitor, "%s: %s", name, why);
    monitor->run->over = true;
    monitor->run->status = STATUS_HOST_ERROR;
    return monitor_error(monitor, "%s: %s; and the machine could not be put back (%s): the run is over", name, why,
                         wrong);
}

static bool begin_anew(struct monitor *monitor, struct snapshot_file *f) {
    struct run *run = monitor->run;
    snapshot_free(run->moved); // of whose boot image nothing is needed any more
    run->moved = f->snapshot;
    f->snapshot = NULL;
    record_leave(run, "a snapshot was loaded");
    run->over = false;
    run->status = STATUS_DONE;
    run->guests_end.known = false;
    monitor->altered.count = 0; // it was another machine
    run->hashed_step = UINT64_MAX;
    run->console->silent = false;
    marks_free(monitor);
    monitor->marks = NULL;
    return !run->timeline || timeline_begin_anew(run->timeline) ||
           monitor_error(monitor, "not enough memory to keep the past from here on");
}

bool moved_into(struct monitor *monitor, struct snapshot_file *f, const char *name) {
    struct run *run = monitor->run;
    char differs[WHY];
    const char *other = setup_differs(machine_configuration(run->machine), &f->setup->config, differs, sizeof differs);
    if (other)
        return monitor_error(monitor, "%s is of another machine: %s; vmxray -loadvm %s makes that one", name, other,
                             name);
    if (run->timeline && timeline_expects(run->timeline))
        return monitor_error(monitor, "%s: a recording is replayed; branch makes this moment the present", name);
    bool keeps = run->timeline && timeline_keeps(run->timeline);
    struct timeline *t = keeps ? run->timeline : timeline_new(run->machine, UINT64_MAX);
    drive_going(monitor, true);
    record_hash(run);
    bool loaded = try(monitor, f, t, name);
    if (!keeps) timeline_free(t);
    if (!keeps && !loaded && run->timeline) (void)timeline_begin_anew(run->timeline); // that it is told of inputs again
    if (!keeps && !loaded) record_listen(run);
    if (loaded) loaded = begin_anew(monitor, f);
    if (loaded) (void)media_follow(run->options->images, run->machine); // what cannot be had is told where it is read
    drive_going(monitor, false);
    if (loaded) stops_moved(monitor);
    return loaded;
}

// diff: where two recordings part, and how the machines differ there.
#include "devices/recording/difference.h"
#include "devices/machine/machine_input.h"
#include "monitor/files/packed.h"
#include "monitor/files/signals.h"
#include "monitor/host/file.h"
#include "monitor/session/blocks.h"
#include "monitor/session/monitor.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ERROR = 700, OF_A_PART = 6, PAST_BYTES = 128 << 20 };

static struct recording *open_recording(struct monitor *monitor, const char *path) {
    char error[ERROR];
    struct file file;
    struct recording *r = NULL;
    if (file_load(&file, path, error, sizeof error)) {
        r = recording_read(file.bytes, file.size, packed_by_zstd(), error, sizeof error);
        file_free(&file);
    }
    if (!r) monitor_error(monitor, "%s: %s", path, error);
    return r;
}

static void look(void *context) {
    const struct recording_pair *p = context;
    if (!signals_is_asked() && !signals_ending()) return;
    for (unsigned i = 0; i < 2; i++)
        if (p->m[i]) machine_stop_soon(p->m[i]);
}

static void tell_value(void *context, const struct pair_value *v) {
    struct monitor *monitor = context;
    char name[120];
    if (!*v->field)
        snprintf(name, sizeof name, "%s[0x%" PRIx64 "]", v->part, v->index);
    else if (v->elements > 1)
        snprintf(name, sizeof name, "%s %u %s[%" PRIu64 "]", v->part, v->nth, v->field, v->index);
    else
        snprintf(name, sizeof name, "%s %u %s", v->part, v->nth, v->field);
    print(monitor, "  %-40s %16" PRIx64 " %16" PRIx64 "\n", name, v->value[0], v->value[1]);
}

// The first input that only one of them has, or that is another one.
static void tell_inputs(struct monitor *monitor, const struct recording_pair *p) {
    size_t same = pair_same_inputs(p);
    struct input_row row;
    print(monitor, "%zu input%s the same in both.\n", same, same == 1 ? " is" : "s are");
    for (unsigned i = 0; i < 2; i++) {
        const struct input_list *list = &p->r[i]->inputs;
        print(monitor, "  then in the %s: ", i ? "second" : "first");
        if (same == list->count || !input_row(list->input[same].kind, &row))
            print(monitor, "none\n");
        else
            print(monitor, "%s at step %" PRIu64 ", cycle %" PRIu64 "\n", row.name, list->input[same].at.steps,
                  list->input[same].at.cycle);
    }
}

static bool tell_difference(struct monitor *monitor, struct recording_pair *p, enum pair_found found, uint64_t step,
                            const char *wrong) {
    char text[ERROR];
    const char *setup = setup_differs(&p->r[0]->setup.config, &p->r[1]->setup.config, text, sizeof text);
    if (found == PAIR_FAILED) return monitor_error(monitor, "diff: %s, after step %" PRIu64, wrong, step);
    if (setup) print(monitor, "The machines are not the same: %s (here: the first).\n", setup);
    const char *loaded = setup_boot_differs(&p->r[0]->setup, &p->r[1]->setup, text, sizeof text);
    if (loaded) print(monitor, "They do not begin with the same: %s (here: the first).\n", loaded);
    tell_inputs(monitor, p);
    if (found == PAIR_SAME) {
        print(monitor, "They do the same up to step %" PRIu64 ", where %s ends.\n", step,
              p->r[0]->end.steps == p->r[1]->end.steps ? "each" : "one of them");
        return true;
    }
    print_in(monitor, BOLD, "They differ from step %" PRIu64 " on%s:\n", step, step ? ", and not before" : "");
    uint64_t count = pair_tell(p, OF_A_PART, tell_value, monitor);
    print(monitor, "%" PRIu64 " member%s of the state and page%s of memory in all.\n", count, count == 1 ? "" : "s",
          count == 1 ? "" : "s");
    return true;
}

static bool compare(struct monitor *monitor, struct recording_pair *p) {
    char error[ERROR];
    uint64_t step = 0;
    const char *wrong = NULL;
    const struct pair_wish wish = {
        .history_bytes = PAST_BYTES, .packer = packed_by_zstd_in_memory(), .look = look, .context = p};
    if (!pair_open(p, &wish, error, sizeof error)) return monitor_error(monitor, "diff: %s", error);
    enum pair_found found = pair_find(p, &step, &wrong);
    return tell_difference(monitor, p, found, step, wrong);
}

// Images, where the recordings have no contents of their own.
struct pair_disks {
    struct images images[2];
    struct recorded_drive drive[2][IMAGE_NUMBERS];
    const struct recording *recording;
    unsigned which;
};

static bool recorded_disk(void *context, unsigned drive, struct block_back *out) {
    struct pair_disks *d = context;
    return blocks_recorded(&d->drive[d->which][drive], d->recording, drive, out);
}

static bool needs_image(void *context, unsigned drive) {
    const struct pair_disks *d = context;
    return blocks_need_image(d->recording, drive);
}

static bool connect_disks(struct pair_disks *d, struct recording *const r[2]) {
    for (d->which = 0; d->which < 2; d->which++) {
        const struct images_wish wish = {.history = true,
                                         .compared = true,
                                         .needs = needs_image,
                                         .without = recorded_disk,
                                         .context = d,
                                         .inputs = &r[d->which]->inputs};
        d->recording = r[d->which];
        if (!images_connect(&d->images[d->which], &r[d->which]->setup.config, &wish)) return false;
    }
    return true;
}

bool command_diff(struct monitor *monitor, const char *arguments) {
    char path[2][4096];
    struct recording_pair p = {0};
    struct recording *r[2] = {0};
    struct pair_disks disks = {0};
    for (unsigned i = 0; i < 2; i++)
        if (!take_word(&arguments, path[i], sizeof path[i]))
            return monitor_error(monitor, "diff what? diff FILE FILE, two that -record wrote");
    bool done = (r[0] = open_recording(monitor, path[0])) && (r[1] = open_recording(monitor, path[1]));
    p.r[0] = r[0], p.r[1] = r[1];
    done = done && connect_disks(&disks, r) && compare(monitor, &p);
    pair_close(&p);
    for (unsigned i = 0; i < 2; i++) images_close(&disks.images[i]);
    for (unsigned i = 0; i < 2; i++) recording_free(r[i]);
    return done;
}

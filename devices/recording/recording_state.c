// What a machine was with which a recording begins that was not begun with a new one: a stream of devices/snapshot's
// frames: the machine without its memory by names (PART, ALL), all of its memory (AREA, PAGE, DONE). See recording.h.
#include "devices/recording/recording_stream.h"
#include "devices/machine/machine_private.h"
#include "devices/snapshot/area_image.h"
#include "devices/snapshot/machine_image.h"
#include <stdio.h>

bool recording_put_state(struct recording_writer *w, struct machine *m) {
    struct recording_stream s;
    struct frame_writer frames;
    struct position at;
    if (!recording_stream_begin(&s, w, FRAME_STATE)) return false;
    frame_writer_begin(&frames, &(struct sink){&s, recording_stream_put}, w->packer);
    bool put = machine_image_put(&frames, m) && area_image_put(&frames, m);
    frame_writer_free(&frames);
    recording_stream_end(&s);
    machine_position(m, &at);
    if (put) recording_put_position(w, FRAME_BEGUN, &at);
    return put;
}

static bool take_state(struct frame_reader *r, struct machine *m, const struct position *begin) {
    struct position at;
    if (!machine_image_take(r, m) || !area_image_take(r, m)) return false;
    const char *wrong = machine_image_loaded(m);
    if (wrong) return frame_fail(r, "the state of %s goes with no run of this machine", wrong);
    machine_position(m, &at);
    if (!position_same(&at, begin)) return frame_fail(r, "it is of another moment");
    return (!frame_next(r) && r->ended) || frame_fail(r, "there is more behind its end");
}

static bool load_state(const struct recording *r, struct machine *m, const struct packer *packer, char *error,
                       size_t error_size) {
    struct recording_bytes bytes = {.bytes = r->state, .used = r->state_size};
    struct frame_reader frames;
    frame_reader_begin(&frames, &(struct source){&bytes, recording_bytes_get}, packer);
    bool taken = take_state(&frames, m, &r->begin);
    if (!taken && error_size) snprintf(error, error_size, "the state that it begins with: %s", frames.wrong);
    frame_reader_free(&frames);
    return taken;
}

bool recording_start(const struct recording *r, struct machine *m, const struct packer *packer, char *error,
                     size_t error_size) {
    const struct boot_image *boot = r->setup.has_boot ? &r->setup.boot : NULL;
    if (r->state && !load_state(r, m, packer, error, error_size)) return false;
    bool booted = r->state ? machine_set_boot(m, boot) : !boot || machine_boot(m, boot);
    if (!booted && error_size) snprintf(error, error_size, "what the machine begins with cannot be loaded");
    return booted;
}

// A machine as frames: HEAD, what it is made of (setup.h), its pieces (machine_image.h), its memory (area_image.h), and
// at the end its hash. See snapshot.h.
#include "devices/snapshot/snapshot.h"
#include "devices/machine/machine_private.h"
#include "devices/snapshot/area_image.h"
#include "devices/snapshot/machine_image.h"
#include <stdlib.h>

#define FILE_SNAPSHOT FRAME_KIND('s', 'n', 'a', 'p')
#define FRAME_HEAD FRAME_KIND('H', 'E', 'A', 'D')
#define FRAME_HASH FRAME_KIND('H', 'A', 'S', 'H')

struct snapshot {
    struct frame_reader reader;
    struct setup setup;
};

// --- writing ---

static void put_head(struct frame_writer *w, const struct machine *m) {
    frame_begin(w, FRAME_HEAD);
    frame_put_number(w, machine_steps(m), 8);
    frame_put_number(w, machine_cycles(m), 8);
    frame_put_number(w, machine_nanoseconds(m), 8);
    frame_put_number(w, m->config.ram_bytes, 8);
    frame_put_number(w, m->config.cpus, 8);
    frame_end(w);
}

static void put_hash(struct frame_writer *w, struct machine *m) {
    frame_begin(w, FRAME_HASH);
    frame_put_number(w, machine_hash(m), 8);
    frame_end(w);
}

const char *snapshot_save(struct machine *m, const struct sink *to, const struct packer *packer) {
    struct frame_writer w;
    for (unsigned i = 0; i < m->config.drives; i++)
        if (m->config.drive[i].back.write && !m->config.drive[i].read_only)
            return "a drive writes through to its image, which is no part of it (snapshot=on keeps it aside)";
    frame_writer_begin(&w, to, packer);
    frame_put_file(&w, FILE_SNAPSHOT, SNAPSHOT_LAYOUT);
    put_head(&w, m);
    (void)(setup_put(&w, m) && machine_image_put(&w, m) && area_image_put(&w, m));
    put_hash(&w, m);
    frame_writer_free(&w);
    return w.wrong;
}

// --- reading ---

struct snapshot *snapshot_open(const struct source *from, const struct packer *packer) {
    struct snapshot *s = calloc(1, sizeof *s);
    if (s) frame_reader_begin(&s->reader, from, packer);
    return s;
}

void snapshot_free(struct snapshot *s) {
    if (!s) return;
    frame_reader_free(&s->reader);
    setup_free(&s->setup);
    free(s);
}

const char *snapshot_wrong(const struct snapshot *s) { return s->reader.wrong; }

// Of any layout.
bool snapshot_is_one(const struct snapshot *s) { return s->reader.is_kind; }

bool snapshot_head(struct snapshot *s, struct snapshot_head *out) {
    struct frame_reader *r = &s->reader;
    if (!frame_take_file(r, FILE_SNAPSHOT, "snapshot", SNAPSHOT_LAYOUT) || !frame_expect(r, FRAME_HEAD)) return false;
    out->steps = frame_take_number(r, 8);
    out->cycles = frame_take_number(r, 8);
    out->nanoseconds = frame_take_number(r, 8);
    out->ram_bytes = frame_take_number(r, 8);
    out->cpus = frame_take_number(r, 8);
    return frame_done(r);
}

const struct setup *snapshot_setup(struct snapshot *s) { return setup_take(&s->reader, &s->setup) ? &s->setup : NULL; }

static bool take_hash(struct frame_reader *r, struct machine *m) {
    if (!frame_expect(r, FRAME_HASH)) return false;
    uint64_t saved = frame_take_number(r, 8);
    if (!frame_done(r)) return false;
    if (saved != machine_hash(m))
        return frame_fail(r, "the machine that was read has another hash than the one that was saved");
    return true;
}

static bool ends(struct frame_reader *r) {
    return frame_next(r) ? frame_fail(r, "there is more behind the end") : r->ended;
}

bool snapshot_load(struct snapshot *s, struct machine *m, bool alone) {
    struct frame_reader *r = &s->reader;
    if (!machine_image_take(r, m) || !area_image_take(r, m)) return false;
    const char *wrong = machine_image_loaded(m);
    if (wrong) return frame_fail(r, "the state of %s goes with no run of this machine", wrong);
    if (!take_hash(r, m) || (alone && !ends(r))) return false;
    if (!machine_set_boot(m, s->setup.has_boot ? &s->setup.boot : NULL))
        return frame_fail(r, "what it begins with after a reset does not fit into this machine");
    machine_drop_offers(m);
    frame_reader_free(r);
    return true;
}

// Damaging snapshots; see damage.h.
#include "tests/snapshot/damage.h"
#include "monitor/files/packed.h"
#include "tests/decode/random.h"
#include "tests/devices/busy.h"
#include "tests/tap.h"
#include <stdlib.h>
#include <string.h>

enum { RUN_STEPS = 3000, MOST_RAM = 64 << 20 };

void damage_saved(struct store *store) {
    struct machine *m = busy_machine(2);
    const struct sink sink = store_sink(store);
    (void)machine_run(m, 30000);
    if (snapshot_save(m, &sink, packed_by_zstd())) bail("not saved");
    machine_free(m);
}

void damage_frames(struct store *from, struct store *to, bool (*change)(void *context, struct frame *frame),
                   void *context) {
    const struct source source = store_source(from);
    const struct sink sink = store_sink(to);
    struct frame_reader r;
    struct frame_writer w;
    struct frame f = {.bytes = malloc(FRAME_MOST)};
    frame_reader_begin(&r, &source, packed_by_zstd());
    frame_writer_begin(&w, &sink, packed_by_zstd());
    uint32_t kind;
    memcpy(&kind, &SNAPSHOT_BEGINS[8], sizeof kind);
    if (!f.bytes || !frame_take_file(&r, kind, "snapshot", SNAPSHOT_LAYOUT)) bail("%s", r.wrong);
    frame_put_file(&w, kind, SNAPSHOT_LAYOUT);
    while (frame_next(&r)) {
        f.kind = r.kind, f.size = r.size;
        if (r.size) memcpy(f.bytes, r.bytes, r.size);
        if (!change(context, &f)) continue;
        frame_begin(&w, f.kind);
        frame_put(&w, f.bytes, f.size);
        frame_end(&w);
    }
    if (*r.wrong || w.wrong) bail("%s", w.wrong ? w.wrong : r.wrong);
    frame_reader_free(&r), frame_writer_free(&w);
    free(f.bytes);
}

// A configuration that asks for much memory is no danger, but the sanitizers would end the test.
static struct machine *make(struct snapshot *s, const char **why) {
    static char error[200];
    struct snapshot_head head;
    const struct setup *setup = snapshot_head(s, &head) ? snapshot_setup(s) : NULL;
    *why = snapshot_wrong(s);
    if (!setup || setup->config.ram_bytes > MOST_RAM) return NULL;
    struct machine *m = machine_new(&setup->config, error, sizeof error);
    if (!m) *why = error;
    return m;
}

bool damage_loads(struct store *store, const char **why) {
    static char said[FRAME_WRONG];
    const struct source source = store_source(store);
    struct snapshot *s = snapshot_open(&source, packed_by_zstd());
    if (!s) bail("memory");
    struct machine *m = make(s, why);
    bool loaded = m && snapshot_load(s, m, true);
    if (m) *why = snapshot_wrong(s);
    *why = strcpy(said, *why);
    for (unsigned i = 0; loaded && i < 4; i++) (void)machine_run(m, RUN_STEPS);
    if (m) machine_free(m);
    snapshot_free(s);
    return loaded;
}

// --- at random ---

struct damage {
    uint64_t *random;
    unsigned victim, at; // number of the frame; of those seen so far
};

static void change_bytes(struct damage *d, struct frame *f) {
    static const uint64_t extremes[] = {0, 1, ~0ull, 0x7fffffff, 0x80000000, 1ull << 63, 0xffff, 4096};
    uint64_t value = random_below(d->random, 2) ? extremes[random_below(d->random, 8)] : random64(d->random);
    size_t bytes = 1u << random_below(d->random, 4), at = f->size > bytes ? random64(d->random) % (f->size - bytes) : 0;
    if (random_below(d->random, 2)) at %= 64; // where names and counts stand
    if (at + bytes <= f->size) memcpy(f->bytes + at, &value, bytes);
}

static bool change_frame(void *context, struct frame *f) {
    struct damage *d = context;
    if (d->at++ != d->victim) return true;
    switch (random_below(d->random, 8)) {
    case 0: f->size = f->size ? random64(d->random) % f->size : 0; return true;
    case 1: return false;
    case 2: f->kind = random_below(d->random, 2) ? (uint32_t)random64(d->random) : f->kind + 1; return true;
    case 3:
        if (f->size < FRAME_MOST - 8) memset(f->bytes + f->size, 0xff, 8), f->size += 8;
        return true;
    default:
        for (unsigned n = 1 + random_below(d->random, 4); n; n--) change_bytes(d, f);
        return true;
    }
}

static bool count_frames(void *context, struct frame *f) {
    (void)f;
    ++*(unsigned *)context;
    return true;
}

static void damage_bytes(struct store *s, uint64_t *random) {
    if (random_below(random, 3) == 0) s->size = random64(random) % s->size;
    for (unsigned n = random_below(random, 4); n && s->size; n--)
        s->bytes[random64(random) % s->size] = (uint8_t)random64(random);
}

void damage_try(uint64_t seed, unsigned count) {
    struct store whole = {0}, damaged = {0};
    unsigned frames = 0, loaded = 0;
    uint64_t random = seed;
    const char *why;
    damage_saved(&whole);
    damage_frames(&whole, &damaged, count_frames, &frames);
    loop_begin("%u snapshots with damage in %u frames do no harm, from seed %llu on", count, frames,
               (unsigned long long)seed);
    for (unsigned i = 0; i < count; i++) {
        struct damage d = {&random, random_below(&random, frames), 0};
        damage_frames(&whole, &damaged, change_frame, &d);
        if (random_below(&random, 4) == 0) damage_bytes(&damaged, &random);
        bool good = damaged.size && damage_loads(&damaged, &why);
        loaded += good;
        loop_check(good || !damaged.size || *why || !*why, "%s", why);
    }
    loop_end();
    diag("%u of them become a machine", loaded);
    store_free(&whole), store_free(&damaged);
}

// A machine without its memory; see machine_image.h.
#include "devices/snapshot/machine_image.h"
#include "cpu/state/state.h"
#include "cpu/state/timing.h"
#include "cpu/timing/model.h"
#include "devices/machine/machine_private.h"
#include "devices/snapshot/follower.h"
#include "devices/snapshot/named.h"
#include "vmx/history/history.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNTER(member) STATE_ONE(struct machine_stats, member)
static const struct state_field counter_fields[] = {
    COUNTER(port_reads),  COUNTER(port_writes), COUNTER(mmio_reads),
    COUNTER(mmio_writes), COUNTER(interrupts),  COUNTER(halts),
};
static const struct state_table counters = STATE_COUNTS("counters", counter_fields);

static const struct state_field clock_fields[] = {STATE_ONE(struct clock, fired)};
static const struct state_table clock_counters = STATE_COUNTS("clock counters", clock_fields);

// Where in a boundary a processor stands, which positions name: not state.
#define STANDING(member) STATE_ONE(struct observation, member)
static const struct state_field standing_fields[] = {
    STANDING(boundary_step),
    STANDING(boundary_cycle),
    STANDING(boundary_events),
};
static const struct state_table standing = STATE_COUNTS("standing", standing_fields);

// --- all pieces ---

static bool follower_at(struct machine *m, unsigned index, struct machine_part *out) {
    struct follower f;
    if (!machine_follower(m, index, &f)) return false;
    *out = (struct machine_part){f.table->name, f.table, f.object};
    return true;
}

// The parts but those of timing models: they come and go, and all others stand where they stood.
static bool part_at(struct machine *m, unsigned index, struct machine_part *out) {
    if (!machine_part(m, index, out)) return false;
    for (unsigned i = 0; i < m->config.cpus; i++) {
        const struct timing *timing = m->cpu[i]->wire.timing;
        if (timing && out->object == timing->state) out->object = NULL;
    }
    return true;
}

static bool timing_at(struct machine *m, unsigned index, struct machine_part *out) {
    if (index >= m->config.cpus) return false;
    const struct timing *timing = m->cpu[index]->wire.timing;
    *out = (struct machine_part){.name = "timing"};
    if (timing) *out = (struct machine_part){"timing", timing->table, timing->state};
    return true;
}

static bool piece_at(struct machine *m, unsigned kind, unsigned index, struct machine_part *out) {
    switch (kind) {
    case PIECE_PART: return part_at(m, index, out);
    case PIECE_TIMING: return timing_at(m, index, out);
    case PIECE_FOLLOWER: return index < machine_own_followers(m) && follower_at(m, index, out);
    case PIECE_ONLOOKER: return follower_at(m, machine_own_followers(m) + index, out);
    case PIECE_COUNTERS:
        if (!index) *out = (struct machine_part){counters.name, &counters, &m->counts};
        if (index == 1) *out = (struct machine_part){clock_counters.name, &clock_counters, &m->board.clock};
        return index < 2;
    default:
        if (index < m->config.cpus) *out = (struct machine_part){standing.name, &standing, &m->cpu[index]->observation};
        return index < m->config.cpus;
    }
}

bool machine_piece(struct machine *m, struct machine_walk *walk, struct machine_piece *out) {
    while (walk->kind < PIECE_KINDS) {
        bool there = piece_at(m, walk->kind, walk->index++, &out->part);
        out->kind = (enum machine_piece_kind)walk->kind;
        if (there && out->part.object) return true;
        if (!there) walk->kind++, walk->index = 0;
    }
    return false;
}

// --- as bytes in a fixed order: the number of the timing model, which decides what pieces there are, then these ---

size_t machine_image_timing(const struct machine *m) {
    size_t bytes = 0;
    for (unsigned i = 0; i < m->config.cpus; i++)
        if (m->timing[i]) bytes += state_size(timing_model_timing(m->timing[i])->table);
    return bytes;
}

// A model that is there already takes what is loaded; another one is made.
static bool timing_becomes(struct machine *m, uint32_t timing) {
    return timing == m->config.timing || machine_switch_timing(m, timing);
}

size_t machine_image_size(struct machine *m) {
    struct machine_walk walk = {0};
    struct machine_piece piece;
    size_t bytes = MACHINE_IMAGE_HEAD;
    while (machine_piece(m, &walk, &piece)) bytes += state_size(piece.part.table);
    return bytes;
}

static void canonicalise(struct machine *m) {
    for (unsigned i = 0; i < m->config.cpus; i++) cpu_canonicalise(m->cpu[i]);
}

void machine_image_save(struct machine *m, uint8_t *out) {
    struct machine_walk walk = {0};
    struct machine_piece piece;
    canonicalise(m);
    memcpy(out, &m->config.timing, MACHINE_IMAGE_HEAD);
    out += MACHINE_IMAGE_HEAD;
    for (; machine_piece(m, &walk, &piece); out += state_size(piece.part.table))
        state_save(piece.part.table, piece.part.object, out);
}

const char *machine_image_load(struct machine *m, const uint8_t *in) {
    struct machine_walk walk = {0};
    struct machine_piece piece;
    uint32_t index, timing;
    memcpy(&timing, in, MACHINE_IMAGE_HEAD);
    in += MACHINE_IMAGE_HEAD;
    if (!timing_becomes(m, timing)) return "memory";
    for (; machine_piece(m, &walk, &piece); in += state_size(piece.part.table))
        if (state_load(piece.part.table, piece.part.object, in, &index)) return piece.part.name;
    return machine_image_loaded(m);
}

const char *machine_image_loaded(struct machine *m) {
    struct follower f;
    const char *wrong = machine_loaded(m);
    for (unsigned i = 0; !wrong && machine_follower(m, i, &f); i++)
        if (f.table->valid && !f.table->valid(f.object)) wrong = f.table->name;
    for (unsigned i = 0; !wrong && i < m->config.cpus; i++) vmx_history_loaded(m->cpu[i]);
    for (unsigned i = 0; i < m->config.cpus; i++) {
        m->cpu[i]->observation.passed_step = ~0ull; // it has told nothing of its next attempt
        m->cpu[i]->observation.stop = STOPPING_NO;
    }
    m->stop = -1;
    m->idle_granted = false;
    return wrong;
}

// --- by names ---

#define NAMED_KINDS PIECE_ONLOOKER
static const char *const kind_names[NAMED_KINDS] = {"part", "follower", "counters", "standing", "timing"};

// The pieces that are in files, each with which of its name it is.
struct pieces {
    struct named_piece {
        struct machine_piece piece;
        unsigned nth;
        bool taken;
    } * piece;
    unsigned count;
};

static bool same_name(const struct machine_piece *a, const struct machine_piece *b) {
    return a->kind == b->kind && !strcmp(a->part.name, b->part.name);
}

static bool pieces_find(struct machine *m, struct pieces *all) {
    struct machine_walk walk = {0};
    struct machine_piece piece;
    *all = (struct pieces){0};
    while (machine_piece(m, &walk, &piece) && piece.kind < NAMED_KINDS) all->count++;
    if (!(all->piece = calloc(all->count, sizeof *all->piece))) return false;
    walk = (struct machine_walk){0};
    for (unsigned i = 0; i < all->count && machine_piece(m, &walk, &piece); i++) {
        all->piece[i].piece = piece;
        for (unsigned k = 0; k < i; k++) all->piece[i].nth += same_name(&all->piece[k].piece, &piece);
    }
    return true;
}

bool machine_image_put(struct frame_writer *w, struct machine *m) {
    struct pieces all;
    canonicalise(m);
    if (m->config.timing) {
        frame_begin(w, FRAME_TIMING);
        frame_put_number(w, m->config.timing, 4);
        frame_end(w);
    }
    if (!pieces_find(m, &all) && !w->wrong) w->wrong = "memory is short";
    for (unsigned i = 0; i < all.count && !w->wrong; i++) {
        const struct machine_part *part = &all.piece[i].piece.part;
        frame_begin(w, FRAME_PART);
        frame_put_text(w, kind_names[all.piece[i].piece.kind]);
        frame_put_text(w, part->name);
        frame_put_number(w, all.piece[i].nth, 4);
        named_put(w, part->table, part->object);
        frame_end(w);
    }
    free(all.piece);
    frame_begin(w, FRAME_ALL);
    return frame_end(w);
}

static struct named_piece *piece_named(const struct pieces *all, const char *kind, const char *name, uint64_t nth) {
    for (struct named_piece *p = all->piece; p < all->piece + all->count; p++)
        if (p->nth == nth && !strcmp(p->piece.part.name, name) && !strcmp(kind_names[p->piece.kind], kind)) return p;
    return NULL;
}

static bool take_piece(struct frame_reader *r, const struct pieces *all) {
    char kind[FRAME_TEXT], name[FRAME_TEXT], title[64];
    if (!frame_take_text(r, kind) || !frame_take_text(r, name)) return false;
    uint64_t nth = frame_take_number(r, 4);
    if (*r->wrong) return false;
    struct named_piece *p = piece_named(all, kind, name, nth);
    if (!p) return frame_fail(r, "this machine has no %.40s %.60s %u", kind, name, (unsigned)nth);
    if (p->taken) return frame_fail(r, "the %.40s %.60s %u is there twice", kind, name, (unsigned)nth);
    p->taken = true;
    snprintf(title, sizeof title, "%.40s %u", name, (unsigned)nth);
    return named_take(r, title, p->piece.part.table, p->piece.part.object) && frame_done(r);
}

// The frame before is read.
static bool take_pieces(struct frame_reader *r, const struct pieces *all) {
    for (; !r->ended && r->kind == FRAME_PART && !*r->wrong; (void)frame_next(r))
        if (!take_piece(r, all)) return false;
    if (*r->wrong) return false;
    if (r->ended || r->kind != FRAME_ALL) return frame_fail(r, "a part of the machine should stand here");
    for (const struct named_piece *p = all->piece; p < all->piece + all->count; p++)
        if (!p->taken)
            return frame_fail(r, "the %s %s %u is missing", kind_names[p->piece.kind], p->piece.part.name, p->nth);
    return frame_done(r);
}

// The first frame: which model it is, when there is one. The next one is read afterwards.
static bool take_timing(struct frame_reader *r, struct machine *m) {
    uint32_t timing = 0;
    if (frame_next(r) && r->kind == FRAME_TIMING) {
        timing = (uint32_t)frame_take_number(r, 4);
        if (!frame_done(r)) return false;
        (void)frame_next(r);
    }
    if (*r->wrong) return false;
    return timing_becomes(m, timing) || frame_fail(r, "there is no such timing model, or memory is short");
}

bool machine_image_take(struct frame_reader *r, struct machine *m) {
    struct pieces all;
    if (!take_timing(r, m)) return false;
    bool taken = pieces_find(m, &all) ? take_pieces(r, &all) : frame_fail(r, "memory is short");
    free(all.piece);
    return taken;
}

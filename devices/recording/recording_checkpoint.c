// Checkpoints within a recording; see recording.h. Each is a stream of devices/snapshot's frames: the machine without
// its memory (PART, ALL), the pages that changed since the checkpoint before it (PAGE), DONE.
#include "devices/history/page_list.h"
#include "devices/recording/recording_stream.h"
#include "devices/history/timeline.h"
#include "devices/machine/machine_private.h"
#include "devices/snapshot/area_image.h"
#include "devices/snapshot/machine_image.h"
#include <stdio.h>
#include <stdlib.h>

// --- what changes ---

static void page_changes(void *context, const struct area *area, uint64_t page, const uint8_t *old) {
    struct recording_changes *c = context;
    (void)old;
    if (c->count == c->capacity) {
        size_t capacity = c->capacity ? 2 * c->capacity : 1024;
        struct recording_change *more = realloc(c->change, capacity * sizeof *more);
        c->failed |= !more;
        if (!more) return;
        c->change = more, c->capacity = capacity;
    }
    c->change[c->count++] = (struct recording_change){(uint32_t)(area - c->pages->area), page};
}

bool recording_changes_begin(struct recording_changes *c, struct machine *m) {
    *c = (struct recording_changes){.pages = machine_pages(m)};
    c->watcher = (struct page_watcher){.context = c, .before_first_store = page_changes};
    return pages_watch(c->pages, &c->watcher);
}

void recording_changes_end(struct recording_changes *c) {
    if (c->pages) pages_unwatch(c->pages, &c->watcher);
    free(c->change);
    *c = (struct recording_changes){.count = 0};
}

// --- writing ---

enum { PAGES_AT_ONCE = 64 };

// Those of one area side by side, up to so many.
static size_t put_some(struct frame_writer *w, const struct machine *m, const struct recording_changes *c,
                       size_t from) {
    uint64_t page[PAGES_AT_ONCE];
    unsigned count = 0;
    for (size_t i = from; i < c->count && count < PAGES_AT_ONCE && c->change[i].area == c->change[from].area; i++)
        page[count++] = c->change[i].page;
    area_image_put_pages(w, m, c->change[from].area, page, count);
    return from + count;
}

bool recording_checkpoint(struct recording_writer *w, struct machine *m, struct recording_changes *c) {
    struct recording_stream s;
    struct frame_writer frames;
    struct position at;
    if (c->failed || !recording_stream_begin(&s, w, FRAME_CHECKPOINT)) return false;
    frame_writer_begin(&frames, &(struct sink){&s, recording_stream_put}, w->packer);
    bool put = machine_image_put(&frames, m);
    for (size_t i = 0; i < c->count && !frames.wrong;) i = put_some(&frames, m, c, i);
    frame_begin(&frames, FRAME_DONE);
    put &= frame_end(&frames);
    frame_writer_free(&frames);
    recording_stream_end(&s);
    machine_position(m, &at);
    if (put) recording_checked(w, &at);
    c->count = 0;
    pages_mark(c->pages, &c->watcher);
    return put;
}

// --- reading ---

struct loading {
    struct frame_reader frames;
    struct machine *m;
    char *error;
    size_t error_size;
};

static bool refuse(const struct loading *l, const struct position *at, const char *what) {
    if (l->error_size)
        snprintf(l->error, l->error_size, "the checkpoint of step %llu: %s", (unsigned long long)at->steps, what);
    return false;
}

static bool take_pages(struct loading *l, struct page_list *list) {
    const struct pages *pages = machine_pages(l->m);
    uint64_t area = frame_take_number(&l->frames, 4), count = frame_take_number(&l->frames, 4), page;
    if (area >= pages->areas || count > FRAME_MOST / PAGE_BYTES)
        return frame_fail(&l->frames, "there is no such memory");
    const uint8_t *numbers = frame_take(&l->frames, count * sizeof page),
                  *bytes = frame_take(&l->frames, count * PAGE_BYTES);
    for (uint64_t i = 0; numbers && bytes && i < count; i++) {
        memcpy(&page, numbers + i * sizeof page, sizeof page);
        if (page >= pages->area[area].bytes / PAGE_BYTES) return frame_fail(&l->frames, "there is no such page");
        if (!page_list_add(list, (uint32_t)area, page, bytes + i * PAGE_BYTES))
            return frame_fail(&l->frames, "memory is short");
    }
    return frame_done(&l->frames);
}

static bool take_all(struct loading *l, struct page_list *list) {
    if (!machine_image_take(&l->frames, l->m)) return false;
    while (frame_next(&l->frames) && l->frames.kind == FRAME_PAGE)
        if (!take_pages(l, list)) return false;
    if (*l->frames.wrong) return false;
    return (!l->frames.ended && l->frames.kind == FRAME_DONE) || frame_fail(&l->frames, "pages should stand here");
}

// The machine has the state of the checkpoint afterwards, and its memory stays as it was.
static bool load_one(struct loading *l, const struct recording_checkpoint *c, const struct packer *packer,
                     struct page_list *list) {
    struct recording_bytes bytes = {.bytes = c->bytes, .used = c->size};
    struct position at;
    frame_reader_begin(&l->frames, &(struct source){&bytes, recording_bytes_get}, packer);
    bool taken = take_all(l, list);
    if (!taken) refuse(l, &c->at, l->frames.wrong);
    frame_reader_free(&l->frames);
    const char *wrong = taken ? machine_image_loaded(l->m) : NULL;
    if (!taken || wrong) return taken && refuse(l, &c->at, wrong);
    machine_position(l->m, &at);
    return position_same(&at, &c->at) || refuse(l, &c->at, "it is of another moment");
}

bool recording_load(const struct recording *r, struct machine *m, struct timeline *t, const struct packer *packer,
                    char *error, size_t error_size) {
    struct loading loading = {.m = m, .error = error, .error_size = error_size};
    struct page_list list = {0}, before = {0};
    bool fine = true;
    for (size_t i = 0; i < r->checkpoint_count && fine; i++) {
        const struct recording_checkpoint *c = &r->checkpoint[i];
        fine = load_one(&loading, c, packer, &list);
        if (!fine) break;
        bool room = page_list_merge(&list, &before);
        if (room && c->forgotten)
            before = list, list = (struct page_list){0};
        else if (room)
            room = timeline_known(t, &c->at, c->inputs, &list);
        fine = room || refuse(&loading, &c->at, "there is not enough memory for it");
    }
    page_list_free(&list);
    page_list_free(&before);
    const char *wrong = fine ? timeline_known_end(t) : NULL;
    return wrong ? refuse(&loading, &(struct position){0}, wrong) : fine;
}

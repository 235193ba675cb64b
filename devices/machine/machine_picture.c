// Pulling the picture; see machine_picture.h. Which pages of the display's memory were stored to is known by a watcher
// of its own, which is derived state.
#include "devices/machine/machine_picture.h"
#include "devices/machine/machine_private.h"
#include <stdlib.h>
#include <string.h>

static void note_store(void *context, const struct area *area, uint64_t page, const uint8_t *old) {
    (void)old;
    struct picture *p = context;
    if (area == p->area) p->dirty[page] = 1;
}

bool machine_has_display(const struct machine *m) { return attached_display(&m->board) != NULL; }

static bool begin_watching(struct machine *m, struct picture *p, const struct area *area) {
    p->dirty = malloc(area->bytes >> PAGE_SHIFT);
    p->watcher = (struct page_watcher){.context = p, .before_first_store = note_store};
    if (!p->dirty || !pages_watch(&m->memory.pages, &p->watcher)) {
        free(p->dirty);
        p->dirty = NULL;
        return false;
    }
    memset(p->dirty, 1, area->bytes >> PAGE_SHIFT);
    p->area = area;
    return true;
}

bool machine_picture(struct machine *m, struct picture *p) {
    const struct attached *display = attached_display(&m->board);
    const struct area *area = display ? display->device->shown(display->chip) : NULL;
    if (!area || (!p->area && !begin_watching(m, p, area))) return false;
    if (!display->device->picture(display->chip, machine_now(m), p)) return false;
    memset(p->dirty, 0, area->bytes >> PAGE_SHIFT);
    pages_mark_range(&m->memory.pages, &p->watcher, area->base, area->bytes);
    return true;
}

void machine_picture_release(struct machine *m, struct picture *p) {
    if (p->area && m) pages_unwatch(&m->memory.pages, &p->watcher);
    free(p->dot), free(p->changed), free(p->row), free(p->text), free(p->dirty);
    *p = (struct picture){0};
}

// Pictures of a display; see picture.h.
#include "devices/display/picture.h"
#include <stdlib.h>
#include <string.h>

enum { LONGEST_SIDE = 16384 };

static bool make_room(struct picture *p, uint32_t width, uint32_t height) {
    size_t dots = (size_t)width * height;
    if (dots > p->capacity) {
        uint32_t *dot = realloc(p->dot, dots * sizeof *dot);
        if (!dot) return false;
        p->dot = dot, p->capacity = dots;
    }
    if (height > p->lines) {
        uint8_t *changed = realloc(p->changed, height);
        if (!changed) return false;
        p->changed = changed, p->lines = height;
    }
    if (!p->row) p->row = malloc(LONGEST_SIDE * sizeof *p->row);
    if (!p->text) p->text = malloc(PICTURE_TEXT_COLUMNS * PICTURE_TEXT_ROWS * sizeof *p->text);
    return p->row && p->text;
}

bool picture_begin(struct picture *p, uint32_t width, uint32_t height, uint64_t registers) {
    if (!width || !height || width > LONGEST_SIDE || height > LONGEST_SIDE || !make_room(p, width, height))
        return false;
    p->resized = width != p->width || height != p->height;
    p->all = p->resized || registers != p->seen;
    p->seen = registers;
    p->width = width, p->height = height;
    memset(p->changed, 0, height);
    p->changes = 0;
    p->columns = p->rows = 0;
    p->cursor = -1;
    return true;
}

bool picture_is_dirty(const struct picture *p, uint64_t first, uint64_t bytes) {
    if (p->all || !bytes) return true;
    for (uint64_t page = first >> PAGE_SHIFT; page <= (first + bytes - 1) >> PAGE_SHIFT; page++)
        if (p->dirty[page]) return true;
    return false;
}

void picture_put(struct picture *p, uint32_t y) {
    uint32_t *to = p->dot + (size_t)y * p->width;
    size_t bytes = p->width * sizeof *to;
    if (!p->resized && !memcmp(to, p->row, bytes)) return;
    memcpy(to, p->row, bytes);
    p->changed[y] = 1;
    p->changes++;
}

// What two machines begin with in memory, compared: a command line by its text, everything else by its place.
#include "devices/snapshot/setup.h"
#include <stdio.h>
#include <string.h>

enum { TEXT_MOST = 60 };

static bool is_text(unsigned char c) { return c >= ' ' && c < 0x7f; }

static uint64_t present_of(const struct boot_piece *p) { return p->present < p->bytes ? p->present : p->bytes; }

// The first byte that differs; UINT64_MAX: none does.
static uint64_t first_other(const struct boot_piece *a, const struct boot_piece *b) {
    const unsigned char *x = a->data, *y = b->data;
    uint64_t both = present_of(a) < present_of(b) ? present_of(a) : present_of(b);
    for (uint64_t i = 0; i < both; i++)
        if (x[i] != y[i]) return i;
    return present_of(a) == present_of(b) && a->bytes == b->bytes ? UINT64_MAX : both;
}

// The text around a byte. Its length; 0: it is none.
static unsigned text_around(const struct boot_piece *p, uint64_t at, char *out) {
    const unsigned char *bytes = p->data;
    unsigned used = 0;
    uint64_t from = at;
    if (at > present_of(p)) return 0;
    while (from && at - from < TEXT_MOST / 2 && is_text(bytes[from - 1])) from--;
    while (used < TEXT_MOST && from < present_of(p) && is_text(bytes[from])) out[used++] = (char)bytes[from++];
    out[used] = '\0';
    return used;
}

static bool as_text(const struct boot_piece *a, const struct boot_piece *b, uint64_t at, char *text, size_t size) {
    enum { SHORTEST = 4 };
    char x[TEXT_MOST + 1], y[TEXT_MOST + 1];
    unsigned first = text_around(a, at, x), second = text_around(b, at, y);
    if (first < SHORTEST && second < SHORTEST) return false;
    snprintf(text, size, "\"%s\" here, \"%s\" there (at 0x%llx)", x, y, (unsigned long long)(a->physical + at));
    return true;
}

const char *setup_boot_differs(const struct setup *here, const struct setup *there, char *text, size_t size) {
    const struct boot_image *a = &here->boot, *b = &there->boot;
    unsigned both = a->pieces < b->pieces ? a->pieces : b->pieces;
    uint64_t at, first = UINT64_MAX, where = 0;
    for (unsigned i = 0; i < both; i++) {
        at = first_other(&a->piece[i], &b->piece[i]);
        if (at == UINT64_MAX && a->piece[i].physical == b->piece[i].physical) continue;
        if (at != UINT64_MAX && as_text(&a->piece[i], &b->piece[i], at, text, size)) return text;
        if (first == UINT64_MAX) where = a->piece[i].physical + (at == UINT64_MAX ? 0 : at);
        first = 0;
    }
    if (first == UINT64_MAX && a->pieces == b->pieces) return NULL;
    if (first != UINT64_MAX)
        snprintf(text, size, "the files that were loaded (kernel, initrd), first at 0x%llx", (unsigned long long)where);
    else
        snprintf(text, size, "%u pieces of files here, %u there", a->pieces, b->pieces);
    return text;
}

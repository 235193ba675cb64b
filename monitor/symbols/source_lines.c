// Tables of source lines; see source_lines.h. Rows are those of DWARF's line number table (version 5, section 6.2).
#define _GNU_SOURCE // asprintf
#include "monitor/symbols/source_lines.h"
#include "monitor/host/file.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STOP 0x80000000u // in `line`
#define LINE_MASK 0x7fffffffu

struct row {
    uint64_t address;
    uint32_t file, line;
    uint32_t order; // as added
};
struct source_file {
    char *path;
    const char *shown;
};
struct source_lines {
    struct row *row;
    struct source_file *file;
    size_t rows, row_room;
    uint32_t files, file_room;
};

struct source_lines *source_lines_new(void) {
    return calloc(1, sizeof(struct source_lines));
}

void source_lines_free(struct source_lines *l) {
    for (uint32_t i = 0; l && i < l->files; i++) free(l->file[i].path);
    if (l) free(l->file);
    if (l) free(l->row);
    free(l);
}

uint32_t source_lines_file(struct source_lines *l, const char *path, const char *folder) {
    size_t skip = folder ? strlen(folder) : 0;
    if (l->files == l->file_room) {
        uint32_t room = 2 * l->file_room + 64;
        struct source_file *bigger = realloc(l->file, room * sizeof *bigger);
        if (!bigger) return SOURCE_NONE;
        l->file = bigger;
        l->file_room = room;
    }
    char *copy = NULL;
    bool relative = *path != '/' && skip;
    if (asprintf(&copy, "%s%s%s", relative ? folder : "", relative ? "/" : "", path) < 0) return SOURCE_NONE;
    bool below = skip && strncmp(copy, folder, skip) == 0 && copy[skip] == '/';
    l->file[l->files] = (struct source_file){copy, below ? copy + skip + 1 : copy};
    return l->files++;
}

bool source_lines_add(struct source_lines *l, uint64_t address, uint32_t file, unsigned line, bool stop) {
    if (l->rows == l->row_room) {
        size_t room = 2 * l->row_room + 1024;
        struct row *bigger = realloc(l->row, room * sizeof *bigger);
        if (!bigger) return false;
        l->row = bigger;
        l->row_room = room;
    }
    l->row[l->rows] =
        (struct row){address, line ? file : SOURCE_NONE, (line & LINE_MASK) | (stop ? STOP : 0), (uint32_t)l->rows};
    l->rows++;
    return true;
}

// Where one sequence ends and another begins, the end is of no interest.
static int compare(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    if (x->address != y->address) return x->address < y->address ? -1 : 1;
    int known = (x->file != SOURCE_NONE) - (y->file != SOURCE_NONE);
    return known ? known : x->order < y->order ? -1 : 1;
}

void source_lines_done(struct source_lines *l) {
    if (l->rows) qsort(l->row, l->rows, sizeof *l->row, compare);
}

size_t source_lines_count(const struct source_lines *l) { return l ? l->rows : 0; }

// --- looking up ---

static struct source_place place_of(const struct source_lines *l, const struct row *row) {
    return (struct source_place){l->file[row->file].path, l->file[row->file].shown, row->line & LINE_MASK,
                                 row->address};
}

// Of several rows at the address of this one, the last of them all: the last at which a person would stop, else itself.
static const struct row *best_of(const struct source_lines *l, size_t last) {
    for (size_t i = last; l->row[i].address == l->row[last].address && l->row[i].file != SOURCE_NONE; i--) {
        if (l->row[i].line & STOP) return &l->row[i];
        if (!i) break;
    }
    return &l->row[last];
}

bool source_lines_at(const struct source_lines *l, uint64_t address, struct source_place *place) {
    size_t low = 0, high = l ? l->rows : 0;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (l->row[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low || l->row[low - 1].file == SOURCE_NONE) return false;
    *place = place_of(l, best_of(l, low - 1));
    return true;
}

// "exits.c" and "turtles/exits.c" are ends of "tests/guests/turtles/exits.c".
static bool is_end_of(const char *name, const char *path) {
    size_t length = strlen(name), whole = strlen(path);
    if (length > whole || strcmp(path + whole - length, name) != 0) return false;
    return length == whole || *name == '/' || path[whole - length - 1] == '/';
}

// The better of two rows for a line: the smaller line, then one to stop at, then the lower address.
static bool is_better(const struct row *row, const struct row *best) {
    if (!best) return true;
    uint32_t a = row->line & LINE_MASK, b = best->line & LINE_MASK;
    if (a != b) return a < b;
    return row->line & STOP && !(best->line & STOP); // rows come by address
}

bool source_lines_find(const struct source_lines *l, const char *name, unsigned line, struct source_place *place,
                       bool *known) {
    const struct row *best = NULL;
    bool *named = l && l->files ? calloc(l->files, sizeof *named) : NULL;
    if (!named) return false;
    for (uint32_t i = 0; i < l->files; i++)
        if (is_end_of(name, l->file[i].path)) named[i] = *known = true;
    for (const struct row *row = l->row; row < l->row + l->rows; row++)
        if (row->file != SOURCE_NONE && named[row->file] && (row->line & LINE_MASK) >= line && is_better(row, best))
            best = row;
    free(named);
    if (best) *place = place_of(l, best);
    return best;
}

// --- the text ---

static void tidy(char *text) {
    size_t end = strlen(text);
    while (end && isspace((unsigned char)text[end - 1])) end--;
    text[end] = '\0';
    for (; *text; text++)
        if (iscntrl((unsigned char)*text)) *text = ' ';
}

// The beginning and the length of a line of the file; NULL: it has no such line.
static const char *find_line(const struct file *file, unsigned line, size_t *length) {
    const char *at = (const char *)file->bytes, *end = at + file->size;
    for (unsigned i = 1; at && i < line; i++)
        if ((at = memchr(at, '\n', (size_t)(end - at)))) at++;
    if (!at || at == end) return NULL;
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    *length = (size_t)((stop ? stop : end) - at);
    return at;
}

bool source_text(const struct source_place *place, unsigned line, char *text, size_t size) {
    struct file file;
    size_t length = 0;
    if (!file_load(&file, place->path, NULL, 0) && !file_load(&file, place->shown, NULL, 0)) return false;
    const char *from = find_line(&file, line, &length);
    if (from) snprintf(text, size, "%.*s", (int)(length < size ? length : size - 1), from);
    file_free(&file);
    errno = 0;
    if (!from) return false;
    tidy(text);
    return true;
}

// System.map, as Linux's build leaves it: "ffffffff81000000 T _text".
#include "monitor/host/file.h"
#include "monitor/symbols/symbols_file.h"
#include <ctype.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

// One line; false when it is not of the form.
static bool parse_line(const char *line, size_t length, uint64_t *address, const char **name, size_t *name_length) {
    char digits[20];
    size_t n = 0;
    while (n < length && n < 17 && isxdigit((unsigned char)line[n])) n++;
    if (!n || n > 16 || n + 4 > length || line[n] != ' ' || line[n + 2] != ' ') return false;
    memcpy(digits, line, n);
    digits[n] = '\0';
    *address = strtoull(digits, NULL, 16);
    *name = line + n + 3;
    *name_length = strcspn(*name, " \t\r\n");
    return *name_length > 0;
}

typedef bool line_fn(void *context, const char *name, size_t length, uint64_t address);

static const char *each_line(const struct file *file, line_fn *fn, void *context) {
    const char *text = (const char *)file->bytes, *end = text + file->size;
    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text)), *name;
        size_t length = stop ? (size_t)(stop - text) : (size_t)(end - text), name_length;
        uint64_t address;
        char line[1024];
        snprintf(line, sizeof line, "%.*s", (int)(length < sizeof line ? length : sizeof line - 1), text);
        if (*line && !parse_line(line, strlen(line), &address, &name, &name_length)) return "not a System.map";
        if (*line && !fn(context, name, name_length, address)) return "not enough memory";
        text += length + 1;
    }
    return NULL;
}

static bool find_text(void *context, const char *name, size_t length, uint64_t address) {
    if (length == 5 && memcmp(name, "_text", 5) == 0) *(uint64_t *)context = address;
    return true;
}

struct adding {
    struct symbol_table *table;
    uint64_t slide;
};
// Per-CPU offsets, below the kernel, are no addresses and do not move.
static bool add(void *context, const char *name, size_t length, uint64_t address) {
    struct adding *a = context;
    return address >> 63 == 0 || symbols_add(a->table, name, length, address + a->slide, 0);
}

const char *symbols_from_map(struct symbol_table *table, const char *path, const struct symbols_place *place) {
    struct file file;
    uint64_t text = 0;
    if (!file_load(&file, path, NULL, 0)) return "it cannot be read";
    const char *error = each_line(&file, find_text, &text);
    struct adding adding = {table, place->moved ? place->at - text : 0};
    if (!error) error = each_line(&file, add, &adding);
    file_free(&file);
    return error;
}

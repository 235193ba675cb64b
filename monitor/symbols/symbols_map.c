// symbols: the command; and System.map, as Linux's build leaves it: "ffffffff81000000 T _text".
#include "monitor/expression/expression.h"
#include "monitor/host/file.h"
#include "monitor/symbols/symbols_file.h"
#include "vmx/vmcs/vmx.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
    if (access(path, R_OK) != 0) return "it cannot be opened";
    if (!file_read(&file, path)) return "it cannot be read";
    const char *error = each_line(&file, find_text, &text);
    struct adding adding = {table, place->moved ? place->at - text : 0};
    if (!error) error = each_line(&file, add, &adding);
    file_free(&file);
    return error;
}

// --- the command ---

static bool is_elf(const char *path) {
    char magic[4] = "";
    FILE *file = fopen(path, "rb");
    bool elf = file && fread(magic, 1, 4, file) == 4 && memcmp(magic, "\177ELF", 4) == 0;
    if (file) fclose(file);
    return elf;
}

// [level N] [at ADDRESS]
static bool take_options(struct monitor *monitor, const char *text, int *level, struct symbols_place *place) {
    char word[16];
    uint64_t value;
    while (take_word(&text, word, sizeof word)) {
        bool is_level = strcmp(word, "level") == 0;
        if (!is_level && strcmp(word, "at") != 0)
            return monitor_error(monitor, "%s: after the file come level N and at ADDRESS", word);
        if (!take_value(monitor, &text, &value)) return false;
        if (is_level && value >= VMX_LEVELS)
            return monitor_error(monitor, "level %" PRIu64 ": the levels are 0 to %d", value, VMX_LEVELS - 1);
        if (is_level)
            *level = (int)value;
        else
            *place = (struct symbols_place){true, value};
    }
    return true;
}

static const char *from_linux(struct symbol_table *table, const struct view *view) {
    char title[64];
    const char *error = symbols_from_kallsyms(table, view);
    unsigned modules = error ? 0 : symbols_from_modules(table, view);
    snprintf(title, sizeof title, "kallsyms, with those of %u module%s", modules, modules == 1 ? "" : "s");
    if (modules) symbols_table_title(table, title);
    return error;
}

static const char *fill(struct monitor *monitor, struct symbol_table *table, const char *from, int level,
                        const struct symbols_place *place) {
    struct view view;
    if (strcmp(from, "kallsyms") != 0)
        return is_elf(from) ? symbols_from_elf(table, from, place) : symbols_from_map(table, from, place);
    if (!view_make(monitor, level, &view)) return "there is nothing to search";
    return from_linux(table, &view);
}

bool command_symbols(struct monitor *monitor, const char *arguments) {
    char from[1024];
    int level = SYMBOLS_ANY_LEVEL;
    struct symbols_place place = {0};
    if (!take_word(&arguments, from, sizeof from)) {
        symbols_list(monitor);
        return true;
    }
    if (strcmp(from, "clear") == 0) {
        symbols_free(monitor);
        return true;
    }
    if (!take_options(monitor, arguments, &level, &place)) return false;
    struct symbol_table *table = symbols_table_new(monitor, from, level);
    if (!table) return false;
    const char *error = fill(monitor, table, from, level, &place);
    if (error) {
        symbols_table_drop(monitor, table);
        return monitor_error(monitor, "symbols %s: %s", from, error);
    }
    symbols_table_done(table);
    if (strcmp(from, "kallsyms") == 0) symbols_drop_older(monitor, table, from); // modules come and go
    symbols_list(monitor);
    return true;
}

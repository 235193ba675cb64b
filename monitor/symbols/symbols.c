// Symbols: tables of names and addresses, sorted both ways; see symbols.h.
#define _GNU_SOURCE // qsort_r
#include "monitor/files/escape.h"
#include "monitor/symbols/symbols.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLES = 40, FARTHEST = 1 << 20 /* an address so far behind a symbol without a size is not named after it */ };

struct symbol {
    uint64_t address, bytes; // bytes 0: up to the next symbol
    uint32_t name;           // offset in `names`
};
struct kept {
    struct kept *next;
    uint64_t address;
    size_t bytes;
    uint8_t memory[];
};
struct symbol_table {
    char title[96];
    int level;
    bool hidden;
    struct symbol *by_address;
    uint32_t *by_name; // indices
    char *names;
    size_t count, room, names_used, names_room;
    struct source_lines *lines; // NULL: none
    struct frames *frames;      // the same
    struct kept *kept;
};
struct symbols {
    struct symbol_table *table[TABLES];
    unsigned tables;
};

struct symbol_table *symbols_table_new(struct symbols **symbols, const char *name, int level) {
    if (!*symbols) *symbols = calloc(1, sizeof **symbols);
    struct symbols *s = *symbols;
    struct symbol_table *table = s && s->tables < TABLES ? calloc(1, sizeof *table) : NULL;
    if (!table) return NULL;
    symbols_table_title(table, name);
    table->level = level;
    return s->table[s->tables++] = table;
}

static bool grow(void **array, size_t *room, size_t wanted, size_t size) {
    if (wanted <= *room) return true;
    size_t more = wanted + *room + 1024;
    void *bigger = realloc(*array, more * size);
    if (!bigger) return false;
    *array = bigger;
    *room = more;
    return true;
}

bool symbols_add(struct symbol_table *t, const char *name, size_t length, uint64_t address, uint64_t bytes) {
    if (t->names_used + length + 1 > UINT32_MAX ||
        !grow((void **)&t->by_address, &t->room, t->count + 1, sizeof *t->by_address) ||
        !grow((void **)&t->names, &t->names_room, t->names_used + length + 1, 1))
        return false;
    t->by_address[t->count++] = (struct symbol){address, bytes, (uint32_t)t->names_used};
    memcpy(t->names + t->names_used, name, length);
    t->names[t->names_used + length] = '\0';
    t->names_used += length + 1;
    return true;
}

bool symbols_table_next(const struct symbol_table *t, const char *name, size_t *at, uint64_t *address) {
    while (*at < t->count) {
        const struct symbol *s = &t->by_address[(*at)++];
        *address = s->address;
        if (strcmp(t->names + s->name, name) == 0) return true;
    }
    return false;
}

void symbols_table_title(struct symbol_table *table, const char *title) {
    escape_name(table->title, sizeof table->title, title);
}

void symbols_add_lines(struct symbol_table *table, struct source_lines *lines) { table->lines = lines; }

void symbols_add_frames(struct symbol_table *table, struct frames *frames) { table->frames = frames; }

bool symbols_keep(struct symbol_table *table, uint64_t address, const void *from, size_t bytes) {
    struct kept *kept = malloc(sizeof *kept + bytes);
    if (!kept) return false;
    *kept = (struct kept){table->kept, address, bytes};
    memcpy(kept->memory, from, bytes);
    table->kept = kept;
    return true;
}

// Of several names at one address the first in the file stays first.
static int compare_addresses(const void *a, const void *b) {
    const struct symbol *x = a, *y = b;
    if (x->address != y->address) return x->address < y->address ? -1 : 1;
    return x->name < y->name ? -1 : 1;
}
static int compare_names(const void *a, const void *b, void *table) {
    const struct symbol_table *t = table;
    const uint32_t *x = a, *y = b;
    int order = strcmp(t->names + t->by_address[*x].name, t->names + t->by_address[*y].name);
    return order ? order : *x < *y ? -1 : 1;
}

void symbols_table_done(struct symbol_table *t) {
    if (t->count) qsort(t->by_address, t->count, sizeof *t->by_address, compare_addresses);
    t->by_name = malloc((t->count + 1) * sizeof *t->by_name);
    if (!t->by_name) t->count = 0;
    for (size_t i = 0; i < t->count; i++) t->by_name[i] = (uint32_t)i;
    if (t->count) qsort_r(t->by_name, t->count, sizeof *t->by_name, compare_names, t);
}

void symbols_table_drop(struct symbols *s, struct symbol_table *table) {
    for (unsigned i = 0; i < s->tables; i++) {
        if (s->table[i] != table) continue;
        memmove(&s->table[i], &s->table[i + 1], (s->tables - i - 1) * sizeof *s->table);
        s->tables--;
        break;
    }
    free(table->by_address);
    free(table->by_name);
    free(table->names);
    source_lines_free(table->lines);
    frames_free(table->frames);
    for (struct kept *kept = table->kept, *next; kept; kept = next) {
        next = kept->next;
        free(kept);
    }
    free(table);
}

void symbols_drop_older(struct symbols *s, const struct symbol_table *table, const char *title) {
    for (unsigned i = s->tables; i--;) {
        struct symbol_table *t = s->table[i];
        if (t != table && t->level == table->level && strncmp(t->title, title, strlen(title)) == 0)
            symbols_table_drop(s, t);
    }
}

size_t symbols_table_size(const struct symbols *s, int level, const char *title) {
    for (unsigned i = 0; s && i < s->tables; i++)
        if (s->table[i]->level == level && strncmp(s->table[i]->title, title, strlen(title)) == 0)
            return s->table[i]->count;
    return 0;
}

void symbols_hide(struct symbols *s, int level, const char *title, bool hidden) {
    for (unsigned i = 0; s && i < s->tables; i++)
        if (s->table[i]->level == level && strncmp(s->table[i]->title, title, strlen(title)) == 0)
            s->table[i]->hidden = hidden;
}

static bool same_symbols(const struct symbol_table *a, const struct symbol_table *b) {
    if (a->level != b->level || a->count != b->count || a->names_used != b->names_used || !a->count) return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct symbol *x = &a->by_address[i], *y = &b->by_address[i];
        if (x->address != y->address || x->bytes != y->bytes || x->name != y->name) return false;
    }
    return memcmp(a->names, b->names, a->names_used) == 0;
}

bool symbols_drop_same(struct symbols *s, const struct symbol_table *table) {
    bool dropped = false;
    for (unsigned i = s->tables; i--;) {
        struct symbol_table *t = s->table[i];
        if (t == table || !same_symbols(t, table)) continue;
        dropped = dropped || strcmp(t->title, table->title) != 0;
        symbols_table_drop(s, t);
    }
    return dropped;
}

void symbols_free(struct symbols *s) {
    while (s && s->tables) symbols_table_drop(s, s->table[0]);
    free(s);
}

static bool serves(const struct symbol_table *t, int level) {
    return !t->hidden && (t->level == SYMBOLS_ANY_LEVEL || t->level == level);
}

// --- names to addresses ---

static const char *name_of(const struct symbol_table *t, size_t n) {
    return t->names + t->by_address[t->by_name[n]].name;
}

// The first name that is not less.
static size_t lower_bound(const struct symbol_table *t, const char *name) {
    size_t low = 0, high = t->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(name_of(t, middle), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool symbols_value(const struct symbols *s, int level, const char *name, uint64_t *address) {
    bool found = false;
    for (unsigned i = 0; s && i < s->tables; i++) {
        const struct symbol_table *t = s->table[i];
        size_t n = t->hidden ? t->count : lower_bound(t, name);
        if (n == t->count || strcmp(name_of(t, n), name) != 0) continue;
        bool ours = serves(t, level);
        if (!found || ours) *address = t->by_address[t->by_name[n]].address;
        found = true;
        if (ours) break;
    }
    return found;
}

const char *symbols_begin(const struct symbols *s, const char *begin, size_t *at) {
    size_t skip = *at, length = strlen(begin);
    for (unsigned i = 0; s && i < s->tables; i++) {
        const struct symbol_table *t = s->table[i];
        for (size_t n = lower_bound(t, begin); n < t->count && strncmp(name_of(t, n), begin, length) == 0; n++) {
            if (skip--) continue;
            ++*at;
            return name_of(t, n);
        }
    }
    return NULL;
}

// --- addresses to names ---

// The last symbol at or before the address; of several there, the first.
static const struct symbol *before(const struct symbol_table *t, uint64_t address) {
    size_t low = 0, high = t->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (t->by_address[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low) return NULL;
    while (low > 1 && t->by_address[low - 2].address == t->by_address[low - 1].address) low--;
    return &t->by_address[low - 1];
}

// As for `address + beyond`.
static const char *name_of_address(const struct symbols *s, int level, uint64_t address, unsigned beyond, char *text,
                                   size_t size) {
    const struct symbol *best = NULL;
    const char *name = NULL;
    for (unsigned i = 0; s && i < s->tables; i++) {
        const struct symbol_table *t = s->table[i];
        if (!serves(t, level)) continue;
        const struct symbol *found = before(t, address);
        if (!found || address - found->address >= (found->bytes ? found->bytes : FARTHEST)) continue;
        if (best && found->address <= best->address) continue;
        best = found;
        name = t->names + found->name;
    }
    *text = '\0';
    if (!best) return text;
    escape_name(text, size, name); // a name is one line, whatever its file says
    size_t used = strlen(text);
    uint64_t offset = address - best->address + beyond;
    if (offset) snprintf(text + used, size - used, "+0x%llx", (unsigned long long)offset);
    return text;
}

const char *symbols_name(const struct symbols *s, int level, uint64_t address, char *text, size_t size) {
    return name_of_address(s, level, address, 0, text, size);
}

const char *symbols_name_behind(const struct symbols *s, int level, uint64_t address, char *text, size_t size) {
    return name_of_address(s, level, address - 1, 1, text, size);
}

uint64_t symbols_size(const struct symbols *s, int level, uint64_t address) {
    for (unsigned i = 0; s && i < s->tables; i++) {
        const struct symbol *found = serves(s->table[i], level) ? before(s->table[i], address) : NULL;
        if (found && found->address == address) return found->bytes;
    }
    return 0;
}

// --- source lines ---

bool symbols_line(const struct symbols *s, int level, uint64_t address, struct source_place *place) {
    for (unsigned i = 0; s && i < s->tables; i++)
        if (serves(s->table[i], level) && source_lines_at(s->table[i]->lines, address, place)) return true;
    return false;
}

bool symbols_kept(const struct symbols *s, int level, uint64_t address, void *to, size_t bytes) {
    for (unsigned i = 0; s && i < s->tables; i++)
        for (const struct kept *k = serves(s->table[i], level) ? s->table[i]->kept : NULL; k; k = k->next) {
            uint64_t offset = address - k->address;
            if (offset > k->bytes || bytes > k->bytes - offset) continue;
            memcpy(to, k->memory + offset, bytes);
            return true;
        }
    return false;
}

enum frame_outcome symbols_frame(const struct symbols *s, int level, uint64_t address,
                                 struct frame_registers *registers, const struct frame_memory *memory) {
    enum frame_outcome outcome = FRAME_NONE;
    for (unsigned i = 0; s && i < s->tables && outcome == FRAME_NONE; i++)
        if (serves(s->table[i], level)) outcome = frames_step(s->table[i]->frames, address, registers, memory);
    return outcome;
}

bool symbols_line_find(const struct symbols *s, int level, const char *name, unsigned line, struct source_place *place,
                       char *error, size_t error_size) {
    bool known = false;
    for (unsigned any = 0; any < 2; any++)
        for (unsigned i = 0; s && i < s->tables; i++)
            if ((any || serves(s->table[i], level)) && source_lines_find(s->table[i]->lines, name, line, place, &known))
                return true;
    if (known)
        snprintf(error, error_size, "%s:%u: no code came from that line or any after it", name, line);
    else
        snprintf(error, error_size, "%s: no source file of that name is known (symbols FILE, with debug information)",
                 name);
    return false;
}

// --- what there is ---

void symbols_each(const struct symbols *s, int level,
                  void (*one)(void *context, const char *name, uint64_t address, uint64_t bytes), void *context) {
    for (unsigned i = 0; s && i < s->tables; i++) {
        const struct symbol_table *t = s->table[i];
        if (level != SYMBOLS_ANY_LEVEL && t->level != SYMBOLS_ANY_LEVEL && t->level != level) continue;
        for (size_t n = 0; n < t->count; n++)
            one(context, t->names + t->by_address[n].name, t->by_address[n].address, t->by_address[n].bytes);
    }
}

bool symbols_any(const struct symbols *s) { return s && s->tables; }

void symbols_list(const struct symbols *s, struct output *output) {
    if (!symbols_any(s))
        output_print(output, PLAIN, "there are none: symbols FILE reads them, symbols kallsyms finds those of Linux\n");
    for (unsigned i = 0; s && i < s->tables; i++) {
        const struct symbol_table *t = s->table[i];
        char level[16] = "any";
        if (t->level >= 0) snprintf(level, sizeof level, "%d", t->level);
        output_print(output, PLAIN, "level %-4s %8zu symbols  %s%s\n", level, t->count, t->title,
                     t->hidden  ? ", of another guest"
                     : t->lines ? ", with source lines"
                                : "");
    }
}

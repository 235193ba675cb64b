// The place that a question over time is about: a name that has one, memory, or a member of a device's state.
#include "monitor/expression/expression.h"
#include "monitor/explain/fact.h"
#include "monitor/host/parse.h"
#include "monitor/symbols/symbols.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { WORD = 64 };

// The word at the beginning, when nothing but the end or another word follows. Its length, else 0.
static size_t lone_word(const char *text, char word[WORD]) {
    size_t length = strcspn(text, " \t,+-*/()&|^<>=?!~");
    const char *after = text + length + strspn(text + length, " \t");
    if (!length || length >= WORD) return 0;
    if (*after && (text[length] == ',' || !isalpha((unsigned char)*after)) && *after != '-') return 0;
    memcpy(word, text, length);
    word[length] = 0;
    return length;
}

// --- a device's state ---

// "name" or "nameN" before the point: the first part of that name, or the N-th.
static bool find_part(const struct look *look, const char *word, size_t length, unsigned *index) {
    struct machine_part part;
    for (*index = 0; machine_part(look->machine, *index, &part); ++*index) {
        size_t name = strlen(part.name);
        if (!part.object || length < name || strncasecmp(part.name, word, name)) continue;
        unsigned nth = 0, number = length > name ? (unsigned)strtoul(word + name, NULL, 10) : 0;
        if (strspn(word + name, "0123456789") != length - name) continue;
        for (unsigned i = 0; i < *index; i++) {
            struct machine_part other;
            nth += machine_part(look->machine, i, &other) && !strcmp(other.name, part.name);
        }
        if (nth == number) return true;
    }
    return false;
}

// [N]
static bool take_index(const char **text, uint64_t *index) {
    char *end;
    if (**text != '[') return false;
    *index = strtoull(*text + 1, &end, 0);
    *text = end + 1;
    return *end == ']';
}

// A state table's name: "mode", "mask[1]", "counter[0].mode" for what it calls counter[].mode.
static bool is_member(const char *name, const char *text, uint64_t *index) {
    *index = 0;
    for (; *name; name++) {
        if (name[0] == '[' && name[1] == ']') {
            if (!take_index(&text, index)) return false;
            name++;
        } else if (tolower((unsigned char)*name) == tolower((unsigned char)*text)) {
            text++;
        } else {
            return false;
        }
    }
    return !*text || (take_index(&text, index) && !*text);
}

static bool find_member(const struct state_table *table, const char *text, uint64_t *offset, uint8_t *bytes) {
    uint64_t index;
    for (uint32_t i = 0; i < table->count; i++) {
        const struct state_field *f = &table->fields[i];
        if (!is_member(f->name, text, &index) || index >= f->count) continue;
        *offset = f->offset + index * f->stride;
        *bytes = (uint8_t)f->width;
        return true;
    }
    return false;
}

static bool device_member(const struct look *look, const char *word, struct asked *w) {
    const char *point = strchr(word, '.');
    struct machine_part part;
    unsigned index;
    uint64_t offset;
    if (!point || !find_part(look, word, (size_t)(point - word), &index)) return false;
    (void)machine_part(look->machine, index, &part);
    if (!find_member(part.table, point + 1, &offset, &w->place.bytes)) return false;
    w->place.space = PLACE_DEVICE;
    w->place.address = (uint64_t)index << 32 | offset;
    return true;
}

// --- a VMCS by its address ---

static bool vmcs_field(const struct look *look, const char **text, struct asked *w) {
    char name[WORD];
    uint64_t vmcs;
    *text += strlen("vmcs:");
    if (!take_value(look, text, &vmcs)) return false;
    *text += **text == ':';
    size_t length = lone_word(*text, name);
    int field = length ? vmx_field_find(name) : -1;
    uint32_t revision = 0;
    if (field < 0) return monitor_error(look, "vmcs:ADDRESS:FIELD: no such field here: %s", *text);
    if (vmcs % PAGE_BYTES || !machine_read(look->machine, vmcs, &revision, sizeof revision))
        return monitor_error(look, "there is no VMCS at 0x%" PRIx64 ": a VMCS is a page of memory; info vmx lists them",
                             vmcs);
    if ((revision & BITS(30, 0)) != vmx_revision())
        return monitor_error(look,
                             "there is no VMCS at 0x%" PRIx64 ": it begins with 0x%x, not with the revision identifier "
                             "0x%x",
                             vmcs, revision, vmx_revision());
    *text += length;
    w->place = place_of_field(vmcs, (unsigned)field);
    snprintf(w->name, sizeof w->name, "%s of VMCS 0x%" PRIx64, name, vmcs);
    return true;
}

// --- memory ---

static bool physical_of(const struct look *look, const struct location *at, uint64_t *physical) {
    return expression_physical(&at->view, at->space, at->address, physical) ||
           monitor_error(look, "%s 0x%" PRIx64 " is not mapped now (walk explains; when-mapped says since when)",
                         space_names[at->space], at->address);
}

// Of what a symbol names its size; of more than 8 bytes the first 8.
static uint64_t named_bytes(const struct look *look, const struct location *at) {
    uint64_t size = at->space == SPACE_LINEAR ? symbols_size(look->symbols, (int)at->view.level, at->address) : 0;
    return size && size < 8 ? size : 8;
}

// Up to the end of what is asked about, of the page, or of 8 bytes.
static bool take_piece(const struct look *look, struct location at, uint64_t done, uint64_t bytes, struct asked *w) {
    uint64_t physical, there;
    at.address += done;
    if (!physical_of(look, &at, &physical)) return false;
    uint64_t room = PAGE_BYTES - physical % PAGE_BYTES, left = bytes - done;
    if (left > room) left = room;
    struct place *p = &w->piece[w->pieces++];
    *p = (struct place){.space = PLACE_PHYSICAL, .bytes = (uint8_t)(left < 8 ? left : 8), .address = physical};
    return place_read(look->machine, p, &there) ||
           monitor_error(look, "there is no memory at physical 0x%" PRIx64 " (info mem lists what there is)", physical);
}

static bool take_pieces(const struct look *look, const struct location *at, uint64_t bytes, struct asked *w) {
    for (uint64_t done = 0; done < bytes; done += w->piece[w->pieces - 1].bytes)
        if (w->pieces == ASKED_PIECES || !take_piece(look, *at, done, bytes, w)) return false;
    w->place = w->piece[0];
    return true;
}

static void name_memory(const struct location *at, uint64_t bytes, struct asked *w) {
    const char *space = at->space == SPACE_LINEAR ? "" : at->space == SPACE_GPA ? "gpa:" : "phys:";
    int used = bytes > 8
                   ? snprintf(w->name, sizeof w->name, "%" PRIu64 " bytes at %s0x%" PRIx64, bytes, space, at->address)
                   : snprintf(w->name, sizeof w->name, "u%u[%s0x%" PRIx64 "]", (unsigned)bytes * 8, space, at->address);
    if (w->place.address != at->address)
        snprintf(w->name + used, sizeof w->name - (size_t)used, ", physical 0x%" PRIx64, w->place.address);
}

static bool memory(const struct look *look, const char **text, uint64_t most, struct asked *w) {
    struct location at;
    uint64_t bytes = 0;
    if (!take_memory_place(look, text, &at, &bytes)) return false;
    if (!bytes && isdigit((unsigned char)**text) && !take_value(look, text, &bytes)) return false;
    if (!bytes) bytes = named_bytes(look, &at);
    if (bytes > most)
        return monitor_error(look,
                             "%" PRIu64 " bytes: this question is about 1 to %" PRIu64
                             "; of more, watch ADDRESS, %" PRIu64
                             " and then reverse-continue goes back to the last store",
                             bytes, most, bytes);
    if (!take_pieces(look, &at, bytes, w)) return false;
    w->view = at.view;
    name_memory(&at, bytes, w);
    return most > 8 || w->pieces == 1 ||
           monitor_error(look, "these %" PRIu64 " bytes lie in two pages: ask about %u of them", bytes, w->place.bytes);
}

// --- one of them ---

static bool named(const struct look *look, const char *word, struct name name, struct asked *w) {
    char error[200];
    snprintf(w->name, sizeof w->name, "%s", word);
    if (!name_place(&w->view, &name, &w->place, error, sizeof error)) return monitor_error(look, "%s", error);
    if (w->place.space == PLACE_FIELD)
        snprintf(w->name, sizeof w->name, "%s of the present VMCS 0x%" PRIx64, word, w->place.vmcs);
    return true;
}

static bool of_level(const char *word, struct name name, struct asked *w) {
    w->of_level = true;
    w->level = (int)w->view.level;
    w->register_name = name;
    snprintf(w->name, sizeof w->name, "@%d:%s", w->level, word);
    return true;
}

static bool take_what(const struct look *look, const char **text, uint64_t most, struct asked *w) {
    const char *from = *text;
    char word[WORD];
    *w = (struct asked){0};
    bool names_level = from[strspn(from, " \t")] == '@' || look->level >= 0;
    if (!take_future_view(look, text, &w->view)) return false;
    if (!strncmp(*text, "vmcs:", 5)) return vmcs_field(look, text, w);
    size_t length = lone_word(*text, word);
    struct name name = length ? name_find(look, word, false) : (struct name){NAME_NONE, 0};
    if (name.kind == NAME_REGISTER || name.kind == NAME_FIELD || name.kind == NAME_MSR) {
        *text += length;
        if (names_level && w->view.cpu->wire.extension && name_is_of_level(&w->view, &name))
            return of_level(word, name, w);
        return (view_exists(look, w->view.level) || view_make(look, (int)w->view.level, &w->view)) &&
               named(look, word, name, w);
    }
    if (length && device_member(look, word, w)) {
        *text += length;
        snprintf(w->name, sizeof w->name, "%s", word);
        return true;
    }
    *text = from;
    return memory(look, text, most, w);
}

bool take_asked(const struct look *look, const char **text, struct asked *w) {
    return take_what(look, text, sizeof(uint64_t), w);
}

bool take_asked_range(const struct look *look, const char **text, struct asked *w) {
    return take_what(look, text, ASKED_BYTES, w);
}

// Changing the machine by hand: write, set. And find, which only looks.
#define _GNU_SOURCE // memmem
#include "monitor/expression/expression.h"
#include "monitor/symbols/symbols.h"
#include "monitor/files/signals.h"
#include "monitor/session/monitor.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATTERN_MAX = 256, FOUND_MAX = 100, CHUNK = 1 << 16 };

// /b /h /w /g in front.
static bool take_size(struct monitor *monitor, const char **text, unsigned *bytes) {
    if (**text != '/') return true;
    const char *sizes = "bhwg", *size = (*text)[1] ? strchr(sizes, (*text)[1]) : NULL;
    if (!size || ((*text)[2] && (*text)[2] != ' '))
        return monitor_error(monitor, "%s: the size is one of /b /h /w /g", *text);
    *bytes = 1u << (size - sizes);
    *text += 2 + strspn(*text + 2, " ");
    return true;
}

// As a number with a sign or without.
static bool fits(uint64_t value, unsigned bytes) {
    unsigned unused = 64 - 8 * bytes;
    return (value << unused) >> unused == value || (uint64_t)((int64_t)(value << unused) >> unused) == value;
}

// Numbers of `bytes` bytes each, or "text".
static bool take_pattern(struct monitor *monitor, const char *text, unsigned bytes, uint8_t *pattern, size_t *length) {
    uint64_t value;
    *length = 0;
    while (*text) {
        if (*text == '"') {
            size_t n = strcspn(text + 1, "\"");
            if (*length + n > PATTERN_MAX) break;
            memcpy(pattern + *length, text + 1, n);
            *length += n;
            text += n + 1 + (text[n + 1] == '"');
            text += strspn(text, " ,");
            continue;
        }
        if (!take_value(&monitor->look, &text, &value)) return false;
        if (!fits(value, bytes))
            return monitor_error(monitor, "0x%" PRIx64 " does not fit in %u byte%s", value, bytes,
                                 bytes == 1 ? "" : "s");
        if (*length + bytes > PATTERN_MAX) break;
        memcpy(pattern + *length, &value, bytes);
        *length += bytes;
    }
    if (*text)
        return monitor_error(monitor, "the values have more than %d bytes together, which is too many", PATTERN_MAX);
    return *length || monitor_error(monitor, "which values? Numbers with commas, or \"text\"");
}

bool command_write(struct monitor *monitor, const char *arguments) {
    unsigned bytes = 0; // those of /bhwg, else of u32[ADDRESS], else 8
    struct location place;
    uint8_t pattern[PATTERN_MAX];
    size_t length;
    if (!take_size(monitor, &arguments, &bytes)) return false;
    if (!*arguments) return monitor_error(monitor, "write where? write[/bhwg] ADDRESS, VALUE...");
    uint64_t named = 0;
    bool sized = bytes != 0;
    if (!take_memory_place(&monitor->look, &arguments, &place, &named)) return false;
    if (!view_exists(&monitor->look, place.view.level))
        return view_make(&monitor->look, (int)place.view.level, &place.view);
    if (!sized) bytes = named && named <= 8 ? (unsigned)named : 8;
    if (!take_pattern(monitor, arguments, bytes, pattern, &length)) return false;
    if (!view_write(&place.view, place.space, place.address, pattern, length))
        return monitor_error(monitor,
                             "0x%" PRIx64 " cannot be written: it is not mapped, or it is no RAM (walk explains)",
                             place.address);
    monitor_alters(monitor);
    return true;
}

bool command_set(struct monitor *monitor, const char *arguments) {
    char word[64], error[300];
    uint64_t value;
    struct view view;
    if (!take_view(&monitor->look, &arguments, &view)) return false;
    arguments += *arguments == '$';
    size_t length = strcspn(arguments, " =");
    snprintf(word, sizeof word, "%.*s", (int)length, arguments);
    arguments += length + strspn(arguments + length, " ");
    if (*arguments != '=') return monitor_error(monitor, "set what? set [@LEVEL:]REGISTER = EXPRESSION");
    arguments++;
    struct name name = name_find(&monitor->look, word, false);
    if (name.kind == NAME_NONE)
        return monitor_error(monitor, "%s: there is no register, MSR or VMCS field of that name", word);
    if (!take_value(&monitor->look, &arguments, &value) || !take_end(&monitor->look, arguments)) return false;
    if (!name_set(&view, &name, value, error, sizeof error)) return monitor_error(monitor, "%s", error);
    if (view_goes_elsewhere(&view))
        print(monitor, "(level 1 goes on where level 0 gives it an exit of its guest, and has what that exit loads)\n");
    monitor_alters(monitor);
    return true;
}

// --- find ---

#define FIND_MOST (1ull << 40) // bytes

struct search {
    const uint8_t *pattern;
    size_t length;
    unsigned found;
};

static void print_found(struct monitor *monitor, const struct location *p, uint64_t address) {
    char name[160];
    print(monitor, "0x%" PRIx64, address);
    if (p->space == SPACE_LINEAR &&
        *symbols_name(monitor->look.symbols, (int)p->view.level, address, name, sizeof name))
        print(monitor, " <%s>", name);
    print(monitor, "\n");
}

// Pages that cannot be read are passed over. The last bytes of each piece are seen again with the next one.
static void search(struct monitor *monitor, const struct location *p, uint64_t length, struct search *s,
                   uint8_t *buffer) {
    for (uint64_t at = 0; at + s->length <= length && s->found < FOUND_MAX && !signals_interrupt();) {
        size_t want = length - at < CHUNK ? (size_t)(length - at) : CHUNK;
        size_t got = view_read(&p->view, p->space, p->address + at, buffer, want);
        const uint8_t *from = buffer, *hit;
        while (s->found < FOUND_MAX && (hit = memmem(from, got - (size_t)(from - buffer), s->pattern, s->length))) {
            print_found(monitor, p, p->address + at + (uint64_t)(hit - buffer));
            s->found++;
            from = hit + 1;
        }
        if (got == want)
            at += got > s->length - 1 && at + got < length ? got - (s->length - 1) : got;
        else
            at = ((p->address + at + got) | 4095) + 1 - p->address;
    }
}

bool command_find(struct monitor *monitor, const char *arguments) {
    unsigned bytes = 8;
    struct location place;
    uint64_t length;
    uint8_t pattern[PATTERN_MAX], *buffer;
    struct search s = {.pattern = pattern};
    if (!take_size(monitor, &arguments, &bytes)) return false;
    if (!*arguments) return monitor_error(monitor, "find where? find[/bhwg] START, LENGTH, VALUE... or \"TEXT\"");
    if (!take_place(&monitor->look, &arguments, &place) || !take_value(&monitor->look, &arguments, &length) ||
        !take_pattern(monitor, arguments, bytes, pattern, &s.length))
        return false;
    if (length > FIND_MOST)
        return monitor_error(monitor, "find: 0x%" PRIx64 " bytes are too many; 1 TByte can be searched at most",
                             length);
    if (!(buffer = malloc(CHUNK))) return monitor_error(monitor, "not enough memory");
    search(monitor, &place, length, &s, buffer);
    free(buffer);
    print(monitor, s.found == FOUND_MAX ? "%u found; there may be more\n" : "%u found\n", s.found);
    return true;
}

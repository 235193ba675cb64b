// Looking at memory: x as in gdb, and disas.
#include "monitor/expression/expression.h"
#include "monitor/symbols/symbols.h"
#include "monitor/show/where.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT_MAX = 100000, LINE_BYTES = 16, TEXT_MAX = 200 };

struct format {
    unsigned count;
    char letter; // x d u o t a c s i
    unsigned bytes;
    bool sources; // lines between instructions
};

// N, a letter, and a size b h w g, in any order after the number, as in gdb.
static bool parse_format(struct monitor *monitor, const char *text, struct format *f) {
    char *end;
    unsigned long count = strtoul(text, &end, 10);
    if (end != text) f->count = count > COUNT_MAX ? COUNT_MAX : (unsigned)count;
    for (; *end; end++) {
        const char *sizes = "bhwg", *size = strchr(sizes, *end);
        if (size)
            f->bytes = 1u << (size - sizes);
        else if (strchr("xduotacsi", *end))
            f->letter = *end;
        else
            return monitor_error(
                monitor, "/%s: a format is a number, a letter of x d u o t a c s i, and a size of b h w g", text);
    }
    if (f->letter == 'a') f->bytes = 8;
    return true;
}

static void print_address(struct monitor *monitor, const struct location *p, uint64_t address) {
    char name[160] = "";
    if (p->space == SPACE_LINEAR) symbols_name(monitor->look.symbols, (int)p->view.level, address, name, sizeof name);
    print(monitor, "%s%s%0*" PRIx64, p->space == SPACE_LINEAR ? "" : space_names[p->space],
          p->space == SPACE_LINEAR ? "" : ":", view_code_bits(&p->view) == 64 ? 16 : 8, address);
    if (*name) print_in(monitor, YELLOW, " <%s>", name);
}

static bool unreadable(struct monitor *monitor, const struct location *p, uint64_t address) {
    return monitor_error(monitor, "%s%s0x%" PRIx64 " cannot be read: it is not mapped, or it is no RAM (walk explains)",
                         p->space == SPACE_LINEAR ? "" : space_names[p->space], p->space == SPACE_LINEAR ? "" : ":",
                         address);
}

static void print_one(struct monitor *monitor, const struct location *p, const struct format *f, uint64_t value) {
    static const int digits[] = {[1] = 3, [2] = 5, [4] = 10, [8] = 20};
    unsigned bits = 8 * f->bytes;
    char name[160];
    switch (f->letter) {
    case 'd':
        print(monitor, "  %*" PRId64, digits[f->bytes] + 1, (int64_t)(value << (64 - bits)) >> (64 - bits));
        break;
    case 'u': print(monitor, "  %*" PRIu64, digits[f->bytes], value); break;
    case 'o': print(monitor, "  0%0*" PRIo64, (int)(bits + 2) / 3, value); break;
    case 'c': print(monitor, "  %3u '%c'", (uint8_t)value, isprint((uint8_t)value) ? (int)(uint8_t)value : '.'); break;
    case 't':
        print(monitor, "  ");
        for (unsigned bit = bits; bit--;) print(monitor, "%u", (unsigned)(value >> bit & 1));
        break;
    case 'a':
        print(monitor, "  0x%016" PRIx64, value);
        if (*symbols_name(monitor->look.symbols, (int)p->view.level, value, name, sizeof name))
            print(monitor, " <%s>", name);
        break;
    default: print(monitor, "  0x%0*" PRIx64, (int)f->bytes * 2, value);
    }
}

static bool examine_numbers(struct monitor *monitor, struct location *p, const struct format *f) {
    unsigned a_line = f->letter == 'a' || f->letter == 't' ? 1 : f->letter == 'c' ? 8 : LINE_BYTES / f->bytes;
    for (unsigned i = 0; i < f->count; i++, p->address += f->bytes) {
        uint64_t value = 0;
        bool readable = view_read(&p->view, p->space, p->address, &value, f->bytes) == f->bytes;
        if (i % a_line == 0 || !readable) {
            if (i % a_line) print(monitor, "\n");
            if (!readable) return unreadable(monitor, p, p->address);
            print_address(monitor, p, p->address);
            print(monitor, ":");
        }
        print_one(monitor, p, f, value);
        if (i % a_line == a_line - 1 || i + 1 == f->count) print(monitor, "\n");
    }
    return true;
}

static bool examine_text(struct monitor *monitor, struct location *p, unsigned count) {
    for (; count; count--) {
        char text[TEXT_MAX];
        size_t got = view_read(&p->view, p->space, p->address, text, sizeof text), length = strnlen(text, got);
        if (!got) return unreadable(monitor, p, p->address);
        print_address(monitor, p, p->address);
        print(monitor, ":  \"");
        for (size_t i = 0; i < length; i++) {
            if (text[i] == '\n')
                print(monitor, "\\n");
            else
                print(monitor, isprint((unsigned char)text[i]) ? "%c" : "\\x%02x", (unsigned char)text[i]);
        }
        print(monitor, length == got ? "\"...\n" : "\"\n");
        p->address += length + (length < got);
    }
    return true;
}

// The source line, where another one begins.
static void print_source(struct monitor *monitor, const struct location *p, struct source_place *last) {
    struct source_place now;
    if (p->space != SPACE_LINEAR || !symbols_line(monitor->look.symbols, (int)p->view.level, p->address, &now)) return;
    if (last->path && strcmp(last->path, now.path) == 0 && last->line == now.line) return;
    where_source(monitor, &now);
    *last = now;
}

static bool examine_code(struct monitor *monitor, struct location *p, unsigned count, bool sources) {
    uint64_t here = p->space == SPACE_LINEAR ? view_code_address(&p->view) : ~0ull;
    struct source_place last = {0};
    for (; count; count--) {
        struct instruction i;
        if (sources) print_source(monitor, p, &last);
        bool good = disassemble(&monitor->look, &p->view, p->space, p->address, 0, &i);
        if (!good && !i.readable) return unreadable(monitor, p, p->address);
        where_instruction(monitor, &p->view, &i, p->address == here ? "=>" : "  ");
        p->address += good ? i.length : 1;
    }
    return true;
}

static bool examine(struct monitor *monitor, struct location *p, const struct format *f) {
    bool done = f->letter == 'i'   ? examine_code(monitor, p, f->count, f->sources)
                : f->letter == 's' ? examine_text(monitor, p, f->count)
                                   : examine_numbers(monitor, p, f);
    monitor->examined.next = p->address;
    return done;
}

bool command_x(struct monitor *monitor, const char *arguments) {
    struct format f = {.count = 1, .letter = 'x', .bytes = 8};
    struct location place;
    char word[32];
    if (*monitor->examined.format) parse_format(monitor, monitor->examined.format, &f);
    f.count = 1;
    if (*arguments == '/') {
        arguments++;
        take_word(&arguments, word, sizeof word);
        if (!parse_format(monitor, word, &f)) return false;
        snprintf(monitor->examined.format, sizeof monitor->examined.format, "%c%c", f.letter, "bhbwbbbg"[f.bytes - 1]);
    }
    if (!*arguments) {
        if (!view_make(&monitor->look, monitor->look.level, &place.view)) return false;
        place.space = SPACE_LINEAR;
        place.address = monitor->examined.next;
    } else if (!take_place(&monitor->look, &arguments, &place) || !take_end(&monitor->look, arguments)) {
        return false;
    }
    return examine(monitor, &place, &f);
}

bool command_disas(struct monitor *monitor, const char *arguments) {
    struct location place = {.space = SPACE_LINEAR};
    uint64_t count = 10;
    if (!*arguments) {
        if (!view_make(&monitor->look, monitor->look.level, &place.view)) return false;
        place.address = view_code_address(&place.view);
    } else if (!take_place(&monitor->look, &arguments, &place)) {
        return false;
    }
    if (*arguments && (!take_value(&monitor->look, &arguments, &count) || !take_end(&monitor->look, arguments)))
        return false;
    return examine(monitor, &place, &(struct format){count > COUNT_MAX ? COUNT_MAX : (unsigned)count, 'i', 1, true});
}

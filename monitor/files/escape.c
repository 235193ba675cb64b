// What may be printed as it is; see escape.h. UTF-8: RFC 3629; C1 controls: ECMA-48, 8.2.2.
#include "monitor/files/escape.h"
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// Characters that a terminal obeys or does not show: C1 controls, marks and overrides of direction, invisible ones.
static bool is_hidden(uint32_t character) {
    static const struct {
        uint32_t first, last;
    } hidden[] = {{0x80, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},   {0x200b, 0x200f},  {0x2028, 0x202e},
                  {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};
    for (unsigned i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (character >= hidden[i].first && character <= hidden[i].last) return true;
    return false;
}

// The bytes of the multi-byte character that begins here; 0: there is none, or it is not to be shown.
static size_t character_bytes(const unsigned char *text, size_t bytes) {
    static const uint32_t least[] = {[2] = 0x80, [3] = 0x800, [4] = 0x10000};
    size_t length = *text >= 0xf0 ? 4 : *text >= 0xe0 ? 3 : 2;
    if (*text < 0xc0 || *text > 0xf7 || length > bytes) return 0;
    uint32_t character = *text & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) return 0;
        character = character << 6 | (text[i] & 0x3fu);
    }
    bool is_surrogate = character >= 0xd800 && character <= 0xdfff;
    return character < least[length] || character > 0x10ffff || is_surrogate || is_hidden(character) ? 0 : length;
}

// The bytes from here on that make one character and may be printed; 0: this byte may not.
static size_t plain_bytes(const char *text, size_t bytes, enum escape escape) {
    unsigned char c = (unsigned char)*text;
    if (c >= 0x80) return character_bytes((const unsigned char *)text, bytes);
    if (c == '\n' || c == '\t') return escape == ESCAPE_LINES;
    return c >= 0x20 && c != 0x7f;
}

static size_t escaped(char to[5], unsigned char c) {
    static const char letters[] = {['\n'] = 'n', ['\t'] = 't', ['\r'] = 'r'};
    bool has_letter = c < sizeof letters && letters[c];
    return (size_t)(has_letter ? snprintf(to, 5, "\\%c", letters[c]) : snprintf(to, 5, "\\x%02x", c));
}

void escape_to(escape_put_fn *put, void *context, const char *text, size_t bytes, enum escape escape) {
    char piece[5];
    for (size_t from = 0; from < bytes;) {
        size_t to = from, length;
        while (to < bytes && (length = plain_bytes(text + to, bytes - to, escape))) to += length;
        if (to > from) put(context, text + from, to - from);
        if (to < bytes) put(context, piece, escaped(piece, (unsigned char)text[to]));
        from = to + 1;
    }
}

struct name {
    char *to;
    size_t used, size;
};

static void put_name(void *context, const char *text, size_t bytes) {
    struct name *name = context;
    size_t left = name->size - 1 - name->used;
    if (bytes > left) bytes = left;
    memcpy(name->to + name->used, text, bytes);
    name->used += bytes;
}

char *escape_name(char *to, size_t size, const char *name) {
    struct name n = {to, 0, size};
    escape_to(put_name, &n, name, strlen(name), ESCAPE_ONE_LINE);
    to[n.used] = '\0';
    return to;
}

bool escape_leaves(const char *name) {
    size_t bytes = strlen(name), at = 0, length;
    while (at < bytes && (length = plain_bytes(name + at, bytes - at, ESCAPE_ONE_LINE))) at += length;
    return at == bytes;
}

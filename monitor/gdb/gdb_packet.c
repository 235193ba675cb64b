// Packets: $text#checksum with + and - as answers, } as an escape, and ^C between them. "Debugging with GDB", E.1.
#include "monitor/gdb/gdb_private.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// --- texts ---

static bool make_room(struct gdb_text *text, size_t count) {
    size_t room = text->room ? text->room : 1024;
    while (room - text->used <= count) room *= 2;
    if (room == text->room) return true;
    char *bytes = realloc(text->bytes, room);
    if (!bytes) {
        text->broken = true;
        return false;
    }
    text->bytes = bytes;
    text->room = room;
    return true;
}

void gdb_text_add(struct gdb_text *text, const void *bytes, size_t count) {
    if (!count || !make_room(text, count)) return;
    memcpy(text->bytes + text->used, bytes, count);
    text->used += count;
    text->bytes[text->used] = 0;
}

void gdb_text_print(struct gdb_text *text, const char *format, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (n > 0) gdb_text_add(text, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

void gdb_text_hex(struct gdb_text *text, const void *bytes, size_t count) {
    const uint8_t *p = bytes;
    for (size_t i = 0; i < count; i++) gdb_text_print(text, "%02x", p[i]);
}

// --- parsing ---

static int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool gdb_take_hex(const char **text, uint64_t *value) {
    const char *p = *text;
    *value = 0;
    for (; digit(*p) >= 0; p++) *value = *value << 4 | (unsigned)digit(*p);
    bool any = p != *text;
    *text = p;
    return any;
}

bool gdb_take_char(const char **text, char c) {
    if (**text != c) return false;
    ++*text;
    return true;
}

bool gdb_take_bytes(const char **text, uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++, *text += 2) {
        int high = digit((*text)[0]), low = high < 0 ? -1 : digit((*text)[1]);
        if (low < 0) return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

// --- in ---

static void drop(struct gdb *gdb, size_t count) {
    if (count > gdb->in_used) count = gdb->in_used; // the connection may have ended
    memmove(gdb->in, gdb->in + count, gdb->in_used - count);
    gdb->in_used -= count;
}

// The packet's text without escapes. Its checksum is right, or it does not matter.
static void unescape(struct gdb *gdb, const uint8_t *text, size_t bytes) {
    gdb->packet_bytes = 0;
    for (size_t i = 0; i < bytes; i++) {
        uint8_t c = text[i];
        if (c == '}' && i + 1 < bytes) c = text[++i] ^ 0x20;
        gdb->packet[gdb->packet_bytes++] = (char)c;
    }
    gdb->packet[gdb->packet_bytes] = 0;
}

static bool checksum_right(const uint8_t *text, size_t bytes) {
    uint8_t sum = 0, wanted = 0;
    const char *digits = (const char *)text + bytes + 1;
    for (size_t i = 0; i < bytes; i++) sum = (uint8_t)(sum + text[i]);
    return gdb_take_bytes(&digits, &wanted, 1) && sum == wanted;
}

// A packet from gdb->in[0] on. False: it is not complete.
static bool take_packet(struct gdb *gdb, enum gdb_arrived *arrived) {
    const uint8_t *end = memchr(gdb->in, '#', gdb->in_used);
    *arrived = GDB_NOTHING;
    if (!end && gdb->in_used == sizeof gdb->in) gdb->in_used = 0; // nobody may send that much
    if (!end || end + 2 >= gdb->in + gdb->in_used) return false;
    size_t bytes = (size_t)(end - gdb->in) - 1;
    bool good = gdb->no_ack || checksum_right(gdb->in + 1, bytes);
    if (!gdb->no_ack) gdb_send(gdb, good ? "+" : "-", 1);
    if (good && bytes <= GDB_PACKET_BYTES) {
        unescape(gdb, gdb->in + 1, bytes);
        *arrived = GDB_PACKET;
    }
    drop(gdb, bytes + 4);
    return true;
}

enum gdb_arrived gdb_next_packet(struct gdb *gdb) {
    enum gdb_arrived arrived = GDB_NOTHING;
    while (gdb->in_used && arrived == GDB_NOTHING) {
        if (gdb->in[0] == '$') {
            if (!take_packet(gdb, &arrived)) return GDB_NOTHING;
            continue;
        }
        if (gdb->in[0] == 3)
            arrived = GDB_INTERRUPT;
        else if (gdb->in[0] == '-' && !gdb->no_ack)
            gdb_send(gdb, gdb->sent.bytes, gdb->sent.used);
        drop(gdb, 1);
    }
    return arrived;
}

// --- out ---

void gdb_send_reply(struct gdb *gdb) {
    struct gdb_text *sent = &gdb->sent;
    uint8_t sum = 0;
    sent->used = 0;
    gdb_text_add(sent, "$", 1);
    for (size_t i = 0; i < gdb->reply.used; i++) {
        char c = gdb->reply.bytes[i];
        bool special = c == '}' || c == '#' || c == '$' || c == '*';
        if (special) gdb_text_add(sent, "}", 1);
        if (special) c ^= 0x20;
        gdb_text_add(sent, &c, 1);
    }
    for (size_t i = 1; i < sent->used; i++) sum = (uint8_t)(sum + (uint8_t)sent->bytes[i]);
    gdb_text_print(sent, "#%02x", sum);
    gdb->reply.used = 0;
    if (sent->broken || gdb->reply.broken)
        gdb_disconnect(gdb);
    else
        gdb_send(gdb, sent->bytes, sent->used);
}

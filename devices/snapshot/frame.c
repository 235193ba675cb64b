// Frames of bytes; see frame.h.
//
// file     8 bytes that are no text, 4 letters for what it is, 4 bytes of version
// frame    4 letters of kind, 4 bytes: how many bytes it has, 4 bytes: how many follow here (fewer: they are packed),
//          4 bytes of checksum over these twelve and the offset; the bytes; 8 bytes of checksum over both
#include "devices/snapshot/frame.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include <xxhash.h>
#pragma GCC diagnostic pop

enum { HEAD = 16, HEAD_SUMMED = 12, SUM = 8, PIECE = 1 << 16, LEAST_PACKED = 64 };
static const uint8_t magic[8] = {0x89, 'v', 'm', 'x', 'r', 'a', 'y', '\n'};

static uint64_t head_sum(const uint8_t *head, uint64_t offset) { return XXH64(head, HEAD_SUMMED, offset); }

// --- writing ---

void frame_writer_begin(struct frame_writer *w, const struct sink *sink, const struct packer *packer) {
    *w = (struct frame_writer){.sink = *sink, .packer = packer, .bytes = malloc(FRAME_MOST)};
    if (packer) w->packed = malloc(FRAME_MOST);
    if (!w->bytes || (packer && !w->packed)) w->wrong = "memory is short";
}

void frame_writer_free(struct frame_writer *w) {
    free(w->bytes);
    free(w->packed);
    w->bytes = w->packed = NULL;
}

static void put_out(struct frame_writer *w, const void *bytes, size_t count) {
    if (w->wrong) return;
    if (!w->sink.put(w->sink.context, bytes, count)) w->wrong = "it cannot be written";
    w->offset += count;
}

void frame_put_file(struct frame_writer *w, uint32_t kind, uint32_t version) {
    put_out(w, magic, sizeof magic);
    put_out(w, &kind, sizeof kind);
    put_out(w, &version, sizeof version);
}

void frame_begin(struct frame_writer *w, uint32_t kind) {
    w->kind = kind;
    w->used = 0;
}

void frame_put(struct frame_writer *w, const void *bytes, size_t count) {
    if (w->wrong) return;
    if (count > FRAME_MOST - w->used) {
        w->wrong = "a frame is too long";
        return;
    }
    if (count) memcpy(w->bytes + w->used, bytes, count);
    w->used += count;
}

void frame_put_number(struct frame_writer *w, uint64_t value, unsigned bytes) { frame_put(w, &value, bytes); }

void frame_put_text(struct frame_writer *w, const char *text) {
    size_t length = strlen(text);
    if (length >= FRAME_TEXT && !w->wrong) w->wrong = "a text is too long";
    frame_put_number(w, length, 2);
    frame_put(w, text, length);
}

bool frame_end(struct frame_writer *w) {
    if (w->wrong) return false;
    const uint8_t *stored = w->bytes;
    size_t bytes = w->used, packed = 0;
    if (w->packer && bytes >= LEAST_PACKED)
        packed = w->packer->pack(w->packer->context, w->packed, bytes - 1, w->bytes, bytes);
    if (packed) stored = w->packed, bytes = packed;
    uint8_t head[HEAD];
    const uint32_t words[3] = {w->kind, (uint32_t)w->used, (uint32_t)bytes};
    memcpy(head, words, HEAD_SUMMED);
    uint64_t sum = head_sum(head, w->offset);
    memcpy(head + HEAD_SUMMED, &sum, HEAD - HEAD_SUMMED);
    sum = XXH64(stored, bytes, sum);
    put_out(w, head, HEAD);
    put_out(w, stored, bytes);
    put_out(w, &sum, SUM);
    w->used = 0;
    return !w->wrong;
}

// --- reading ---

void frame_reader_begin(struct frame_reader *r, const struct source *source, const struct packer *packer) {
    *r = (struct frame_reader){.source = *source, .packer = packer};
}

void frame_reader_free(struct frame_reader *r) {
    free(r->bytes);
    free(r->packed);
    r->bytes = r->packed = NULL;
    r->room[0] = r->room[1] = r->size = r->at = 0;
}

static void kind_name(uint32_t kind, char name[5]) {
    memcpy(name, &kind, 4);
    name[4] = '\0';
    for (unsigned i = 0; i < 4; i++)
        if (name[i] < ' ' || name[i] > '~') name[i] = '?';
}

bool frame_fail(struct frame_reader *r, const char *format, ...) {
    if (*r->wrong) return false;
    char name[5];
    va_list arguments;
    kind_name(r->kind, name);
    int n = r->kind ? snprintf(r->wrong, FRAME_WRONG, "at byte %llu (%s): ", (unsigned long long)r->begin, name)
                    : snprintf(r->wrong, FRAME_WRONG, "at byte %llu: ", (unsigned long long)r->begin);
    va_start(arguments, format);
    vsnprintf(r->wrong + n, FRAME_WRONG - (size_t)n, format, arguments);
    va_end(arguments);
    return false;
}

// All of `count` bytes, or how many there were.
static size_t get(struct frame_reader *r, void *to, size_t count) {
    size_t got = r->source.get(r->source.context, to, count);
    r->offset += got;
    return got;
}

static bool cut_short(struct frame_reader *r) {
    return frame_fail(r, "it ends within this frame, after %llu bytes in all", (unsigned long long)r->offset);
}

bool frame_take_file(struct frame_reader *r, uint32_t kind, const char *name, uint32_t version) {
    uint8_t head[FRAME_FILE_BYTES];
    uint32_t words[2];
    size_t got = get(r, head, sizeof head);
    if (got == sizeof head && memcmp(head, RECORDING_BEGINS, sizeof head) == 0)
        return frame_fail(r, "it is a recording, no %s: -replay opens it", name);
    if (got < sizeof magic || memcmp(head, magic, sizeof magic) != 0) return frame_fail(r, "it is no file of vmxray's");
    if (got < sizeof head) return frame_fail(r, "it ends after %zu bytes", got);
    memcpy(words, head + sizeof magic, sizeof words);
    if (words[0] != kind) return frame_fail(r, "it is a file of vmxray's, but no %s", name);
    r->is_kind = true;
    if (words[1] == version) return true;
    return frame_fail(r, "the %s has layout %u, and this version reads %u: it was written by a%s version", name,
                      words[1], version, words[1] > version ? " newer" : "n older");
}

// Memory for what comes, as it comes: what is announced and not there costs nothing.
static bool make_room(struct frame_reader *r, uint8_t **bytes, size_t *room, size_t count) {
    if (count <= *room) return true;
    uint8_t *more = realloc(*bytes, count);
    if (!more) return frame_fail(r, "memory is short");
    *bytes = more;
    *room = count;
    return true;
}

static bool get_stored(struct frame_reader *r, uint8_t **bytes, size_t *room, size_t count) {
    for (size_t have = 0; have < count;) {
        size_t piece = count - have < PIECE ? count - have : PIECE;
        if (!make_room(r, bytes, room, have + piece)) return false;
        if (get(r, *bytes + have, piece) != piece) return cut_short(r);
        have += piece;
    }
    return true;
}

static bool unpack(struct frame_reader *r, size_t packed) {
    if (!r->packer) return frame_fail(r, "it is compressed, which this program cannot undo");
    if (!make_room(r, &r->bytes, &r->room[0], r->size)) return false;
    return r->packer->unpack(r->packer->context, r->bytes, r->size, r->packed, packed) ||
           frame_fail(r, "what is compressed in it is damaged");
}

// The three words at the head of a frame. False: there is none, or it is damaged.
static bool take_head(struct frame_reader *r, uint32_t words[3], uint64_t *sum) {
    uint8_t head[HEAD];
    size_t got = get(r, head, sizeof head);
    r->ended = got == 0;
    if (r->ended) return false;
    if (got < sizeof head) return cut_short(r);
    *sum = head_sum(head, r->begin);
    if (memcmp(head + HEAD_SUMMED, sum, HEAD - HEAD_SUMMED) != 0)
        return frame_fail(r, "the head of a frame is damaged");
    memcpy(words, head, HEAD_SUMMED);
    return true;
}

bool frame_next(struct frame_reader *r) {
    uint32_t words[3] = {0};
    uint64_t sum = 0, there;
    if (*r->wrong) return false;
    r->begin = r->offset;
    r->kind = 0;
    r->size = r->at = 0;
    if (!take_head(r, words, &sum)) return false;
    r->kind = words[0];
    size_t size = words[1], stored = words[2];
    bool packed = stored < size;
    if (size > FRAME_MOST || stored > size)
        return frame_fail(r, "it says that it has %zu bytes, packed %zu", size, stored);
    if (!get_stored(r, packed ? &r->packed : &r->bytes, &r->room[packed], stored)) return false;
    if (get(r, &there, SUM) != SUM) return cut_short(r);
    if (XXH64(packed ? r->packed : r->bytes, stored, sum) != there) return frame_fail(r, "it is damaged");
    r->size = size;
    return !packed || unpack(r, stored);
}

bool frame_expect(struct frame_reader *r, uint32_t kind) {
    char name[5];
    kind_name(kind, name);
    if (frame_next(r)) return r->kind == kind || frame_fail(r, "%s should stand here", name);
    return frame_fail(r, "it ends where %s should stand", name);
}

const void *frame_take(struct frame_reader *r, size_t count) {
    if (*r->wrong) return NULL;
    if (count > r->size - r->at) {
        frame_fail(r, "it is shorter than what it says it has");
        return NULL;
    }
    r->at += count;
    return r->bytes ? r->bytes + r->at - count : (const void *)"";
}

uint64_t frame_take_number(struct frame_reader *r, unsigned bytes) {
    uint64_t value = 0;
    const void *from = frame_take(r, bytes);
    if (from) memcpy(&value, from, bytes);
    return value;
}

bool frame_take_text(struct frame_reader *r, char text[FRAME_TEXT]) {
    size_t length = frame_take_number(r, 2);
    const char *from = length < FRAME_TEXT ? frame_take(r, length) : NULL;
    text[0] = '\0';
    if (!from || memchr(from, '\0', length)) return frame_fail(r, "a text in it cannot be one");
    memcpy(text, from, length);
    text[length] = '\0';
    return true;
}

bool frame_done(struct frame_reader *r) {
    if (*r->wrong) return false;
    return r->at == r->size || frame_fail(r, "it has %zu bytes too many", r->size - r->at);
}

// Writing a recording; see recording.h and docs/internals/recording.md.
#include "devices/recording/recording.h"
#include "devices/recording/recording_stream.h"
#include "devices/machine/machine_private.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_check(uint8_t out[4], uint32_t check) {
    for (unsigned i = 0; i < 4; i++) out[i] = (uint8_t)(check >> 8 * i);
}

// A frame: kind, length in 3 bytes; a check of these; a check of what follows: what it says, data.
void recording_put_frame(struct recording_writer *w, enum recording_frame kind, const struct code_out *said,
                         const void *data, size_t bytes) {
    size_t length = said->used + bytes;
    uint8_t head[RECORDING_HEADER_BYTES] = {(uint8_t)kind, (uint8_t)length, (uint8_t)(length >> 8),
                                            (uint8_t)(length >> 16)};
    put_check(head + 4, code_check_head(w->frames, head));
    put_check(head + 8, code_check(w->frames, said->bytes, said->used, data, bytes));
    w->frames++;
    w->bytes += sizeof head + length;
    w->put(w->context, head, sizeof head);
    w->put(w->context, said->bytes, said->used);
    if (bytes) w->put(w->context, data, bytes);
}

// --- what is a file of its own within the file: frames of devices/snapshot, cut into pieces ---

static void flush(struct recording_stream *s) {
    if (s->used) recording_put_frame(s->w, s->kind, &(struct code_out){.used = 0}, s->bytes, s->used);
    s->used = 0;
}

bool recording_stream_put(void *stream, const void *bytes, size_t count) {
    struct recording_stream *s = stream;
    for (const uint8_t *from = bytes; count;) {
        size_t room = CODE_PIECE_BYTES - s->used, piece = count < room ? count : room;
        memcpy(s->bytes + s->used, from, piece);
        s->used += piece, from += piece, count -= piece;
        if (s->used == CODE_PIECE_BYTES) flush(s);
    }
    return true;
}

void recording_stream_end(struct recording_stream *s) {
    flush(s);
    free(s->bytes);
}

static bool put_setup(struct recording_writer *w, struct machine *m) {
    struct recording_stream s;
    struct frame_writer frames;
    if (!recording_stream_begin(&s, w, FRAME_SETUP)) return false;
    frame_writer_begin(&frames, &(struct sink){&s, recording_stream_put}, w->packer);
    bool put = setup_put(&frames, m);
    frame_writer_free(&frames);
    recording_stream_end(&s);
    return put;
}

static bool begin(struct recording_writer *w, struct machine *m, const char *program, bool here) {
    struct code_out said = {.used = 0};
    w->frames = w->bytes = 0;
    w->parts.count = 0;
    w->put(w->context, RECORDING_BEGINS, RECORDING_MAGIC_BYTES);
    code_put_number(&said, RECORDING_VERSION);
    code_put_text(&said, program);
    recording_put_frame(w, FRAME_BEGIN, &said, NULL, 0);
    if (!put_setup(w, m) || (here && !recording_put_state(w, m))) return false;
    recording_hash(w, m);
    return true;
}

bool recording_begin(struct recording_writer *w, struct machine *m, const char *program) {
    return begin(w, m, program, false);
}
bool recording_begin_here(struct recording_writer *w, struct machine *m, const char *program) {
    return begin(w, m, program, true);
}

// --- what comes while it runs ---

void recording_input(struct recording_writer *w, const struct input *input) {
    struct code_out said = {.used = 0};
    const uint8_t *data = input->data;
    size_t piece = input->bytes < CODE_PIECE_BYTES ? input->bytes : CODE_PIECE_BYTES;
    code_put_position(&said, &input->at);
    code_put_number(&said, input->kind);
    code_put_number(&said, input->unit);
    code_put_number(&said, input->where);
    code_put_number(&said, input->bytes);
    recording_put_frame(w, FRAME_INPUT, &said, data, piece);
    for (size_t at = piece; at < input->bytes; at += piece) {
        if (input->bytes - at < piece) piece = input->bytes - at;
        recording_put_frame(w, FRAME_MORE, &(struct code_out){.used = 0}, data + at, piece);
    }
}

static void put_position(struct recording_writer *w, enum recording_frame kind, const struct position *at,
                         const char *text) {
    struct code_out said = {.used = 0};
    code_put_position(&said, at);
    if (text) code_put_text(&said, text);
    recording_put_frame(w, kind, &said, NULL, 0);
}

void recording_put_position(struct recording_writer *w, enum recording_frame kind, const struct position *at) {
    put_position(w, kind, at, NULL);
}
void recording_reached(struct recording_writer *w, const struct position *at) {
    recording_put_position(w, FRAME_REACHED, at);
}
void recording_mark(struct recording_writer *w, const char *name, const struct position *at) {
    put_position(w, FRAME_MARK, at, name);
}
void recording_checked(struct recording_writer *w, const struct position *at) {
    recording_put_position(w, FRAME_CHECKED, at);
}
void recording_end(struct recording_writer *w, const struct position *at, const char *reason, uint8_t status) {
    char text[RECORDING_REASON_BYTES];
    struct code_out said = {.used = 0};
    snprintf(text, sizeof text, "%s", reason);
    code_put_position(&said, at);
    code_put_text(&said, text);
    code_put_number(&said, status);
    recording_put_frame(w, FRAME_END, &said, NULL, 0);
}

void recording_branch(struct recording_writer *w, const struct position *at, uint64_t inputs) {
    struct code_out said = {.used = 0};
    code_put_position(&said, at);
    code_put_number(&said, inputs);
    recording_put_frame(w, FRAME_BRANCH, &said, NULL, 0);
}

// The names come first, and again when there are more of them.
void recording_hash(struct recording_writer *w, struct machine *m) {
    struct recording_hashes hashes;
    struct code_out said = {.used = 0}, names = {.used = 0};
    unsigned known = w->parts.count;
    recording_look(m, &w->parts, &hashes);
    for (unsigned i = 0; i < w->parts.count; i++) code_put_text(&names, w->parts.name[i]);
    if (w->parts.count != known) recording_put_frame(w, FRAME_PARTS, &names, NULL, 0);
    code_put_position(&said, &hashes.at);
    recording_put_frame(w, FRAME_HASHES, &said, hashes.hash, hashes.count * sizeof *hashes.hash);
}

size_t recording_whole(bool begins, const uint8_t *bytes, size_t count) {
    size_t at = begins ? RECORDING_MAGIC_BYTES : 0;
    if (at > count) return 0;
    while (count - at >= RECORDING_HEADER_BYTES) {
        size_t length = bytes[at + 1] | (size_t)bytes[at + 2] << 8 | (size_t)bytes[at + 3] << 16;
        if (length > count - at - RECORDING_HEADER_BYTES) break;
        at += RECORDING_HEADER_BYTES + length;
    }
    return at;
}

// --- hashes ---

struct looking {
    struct recording_parts *parts;
    struct recording_hashes *out;
};

static void add_hash(void *context, const char *name, uint64_t hash) {
    struct looking *l = context;
    struct recording_parts *p = l->parts;
    unsigned i = 0;
    while (i < p->count && strcmp(p->name[i], name) != 0) i++;
    if (i == RECORDING_PARTS) return;
    if (i == p->count) { snprintf(p->name[p->count++], RECORDING_NAME_BYTES, "%s", name); }
    l->out->hash[i] += (uint32_t)hash;
    if (i >= l->out->count) l->out->count = i + 1;
}

void recording_look(struct machine *m, struct recording_parts *parts, struct recording_hashes *out) {
    struct looking looking = {parts, out};
    memset(out, 0, sizeof *out);
    machine_position(m, &out->at);
    (void)machine_hash_parts(m, add_hash, &looking);
}

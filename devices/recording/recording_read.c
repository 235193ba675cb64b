// Reading a recording; see recording.h and docs/internals/recording.md. Everything is looked at before it is believed.
#include "devices/recording/recording.h"
#include "devices/recording/recording_stream.h"
#include "devices/snapshot/snapshot.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const uint8_t *bytes;
    size_t count, at; // of the bytes; where the frame begins
    uint64_t number;  // of the frame
    unsigned kind;
    struct code_in in;
    enum phase { AT_BEGIN, IN_SETUP, IN_RUN, BEHIND_END } phase;
    struct recording *r;
    const struct packer *packer;
    struct recording_bytes stream; // of frames that were cut into pieces,
    unsigned stream_kind;          // which are of this kind
    size_t checkpoint_room, hash_room, mark_room, block_room;
    struct input input; // one whose data are not complete
    uint8_t *data;
    uint32_t filled;
    char *error;
    size_t error_size;
};

struct kind {
    const char *name;
    bool (*take)(struct reader *);
    enum phase phase;
};
static const struct kind *kind_of(unsigned number);

static const char *kind_name(unsigned number) { return kind_of(number) ? kind_of(number)->name : "unknown"; }

// Names the place. Returns false.
__attribute__((format(printf, 2, 3))) static bool refuse(struct reader *r, const char *format, ...) {
    char text[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (r->error_size)
        snprintf(r->error, r->error_size, "frame %llu (%s), at byte %zu: %s", (unsigned long long)r->number,
                 kind_name(r->kind), r->at, text);
    return false;
}

static bool refuse_memory(struct reader *r) { return refuse(r, "there is not enough memory to read it"); }

// --- what it begins with ---

static bool take_begin(struct reader *r) {
    uint64_t version = code_take_number(&r->in);
    if (version == 0 || version > RECORDING_VERSION)
        return refuse(r, "version %llu of the format; this vmxray reads up to %d", (unsigned long long)version,
                      RECORDING_VERSION);
    code_take_text(&r->in, r->r->program, sizeof r->r->program);
    r->phase = IN_SETUP;
    return true;
}

// Memory for what has come, and no more than twice that.
static bool take_piece(struct reader *r) {
    struct recording_bytes *s = &r->stream;
    size_t left = code_left(&r->in);
    if (left > s->room - s->used) {
        size_t room = 2 * (s->used + left);
        uint8_t *bytes = realloc(s->bytes, room);
        if (!bytes) return refuse_memory(r);
        s->bytes = bytes, s->room = room;
    }
    memcpy(s->bytes + s->used, r->in.at, left);
    s->used += left;
    r->stream_kind = r->kind;
    r->in.at = r->in.end;
    return true;
}

static bool take_setup(struct reader *r) { return take_piece(r); }

size_t recording_bytes_get(void *bytes, void *to, size_t count) {
    struct recording_bytes *s = bytes;
    size_t left = s->used - s->at, got = count < left ? count : left;
    if (got) memcpy(to, s->bytes + s->at, got);
    s->at += got;
    return got;
}

static bool is_possible(const struct machine_config *c) {
    return c->cpus >= 1 && c->cpus <= MACHINE_CPUS && c->serial_ports <= MACHINE_SERIAL_PORTS;
}

static bool end_setup(struct reader *r) {
    struct frame_reader frames;
    frame_reader_begin(&frames, &(struct source){&r->stream, recording_bytes_get}, r->packer);
    bool taken = setup_take(&frames, &r->r->setup) && !frame_next(&frames) && frames.ended;
    if (!taken) refuse(r, "the machine before it: %s", *frames.wrong ? frames.wrong : "more than belongs to it");
    frame_reader_free(&frames);
    free(r->stream.bytes);
    r->stream = (struct recording_bytes){.used = 0};
    r->phase = IN_RUN;
    return taken && (is_possible(&r->r->setup.config) || refuse(r, "the machine before it cannot be had"));
}

// --- the run ---

// The last position that is named is the end: inputs at one may lead to another of the same boundary.
static void reach(struct reader *r, const struct position *at) { r->r->end = *at; }

static bool take_parts(struct reader *r) {
    struct recording_parts *p = &r->r->parts;
    for (p->count = 0; code_left(&r->in) && !r->in.failed; p->count++) {
        if (p->count == RECORDING_PARTS) return refuse(r, "more than %d names", RECORDING_PARTS);
        code_take_text(&r->in, p->name[p->count], sizeof p->name[0]);
    }
    return true;
}

static void end_input(struct reader *r) {
    r->input.data = r->data;
    input_list_add(&r->r->inputs, &r->input);
    free(r->data);
    r->data = NULL;
    r->input.bytes = r->filled = 0;
}

// Memory for what has come, not for what is promised.
static bool add_data(struct reader *r) {
    size_t left = code_left(&r->in);
    if (left > r->input.bytes - r->filled) return refuse(r, "more data than the input has");
    if (left) {
        uint8_t *more = realloc(r->data, r->filled + left);
        if (!more) return refuse_memory(r);
        r->data = more;
        memcpy(more + r->filled, r->in.at, left);
        r->filled += (uint32_t)left;
        r->in.at = r->in.end;
    }
    if (r->filled == r->input.bytes) end_input(r);
    return !r->r->inputs.failed || refuse_memory(r);
}

static bool take_input(struct reader *r) {
    struct input *input = &r->input;
    code_take_position(&r->in, &input->at);
    uint64_t kind = code_take_number(&r->in);
    input->unit = (uint8_t)code_take_most(&r->in, UINT8_MAX);
    input->where = code_take_number(&r->in);
    input->bytes = (uint32_t)code_take_most(&r->in, UINT32_MAX);
    if (r->in.failed) return true;
    if (kind >= INPUT_KINDS)
        return refuse(r, "an input of kind %llu, which this vmxray does not know", (unsigned long long)kind);
    input->kind = (uint8_t)kind;
    reach(r, &input->at);
    return add_data(r);
}

static bool take_more(struct reader *r) {
    if (!r->input.bytes) return refuse(r, "there is no input before that it belongs to");
    return add_data(r);
}

static bool take_reached(struct reader *r) {
    struct position at;
    code_take_position(&r->in, &at);
    if (!r->in.failed) reach(r, &at);
    return true;
}

static bool grow(void **all, size_t count, size_t *room, size_t size) {
    if (count < *room) return true;
    size_t more = *room ? 2 * *room : 64;
    void *bigger = realloc(*all, more * size);
    if (bigger) *all = bigger, *room = more;
    return bigger;
}

static bool take_hashes(struct reader *r) {
    struct recording *to = r->r;
    struct recording_hashes h = {.inputs = to->inputs.count};
    code_take_position(&r->in, &h.at);
    size_t bytes = code_left(&r->in);
    if (bytes % sizeof *h.hash || bytes > sizeof h.hash || bytes / sizeof *h.hash > to->parts.count)
        return refuse(r, "hashes of parts that have no names");
    h.count = (unsigned)(bytes / sizeof *h.hash);
    memcpy(h.hash, r->in.at, bytes);
    r->in.at = r->in.end;
    if (!grow((void **)&to->hashes, to->hash_count, &r->hash_room, sizeof h)) return refuse_memory(r);
    to->hashes[to->hash_count++] = h;
    reach(r, &h.at);
    return true;
}

static bool take_mark(struct reader *r) {
    struct recording *to = r->r;
    struct recording_mark mark = {.inputs = to->inputs.count};
    code_take_position(&r->in, &mark.at);
    code_take_text(&r->in, mark.name, sizeof mark.name);
    if (r->in.failed) return true;
    if (!grow((void **)&to->mark, to->mark_count, &r->mark_room, sizeof mark)) return refuse_memory(r);
    to->mark[to->mark_count++] = mark;
    return true;
}

// Before everything else that happens.
static bool take_state(struct reader *r) {
    const struct recording *to = r->r;
    bool first = !to->state && !to->hash_count && !to->inputs.count && !to->mark_count && !to->checkpoint_count;
    return first ? take_piece(r) : refuse(r, "it has no business here");
}

static bool take_begun(struct reader *r) {
    struct recording *to = r->r;
    if (!r->stream.used) return refuse(r, "there is no state before it");
    code_take_position(&r->in, &to->begin);
    to->state = r->stream.bytes;
    to->state_size = r->stream.used;
    r->stream = (struct recording_bytes){.used = 0};
    reach(r, &to->begin);
    return true;
}

static bool take_checkpoint(struct reader *r) { return take_piece(r); }

static bool take_checked(struct reader *r) {
    struct recording *to = r->r;
    struct recording_checkpoint c = {.inputs = to->inputs.count, .bytes = r->stream.bytes, .size = r->stream.used};
    code_take_position(&r->in, &c.at);
    if (!c.size) return refuse(r, "there is no checkpoint before it");
    if (r->in.failed) return true;
    if (!grow((void **)&to->checkpoint, to->checkpoint_count, &r->checkpoint_room, sizeof c)) return refuse_memory(r);
    to->checkpoint[to->checkpoint_count++] = c;
    r->stream = (struct recording_bytes){.used = 0};
    reach(r, &c.at);
    return true;
}

static bool take_block(struct reader *r) {
    struct recording *to = r->r;
    if (!grow((void **)&to->block, to->block_count, &r->block_room, sizeof *to->block)) return refuse_memory(r);
    const char *wrong = recording_block_take(&r->in, r->packer, &to->block[to->block_count++]);
    return !wrong || refuse(r, "%s", wrong);
}

static bool lies_behind(const struct position *at, const struct position *end) {
    return position_compare(at, end) == POSITION_AHEAD;
}

static bool take_branch(struct reader *r) {
    struct recording *to = r->r;
    struct position at;
    size_t kept = 0;
    code_take_position(&r->in, &at);
    uint64_t inputs = code_take_number(&r->in);
    if (inputs > to->inputs.count) return refuse(r, "it keeps more inputs than there are");
    if (r->in.failed) return true;
    input_list_cut(&to->inputs, inputs);
    while (to->hash_count && lies_behind(&to->hashes[to->hash_count - 1].at, &at)) to->hash_count--;
    for (size_t i = 0; i < to->mark_count; i++)
        if (!lies_behind(&to->mark[i].at, &at)) to->mark[kept++] = to->mark[i];
    to->mark_count = kept;
    for (size_t i = 0; i < to->checkpoint_count; i++)
        to->checkpoint[i].forgotten |= lies_behind(&to->checkpoint[i].at, &at) || to->checkpoint[i].inputs > inputs;
    to->end = at;
    return true;
}

static bool take_end(struct reader *r) {
    struct position at;
    code_take_position(&r->in, &at);
    code_take_text(&r->in, r->r->reason, sizeof r->r->reason);
    r->r->status = (uint8_t)code_take_most(&r->in, UINT8_MAX);
    if (!r->in.failed) reach(r, &at);
    r->r->ended = true;
    r->phase = BEHIND_END;
    return true;
}

static const struct kind *kind_of(unsigned number) {
    static const struct kind kinds[] = {
#define FRAME(id, number, name, take, phase) [number] = {name, take, phase},
#include "devices/recording/recording.def"
    };
    bool known = number < sizeof kinds / sizeof *kinds && kinds[number].take;
    return known ? &kinds[number] : NULL;
}

// --- frames ---

static uint32_t check_at(const uint8_t *bytes) {
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static bool is_zero(const uint8_t *bytes, size_t count) {
    return count == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, count - 1) == 0);
}

static size_t length_of(const uint8_t *head) { return head[1] | (size_t)head[2] << 8 | (size_t)head[3] << 16; }

// Whether the bytes end within the frame: so whoever wrote it was cut off.
static bool is_cut(struct reader *r) {
    const uint8_t *head = r->bytes + r->at;
    size_t left = r->count - r->at;
    if (left < RECORDING_HEADER_BYTES || is_zero(head, left)) return true;
    r->kind = head[0];
    return check_at(head + 4) == code_check_head(r->number, head) && length_of(head) > left - RECORDING_HEADER_BYTES;
}

// The frame is there, and is what was written.
static bool open_frame(struct reader *r) {
    const uint8_t *head = r->bytes + r->at, *body = head + RECORDING_HEADER_BYTES;
    if (check_at(head + 4) != code_check_head(r->number, head))
        return refuse(r, "damaged: its header is not what was written");
    size_t length = length_of(head);
    if (check_at(head + 8) != code_check(r->number, body, length, NULL, 0))
        return refuse(r, "damaged: its %zu bytes are not what was written", length);
    r->in = (struct code_in){body, body + length, false};
    return true;
}

static bool take_frame(struct reader *r) {
    const struct kind *kind = kind_of(r->kind);
    if (!kind) return refuse(r, "a frame of kind %u, which this vmxray does not know; a newer one made it", r->kind);
    if (r->phase == IN_SETUP && kind->phase == IN_RUN && !end_setup(r)) return false;
    if (kind->phase != r->phase) return refuse(r, "it has no business here");
    if (r->input.bytes && r->kind != FRAME_MORE) return refuse(r, "the data of the input before are not complete");
    unsigned last = r->stream_kind == FRAME_STATE ? FRAME_BEGUN : FRAME_CHECKED;
    bool cut = r->stream.used && r->phase == IN_RUN && r->kind != r->stream_kind && r->kind != last;
    if (cut) return refuse(r, "the %s before is not complete", kind_name(r->stream_kind));
    if (!kind->take(r)) return false;
    return (!r->in.failed && !code_left(&r->in)) || refuse(r, "it has not what belongs to it");
}

static bool read_frames(struct reader *r) {
    for (r->at = RECORDING_MAGIC_BYTES; r->at < r->count; r->number++) {
        if (is_cut(r)) {
            snprintf(r->r->cut, sizeof r->r->cut, "frame %llu, at byte %zu", (unsigned long long)r->number, r->at);
            return true;
        }
        r->kind = r->bytes[r->at];
        if (!open_frame(r) || !take_frame(r)) return false;
        r->at += RECORDING_HEADER_BYTES + length_of(r->bytes + r->at);
    }
    return true;
}

static bool read_all(struct reader *r) {
    const size_t snapshot = sizeof SNAPSHOT_BEGINS - 1;
    if (r->count >= snapshot && memcmp(r->bytes, SNAPSHOT_BEGINS, snapshot) == 0) {
        if (r->error_size) snprintf(r->error, r->error_size, "it is a snapshot, no recording: -loadvm opens it");
        return false;
    }
    if (r->count < RECORDING_MAGIC_BYTES || memcmp(r->bytes, RECORDING_BEGINS, RECORDING_MAGIC_BYTES) != 0) {
        if (r->error_size) snprintf(r->error, r->error_size, "no recording of vmxray: it does not begin like one");
        return false;
    }
    if (!read_frames(r)) return false;
    recording_sort_blocks(r->r);
    bool begins = r->phase >= IN_RUN && (!r->stream.used || r->stream_kind != FRAME_STATE);
    return begins || refuse(r, "it ends before the run begins: nothing can be replayed");
}

struct recording *recording_read(const uint8_t *bytes, size_t count, const struct packer *packer, char *error,
                                 size_t error_size) {
    struct reader reader = {.bytes = bytes, .count = count, .packer = packer, .error = error, .error_size = error_size};
    struct recording *r = reader.r = calloc(1, sizeof *r);
    if (!r) {
        if (error_size) snprintf(error, error_size, "there is not enough memory to read it");
        return NULL;
    }
    bool read = read_all(&reader);
    free(reader.data);
    free(reader.stream.bytes);
    if (read) return r;
    recording_free(r);
    return NULL;
}

void recording_free(struct recording *r) {
    if (!r) return;
    setup_free(&r->setup);
    for (size_t i = 0; i < r->checkpoint_count; i++) free(r->checkpoint[i].bytes);
    free(r->checkpoint);
    free(r->state);
    for (size_t i = 0; i < r->block_count; i++) free(r->block[i].data);
    free(r->block);
    input_list_free(&r->inputs);
    free(r->hashes);
    free(r->mark);
    free(r);
}

const struct recording_mark *recording_find(const struct recording *r, const char *name) {
    for (size_t i = r->mark_count; i--;)
        if (strcmp(r->mark[i].name, name) == 0) return &r->mark[i];
    return NULL;
}

// Writing a recording; see recording.h and docs/internals/recording.md.
#include "devices/history/recording.h"
#include "devices/history/recording_code.h"
#include "devices/machine/machine_private.h"
#include <stdio.h>
#include <string.h>

static void put_check(uint8_t out[4], uint32_t check) {
    for (unsigned i = 0; i < 4; i++) out[i] = (uint8_t)(check >> 8 * i);
}

// A frame: kind, length in 3 bytes; a check of these; a check of what follows: what it says, data.
static void put_frame(struct recording_writer *w, enum recording_frame kind, const struct code_out *said,
                      const void *data, size_t bytes) {
    size_t length = said->used + bytes;
    uint8_t head[RECORDING_HEADER_BYTES] = {(uint8_t)kind, (uint8_t)length, (uint8_t)(length >> 8),
                                            (uint8_t)(length >> 16)};
    put_check(head + 4, code_check_head(w->frames, head));
    put_check(head + 8, code_check(w->frames, said->bytes, said->used, data, bytes));
    w->frames++;
    w->put(w->context, head, sizeof head);
    w->put(w->context, said->bytes, said->used);
    if (bytes) w->put(w->context, data, bytes);
}

// --- what the machine begins with ---

static bool is_zero(const uint8_t *bytes, size_t count) {
    return count == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, count - 1) == 0);
}

// Pieces of nothing but zeroes are left out; the first one says how long all is.
static void put_content(struct recording_writer *w, unsigned index, const void *data, uint64_t size) {
    const uint8_t *bytes = data;
    for (uint64_t at = 0; at == 0 || at < size; at += CODE_PIECE_BYTES) {
        uint64_t left = size - at, piece = left < CODE_PIECE_BYTES ? left : CODE_PIECE_BYTES;
        struct code_out said = {.used = 0};
        if (at && is_zero(bytes + at, piece)) continue;
        code_put_number(&said, index);
        code_put_number(&said, size);
        code_put_number(&said, at);
        put_frame(w, FRAME_CONTENT, &said, size ? bytes + at : NULL, piece);
    }
}

// One row of a configuration, a frame of its own: a key, a text, numbers.
static void put_row(struct recording_writer *w, const char *key, const char *text, unsigned count,
                    const uint64_t *number) {
    struct code_out said = {.used = 0};
    code_put_text(&said, key);
    code_put_text(&said, text);
    for (unsigned i = 0; i < count; i++) code_put_number(&said, number[i]);
    put_frame(w, FRAME_CONFIGURATION, &said, NULL, 0);
}

static void put_model(struct recording_writer *w, const struct cpu_model *model) {
    put_row(w, "model", model->name, 6,
            (uint64_t[]){model->physical_bits, model->feature_control, model->signature, model->tsc_hz,
                         model->crystal_hz, model->preemption_timer_rate});
    for (unsigned f = FEATURE_BASE + 1; f < FEATURE_COUNT; f++)
        if (model->features[f]) put_row(w, "feature", feature_text((enum feature)f), 0, NULL);
}

static void put_boot(struct recording_writer *w, const struct boot_image *boot, unsigned content) {
    struct register_row row;
    for (unsigned i = 0; i < boot->pieces; i++, content++) {
        const struct boot_piece *p = &boot->piece[i];
        put_content(w, content, p->data, p->present);
        put_row(w, "piece", "", 3, (uint64_t[]){p->physical, p->bytes, content});
    }
    for (unsigned i = 0; i < boot->registers; i++)
        if (register_row(boot->reg[i].number, &row)) put_row(w, "register", row.name, 1, &boot->reg[i].value);
}

static void put_configuration(struct recording_writer *w, const struct machine *m) {
    const struct machine_config *c = &m->config;
    put_row(w, "machine", "pc", 6,
            (uint64_t[]){c->ram_bytes, c->cpus, c->serial_ports, c->rtc_epoch, c->seed, c->bios_tick});
    put_model(w, &c->model);
    for (unsigned i = 0; i < c->devices; i++) put_row(w, "device", c->device[i], 0, NULL);
    for (unsigned i = 0; i < c->files; i++) {
        put_content(w, i, c->file[i].data, c->file[i].bytes);
        put_row(w, "file", c->file[i].name, 1, (uint64_t[]){i});
    }
    if (m->boot) put_boot(w, m->boot, c->files);
}

void recording_begin(struct recording_writer *w, struct machine *m, const char *program) {
    struct code_out said = {.used = 0};
    w->frames = 0;
    w->parts.count = 0;
    w->put(w->context, "vmxray recording", RECORDING_MAGIC_BYTES);
    code_put_number(&said, RECORDING_VERSION);
    code_put_text(&said, program);
    put_frame(w, FRAME_BEGIN, &said, NULL, 0);
    put_configuration(w, m);
    recording_hash(w, m);
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
    put_frame(w, FRAME_INPUT, &said, data, piece);
    for (size_t at = piece; at < input->bytes; at += piece) {
        if (input->bytes - at < piece) piece = input->bytes - at;
        put_frame(w, FRAME_MORE, &(struct code_out){.used = 0}, data + at, piece);
    }
}

static void put_position(struct recording_writer *w, enum recording_frame kind, const struct position *at,
                         const char *text) {
    struct code_out said = {.used = 0};
    code_put_position(&said, at);
    if (text) code_put_text(&said, text);
    put_frame(w, kind, &said, NULL, 0);
}

void recording_reached(struct recording_writer *w, const struct position *at) {
    put_position(w, FRAME_REACHED, at, NULL);
}
void recording_mark(struct recording_writer *w, const char *name, const struct position *at) {
    put_position(w, FRAME_MARK, at, name);
}
void recording_end(struct recording_writer *w, const struct position *at, const char *reason) {
    char text[RECORDING_REASON_BYTES];
    snprintf(text, sizeof text, "%s", reason);
    put_position(w, FRAME_END, at, text);
}

void recording_branch(struct recording_writer *w, const struct position *at, uint64_t inputs) {
    struct code_out said = {.used = 0};
    code_put_position(&said, at);
    code_put_number(&said, inputs);
    put_frame(w, FRAME_BRANCH, &said, NULL, 0);
}

// The names come first, and again when there are more of them.
void recording_hash(struct recording_writer *w, struct machine *m) {
    struct recording_hashes hashes;
    struct code_out said = {.used = 0}, names = {.used = 0};
    unsigned known = w->parts.count;
    recording_look(m, &w->parts, &hashes);
    for (unsigned i = 0; i < w->parts.count; i++) code_put_text(&names, w->parts.name[i]);
    if (w->parts.count != known) put_frame(w, FRAME_PARTS, &names, NULL, 0);
    code_put_position(&said, &hashes.at);
    put_frame(w, FRAME_HASHES, &said, hashes.hash, hashes.count * sizeof *hashes.hash);
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

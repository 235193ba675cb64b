// Numbers, texts, positions and checks of recordings; see recording_code.h.
#include "devices/recording/recording_code.h"
#include <string.h>
#define XXH_INLINE_ALL
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include <xxhash.h>
#pragma GCC diagnostic pop

enum { NUMBER_BYTES = 10 }; // at most

// --- putting ---

static void put(struct code_out *out, const void *bytes, size_t count) {
    if (count > sizeof out->bytes - out->used) return;
    memcpy(out->bytes + out->used, bytes, count);
    out->used += count;
}

void code_put_number(struct code_out *out, uint64_t value) {
    uint8_t bytes[NUMBER_BYTES];
    size_t used = 0;
    for (; value > 0x7f; value >>= 7) bytes[used++] = (uint8_t)(value | 0x80);
    bytes[used++] = (uint8_t)value;
    put(out, bytes, used);
}

void code_put_text(struct code_out *out, const char *text) {
    size_t length = strlen(text);
    code_put_number(out, length);
    put(out, text, length);
}

// Small differences of either sign become small numbers.
static uint64_t folded(uint64_t difference) { return difference << 1 ^ (uint64_t)((int64_t)difference >> 63); }
static uint64_t unfolded(uint64_t number) { return number >> 1 ^ (0 - (number & 1)); }

void code_put_position(struct code_out *out, const struct position *at) {
    code_put_number(out, at->steps);
    code_put_number(out, folded(at->cycle - at->steps));
    code_put_number(out, folded(at->round - at->cycle));
    code_put_number(out, at->processor);
    code_put_number(out, (uint64_t)at->events << 1 | at->after_events);
}

// --- taking ---

static uint64_t fail(struct code_in *in) {
    in->failed = true;
    in->at = in->end;
    return 0;
}

uint64_t code_take_number(struct code_in *in) {
    uint64_t value = 0;
    for (unsigned shift = 0; in->at < in->end && shift < 64; shift += 7) {
        uint8_t byte = *in->at++;
        if (shift == 63 && byte > 1) break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) return value;
    }
    return fail(in);
}

uint64_t code_take_most(struct code_in *in, uint64_t most) {
    uint64_t value = code_take_number(in);
    return value <= most ? value : fail(in);
}

void code_take_text(struct code_in *in, char *text, size_t text_size) {
    size_t length = code_take_most(in, text_size - 1);
    *text = '\0';
    if (length > code_left(in) || memchr(in->at, '\0', length)) fail(in);
    if (in->failed) return;
    memcpy(text, in->at, length);
    text[length] = '\0';
    in->at += length;
}

void code_take_position(struct code_in *in, struct position *at) {
    *at = (struct position){.steps = code_take_number(in)};
    at->cycle = at->steps + unfolded(code_take_number(in));
    at->round = at->cycle + unfolded(code_take_number(in));
    at->processor = (uint32_t)code_take_most(in, UINT32_MAX);
    uint64_t events = code_take_most(in, (uint64_t)UINT32_MAX << 1 | 1);
    at->events = (uint32_t)(events >> 1);
    at->after_events = events & 1;
}

// --- checks ---

uint32_t code_check_head(uint64_t number, const uint8_t head[4]) { return (uint32_t)XXH64(head, 4, number); }

uint32_t code_check(uint64_t number, const void *said, size_t said_bytes, const void *data, size_t data_bytes) {
    XXH64_state_t state;
    XXH64_reset(&state, number);
    XXH64_update(&state, said, said_bytes);
    if (data_bytes) XXH64_update(&state, data, data_bytes);
    return (uint32_t)XXH64_digest(&state);
}

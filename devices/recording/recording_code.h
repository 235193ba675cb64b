// How the frames of a recording hold numbers, texts and positions, and the check that each frame has. Both ways.
#ifndef DEVICES_RECORDING_CODE_H
#define DEVICES_RECORDING_CODE_H
#include "devices/machine/position.h"
#include <stddef.h>
#include <stdint.h>

enum { CODE_SMALL_BYTES = 4096, CODE_PIECE_BYTES = 1 << 20 }; // of a frame's beginning; of data behind it

// What a frame says before its data. What does not fit is left out: rows are bounded.
struct code_out {
    uint8_t bytes[CODE_SMALL_BYTES];
    size_t used;
};
void code_put_number(struct code_out *out, uint64_t value); // 7 bits a byte, the low ones first; bit 7: more follow
void code_put_text(struct code_out *out, const char *text); // its length, then its bytes
void code_put_position(struct code_out *out, const struct position *at);

// What is left of a frame. `failed`: it ended too soon, or a number has more than 64 bits; all that is taken then is 0.
struct code_in {
    const uint8_t *at, *end;
    bool failed;
};
uint64_t code_take_number(struct code_in *in);
uint64_t code_take_most(struct code_in *in, uint64_t most);            // fails for a greater one
void code_take_text(struct code_in *in, char *text, size_t text_size); // fails for one that is too long
void code_take_position(struct code_in *in, struct position *at);
static inline size_t code_left(const struct code_in *in) { return (size_t)(in->end - in->at); }

// Of the frame of that number: of its first 4 bytes, and of all that follows them.
uint32_t code_check_head(uint64_t number, const uint8_t head[4]);
uint32_t code_check(uint64_t number, const void *said, size_t said_bytes, const void *data, size_t data_bytes);

#endif

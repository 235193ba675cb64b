// What is a file of its own within a recording: frames of devices/snapshot, cut into pieces. Private to the files that
// write and read recordings.
#ifndef DEVICES_RECORDING_STREAM_H
#define DEVICES_RECORDING_STREAM_H
#include "devices/recording/recording.h"
#include "devices/recording/recording_code.h"
#include <stdlib.h>
#include <string.h>

// recording_write.c
void recording_put_frame(struct recording_writer *w, enum recording_frame kind, const struct code_out *said,
                         const void *data, size_t bytes);
bool recording_put_state(struct recording_writer *w, struct machine *m); // recording_state.c
void recording_put_position(struct recording_writer *w, enum recording_frame kind, const struct position *at);
void recording_checked(struct recording_writer *w, const struct position *at);

// recording_block.c. NULL: well, or in->failed; else what is wrong. What was taken owns its data in any case.
const char *recording_block_take(struct code_in *in, const struct packer *packer, struct recording_block *out);
void recording_sort_blocks(struct recording *recording);

// Being written.
struct recording_stream {
    struct recording_writer *w;
    enum recording_frame kind;
    uint8_t *bytes; // CODE_PIECE_BYTES
    size_t used;
};
static inline bool recording_stream_begin(struct recording_stream *s, struct recording_writer *w,
                                          enum recording_frame kind) {
    *s = (struct recording_stream){.w = w, .kind = kind, .bytes = malloc(CODE_PIECE_BYTES)};
    return s->bytes;
}
bool recording_stream_put(void *stream, const void *bytes, size_t count); // as the function of a struct sink
void recording_stream_end(struct recording_stream *s);

// Read.
struct recording_bytes {
    uint8_t *bytes;
    size_t used, room, at; // at: taken out so far
};
size_t recording_bytes_get(void *bytes, void *to, size_t count); // as the function of a struct source

#endif

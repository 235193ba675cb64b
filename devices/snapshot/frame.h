// Frames: how what is kept of a machine is laid out as bytes, in a file or on the way to somebody else. A file begins
// with what it is and the version of its layout; frames follow, each with its kind, its length and checksums, and
// packed when that makes it smaller. What reads them believes nothing: whatever is wrong is told with its place, and no
// memory is taken for what is only announced. docs/internals/snapshot.md.
//
// Numbers are little-endian; nothing depends on the host or the compiler.
#ifndef DEVICES_SNAPSHOT_FRAME_H
#define DEVICES_SNAPSHOT_FRAME_H
#include "devices/snapshot/packer.h"
#include <stdint.h>

// Where bytes go, and come from.
struct sink {
    void *context;
    bool (*put)(void *context, const void *bytes, size_t count); // false: they cannot be written, nor what follows
};
struct source {
    void *context;
    size_t (*get)(void *context, void *to, size_t count); // fewer than asked for: that was the end
};

enum {
    FRAME_MOST = 4 << 20, // bytes of one frame before it is packed
    FRAME_TEXT = 512,     // of a text with its end
    FRAME_WRONG = 400,
    FRAME_FILE_BYTES = 16, // at the beginning of a file
};
#define RECORDING_BEGINS "vmxray recording" // a file that is not made of frames: devices/recording/recording.h
#define FRAME_KIND(a, b, c, d) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

// --- writing ---

struct frame_writer {
    struct sink sink;
    const struct packer *packer; // NULL: nothing is packed
    uint64_t offset;             // bytes put so far
    uint32_t kind;
    uint8_t *bytes, *packed; // of the frame; its own
    size_t used;
    const char *wrong; // NULL; or what was the first thing that failed: nothing is put after it
};
void frame_writer_begin(struct frame_writer *w, const struct sink *sink, const struct packer *packer);
void frame_writer_free(struct frame_writer *w);
void frame_put_file(struct frame_writer *w, uint32_t kind, uint32_t version); // the beginning of a file
void frame_begin(struct frame_writer *w, uint32_t kind);
void frame_put(struct frame_writer *w, const void *bytes, size_t count);
void frame_put_number(struct frame_writer *w, uint64_t value, unsigned bytes);
void frame_put_text(struct frame_writer *w, const char *text); // shorter than FRAME_TEXT
bool frame_end(struct frame_writer *w);                        // false: `wrong`

// --- reading ---

struct frame_reader {
    struct source source;
    const struct packer *packer; // NULL: what is packed is refused
    uint64_t offset;             // bytes taken from the source so far
    uint64_t begin;              // where the present frame begins
    uint32_t kind;
    uint8_t *bytes, *packed; // of the frame; its own
    size_t size, at, room[2];
    bool is_kind;            // it began as a file of the kind that was looked for
    bool ended;              // no frame follows
    char wrong[FRAME_WRONG]; // empty: nothing is wrong so far; else every call fails
};
void frame_reader_begin(struct frame_reader *r, const struct source *source, const struct packer *packer);
void frame_reader_free(struct frame_reader *r);
// Whether it begins as a file of that kind, which is called `name`, of that version.
bool frame_take_file(struct frame_reader *r, uint32_t kind, const char *name, uint32_t version);
bool frame_next(struct frame_reader *r);                      // false: `wrong`; or, without a word there, `ended`
bool frame_expect(struct frame_reader *r, uint32_t kind);     // a frame of this kind must follow
const void *frame_take(struct frame_reader *r, size_t count); // NULL: there are fewer
uint64_t frame_take_number(struct frame_reader *r, unsigned bytes);
bool frame_take_text(struct frame_reader *r, char text[FRAME_TEXT]);
bool frame_done(struct frame_reader *r); // nothing is left of the frame
// Says what is wrong, with the place. False, always. The first one counts.
bool frame_fail(struct frame_reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

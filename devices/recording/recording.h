// A run as a file: what the machine is and begins with, all inputs with their positions, hashes to compare a replay
// with, names, and where it ended and why. docs/internals/recording.md has the format.
//
// Both ends are values: a writer hands bytes to a sink as the run goes on, a reader looks at bytes that somebody has.
// Neither does any I/O. What is read may come from anybody.
#ifndef DEVICES_RECORDING_H
#define DEVICES_RECORDING_H
#include "cpu/pages/pages.h"
#include "devices/history/input_list.h"
#include "devices/snapshot/setup.h"

enum recording_frame {
#define FRAME(id, number, name, take, phase) FRAME_##id = number,
#include "devices/recording/recording.def"
};
enum {
    RECORDING_VERSION = 1,
    RECORDING_MAGIC_BYTES = 16,  // "vmxray recording"
    RECORDING_HEADER_BYTES = 12, // of each frame
    RECORDING_NAME_BYTES = 64,   // of a mark, a part, at most, with the final 0
    RECORDING_REASON_BYTES = 200,
    RECORDING_PARTS = 64,
    RECORDING_BLOCK_BYTES = 4096,
    RECORDING_IMAGES = MACHINE_DRIVES + DRIVE_MEDIA,
};

// The hash of each part of a machine at some moment, those of one name summed up.
struct recording_hashes {
    struct position at;
    uint64_t inputs; // taken before
    unsigned count;
    uint32_t hash[RECORDING_PARTS];
};
struct recording_parts {
    unsigned count;
    char name[RECORDING_PARTS][RECORDING_NAME_BYTES];
};
// At the present. Parts that are not named yet are added to the names.
void recording_look(struct machine *machine, struct recording_parts *parts, struct recording_hashes *out);

// A block of a drive's image, as it was when it was read for the first time. The last one of an image may be shorter.
struct recording_block {
    uint64_t block, hash;
    uint8_t *data; // NULL: only its hash is kept
    uint32_t bytes;
    uint8_t drive; // its number in the configuration; MACHINE_DRIVES - 1 + N: the medium N that was put into one
};
uint64_t recording_block_hash(const uint8_t *bytes, size_t count);

// --- writing ---

struct recording_writer {
    void *context;
    void (*put)(void *context, const void *bytes, size_t count);
    const struct packer *packer; // NULL: nothing is made smaller
    uint64_t frames, bytes;      // of them, written so far
    struct recording_parts parts;
};
// Of a new machine, before its first step. `program` is who writes it. False: memory is short.
bool recording_begin(struct recording_writer *writer, struct machine *machine, const char *program);
// The same of a machine that has run: its state and its memory are in the file, and the run begins at the present.
bool recording_begin_here(struct recording_writer *writer, struct machine *machine, const char *program);
void recording_input(struct recording_writer *writer, const struct input *input);
void recording_reached(struct recording_writer *writer, const struct position *at);
void recording_hash(struct recording_writer *writer, struct machine *machine); // at the present
void recording_mark(struct recording_writer *writer, const char *name, const struct position *at);
// The present is at a position of the past, with `inputs` taken before; what came after is forgotten.
void recording_branch(struct recording_writer *writer, const struct position *at, uint64_t inputs);
void recording_end(struct recording_writer *writer, const struct position *at, const char *reason, uint8_t status);
void recording_block(struct recording_writer *writer, const struct recording_block *block);
// How many of the bytes that a writer has put are whole frames. `begins`: they are its first ones.
size_t recording_whole(bool begins, const uint8_t *bytes, size_t count);

// The pages that were stored to since the last checkpoint in the file, or since the beginning.
struct recording_changes {
    struct pages *pages;
    struct page_watcher watcher;
    struct recording_change {
        uint32_t area;
        uint64_t page;
    } * change;
    size_t count, capacity;
    bool failed; // memory was short
};
bool recording_changes_begin(struct recording_changes *changes, struct machine *machine); // false: too many watchers
void recording_changes_end(struct recording_changes *changes);
// At the present. False: memory is short; there must be none after it.
bool recording_checkpoint(struct recording_writer *writer, struct machine *machine, struct recording_changes *changes);

// --- reading ---

struct recording_mark {
    char name[RECORDING_NAME_BYTES];
    struct position at;
    uint64_t inputs; // taken before it was made
};
struct recording_checkpoint {
    struct position at;
    uint64_t inputs; // taken before
    uint8_t *bytes;  // recording_checkpoint.c has what they are
    size_t size;
    bool forgotten; // a branch came after it that left it out; what it changed counts for the one that follows
};
struct recording {
    char program[RECORDING_NAME_BYTES]; // that wrote it
    struct setup setup;                 // what the machine is and begins with
    struct position begin;              // of a machine that had run before,
    uint8_t *state;                     // and what it was (recording_state.c); NULL: it is a new one
    size_t state_size;
    struct input_list inputs;
    struct recording_parts parts;
    struct recording_hashes *hashes;
    size_t hash_count;
    struct recording_mark *mark;
    size_t mark_count;
    struct recording_checkpoint *checkpoint;
    size_t checkpoint_count;
    struct recording_block *block; // in the order of drives and blocks
    size_t block_count;
    struct position end; // as far as it goes
    bool ended;          // it says so itself, with a reason; else whoever wrote it was cut off
    char reason[RECORDING_REASON_BYTES];
    uint8_t status;                   // what the process that wrote it ended with
    char cut[RECORDING_REASON_BYTES]; // within which frame the bytes end; empty: behind one
};
// NULL, with one line in `error` that names the place: the bytes are no recording, or damaged, or of a newer kind.
// Bytes that end within a frame, or in nothing but zeroes, were cut off while they were written: what comes before
// counts.
struct recording *recording_read(const uint8_t *bytes, size_t count, const struct packer *packer, char *error,
                                 size_t error_size);
void recording_free(struct recording *recording);
// A new machine of that configuration becomes what the run begins with; what it boots with after a reset stays the
// recording's. False: one line in `error`; it must not be used then.
bool recording_start(const struct recording *recording, struct machine *machine, const struct packer *packer,
                     char *error, size_t error_size);
// Of such a machine and its timeline, which expects what is recorded: the timeline has the recording's checkpoints
// afterwards. False: one line in `error` names the checkpoint; the machine must not be used then.
struct timeline;
bool recording_load(const struct recording *recording, struct machine *machine, struct timeline *timeline,
                    const struct packer *packer, char *error, size_t error_size);
const struct recording_block *recording_find_block(const struct recording *recording, unsigned drive,
                                                   uint64_t block);                               // NULL: none
const struct recording_mark *recording_find(const struct recording *recording, const char *name); // NULL: none

#endif

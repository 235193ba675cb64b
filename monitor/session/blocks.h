// Blocks of images in recordings: hashes, or contents, of what the guest read, and comparing with them in a replay.
#ifndef MONITOR_BLOCKS_H
#define MONITOR_BLOCKS_H
#include "devices/recording/recording.h"
#include "monitor/disk/image.h"

struct behind;
struct blocks {
    struct image_watch watch;
    // of a recording that is written
    struct recording_writer *writer;
    struct behind *to;
    bool full;
    uint64_t *seen[RECORDING_IMAGES]; // a bit for each block that is in the file
    uint64_t room[RECORDING_IMAGES];  // blocks
    // of one that is read
    const struct recording *recording;
    char why[200];
};
// Each block that is read from now on is in the file, once.
const struct image_watch *blocks_written(struct blocks *blocks, struct recording_writer *writer, struct behind *to,
                                         bool full);
// Each block that is read is the one that was recorded.
const struct image_watch *blocks_expected(struct blocks *blocks, const struct recording *recording);
void blocks_free(struct blocks *blocks);
// Whether a replay reads the drive's image, which must be as it was: the recording has hashes of its blocks alone.
bool blocks_need_image(const struct recording *recording, unsigned drive);

// A drive whose contents are in the recording: no image is needed. False: they are not.
struct recorded_drive {
    const struct recording *recording;
    unsigned drive;
};
bool blocks_recorded(struct recorded_drive *drive, const struct recording *recording, unsigned number,
                     struct block_back *out);

#endif

// What a guest wrote over an image, written into the image.
#ifndef MONITOR_COMMIT_H
#define MONITOR_COMMIT_H
#include "devices/disk/drive.h"
#include "monitor/disk/image.h"

// The machine goes on seeing the image as it was: what is written over is kept aside for it, so that its past, and what
// is recorded of it, stay as they are. *bytes: how many were written. False: `why`; nothing that the guest wrote is
// lost, and it can be tried again.
bool image_commit(struct image *image, const struct drive *drive, uint64_t *bytes, char why[IMAGE_WHY]);
// After going back, on another line of the past, what only an earlier commit wrote is put back as it was.
// How many bytes commit would write: of what the guest sees, those that the file does not have now.
uint64_t image_missing(const struct image *image, const struct drive *drive);

#endif

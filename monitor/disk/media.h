// Discs that are put into CD-ROM drives while a machine runs. Each image that was ever in is kept open, as the past may
// need it, and has a number.
#ifndef MONITOR_MEDIA_H
#define MONITOR_MEDIA_H
#include "devices/machine/machine.h"
#include "monitor/disk/images.h"

// A file to be put in: *out is what the input has. False: `why`.
bool media_open(struct images *images, const char *path, bool raw, struct drive_medium *out, char why[IMAGE_WHY]);
// The discs that a recording put in: opens their images. False after one line on stderr.
bool media_expect_all(struct images *images, const struct images_wish *wish);
// Those that lie in the drives of a machine that was loaded.
bool media_follow(struct images *images, const struct machine *machine);
const struct block_back *media_back(void *images, unsigned number); // for struct block_back
void media_close(struct images *images);

#endif

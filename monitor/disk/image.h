// An image of a disk: a file, or a block device, that is read while a machine runs. It is never changed, but by commit,
// and where a run without history writes through.
#ifndef MONITOR_IMAGE_H
#define MONITOR_IMAGE_H
#include "devices/bus/back_end.h"
#include <sys/types.h>
#include <time.h>

enum { IMAGE_BLOCK = 4096, IMAGE_WHY = 600 };

// Who wants to know of each block what the machine gets of it: a recording, a replay.
struct image_watch {
    void *context;
    // Before the machine sees anything of these bytes, a whole block or the last one. NULL: good; else why not.
    const char *(*block)(void *context, unsigned drive, uint64_t block, const uint8_t *bytes, uint32_t count);
    bool differs; // it has said of a block that it is another one than was recorded
};

struct image {
    char *path;
    int fd; // -1: it is not open
    uint64_t bytes, identity;
    dev_t device;
    ino_t inode;
    struct timespec changed; // when it was opened
    bool through;            // what is written goes into the file
    bool locks;
    unsigned drive; // its number in the configuration
    const struct image_watch *watch;
    // What commit has written over, as it was: the machine goes on seeing it. A bit for each block that is there.
    uint8_t *before;
    uint64_t *has_before;
};

struct image_wish {
    bool through; // it is to be written
    bool raw;     // whatever its first bytes look like
    bool locks;   // others that write it are refused
    bool cdrom;   // what is told of an empty one is for a CD
};
// False: `why` says what is wrong, with the image's name.
bool image_open(struct image *image, const char *path, const struct image_wish *wish, char why[IMAGE_WHY]);
void image_close(struct image *image);
struct block_back image_back(struct image *image);
// For commit: writes into the file by another descriptor of it, and keeps what was there. NULL: done.
const char *image_overwrite(struct image *image, int fd, uint64_t at, uint64_t bytes, const uint8_t *from);
// What was there before commit has written over its block; NULL: nothing was.
const uint8_t *image_before(const struct image *image, uint64_t at);
// Where there is some, from `at` on; `end`: nowhere before that.
uint64_t image_next_before(const struct image *image, uint64_t at, uint64_t end);
// Whether the file has these bytes there now.
bool image_has(const struct image *image, uint64_t at, uint64_t bytes, const uint8_t *what);
void image_written(struct image *image);       // what it is known by anew
bool image_changed(const struct image *image); // by others, since it was opened

#endif

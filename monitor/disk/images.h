// The images of a run's drives.
#ifndef MONITOR_IMAGES_H
#define MONITOR_IMAGES_H
#include "monitor/disk/drive_option.h"
#include "monitor/disk/image.h"

struct images {
    struct image image[MACHINE_DRIVES]; // by drive of the configuration
    unsigned count;
    const struct image_watch *watch; // of all of them; NULL: nobody looks
};

// What the command line says of drives, beside the configuration.
struct images_wish {
    const struct drive_wish *drive;
    unsigned drives;
    bool snapshot; // -snapshot: whatever the drives say
    bool history;  // there is a past, or a recording: nothing is written through
    bool compared; // what is read of images is compared with a recording: they may be others for all that is known
    // Of what is compared: a drive whose image must be the one that there was. NULL: none.
    bool (*needs)(void *context, unsigned drive);
    // A drive that needs no image. False: it does. NULL: each does.
    bool (*without)(void *context, unsigned drive, struct block_back *out);
    void *context;
};

// Opens the images of the configuration's drives and hands them to it. A drive that a snapshot or a recording had must
// be the same one; what the command line says of a drive of that name is where the image lies now. False after one line
// on stderr.
bool images_connect(struct images *images, struct machine_config *config, const struct images_wish *wish);
void images_watch(struct images *images, const struct image_watch *watch); // NULL: nobody looks any more
bool images_differ(const struct images *images); // whoever looks has said that a block is another one than then
void images_close(struct images *images);

#endif

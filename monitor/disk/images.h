// The images of a run's drives.
#ifndef MONITOR_IMAGES_H
#define MONITOR_IMAGES_H
#include "monitor/disk/drive_option.h"
#include "monitor/disk/image.h"

// As struct image and recordings count them: the drives of the configuration, and behind these the discs that are put
// in while it runs.
enum { IMAGE_MEDIA_FIRST = MACHINE_DRIVES, IMAGE_NUMBERS = MACHINE_DRIVES + DRIVE_MEDIA };

struct input_list;
struct images {
    struct image image[MACHINE_DRIVES]; // by drive of the configuration
    unsigned count;
    struct medium_image {
        struct image image; // not open, where a recording has the contents
        struct drive_medium known;
        struct block_back back;
    } medium[DRIVE_MEDIA];           // by the medium's number, from 1 on
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
    const struct input_list *inputs; // of a recording: the discs that were put in; NULL: none
};

// Opens the images of the configuration's drives and hands them to it. A drive that a snapshot or a recording had must
// be the same one; what the command line says of a drive of that name is where the image lies now. False after one line
// on stderr.
bool images_connect(struct images *images, struct machine_config *config, const struct images_wish *wish);
void images_watch(struct images *images, const struct image_watch *watch); // NULL: nobody looks any more
bool images_differ(const struct images *images); // whoever looks has said that a block is another one than then
void images_close(struct images *images);

#endif

// Whether images are what a machine needs below what its guest wrote: commit changes them, and a machine that went back
// to an earlier step has not written yet what was put there at a later one. It goes on seeing what there was before,
// which this process alone has.
#ifndef MONITOR_FITS_H
#define MONITOR_FITS_H
#include "devices/machine/machine.h"
#include "monitor/disk/images.h"

bool image_fits(const struct image *image, const struct drive *drive);
// Before the machine goes where only the images are: a snapshot, another process. False: `why` names a drive.
// `images` is NULL: there are none.
bool images_fit(const struct images *images, const struct machine *machine, char why[IMAGE_WHY]);

#endif

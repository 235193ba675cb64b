// The memory of a machine as frames: AREA for each area, then PAGE with some pages each, in ascending order, then DONE.
// Pages of zeroes are not there.
#ifndef DEVICES_SNAPSHOT_AREA_IMAGE_H
#define DEVICES_SNAPSHOT_AREA_IMAGE_H
#include "devices/machine/machine.h"
#include "devices/snapshot/frame.h"

#define FRAME_AREA FRAME_KIND('A', 'R', 'E', 'A')
#define FRAME_PAGE FRAME_KIND('P', 'A', 'G', 'E')
#define FRAME_DONE FRAME_KIND('D', 'O', 'N', 'E')
bool area_image_put(struct frame_writer *w, struct machine *machine);
// One PAGE: these pages of an area, at most FRAME_MOST bytes.
void area_image_put_pages(struct frame_writer *w, const struct machine *machine, unsigned area, const uint64_t *page,
                          unsigned count);
// The machine's memory becomes what is read; the door of stores is passed. Derived state is to be dropped afterwards.
// False: the reader's `wrong`; the memory may have changed.
bool area_image_take(struct frame_reader *r, struct machine *machine);

#endif

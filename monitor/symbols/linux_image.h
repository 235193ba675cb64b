// The image of a Linux kernel, as the page tables of one level map it: the copy from which its own tables are read.
#ifndef MONITOR_LINUX_IMAGE_H
#define MONITOR_LINUX_IMAGE_H
#include "monitor/explain/view.h"

enum { IMAGE_PAGE = 4096 };

struct linux_image {
    uint64_t base; // linear address of the first byte
    size_t size;
    uint8_t *memory;  // what is not mapped, or cannot be read, is zeros
    uint8_t *present; // a byte for each page
    // Pages that the level's tables map, or whose tables lie where nothing can be read: not in its EPT yet.
    uint64_t missing;
};

// NULL, or what is wrong. linux_image_free in either case.
const char *linux_image_read(const struct view *view, struct linux_image *image);
void linux_image_free(struct linux_image *image);
bool linux_image_has(const struct linux_image *image, size_t at, size_t bytes);

#endif

// The image of a Linux kernel as one level maps it; see linux_image.h. Linux maps its own image, and nothing else, from
// ffffffff80000000 on, up to ffffffffc0000000 where its modules begin (Documentation/arch/x86/x86_64/mm.rst), wherever
// KASLR has put it. What a guest has in its tables is not trusted: the range and what is copied of it have limits.
#include "monitor/symbols/linux_image.h"
#include "monitor/explain/walk.h"
#include <stdlib.h>
#include <string.h>

#define IMAGE_FIRST 0xffffffff80000000ull
#define IMAGE_END 0xffffffffc0000000ull
enum { IMAGE_MOST = 128 << 20, ENTRY_BITS = 9 };

static uint64_t align_up(uint64_t address, unsigned shift) { return (address | (BIT(shift) - 1)) + 1; }

// The range that the last entry of a walk stands for.
static unsigned entry_shift(const struct table_look *look) {
    unsigned level = look->count ? look->entry[look->count - 1].level : 4;
    return PAGE_SHIFT + ENTRY_BITS * (level > 4 ? 3 : level - 1u);
}

enum image_page { IMAGE_ABSENT, IMAGE_MISSING, IMAGE_READ };

// One page of the range; *next is where to go on.
static enum image_page look_at(const struct view *view, uint64_t at, uint64_t *physical, uint64_t *next) {
    struct walk walk;
    *next = at + IMAGE_PAGE;
    if (walk_first_stage(view, at, &walk))
        return walk_guest_physical(view, walk.look.result, physical) &&
                       machine_ram(view->machine, *physical, IMAGE_PAGE)
                   ? IMAGE_READ
                   : IMAGE_MISSING;
    *next = align_up(at, entry_shift(&walk.look));
    return walk.look.verdict == LOOK_NO_ENTRY ? IMAGE_MISSING : IMAGE_ABSENT;
}

static bool make_room(struct linux_image *image) {
    if (!image->memory) image->memory = calloc(1, IMAGE_MOST);
    if (!image->present) image->present = calloc(1, IMAGE_MOST / IMAGE_PAGE);
    return image->memory && image->present;
}

static bool take_page(const struct view *view, uint64_t at, uint64_t physical, struct linux_image *image) {
    if (!image->memory) image->base = at;
    if (!make_room(image)) return false;
    size_t offset = at - image->base;
    image->present[offset / IMAGE_PAGE] = machine_read(view->machine, physical, image->memory + offset, IMAGE_PAGE);
    image->size = offset + IMAGE_PAGE;
    return true;
}

static bool copy(const struct view *view, struct linux_image *image) {
    uint64_t physical, next;
    for (uint64_t at = IMAGE_FIRST; at < IMAGE_END && at >= IMAGE_FIRST; at = next) {
        if (image->memory && at - image->base >= IMAGE_MOST) break;
        switch (look_at(view, at, &physical, &next)) {
        case IMAGE_ABSENT: break;
        case IMAGE_MISSING: image->missing++; break;
        case IMAGE_READ:
            if (!take_page(view, at, physical, image)) return false;
        }
    }
    return true;
}

// User code may have page tables of its own (page-table isolation), in the page behind those of the kernel: they have
// only the entries to the kernel.
const char *linux_image_read(const struct view *view, struct linux_image *image) {
    enum { LEAST = 4 << 20, USER_TABLES = 1 << PAGE_SHIFT };
    struct view kernel = *view;
    *image = (struct linux_image){0};
    if (!(view->efer & EFER_LMA) || !(view->cr0 & CR0_PG)) return "no 64-bit kernel runs there yet";
    if (!copy(&kernel, image)) return "not enough memory";
    if (image->size >= LEAST || !(view->cr3 & USER_TABLES)) return NULL;
    linux_image_free(image);
    *image = (struct linux_image){0};
    kernel.cr3 &= ~(uint64_t)USER_TABLES;
    return copy(&kernel, image) ? NULL : "not enough memory";
}

void linux_image_free(struct linux_image *image) {
    free(image->memory);
    free(image->present);
}

bool linux_image_has(const struct linux_image *image, size_t at, size_t bytes) {
    if (at > image->size || bytes > image->size - at) return false;
    for (size_t page = at / IMAGE_PAGE; bytes && page <= (at + bytes - 1) / IMAGE_PAGE; page++)
        if (!image->present[page]) return false;
    return true;
}

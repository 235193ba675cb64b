// Images with addresses in their multiboot header, and what of the machine both protocols tell. Multiboot Specification
// 0.6.96, 3.1.3; Multiboot2 Specification 2.0, 3.1.5.
#include "monitor/load/multiboot.h"
#include "monitor/host/status.h"
#include <inttypes.h>

bool multiboot_look(const struct file *file, const struct multiboot_addresses *a, struct elf_image *image) {
    if (a->load > a->header || a->header - a->load > a->offset)
        return complain("%s: damaged: the multiboot header says it loads what lies before the file", file->path);
    uint64_t from = a->offset - (a->header - a->load);
    uint64_t end = a->load_end ? a->load_end : a->load + (file->size - from);
    if (end <= a->load || end - a->load > file->size - from)
        return complain("%s: cut short or damaged: the multiboot header wants bytes up to %" PRIu64 " of a file of %zu",
                        file->path, from + (end - a->load), file->size);
    if (a->entry < a->load || a->entry >= end)
        return complain("%s: damaged: the entry point %" PRIx32 "H lies outside the image", file->path, a->entry);
    *image = (struct elf_image){.entry = a->entry, .begin = a->load, .end = a->bss_end > end ? a->bss_end : end};
    return true;
}

bool multiboot_load(const struct file *file, struct layout *layout, const struct multiboot_addresses *a, uint64_t shift,
                    struct elf_image *image) {
    if (!multiboot_look(file, a, image)) return false;
    uint64_t from = a->offset - (a->header - a->load), bytes = image->end - image->begin;
    uint64_t present = a->load_end ? a->load_end - a->load : file->size - from;
    if (!layout_claim(layout, a->load + shift, bytes, "the image")) return false;
    layout_fill(layout, a->load + shift, file->bytes + from, present, bytes);
    image->entry += shift;
    image->begin += shift;
    image->end += shift;
    return true;
}

struct multiboot_memory multiboot_memory(const struct layout *layout) {
    enum { KBYTE = 1024, MBYTE = 1 << 20, LOWER_MOST = 640 };
    struct multiboot_memory memory = {0};
    for (unsigned i = 0; i < layout->regions; i++) {
        const struct machine_region *r = &layout->region[i];
        uint64_t kbytes = (r->base + r->bytes) / KBYTE;
        if (r->type != MEMORY_RAM) continue;
        if (r->base == 0) memory.lower = (uint32_t)(kbytes < LOWER_MOST ? kbytes : LOWER_MOST);
        if (r->base == MBYTE) memory.upper = (uint32_t)(kbytes - KBYTE);
    }
    return memory;
}

// ELF files: their loadable segments into RAM; their PVH entry.
#ifndef MONITOR_ELF_IMAGE_H
#define MONITOR_ELF_IMAGE_H
#include "monitor/file.h"
#include "monitor/layout.h"

struct elf_image {
    uint64_t entry; // physical
    uint64_t end;   // the first byte behind the highest segment
    bool is_64bit;
};

bool elf_probe(const struct file *file);
// Checks everything the file says against the file and RAM. False after one line on stderr.
bool elf_load(const struct file *file, struct layout *layout, struct elf_image *image);

// Whether a note names an entry by the PVH protocol, and which. False from elf_pvh_entry after one line on stderr.
bool elf_pvh_probe(const struct file *file);
bool elf_pvh_entry(const struct file *file, uint64_t *entry);

#endif

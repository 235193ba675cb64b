// ELF files: their loadable segments into RAM.
#ifndef MONITOR_ELF_IMAGE_H
#define MONITOR_ELF_IMAGE_H
#include "monitor/host/file.h"
#include "monitor/load/layout.h"

struct elf_image {
    uint64_t entry; // physical
    uint64_t end;   // the first byte behind the highest segment
    bool is_64bit;
};

bool elf_probe(const struct file *file);
// Checks everything the file says against the file and RAM. False after one line on stderr.
bool elf_load(const struct file *file, struct layout *layout, struct elf_image *image);

#endif

// ELF files: their loadable segments into RAM.
#ifndef MONITOR_ELF_IMAGE_H
#define MONITOR_ELF_IMAGE_H
#include "monitor/host/file.h"
#include "monitor/load/layout.h"

struct elf_image {
    uint64_t entry; // physical
    uint64_t begin; // of the lowest segment
    uint64_t end;   // the first byte behind the highest one
    bool is_64bit;
};

bool elf_probe(const struct file *file);
// Checks everything the file says against the file and RAM. False after one line on stderr.
bool elf_load(const struct file *file, struct layout *layout, struct elf_image *image);
// The same with every address moved by `shift`; without loading.
bool elf_load_at(const struct file *file, struct layout *layout, uint64_t shift, struct elf_image *image);
bool elf_look(const struct file *file, struct elf_image *image);

#endif

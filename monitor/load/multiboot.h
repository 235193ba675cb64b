// What the two multiboot protocols have in common.
#ifndef MONITOR_MULTIBOOT_H
#define MONITOR_MULTIBOOT_H
#include "monitor/load/elf_image.h"
#include "monitor/load/load.h"

// Programs look for "GRUB " and a number other than 0 in it to learn that a module's string, and under multiboot 2 the
// kernel's command line, do not begin with a file's name.
#define MULTIBOOT_LOADER_NAME "vmxray (as GRUB 2)"

// Where an image says that it wants to be, instead of the headers of an ELF file: one run of bytes, then zeroes.
struct multiboot_addresses {
    uint64_t offset; // of the multiboot header in the file
    uint32_t header, load, load_end, bss_end, entry;
};
// The same, of which only begin, end and entry matter, without loading.
bool multiboot_look(const struct file *file, const struct multiboot_addresses *addresses, struct elf_image *image);
bool multiboot_load(const struct file *file, struct layout *layout, const struct multiboot_addresses *addresses,
                    uint64_t shift, struct elf_image *image);

// KBytes below 640 KBytes, and from 1 MByte up to the first hole.
struct multiboot_memory {
    uint32_t lower, upper;
};
struct multiboot_memory multiboot_memory(const struct layout *layout);

// The screen as firmware leaves it: EGA text.
enum { MULTIBOOT_SCREEN = 0xb8000, MULTIBOOT_COLUMNS = 80, MULTIBOOT_ROWS = 25, MULTIBOOT_EGA_TEXT = 2 };
enum { MULTIBOOT_CELL_BITS = 16, MULTIBOOT_PITCH = MULTIBOOT_COLUMNS * MULTIBOOT_CELL_BITS / 8 };

#endif

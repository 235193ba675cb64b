// Multiboot 2: the header of an image, and the list of tags that it is given. Multiboot2 Specification, version 2.0.
#ifndef MONITOR_MULTIBOOT2_H
#define MONITOR_MULTIBOOT2_H
#include "monitor/load/multiboot.h"

// What the header of an image asks for.
struct multiboot2_wishes {
    bool has_addresses, has_entry, relocatable, sections;
    struct multiboot_addresses addresses; // entry: of the tag, without addresses too
    uint32_t least, most, align;          // where it may be moved to
    uint32_t preference;                  // enum multiboot2_preference
};
enum multiboot2_preference { MULTIBOOT2_ANYWHERE, MULTIBOOT2_LOWEST, MULTIBOOT2_HIGHEST };

bool multiboot2_probe(const struct file *file);
// False after one line on stderr: damaged, or something is required that cannot be had.
bool multiboot2_wishes(const struct file *file, struct multiboot2_wishes *wishes);

// The boot information while it is made; release `bytes`.
struct multiboot2_info {
    uint8_t *bytes;
    size_t used, room;
    bool failed; // memory was short
};
enum multiboot2_tag {
    MULTIBOOT2_END,
    MULTIBOOT2_COMMAND_LINE,
    MULTIBOOT2_LOADER_NAME,
    MULTIBOOT2_MODULE,
    MULTIBOOT2_MEMORY,
    MULTIBOOT2_MAP = 6,
    MULTIBOOT2_SCREEN = 8,
    MULTIBOOT2_SECTIONS,
    MULTIBOOT2_ACPI_OLD = 14,
    MULTIBOOT2_ACPI_NEW,
    MULTIBOOT2_LOAD_BASE = 21,
};
enum { MULTIBOOT2_TAGS = 22 }; // that the specification knows
// A tag of two parts, of which the second may be empty.
void multiboot2_tag(struct multiboot2_info *info, enum multiboot2_tag type, const void *first, size_t first_bytes,
                    const void *second, size_t second_bytes);
// The section headers of an ELF file, with what they describe in RAM, as far as the image has not brought it there.
bool multiboot2_sections(const struct file *file, struct layout *layout, const struct elf_image *image, uint64_t shift,
                         struct multiboot2_info *info);

#endif

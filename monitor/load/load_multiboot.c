// Multiboot 1 images, such as those of kvm-unit-tests: Multiboot Specification, version 0.6.96.
// The information structure lies in low memory, never in physical page 0. The command line begins with the file's name
// without its folder, as what GRUB's users write does, and as programs skip it; the string of a module is what follows
// the file's name in -initrd, as GRUB 2 gives it, or the name where nothing follows. The screen is 80x25 characters.
// NOT IMPLEMENTED: the video mode (flag 2), drives, APM, BIOS configuration, symbols.
#define _GNU_SOURCE
#include "cpu/state/outcome.h"
#include "monitor/load/handover.h"
#include "monitor/load/multiboot.h"
#include "monitor/host/status.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct multiboot_header {
    uint32_t magic, flags, checksum;
    uint32_t header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr; // with HEADER_ADDRESSES
};
enum { HEADER_SEARCH = 8192, HEADER_SHORT = 12 };
#define HEADER_MAGIC 0x1badb002u
#define LOADER_MAGIC 0x2badb002u
#define HEADER_ADDRESSES BIT(16)
#define HEADER_REQUIRED BITS(15, 0)
#define HEADER_KNOWN BITS(2, 0) // aligned modules, memory information, video mode (which may be refused)

enum {
    INFO_MEMORY = 1 << 0,
    INFO_CMDLINE = 1 << 2,
    INFO_MODULES = 1 << 3,
    INFO_MMAP = 1 << 6,
    INFO_LOADER = 1 << 9,
    INFO_FRAMEBUFFER = 1 << 12,
};
struct __attribute__((packed)) multiboot_info {
    uint32_t flags;
    uint32_t mem_lower, mem_upper; // struct multiboot_memory
    uint32_t boot_device;
    uint32_t cmdline;
    uint32_t mods_count, mods_addr;
    uint32_t syms[4];
    uint32_t mmap_length, mmap_addr;
    uint32_t drives_length, drives_addr, config_table;
    uint32_t boot_loader_name;
    uint32_t apm_table;
    uint32_t vbe[4];
    uint64_t framebuffer_addr;
    uint32_t framebuffer_pitch, framebuffer_width, framebuffer_height;
    uint8_t framebuffer_bpp, framebuffer_type, color_info[6];
};
static_assert(sizeof(struct multiboot_info) == 116);
struct multiboot_module {
    uint32_t start, end, string, reserved;
};
struct __attribute__((packed)) multiboot_region {
    uint32_t size;
    uint64_t base, bytes;
    uint32_t type;
};

// Offset of the header in the file; false when there is none.
static bool find_header(const struct file *file, struct multiboot_header *header, uint64_t *offset) {
    for (uint64_t at = 0; at + HEADER_SHORT <= HEADER_SEARCH; at += 4) {
        *header = (struct multiboot_header){0};
        if (!file_get(file, at, header, HEADER_SHORT)) return false;
        if (header->magic == HEADER_MAGIC && header->magic + header->flags + header->checksum == 0) {
            *offset = at;
            return true;
        }
    }
    return false;
}

static bool probe(const struct file *file) {
    struct multiboot_header header;
    uint64_t offset;
    return find_header(file, &header, &offset);
}

static bool load_image(const struct file *file, struct layout *layout, struct elf_image *image) {
    struct multiboot_header header;
    uint64_t offset;
    if (!find_header(file, &header, &offset)) return complain("%s: the multiboot header has gone", file->path);
    if (header.flags & HEADER_REQUIRED & ~HEADER_KNOWN)
        return complain("%s: the multiboot header requires features that are not known (flags %" PRIx32 "H)",
                        file->path, header.flags);
    if (!(header.flags & HEADER_ADDRESSES))
        return elf_probe(file)
                   ? elf_load(file, layout, image)
                   : complain("%s: a multiboot image that is no ELF file and gives no load addresses", file->path);
    if (!file_get(file, offset, &header, sizeof header))
        return complain("%s: cut short within the multiboot header", file->path);
    const struct multiboot_addresses addresses = {
        offset, header.header_addr, header.load_addr, header.load_end_addr, header.bss_end_addr, header.entry_addr};
    return multiboot_load(file, layout, &addresses, 0, image);
}

static bool put_command_line(const struct boot *boot, struct layout *layout, struct multiboot_info *info) {
    const char *folder = strrchr(boot->kernel.path, '/'), *name = folder ? folder + 1 : boot->kernel.path;
    char *line = NULL;
    if (asprintf(&line, "%s%s%s", name, *boot->command_line ? " " : "", boot->command_line) < 0)
        return complain("not enough memory");
    for (char *p = line; p < line + strlen(name); p++)
        if (*p == ' ') *p = '_'; // the name is one word
    info->cmdline = (uint32_t)layout_put_string(layout, line, "the command line");
    info->flags |= INFO_CMDLINE;
    free(line);
    return info->cmdline != 0;
}

static bool put_modules(const struct boot *boot, struct layout *layout, uint64_t image_end,
                        struct multiboot_info *info) {
    struct multiboot_module list[BOOT_MODULES] = {0};
    for (unsigned i = 0; i < boot->modules; i++) {
        const struct boot_module *module = &boot->module[i];
        list[i].start = (uint32_t)boot_module_place(module, layout, image_end);
        list[i].end = (uint32_t)(list[i].start + module->file.size);
        if (!list[i].start ||
            !(list[i].string = (uint32_t)layout_put_string(layout, module->words, "the words of a module")))
            return false;
    }
    info->flags |= INFO_MODULES;
    info->mods_count = boot->modules;
    if (boot->modules)
        info->mods_addr =
            (uint32_t)layout_put(layout, LAYOUT_LOW(boot->modules * sizeof *list, 16), list, "the modules");
    return boot->modules == 0 || info->mods_addr;
}

static bool put_memory_map(struct layout *layout, struct multiboot_info *info) {
    struct multiboot_region map[LAYOUT_REGIONS];
    for (unsigned i = 0; i < layout->regions; i++) {
        const struct machine_region *r = &layout->region[i];
        map[i] = (struct multiboot_region){sizeof *map - sizeof map->size, r->base, r->bytes, r->type};
    }
    const struct multiboot_memory memory = multiboot_memory(layout);
    info->mem_lower = memory.lower;
    info->mem_upper = memory.upper;
    info->flags |= INFO_MEMORY | INFO_MMAP;
    info->mmap_length = (uint32_t)(layout->regions * sizeof *map);
    info->mmap_addr = (uint32_t)layout_put(layout, LAYOUT_LOW(info->mmap_length, 16), map, "the memory map");
    return info->mmap_addr != 0;
}

static void set_screen(struct multiboot_info *info) {
    info->flags |= INFO_FRAMEBUFFER;
    info->framebuffer_addr = MULTIBOOT_SCREEN;
    info->framebuffer_pitch = MULTIBOOT_PITCH;
    info->framebuffer_width = MULTIBOOT_COLUMNS;
    info->framebuffer_height = MULTIBOOT_ROWS;
    info->framebuffer_bpp = MULTIBOOT_CELL_BITS;
    info->framebuffer_type = MULTIBOOT_EGA_TEXT;
}

static bool load(const struct boot *boot, struct layout *layout) {
    struct elf_image image;
    struct multiboot_info info = {.flags = INFO_LOADER};
    set_screen(&info);
    if (!load_image(&boot->kernel, layout, &image) || !put_command_line(boot, layout, &info) ||
        !put_modules(boot, layout, image.end, &info) || !put_memory_map(layout, &info) ||
        !(info.boot_loader_name = (uint32_t)layout_put_string(layout, MULTIBOOT_LOADER_NAME, "the loader's name")))
        return false;
    uint64_t at = layout_put(layout, LAYOUT_LOW(sizeof info, 16), &info, "the multiboot information");
    return at && handover_protected(layout, &(struct handover){.entry = image.entry, .rax = LOADER_MAGIC, .rbx = at});
}

const struct loader load_multiboot = {"multiboot", "multiboot 1", probe, load, .many_modules = true};

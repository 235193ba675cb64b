// Multiboot 2 images: Multiboot2 Specification, version 2.0, as GRUB 2 loads them on a PC with a BIOS. The command line
// is what -append says, without a file's name, and a module's string what follows its file's name in -initrd, or the
// name where nothing follows. NOT IMPLEMENTED: EFI; graphics modes; boot device, VBE, APM, SMBIOS and network
// information.
#include "monitor/load/handover.h"
#include "monitor/load/multiboot2.h"
#include "monitor/host/status.h"
#include <stdlib.h>
#include <string.h>

#define LOADER_MAGIC 0x36d76289u

// An image that can be moved goes where it prefers; one that cannot, where it is linked to.
static bool choose_shift(const struct file *file, const struct layout *layout, const struct multiboot2_wishes *wishes,
                         const struct elf_image *image, uint64_t *shift) {
    *shift = 0;
    if (!wishes->relocatable) return true;
    const struct layout_wish wish = {
        .bytes = image->end - image->begin,
        .align = wishes->align,
        .min = wishes->least,
        .end = wishes->most == UINT32_MAX ? 1ull << 32 : wishes->most,
        .order = wishes->preference == MULTIBOOT2_HIGHEST ? LAYOUT_HIGHEST : LAYOUT_LOWEST,
    };
    uint64_t base = image->begin < image->end ? layout_search(layout, &wish) : 0;
    if (!base)
        return complain("%s: its multiboot 2 header lets it be moved, but there is no room for it: try more with -m",
                        file->path);
    *shift = base - image->begin;
    return true;
}

static bool load_image(const struct file *file, struct layout *layout, struct multiboot2_wishes *wishes,
                       struct elf_image *image, uint64_t *shift) {
    const struct multiboot_addresses *addresses = &wishes->addresses;
    if (!multiboot2_wishes(file, wishes)) return false;
    if (!wishes->has_addresses && !elf_probe(file))
        return complain("%s: a multiboot 2 image that is no ELF file and gives no load addresses", file->path);
    bool good = wishes->has_addresses ? multiboot_look(file, addresses, image) : elf_look(file, image);
    if (!good || !choose_shift(file, layout, wishes, image, shift)) return false;
    if (wishes->has_addresses) return multiboot_load(file, layout, addresses, *shift, image);
    if (!elf_load_at(file, layout, *shift, image)) return false;
    if (wishes->has_entry) image->entry = addresses->entry + *shift;
    return layout_loaded(layout, image->entry) ||
           complain("%s: damaged: the entry point of its multiboot 2 header lies outside the image", file->path);
}

static void put_string(struct multiboot2_info *info, enum multiboot2_tag type, const char *text) {
    multiboot2_tag(info, type, NULL, 0, text, strlen(text) + 1);
}

static bool put_modules(const struct boot *boot, struct layout *layout, uint64_t image_end,
                        struct multiboot2_info *info) {
    for (unsigned i = 0; i < boot->modules; i++) {
        const struct boot_module *module = &boot->module[i];
        uint64_t start = boot_module_place(module, layout, image_end);
        if (!start) return false;
        const uint32_t place[2] = {(uint32_t)start, (uint32_t)(start + module->file.size)};
        multiboot2_tag(info, MULTIBOOT2_MODULE, place, sizeof place, module->words, strlen(module->words) + 1);
    }
    return true;
}

static void put_memory(const struct layout *layout, struct multiboot2_info *info) {
    struct {
        uint64_t base, bytes;
        uint32_t type, reserved;
    } map[LAYOUT_REGIONS];
    const uint32_t format[2] = {sizeof *map, 0};
    for (unsigned i = 0; i < layout->regions; i++) {
        map[i].base = layout->region[i].base;
        map[i].bytes = layout->region[i].bytes;
        map[i].type = layout->region[i].type;
        map[i].reserved = 0;
    }
    const struct multiboot_memory memory = multiboot_memory(layout);
    multiboot2_tag(info, MULTIBOOT2_MEMORY, &memory, sizeof memory, NULL, 0);
    multiboot2_tag(info, MULTIBOOT2_MAP, format, sizeof format, map, layout->regions * sizeof *map);
}

static void put_screen(struct multiboot2_info *info) {
    const struct {
        uint64_t base;
        uint32_t pitch, width, height;
        uint8_t bits, type, reserved[2];
    } screen = {MULTIBOOT_SCREEN,
                MULTIBOOT_PITCH,
                MULTIBOOT_COLUMNS,
                MULTIBOOT_ROWS,
                MULTIBOOT_CELL_BITS,
                MULTIBOOT_EGA_TEXT,
                {0}};
    multiboot2_tag(info, MULTIBOOT2_SCREEN, &screen, sizeof screen, NULL, 0);
}

// Copies of the ACPI root pointer, as ACPI 1.0 has it and as a later one.
static void put_acpi(const struct machine *machine, struct multiboot2_info *info) {
    enum { OLD_BYTES = 20, NEW_BYTES = 36 };
    const void *rsdp = machine_ram(machine, machine_acpi_rsdp(machine), NEW_BYTES);
    if (!rsdp) return;
    multiboot2_tag(info, MULTIBOOT2_ACPI_OLD, rsdp, OLD_BYTES, NULL, 0);
    multiboot2_tag(info, MULTIBOOT2_ACPI_NEW, rsdp, NEW_BYTES, NULL, 0);
}

static bool put_all(const struct boot *boot, struct layout *layout, struct multiboot2_info *info,
                    const struct multiboot2_wishes *wishes, const struct elf_image *image, uint64_t shift) {
    put_string(info, MULTIBOOT2_COMMAND_LINE, boot->command_line);
    put_string(info, MULTIBOOT2_LOADER_NAME, MULTIBOOT_LOADER_NAME);
    if (!put_modules(boot, layout, image->end, info)) return false;
    put_memory(layout, info);
    if (wishes->sections && elf_probe(&boot->kernel) && !multiboot2_sections(&boot->kernel, layout, image, shift, info))
        return false;
    put_screen(info);
    put_acpi(layout->machine, info);
    if (wishes->relocatable)
        multiboot2_tag(info, MULTIBOOT2_LOAD_BASE, &(uint32_t){(uint32_t)image->begin}, sizeof(uint32_t), NULL, 0);
    multiboot2_tag(info, MULTIBOOT2_END, NULL, 0, NULL, 0);
    return !info->failed || complain("not enough memory");
}

static bool load(const struct boot *boot, struct layout *layout) {
    struct multiboot2_wishes wishes;
    struct elf_image image;
    uint64_t shift = 0, at = 0;
    if (!load_image(&boot->kernel, layout, &wishes, &image, &shift)) return false;
    struct multiboot2_info info = {0};
    multiboot2_tag(&info, MULTIBOOT2_END, NULL, 0, NULL, 0); // becomes the size of all, and a reserved word
    if (put_all(boot, layout, &info, &wishes, &image, shift)) {
        const uint32_t head[2] = {(uint32_t)info.used, 0};
        memcpy(info.bytes, head, sizeof head);
        at = layout_put(layout, LAYOUT_LOW(info.used, 4096), info.bytes, "the multiboot information");
    }
    free(info.bytes);
    return at && handover_protected(layout, &(struct handover){.entry = image.entry, .rax = LOADER_MAGIC, .rbx = at});
}

const struct loader load_multiboot2 = {"multiboot2", "multiboot 2", multiboot2_probe, load, .many_modules = true};

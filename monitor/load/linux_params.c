// Linux's boot parameters: command line, initrd, memory map, ACPI root pointer and a seed. Linux,
// Documentation/x86/boot.rst. NOT IMPLEMENTED: EFI, framebuffers; of setup_data, all but the seed of the kernel's
// random numbers.
#include "monitor/load/linux_params.h"
#include "devices/machine/machine_picture.h"
#include "monitor/host/status.h"
#include <string.h>

static bool place_command_line(const struct boot *boot, struct layout *layout, struct linux_header *header) {
    size_t length = strlen(boot->command_line);
    if (length > header->cmdline_size)
        return complain("-append: %zu bytes, but this kernel takes no more than %u", length, header->cmdline_size);
    header->cmd_line_ptr =
        (uint32_t)layout_put(layout, LAYOUT_LOW(length + 1, 16), boot->command_line, "the command line");
    return header->cmd_line_ptr != 0;
}

// As high as the kernel can read it and RAM reaches.
static bool place_initrd(const struct boot *boot, struct layout *layout, struct linux_header *header) {
    const struct file *initrd = &boot->module[0].file;
    if (boot->modules == 0 || initrd->size == 0) return true;
    const struct layout_wish wish = {.bytes = initrd->size,
                                     .align = 4096,
                                     .min = 0x100000,
                                     .end = (uint64_t)header->initrd_addr_max + 1,
                                     .order = LAYOUT_HIGHEST};
    header->ramdisk_image = (uint32_t)layout_put_file(layout, &wish, initrd->bytes, "the initrd");
    header->ramdisk_size = (uint32_t)initrd->size;
    return header->ramdisk_image != 0;
}

static void set_memory_map(const struct layout *layout, struct linux_params *params) {
    static_assert((int)LAYOUT_REGIONS <= (int)LINUX_E820_ENTRIES);
    for (unsigned i = 0; i < layout->regions && i < LAYOUT_REGIONS; i++) {
        const struct machine_region *r = &layout->region[i];
        params->e820[i] = (struct linux_e820){r->base, r->bytes, r->type};
        params->e820_entries = (uint8_t)(i + 1);
    }
}

// Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators (OOPSLA 2014).
static uint64_t splitmix64(uint64_t *x) {
    uint64_t z = *x += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

// One node of the chain that setup_data begins: SETUP_RNG_SEED, 32 bytes that follow from -seed.
static bool place_seed(struct layout *layout, struct linux_header *header) {
    struct linux_setup_data node = {.type = LINUX_SETUP_RNG_SEED, .length = sizeof node.seed};
    uint64_t x = machine_configuration(layout->machine)->seed;
    for (unsigned i = 0; i < sizeof node.seed / sizeof *node.seed; i++) node.seed[i] = splitmix64(&x);
    header->setup_data = layout_put(layout, LAYOUT_LOW(sizeof node, 16), &node, "the seed of random numbers");
    return header->setup_data != 0;
}

// The text mode in which a display begins (devices/display/vga_setup.h).
static void set_screen(const struct layout *layout, struct linux_params *params) {
    enum { MODE = 3, COLUMNS = 80, LINES = 25, POINTS = 16, EGA_256K_COLOUR = 3 };
    if (!machine_has_display(layout->machine)) return;
    params->screen = (struct linux_screen){
        .mode = MODE, .columns = COLUMNS, .ega_bx = EGA_256K_COLOUR, .lines = LINES, .is_vga = 1, .points = POINTS};
}

uint64_t linux_params_place(const struct boot *boot, struct layout *layout, struct linux_params *params) {
    params->header.type_of_loader = LINUX_LOADER_UNDEFINED;
    params->header.vid_mode = LINUX_VIDEO_NORMAL;
    params->acpi_rsdp_addr = machine_acpi_rsdp(layout->machine);
    set_memory_map(layout, params);
    set_screen(layout, params);
    if (!place_command_line(boot, layout, &params->header) || !place_initrd(boot, layout, &params->header) ||
        !place_seed(layout, &params->header))
        return 0;
    return layout_put(layout, LAYOUT_LOW(sizeof *params, 4096), params, "the boot parameters");
}

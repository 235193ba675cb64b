// Kernels with a PVH entry, such as Linux's vmlinux and Xen's guests: Xen, docs/misc/pvh.pandoc (the state at the
// entry), public/arch-x86/hvm/start_info.h (what EBX points to), version 1. The entry is physical, in flat protected
// mode without paging.
// NOT IMPLEMENTED: more modules than the initrd; words for it.
#include "cpu/cpu.h"
#include "monitor/elf_image.h"
#include "monitor/handover.h"
#include "monitor/load.h"
#include "monitor/status.h"
#include <inttypes.h>
#include <string.h>

#define START_INFO_MAGIC 0x336ec578u
enum { START_INFO_VERSION = 1, TSS_BYTES = 0x68, RIGHTS_TSS_BUSY = 0x8b };

struct start_info {
    uint32_t magic, version, flags, modules;
    uint64_t modules_at, command_line, acpi_rsdp; // physical, 0 when missing
    uint64_t map_at;
    uint32_t map_entries, reserved;
};
struct start_module {
    uint64_t base, bytes, command_line, reserved;
};
struct start_region {
    uint64_t base, bytes;
    uint32_t type, reserved; // type as in e820
};

static bool put_module(const struct boot *boot, struct layout *layout, uint64_t image_end, struct start_info *info) {
    const struct file *initrd = &boot->module[0].file;
    if (boot->modules == 0 || initrd->size == 0) return true;
    const struct layout_wish wish = {
        .bytes = initrd->size, .align = 4096, .min = image_end, .end = 1ull << 32, .order = LAYOUT_HIGHEST};
    struct start_module module = {.base = layout_put(layout, &wish, initrd->bytes, "the initrd"),
                                  .bytes = initrd->size};
    if (!module.base) return false;
    info->modules = 1;
    info->modules_at = layout_put(layout, LAYOUT_LOW(sizeof module, 8), &module, "the list of modules");
    return info->modules_at != 0;
}

static bool put_memory_map(struct layout *layout, struct start_info *info) {
    struct start_region map[LAYOUT_REGIONS];
    for (unsigned i = 0; i < layout->regions; i++) {
        const struct machine_region *r = &layout->region[i];
        map[i] = (struct start_region){r->base, r->bytes, r->type, 0};
    }
    info->map_entries = layout->regions;
    info->map_at = layout_put(layout, LAYOUT_LOW(layout->regions * sizeof *map, 8), map, "the memory map");
    return info->map_at != 0;
}

static bool put_command_line(const struct boot *boot, struct layout *layout, struct start_info *info) {
    const char *line = boot->command_line;
    info->command_line = layout_put(layout, LAYOUT_LOW(strlen(line) + 1, 8), line, "the command line");
    return info->command_line != 0;
}

// "tr: must be a 32-bit TSS (active) with a base of '0' and a limit of '0x67'."
static void set_task_register(struct machine *machine) {
    struct cpu *cpu = machine_cpu(machine, 0);
    cpu->segment[TR] = (struct segment){TSS_BYTES - 1, RIGHTS_TSS_BUSY, 0};
    cpu->segment_base[TR] = 0;
}

static bool load(const struct boot *boot, struct layout *layout) {
    struct elf_image image;
    uint64_t entry;
    struct start_info info = {
        .magic = START_INFO_MAGIC, .version = START_INFO_VERSION, .acpi_rsdp = machine_acpi_rsdp(layout->machine)};
    if (!elf_pvh_entry(&boot->kernel, &entry) || !elf_load(&boot->kernel, layout, &image)) return false;
    if (!layout_holds(layout, entry))
        return complain("%s: the PVH entry %" PRIx64 "H lies in no segment of the file", boot->kernel.path, entry);
    if (!put_command_line(boot, layout, &info) || !put_module(boot, layout, image.end, &info) ||
        !put_memory_map(layout, &info))
        return false;
    uint64_t at = layout_put(layout, LAYOUT_LOW(sizeof info, 8), &info, "the start information");
    if (!at || !handover_protected(layout, &(struct handover){.entry = entry, .rbx = at})) return false;
    set_task_register(layout->machine);
    return true;
}

const struct loader load_pvh = {"PVH", elf_pvh_probe, load, .many_modules = false};

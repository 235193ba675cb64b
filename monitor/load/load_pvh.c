// ELF files that name a PVH entry in a note: Linux's vmlinux, Xen and others by the x86/HVM direct boot ABI (Xen,
// docs/misc/pvh.pandoc; start_info in xen/include/public/arch-x86/hvm/start_info.h).
// Flat 32-bit protected mode with EBX pointing to hvm_start_info: memory map, command line, ACPI root pointer, modules.
// libelf reads the notes; an entry outside what was loaded is refused.
#include "monitor/load/elf_image.h"
#include "monitor/load/handover.h"
#include "monitor/load/load.h"
#include "monitor/host/status.h"
#include <assert.h>
#include <gelf.h>
#include <inttypes.h>
#include <string.h>

enum { NOTE_PHYS32_ENTRY = 18 }; // XEN_ELFNOTE_PHYS32_ENTRY: four or eight bytes, a physical address
#define NOTE_OWNER "Xen"
#define START_INFO_MAGIC 0x336ec578u
enum { START_INFO_VERSION = 1 }; // with the memory map

struct start_info {
    uint32_t magic, version, flags;
    uint32_t nr_modules;
    uint64_t modlist_paddr, cmdline_paddr, rsdp_paddr;
    uint64_t memmap_paddr;
    uint32_t memmap_entries, reserved;
};
struct start_info_module {
    uint64_t paddr, size, cmdline_paddr, reserved;
};
struct start_info_region { // type: as in ACPI's address range types
    uint64_t addr, size;
    uint32_t type, reserved;
};
static_assert(sizeof(struct start_info) == 56 && sizeof(struct start_info_module) == 32);
static_assert(sizeof(struct start_info_region) == 24);

// Looks through one PT_NOTE segment, which libelf checks against the file.
static bool entry_in_notes(Elf *elf, const GElf_Phdr *segment, uint64_t *entry) {
    Elf_Type type = segment->p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR;
    Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)segment->p_offset, segment->p_filesz, type);
    GElf_Nhdr note;
    size_t at = 0, name, bytes;
    while (data && (at = gelf_getnote(data, at, &note, &name, &bytes)) > 0) {
        const char *begin = data->d_buf;
        if (note.n_type != NOTE_PHYS32_ENTRY || note.n_namesz != sizeof NOTE_OWNER ||
            memcmp(begin + name, NOTE_OWNER, sizeof NOTE_OWNER) != 0 || (note.n_descsz != 4 && note.n_descsz != 8))
            continue;
        *entry = 0;
        memcpy(entry, begin + bytes, note.n_descsz);
        return true;
    }
    return false;
}

static bool find_entry(const struct file *file, uint64_t *entry) {
    if (!elf_probe(file)) return false;
    elf_version(EV_CURRENT);
    Elf *elf = elf_memory((char *)file->bytes, file->size);
    GElf_Phdr segment;
    size_t count = 0;
    bool found = false;
    if (elf && elf_kind(elf) == ELF_K_ELF && elf_getphdrnum(elf, &count) == 0)
        for (size_t i = 0; i < count && !found && gelf_getphdr(elf, (int)i, &segment); i++)
            found = segment.p_type == PT_NOTE && entry_in_notes(elf, &segment, entry);
    elf_end(elf);
    return found;
}

static bool probe(const struct file *file) {
    uint64_t entry;
    return find_entry(file, &entry);
}

static bool put_modules(const struct boot *boot, struct layout *layout, uint64_t image_end, struct start_info *info) {
    struct start_info_module list[BOOT_MODULES] = {0};
    for (unsigned i = 0; i < boot->modules; i++) {
        list[i].size = boot->module[i].file.size;
        if (!(list[i].paddr = boot_module_place(&boot->module[i], layout, image_end)) ||
            !(list[i].cmdline_paddr = layout_put_string(layout, boot->module[i].words, "the words of a module")))
            return false;
    }
    info->nr_modules = boot->modules;
    if (boot->modules)
        info->modlist_paddr = layout_put(layout, LAYOUT_LOW(boot->modules * sizeof *list, 16), list, "the modules");
    return boot->modules == 0 || info->modlist_paddr;
}

static bool put_memory_map(struct layout *layout, struct start_info *info) {
    struct start_info_region map[LAYOUT_REGIONS];
    for (unsigned i = 0; i < layout->regions; i++) {
        const struct machine_region *r = &layout->region[i];
        map[i] = (struct start_info_region){r->base, r->bytes, r->type, 0};
    }
    info->memmap_entries = layout->regions;
    info->memmap_paddr = layout_put(layout, LAYOUT_LOW(layout->regions * sizeof *map, 16), map, "the memory map");
    return info->memmap_paddr != 0;
}

static bool load(const struct boot *boot, struct layout *layout) {
    struct elf_image image;
    struct start_info info = {
        .magic = START_INFO_MAGIC, .version = START_INFO_VERSION, .rsdp_paddr = machine_acpi_rsdp(layout->machine)};
    uint64_t entry;
    if (!find_entry(&boot->kernel, &entry)) return complain("%s: the PVH note has gone", boot->kernel.path);
    if (!elf_load(&boot->kernel, layout, &image)) return false;
    if (!layout_loaded(layout, entry))
        return complain("%s: damaged: the PVH entry %" PRIx64 "H lies in no segment of the file", boot->kernel.path,
                        entry);
    if (!put_modules(boot, layout, image.end, &info) || !put_memory_map(layout, &info) ||
        !(info.cmdline_paddr = layout_put_string(layout, boot->command_line, "the command line")))
        return false;
    uint64_t at = layout_put(layout, LAYOUT_LOW(sizeof info, 16), &info, "hvm_start_info");
    return at && handover_protected(layout, &(struct handover){.entry = entry, .rbx = at});
}

const struct loader load_pvh = {"pvh", "PVH", probe, load, .many_modules = true};

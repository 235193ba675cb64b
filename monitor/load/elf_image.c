// ELF files: their loadable segments into RAM, at their physical addresses. ELF-64 Object File Format, version 1.5.
// libelf reads the headers; every offset and size is checked here against the file and RAM before it is used.
// A position-independent file (ET_DYN) is taken like an executable: its segments name physical addresses too, and it
// relocates itself. NOT IMPLEMENTED: relocatable files (ET_REL).
#include "monitor/load/elf_image.h"
#include "monitor/host/status.h"
#include <gelf.h>
#include <inttypes.h>
#include <string.h>

bool elf_probe(const struct file *file) { return file->size >= SELFMAG && memcmp(file->bytes, ELFMAG, SELFMAG) == 0; }

static bool check_header(const struct file *file, const GElf_Ehdr *header) {
    if (header->e_ident[EI_DATA] != ELFDATA2LSB || (header->e_machine != EM_386 && header->e_machine != EM_X86_64))
        return complain("%s: an ELF file for another processor (e_machine %u)", file->path, header->e_machine);
    if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
        return complain("%s: an ELF file that is no executable (e_type %u): link it", file->path, header->e_type);
    return true;
}

// What is read: into `layout` with every address moved by `shift`, or only looked at (NULL).
struct reading {
    const struct file *file;
    struct layout *layout;
    uint64_t shift;
};

static bool take_segment(const struct reading *reading, const GElf_Phdr *segment) {
    const struct file *file = reading->file;
    if (segment->p_filesz > segment->p_memsz)
        return complain("%s: damaged: a segment has more bytes in the file than in memory", file->path);
    if (segment->p_offset > file->size || segment->p_filesz > file->size - segment->p_offset)
        return complain("%s: cut short or damaged: a segment ends at byte %" PRIu64 " of a file of %zu", file->path,
                        (uint64_t)(segment->p_offset + segment->p_filesz), file->size);
    uint64_t base = segment->p_paddr + reading->shift;
    if (!reading->layout) return true;
    if (!layout_claim(reading->layout, base, segment->p_memsz, "a segment")) return false;
    layout_fill(reading->layout, base, file->bytes + segment->p_offset, segment->p_filesz, segment->p_memsz);
    return true;
}

// The entry point is a physical address in kernels, but a linear one where the linker script does not say so.
static void find_entry(struct elf_image *image, const GElf_Ehdr *header, const GElf_Phdr *segment, bool *found) {
    uint64_t entry = header->e_entry;
    if (entry >= segment->p_paddr && entry - segment->p_paddr < segment->p_memsz) {
        image->entry = entry;
        *found = true;
    } else if (!*found && entry >= segment->p_vaddr && entry - segment->p_vaddr < segment->p_memsz) {
        image->entry = entry - segment->p_vaddr + segment->p_paddr;
        *found = true;
    }
}

static bool take_segments(const struct reading *reading, Elf *elf, const GElf_Ehdr *header, struct elf_image *image,
                          bool *found) {
    const char *path = reading->file->path;
    GElf_Phdr segment;
    size_t count;
    if (elf_getphdrnum(elf, &count) != 0) return complain("%s: damaged or cut short: %s", path, elf_errmsg(-1));
    for (size_t i = 0; i < count; i++) {
        if (!gelf_getphdr(elf, (int)i, &segment))
            return complain("%s: damaged or cut short: program header %zu: %s", path, i, elf_errmsg(-1));
        if (segment.p_type != PT_LOAD || segment.p_memsz == 0) continue;
        if (!take_segment(reading, &segment)) return false;
        find_entry(image, header, &segment, found);
        if (segment.p_paddr < image->begin) image->begin = segment.p_paddr;
        if (segment.p_paddr + segment.p_memsz > image->end) image->end = segment.p_paddr + segment.p_memsz;
    }
    return true;
}

static bool read_image(const struct reading *reading, Elf *elf, struct elf_image *image) {
    const char *path = reading->file->path;
    GElf_Ehdr header;
    bool found = false;
    if (!gelf_getehdr(elf, &header)) return complain("%s: damaged or cut short: %s", path, elf_errmsg(-1));
    if (!check_header(reading->file, &header)) return false;
    *image = (struct elf_image){.begin = UINT64_MAX, .is_64bit = gelf_getclass(elf) == ELFCLASS64};
    if (!take_segments(reading, elf, &header, image, &found)) return false;
    if (!found)
        return complain("%s: the entry point %" PRIx64 "H lies in no segment of the file", path,
                        (uint64_t)header.e_entry);
    if (image->end + reading->shift > 1ull << 32)
        return complain("%s: has a segment above 4 GBytes; not supported", path);
    image->entry += reading->shift;
    image->begin += reading->shift;
    image->end += reading->shift;
    return true;
}

static bool read_file(const struct reading *reading, struct elf_image *image) {
    elf_version(EV_CURRENT);
    Elf *elf = elf_memory((char *)reading->file->bytes, reading->file->size);
    if (!elf || elf_kind(elf) != ELF_K_ELF) {
        elf_end(elf);
        return complain("%s: damaged or cut short: not a readable ELF file", reading->file->path);
    }
    bool done = read_image(reading, elf, image);
    elf_end(elf);
    return done;
}

bool elf_look(const struct file *file, struct elf_image *image) {
    return read_file(&(struct reading){.file = file}, image);
}

bool elf_load_at(const struct file *file, struct layout *layout, uint64_t shift, struct elf_image *image) {
    return read_file(&(struct reading){file, layout, shift}, image);
}

bool elf_load(const struct file *file, struct layout *layout, struct elf_image *image) {
    return elf_load_at(file, layout, 0, image);
}

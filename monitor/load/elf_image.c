// ELF files: their loadable segments into RAM, at their physical addresses. ELF-64 Object File Format, version 1.5.
// libelf reads the headers; every offset and size is checked here against the file and RAM before it is used.
// NOT IMPLEMENTED: relocatable and position-independent files, which have no address of their own.
#include "monitor/load/elf_image.h"
#include "monitor/host/status.h"
#include <gelf.h>
#include <inttypes.h>
#include <string.h>

bool elf_probe(const struct file *file) { return file->size >= SELFMAG && memcmp(file->bytes, ELFMAG, SELFMAG) == 0; }

static bool check_header(const struct file *file, const GElf_Ehdr *header) {
    if (header->e_ident[EI_DATA] != ELFDATA2LSB || (header->e_machine != EM_386 && header->e_machine != EM_X86_64))
        return complain("%s: an ELF file for another processor (e_machine %u)", file->path, header->e_machine);
    if (header->e_type != ET_EXEC)
        return complain("%s: an ELF file without a fixed address (e_type %u): link it as an ordinary executable",
                        file->path, header->e_type);
    return true;
}

static bool load_segment(const struct file *file, struct layout *layout, const GElf_Phdr *segment) {
    if (segment->p_filesz > segment->p_memsz)
        return complain("%s: damaged: a segment has more bytes in the file than in memory", file->path);
    if (segment->p_offset > file->size || segment->p_filesz > file->size - segment->p_offset)
        return complain("%s: cut short or damaged: a segment ends at byte %" PRIu64 " of a file of %zu", file->path,
                        (uint64_t)(segment->p_offset + segment->p_filesz), file->size);
    if (!layout_claim(layout, segment->p_paddr, segment->p_memsz, "a segment")) return false;
    layout_fill(layout, segment->p_paddr, file->bytes + segment->p_offset, segment->p_filesz, segment->p_memsz);
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

static bool load_segments(const struct file *file, struct layout *layout, Elf *elf, struct elf_image *image) {
    GElf_Ehdr header;
    GElf_Phdr segment;
    size_t count;
    bool found = false;
    if (!gelf_getehdr(elf, &header)) return complain("%s: damaged or cut short: %s", file->path, elf_errmsg(-1));
    if (!check_header(file, &header)) return false;
    if (elf_getphdrnum(elf, &count) != 0) return complain("%s: damaged or cut short: %s", file->path, elf_errmsg(-1));
    *image = (struct elf_image){.is_64bit = gelf_getclass(elf) == ELFCLASS64};
    for (size_t i = 0; i < count; i++) {
        if (!gelf_getphdr(elf, (int)i, &segment))
            return complain("%s: damaged or cut short: program header %zu: %s", file->path, i, elf_errmsg(-1));
        if (segment.p_type != PT_LOAD || segment.p_memsz == 0) continue;
        if (!load_segment(file, layout, &segment)) return false;
        find_entry(image, &header, &segment, &found);
        if (segment.p_paddr + segment.p_memsz > image->end) image->end = segment.p_paddr + segment.p_memsz;
    }
    if (!found)
        return complain("%s: the entry point %" PRIx64 "H lies in no segment of the file", file->path,
                        (uint64_t)header.e_entry);
    if (image->end > 1ull << 32) return complain("%s: has a segment above 4 GBytes; not supported", file->path);
    return true;
}

bool elf_load(const struct file *file, struct layout *layout, struct elf_image *image) {
    elf_version(EV_CURRENT);
    Elf *elf = elf_memory((char *)file->bytes, file->size);
    if (!elf || elf_kind(elf) != ELF_K_ELF) {
        elf_end(elf);
        return complain("%s: damaged or cut short: not a readable ELF file", file->path);
    }
    bool done = load_segments(file, layout, elf, image);
    elf_end(elf);
    return done;
}

// The section headers of an ELF image for multiboot 2: a kernel finds its symbols and its debug information by them.
// Multiboot2 Specification, version 2.0, 3.6.7: the text there has four numbers of 16 bits, but GRUB, and so all
// kernels, three of 32. Sections that no segment brought into RAM are brought there too, and their headers say where.
#include "monitor/host/status.h"
#include "monitor/load/multiboot2.h"
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

struct sections {
    Elf *elf;
    size_t count;
    uint64_t shift;
    uint64_t base;  // where those go that are not in RAM yet
    uint64_t bytes; // of them, together
};

enum { SECTION_ALIGN = 16 };

static bool is_to_come(const GElf_Shdr *header) {
    return header->sh_addr == 0 && header->sh_size && header->sh_type != SHT_NULL && header->sh_type != SHT_NOBITS;
}

// The header as the image is told of it; `at` counts the bytes of those that are to come.
static bool get_header(const struct sections *s, size_t index, GElf_Shdr *header, uint64_t *at) {
    Elf_Scn *section = elf_getscn(s->elf, index);
    if (!section || !gelf_getshdr(section, header)) return false;
    if (is_to_come(header)) {
        header->sh_addr = s->base + *at;
        *at += (header->sh_size + SECTION_ALIGN - 1) & ~(uint64_t)(SECTION_ALIGN - 1);
    } else if (header->sh_addr) {
        header->sh_addr += s->shift;
    }
    return true;
}

static bool measure(const struct file *file, struct sections *s) {
    GElf_Shdr header;
    for (size_t i = 0; i < s->count; i++) {
        Elf_Scn *section = elf_getscn(s->elf, i);
        if (!section || !gelf_getshdr(section, &header)) return false;
        if (!is_to_come(&header)) continue;
        if (header.sh_offset > file->size || header.sh_size > file->size - header.sh_offset) return false;
        s->bytes += (header.sh_size + SECTION_ALIGN - 1) & ~(uint64_t)(SECTION_ALIGN - 1);
    }
    return true;
}

static bool place(const struct file *file, struct layout *layout, uint64_t image_end, struct sections *s) {
    const struct layout_wish wish = {
        .bytes = s->bytes, .align = 4096, .min = image_end > 1 << 20 ? image_end : 1 << 20, .end = 1ull << 32};
    if (!s->bytes) return true;
    s->base = layout_place(layout, &wish, "the sections of the image");
    uint8_t *copy = s->base ? layout_copy(layout, s->base, NULL, s->bytes) : NULL;
    GElf_Shdr header;
    uint64_t at = 0;
    for (size_t i = 0; copy && i < s->count; i++) {
        uint64_t before = at;
        if (!get_header(s, i, &header, &at)) return false;
        if (at != before) memcpy(copy + before, file->bytes + header.sh_offset, header.sh_size);
    }
    return copy;
}

// The table in the class of the file.
static bool write_table(const struct sections *s, bool is_64bit, uint8_t *table) {
    uint64_t at = 0;
    for (size_t i = 0; i < s->count; i++) {
        GElf_Shdr header;
        if (!get_header(s, i, &header, &at)) return false;
        const Elf32_Shdr narrow = {header.sh_name,
                                   header.sh_type,
                                   (Elf32_Word)header.sh_flags,
                                   (Elf32_Addr)header.sh_addr,
                                   (Elf32_Off)header.sh_offset,
                                   (Elf32_Word)header.sh_size,
                                   header.sh_link,
                                   header.sh_info,
                                   (Elf32_Word)header.sh_addralign,
                                   (Elf32_Word)header.sh_entsize};
        if (is_64bit)
            memcpy(table + i * sizeof header, &header, sizeof header);
        else
            memcpy(table + i * sizeof narrow, &narrow, sizeof narrow);
    }
    return true;
}

static bool put(const struct file *file, struct layout *layout, const struct elf_image *image, struct sections *s,
                struct multiboot2_info *info) {
    size_t names, entry = gelf_getclass(s->elf) == ELFCLASS64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
    if (elf_getshdrnum(s->elf, &s->count) != 0 || elf_getshdrstrndx(s->elf, &names) != 0 || !measure(file, s))
        return complain("%s: damaged: its section headers cannot be read", file->path);
    if (!s->count) return true;
    if (!place(file, layout, image->end, s)) return false;
    uint8_t *table = calloc(s->count, entry);
    const uint32_t head[3] = {(uint32_t)s->count, (uint32_t)entry, (uint32_t)names};
    bool done = table && write_table(s, gelf_getclass(s->elf) == ELFCLASS64, table);
    if (done) multiboot2_tag(info, MULTIBOOT2_SECTIONS, head, sizeof head, table, s->count * entry);
    free(table);
    return done || complain("not enough memory");
}

bool multiboot2_sections(const struct file *file, struct layout *layout, const struct elf_image *image, uint64_t shift,
                         struct multiboot2_info *info) {
    struct sections sections = {.elf = elf_memory((char *)file->bytes, file->size), .shift = shift};
    bool done = sections.elf ? put(file, layout, image, &sections, info)
                             : complain("%s: damaged: its section headers cannot be read", file->path);
    elf_end(sections.elf);
    return done;
}

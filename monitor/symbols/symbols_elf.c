// Symbols of an ELF file, by libelf: its symbol table, else its dynamic one; and its source lines (symbols_dwarf.c);
// its frames (frames.c).
//
// A relocatable file (a module of Linux) has no addresses: its code sections are taken to lie one behind the other, in
// the order of the file and aligned as they ask for, from the address given on. That is how Linux places those of a
// module. NOT IMPLEMENTED: the places of its data, which differ between versions of Linux, and of .init sections.
#include "monitor/files/files.h"
#include "monitor/symbols/symbols_elf.h"
#include "monitor/symbols/symbols_file.h"
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool wanted(const GElf_Sym *s, const char *name) {
    int type = GELF_ST_TYPE(s->st_info);
    return name && *name && s->st_shndx != SHN_UNDEF && type != STT_FILE && type != STT_SECTION && type != STT_TLS;
}

// False: it is not in memory.
static bool address_of(const struct elf_layout *layout, const GElf_Sym *s, uint64_t *address) {
    bool absolute = s->st_shndx == SHN_ABS;
    *address = s->st_value + (absolute ? 0 : layout->slide);
    if (!layout->count || absolute) return true;
    if (s->st_shndx >= layout->count || !layout->section[s->st_shndx].at) return false;
    *address = s->st_value + layout->section[s->st_shndx].at;
    return true;
}

static bool add_section(struct symbol_table *table, Elf *elf, Elf_Scn *section, const GElf_Shdr *header,
                        const struct elf_layout *layout) {
    Elf_Data *data = elf_getdata(section, NULL);
    GElf_Sym s;
    if (!data || !header->sh_entsize) return false;
    for (int i = 0; gelf_getsym(data, i, &s); i++) {
        const char *name = elf_strptr(elf, header->sh_link, s.st_name);
        uint64_t address;
        if (!wanted(&s, name) || !address_of(layout, &s, &address)) continue;
        if (!symbols_add(table, name, strlen(name), address, s.st_size)) return false;
    }
    return true;
}

static Elf_Scn *section_of_type(Elf *elf, unsigned type, GElf_Shdr *header) {
    Elf_Scn *section = NULL;
    while ((section = elf_nextscn(elf, section)))
        if (gelf_getshdr(section, header) && header->sh_type == type) return section;
    return NULL;
}

// The lowest address that is loaded: what `at` moves.
static uint64_t first_address(Elf *elf) {
    size_t count = 0;
    uint64_t first = UINT64_MAX;
    GElf_Phdr p;
    elf_getphdrnum(elf, &count);
    for (size_t i = 0; i < count; i++)
        if (gelf_getphdr(elf, (int)i, &p) && p.p_type == PT_LOAD && p.p_vaddr < first) first = p.p_vaddr;
    return first == UINT64_MAX ? 0 : first;
}

static bool is_code(Elf *elf, size_t names, const GElf_Shdr *header) {
    const uint64_t flags = SHF_ALLOC | SHF_EXECINSTR;
    const char *name = elf_strptr(elf, names, header->sh_name);
    return (header->sh_flags & flags) == flags && name && strncmp(name, ".init", 5) != 0;
}

static const char *place_sections(Elf *elf, uint64_t at, struct elf_layout *layout) {
    Elf_Scn *section = NULL;
    GElf_Shdr header;
    size_t names;
    if (elf_getshdrnum(elf, &layout->count) != 0 || elf_getshdrstrndx(elf, &names) != 0) return "it is damaged";
    layout->section = calloc(layout->count + 1, sizeof *layout->section);
    if (!layout->section) return "not enough memory";
    while ((section = elf_nextscn(elf, section))) {
        size_t index = elf_ndxscn(section);
        if (!gelf_getshdr(section, &header) || index >= layout->count || !is_code(elf, names, &header)) continue;
        uint64_t mask = header.sh_addralign ? header.sh_addralign - 1 : 0;
        at = (at + mask) & ~mask;
        layout->section[index] = (struct elf_section){.at = at, .bytes = header.sh_size};
        at += header.sh_size;
    }
    return NULL;
}

static const char *make_layout(Elf *elf, const struct symbols_place *place, struct elf_layout *layout) {
    GElf_Ehdr header;
    if (!gelf_getehdr(elf, &header)) return "it is damaged";
    layout->slide = place->moved ? place->at - first_address(elf) : 0;
    if (header.e_type != ET_REL) return NULL;
    if (!place->moved) return "a relocatable file, without addresses of its own: at ADDRESS says where its code is";
    layout->slide = 0;
    return place_sections(elf, place->at, layout);
}

static const char *add_symbols(struct symbol_table *table, Elf *elf, const struct elf_layout *layout) {
    GElf_Shdr header;
    Elf_Scn *section = section_of_type(elf, SHT_SYMTAB, &header);
    if (!section) section = section_of_type(elf, SHT_DYNSYM, &header);
    if (!section) return "it has no symbols (a stripped kernel's can be found in the guest: symbols kallsyms)";
    return add_section(table, elf, section, &header, layout) ? NULL : "its symbol table cannot be read";
}

static uint64_t file_bytes(int fd) {
    off_t end = lseek(fd, 0, SEEK_END);
    return end < 0 || lseek(fd, 0, SEEK_SET) < 0 ? UINT64_MAX : (uint64_t)end;
}

static const char *add_file(struct symbol_table *table, Elf *elf, int fd, const struct symbols_place *place) {
    struct elf_layout layout = {0};
    const char *error = make_layout(elf, place, &layout);
    if (!error) error = add_symbols(table, elf, &layout);
    bool lines = !place->lines_most || file_bytes(fd) <= place->lines_most;
    if (!error && lines) symbols_add_lines(table, symbols_dwarf(fd, &layout));
    if (!error && lines && !layout.count) symbols_add_frames(table, frames_new(fd, layout.slide));
    free(layout.section);
    return error;
}

static const char *add_open(struct symbol_table *table, int fd, const struct symbols_place *place, bool *is_elf) {
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    *is_elf = elf && elf_kind(elf) == ELF_K_ELF;
    const char *error = *is_elf ? add_file(table, elf, fd, place) : NULL;
    if (elf) elf_end(elf);
    return error;
}

const char *symbols_from_bytes(struct symbol_table *table, const void *bytes, size_t count,
                               const struct symbols_place *place) {
    bool is_elf;
    int fd = files_of(bytes, count);
    if (fd < 0) return files_why();
    const char *error = add_open(table, fd, place, &is_elf);
    files_close(fd);
    return is_elf ? error : "it is no ELF file";
}

const char *symbols_from_file(struct symbol_table *table, const char *path, const struct symbols_place *place) {
    bool is_elf;
    int fd = files_open(path, FILE_READ);
    if (fd < 0) return files_why();
    const char *error = add_open(table, fd, place, &is_elf);
    files_close(fd);
    if (is_elf) return error;
    return place->elf_only ? "it is no ELF file" : symbols_from_map(table, path, place);
}

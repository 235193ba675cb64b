// Symbols of an ELF file, by libelf: its symbol table, else its dynamic one.
// NOT IMPLEMENTED: source lines (DWARF).
#include "monitor/symbols_file.h"
#include <fcntl.h>
#include <gelf.h>
#include <string.h>
#include <unistd.h>

static bool wanted(const GElf_Sym *s, const char *name) {
    int type = GELF_ST_TYPE(s->st_info);
    return name && *name && s->st_shndx != SHN_UNDEF && type != STT_FILE && type != STT_SECTION && type != STT_TLS;
}

static bool add_section(struct symbol_table *table, Elf *elf, Elf_Scn *section, const GElf_Shdr *header,
                        uint64_t slide) {
    Elf_Data *data = elf_getdata(section, NULL);
    GElf_Sym s;
    if (!data || !header->sh_entsize) return false;
    for (int i = 0; gelf_getsym(data, i, &s); i++) {
        const char *name = elf_strptr(elf, header->sh_link, s.st_name);
        if (!wanted(&s, name)) continue;
        uint64_t moved = s.st_shndx == SHN_ABS ? 0 : slide;
        if (!symbols_add(table, name, strlen(name), s.st_value + moved, s.st_size)) return false;
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

static const char *add_file(struct symbol_table *table, Elf *elf, const struct symbols_place *place) {
    GElf_Shdr header;
    Elf_Scn *section = section_of_type(elf, SHT_SYMTAB, &header);
    if (!section) section = section_of_type(elf, SHT_DYNSYM, &header);
    if (!section) return "it has no symbols (a stripped kernel's can be found in the guest: symbols kallsyms)";
    uint64_t slide = place->moved ? place->at - first_address(elf) : 0;
    return add_section(table, elf, section, &header, slide) ? NULL : "its symbol table cannot be read";
}

const char *symbols_from_elf(struct symbol_table *table, const char *path, const struct symbols_place *place) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return "it cannot be opened";
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    const char *error = elf && elf_kind(elf) == ELF_K_ELF ? add_file(table, elf, place) : "not an ELF file";
    if (elf) elf_end(elf);
    close(fd);
    return error;
}

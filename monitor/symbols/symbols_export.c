// Symbols as an ELF file, for gdb (symbol-file, add-symbol-file): a stock kernel's own table, found in its memory, then
// serves gdb too. The file has a symbol table and an empty .text that says where code is.
#include "monitor/files/files.h"
#include "monitor/files/written.h"
#include "monitor/symbols/symbols.h"
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECTION_NONE, SECTION_TEXT, SECTION_SYMBOLS, SECTION_STRINGS, SECTION_NAMES, SECTIONS };
static const char section_names[] = "\0.text\0.symtab\0.strtab\0.shstrtab"; // at 1, 7, 15, 23

struct export {
    Elf64_Sym *symbols;
    char *strings;
    size_t count, room, used, strings_room;
    uint64_t text, text_end; // where code is
    bool short_of_memory;
};

static bool grow(struct export *e, size_t name_bytes) {
    if (e->count + 1 > e->room) {
        size_t room = e->room * 2 + 1024;
        void *bigger = realloc(e->symbols, room * sizeof *e->symbols);
        if (!bigger) return false;
        e->symbols = bigger;
        e->room = room;
    }
    if (e->used + name_bytes <= e->strings_room) return true;
    size_t room = e->strings_room * 2 + name_bytes + 65536;
    void *bigger = realloc(e->strings, room);
    if (!bigger) return false;
    e->strings = bigger;
    e->strings_room = room;
    return true;
}

static void add(void *context, const char *name, uint64_t address, uint64_t bytes) {
    struct export *e = context;
    size_t length = strlen(name) + 1;
    if (e->short_of_memory || (e->short_of_memory = !grow(e, length))) return;
    if (strcmp(name, "_text") == 0 || strcmp(name, "_stext") == 0)
        if (address < e->text) e->text = address;
    if (strcmp(name, "_end") == 0) e->text_end = address;
    e->symbols[e->count++] = (Elf64_Sym){.st_name = (Elf64_Word)e->used,
                                         .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE),
                                         .st_value = address,
                                         .st_size = bytes};
    memcpy(e->strings + e->used, name, length);
    e->used += length;
}

// Linux says where it begins and ends; of others all is code.
static void place(struct export *e) {
    bool known = e->text_end && e->text < e->text_end;
    if (!known) e->text = UINT64_MAX, e->text_end = 0;
    for (size_t i = 1; i < e->count && !known; i++) {
        if (e->symbols[i].st_value < e->text) e->text = e->symbols[i].st_value;
        if (e->symbols[i].st_value >= e->text_end) e->text_end = e->symbols[i].st_value + 1;
    }
    for (size_t i = 1; i < e->count; i++) {
        uint64_t at = e->symbols[i].st_value;
        e->symbols[i].st_shndx = at >= e->text && at < e->text_end ? SECTION_TEXT : SHN_ABS;
    }
}

static void write_file(const struct export *e, struct written *file) {
    static const char zeroes[8];
    const Elf64_Off symbols = sizeof(Elf64_Ehdr), strings = symbols + e->count * sizeof *e->symbols,
                    names = strings + e->used, sections = (names + sizeof section_names + 7) & ~7ull;
    const Elf64_Ehdr header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                               .e_type = ET_EXEC,
                               .e_machine = EM_X86_64,
                               .e_version = EV_CURRENT,
                               .e_shoff = sections,
                               .e_ehsize = sizeof header,
                               .e_shentsize = sizeof(Elf64_Shdr),
                               .e_shnum = SECTIONS,
                               .e_shstrndx = SECTION_NAMES};
    const Elf64_Shdr section[SECTIONS] = {[SECTION_TEXT] = {.sh_name = 1,
                                                            .sh_type = SHT_NOBITS,
                                                            .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
                                                            .sh_addr = e->text,
                                                            .sh_offset = symbols,
                                                            .sh_size = e->text_end - e->text,
                                                            .sh_addralign = 1},
                                          [SECTION_SYMBOLS] = {.sh_name = 7,
                                                               .sh_type = SHT_SYMTAB,
                                                               .sh_offset = symbols,
                                                               .sh_size = strings - symbols,
                                                               .sh_link = SECTION_STRINGS,
                                                               .sh_info = 1,
                                                               .sh_entsize = sizeof *e->symbols,
                                                               .sh_addralign = 8},
                                          [SECTION_STRINGS] = {.sh_name = 15,
                                                               .sh_type = SHT_STRTAB,
                                                               .sh_offset = strings,
                                                               .sh_size = e->used,
                                                               .sh_addralign = 1},
                                          [SECTION_NAMES] = {.sh_name = 23,
                                                             .sh_type = SHT_STRTAB,
                                                             .sh_offset = names,
                                                             .sh_size = sizeof section_names,
                                                             .sh_addralign = 1}};
    (void)written_put(file, &header, sizeof header);
    (void)written_put(file, e->symbols, e->count * sizeof *e->symbols);
    (void)written_put(file, e->strings, e->used);
    (void)written_put(file, section_names, sizeof section_names);
    (void)written_put(file, zeroes, sections - names - sizeof section_names);
    (void)written_put(file, section, sizeof section);
}

static bool save(const struct export *e, const char *path, char *error, size_t error_size) {
    struct written *file = written_open(path, WRITTEN_TOLD);
    char why[300];
    written_begin();
    if (file) write_file(e, file);
    bool good = file && written_close(file, why, sizeof why);
    if (!good) snprintf(error, error_size, "%s: %s", path, file ? why : files_why());
    return good;
}

size_t symbols_export(const struct symbols *symbols, int level, const char *path, char *error, size_t error_size) {
    struct export e = {.text = UINT64_MAX};
    add(&e, "", 0, 0);
    symbols_each(symbols, level, add, &e);
    bool good = false;
    if (e.short_of_memory)
        snprintf(error, error_size, "not enough memory");
    else if (e.count == 1)
        snprintf(error, error_size, "there are no symbols; see help symbols");
    else
        good = (place(&e), save(&e, path, error, error_size));
    free(e.symbols);
    free(e.strings);
    return good ? e.count - 1 : 0;
}

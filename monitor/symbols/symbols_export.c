// Symbols as an ELF file, for gdb (symbol-file, add-symbol-file): a stock kernel's own table, found in its memory, then
// serves gdb too. The file has a symbol table and empty sections that say where code is: of Linux one for its image,
// and one for each stretch of addresses elsewhere, such as those of modules: gdb takes what lies in none for numbers.
#include "monitor/files/files.h"
#include "monitor/files/written.h"
#include "monitor/symbols/symbols.h"
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECTION_NONE, SECTION_SYMBOLS, SECTION_STRINGS, SECTION_NAMES, SECTION_CODE /* and more */ };
enum { CODE_MOST = 64, NAME_BYTES = 24, GAP_MOST = 1 << 20 };
static const char fixed_names[] = "\0.symtab\0.strtab\0.shstrtab"; // at 1, 9, 17

struct export {
    Elf64_Sym *symbols;
    char *strings;
    size_t count, room, used, strings_room;
    uint64_t text, text_end; // where Linux's image is
    struct code {
        uint64_t begin, end;
    } code[CODE_MOST];
    unsigned codes;
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

static int by_address(const void *a, const void *b) {
    const Elf64_Sym *x = a, *y = b;
    return x->st_value < y->st_value ? -1 : x->st_value > y->st_value;
}

static bool in_text(const struct export *e, uint64_t at) { return at >= e->text && at < e->text_end; }

// Linux says where it begins and ends; of others all is code. Numbers (offsets in memory of a processor) are none.
static bool is_number(const struct export *e, uint64_t at) { return e->text_end && e->text >> 63 && !(at >> 63); }

static void note_code(struct export *e, uint64_t at) {
    struct code *last = e->codes ? &e->code[e->codes - 1] : NULL;
    bool both = last && in_text(e, at) == in_text(e, last->begin);
    bool same = both && (in_text(e, at) || at < last->end + GAP_MOST || e->codes == CODE_MOST);
    if (same) {
        last->end = at + 1;
    } else if (e->codes < CODE_MOST) {
        e->code[e->codes++] = (struct code){at, at + 1};
    }
}

// Sorts the symbols, and finds the stretches that they lie in.
static void place(struct export *e) {
    bool known = e->text_end && e->text < e->text_end;
    if (!known) e->text = e->text_end = 0;
    qsort(e->symbols + 1, e->count - 1, sizeof *e->symbols, by_address);
    for (size_t i = 1; i < e->count; i++)
        if (!is_number(e, e->symbols[i].st_value)) note_code(e, e->symbols[i].st_value);
    for (unsigned c = 0; known && c < e->codes; c++)
        if (in_text(e, e->code[c].begin)) e->code[c] = (struct code){e->text, e->text_end};
    unsigned at = 0;
    for (size_t i = 1; i < e->count; i++) {
        Elf64_Sym *s = &e->symbols[i];
        while (at < e->codes && s->st_value >= e->code[at].end) at++;
        bool inside = at < e->codes && s->st_value >= e->code[at].begin;
        s->st_shndx = inside ? (Elf64_Section)(SECTION_CODE + at) : SHN_ABS;
    }
}

static void put_names(const struct export *e, struct written *file) {
    char name[NAME_BYTES] = ".text";
    (void)written_put(file, fixed_names, sizeof fixed_names);
    for (unsigned c = 0; c < e->codes; c++) {
        if (c) snprintf(name, sizeof name, ".text.%u", c);
        (void)written_put(file, name, sizeof name);
    }
}

static void put_code_sections(const struct export *e, struct written *file, Elf64_Off offset) {
    for (unsigned c = 0; c < e->codes; c++) {
        const Elf64_Shdr section = {.sh_name = (Elf64_Word)(sizeof fixed_names + c * NAME_BYTES),
                                    .sh_type = SHT_NOBITS,
                                    .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
                                    .sh_addr = e->code[c].begin,
                                    .sh_offset = offset,
                                    .sh_size = e->code[c].end - e->code[c].begin,
                                    .sh_addralign = 1};
        (void)written_put(file, &section, sizeof section);
    }
}

static void write_file(const struct export *e, struct written *file) {
    static const char zeroes[8];
    const Elf64_Off symbols = sizeof(Elf64_Ehdr), strings = symbols + e->count * sizeof *e->symbols,
                    names = strings + e->used, names_bytes = sizeof fixed_names + e->codes * NAME_BYTES,
                    sections = (names + names_bytes + 7) & ~7ull;
    const Elf64_Ehdr header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                               .e_type = ET_EXEC,
                               .e_machine = EM_X86_64,
                               .e_version = EV_CURRENT,
                               .e_shoff = sections,
                               .e_ehsize = sizeof header,
                               .e_shentsize = sizeof(Elf64_Shdr),
                               .e_shnum = (Elf64_Half)(SECTION_CODE + e->codes),
                               .e_shstrndx = SECTION_NAMES};
    const Elf64_Shdr section[SECTION_CODE] = {
        [SECTION_SYMBOLS] = {.sh_name = 1,
                             .sh_type = SHT_SYMTAB,
                             .sh_offset = symbols,
                             .sh_size = strings - symbols,
                             .sh_link = SECTION_STRINGS,
                             .sh_info = 1,
                             .sh_entsize = sizeof *e->symbols,
                             .sh_addralign = 8},
        [SECTION_STRINGS] =
            {.sh_name = 9, .sh_type = SHT_STRTAB, .sh_offset = strings, .sh_size = e->used, .sh_addralign = 1},
        [SECTION_NAMES] = {
            .sh_name = 17, .sh_type = SHT_STRTAB, .sh_offset = names, .sh_size = names_bytes, .sh_addralign = 1}};
    (void)written_put(file, &header, sizeof header);
    (void)written_put(file, e->symbols, e->count * sizeof *e->symbols);
    (void)written_put(file, e->strings, e->used);
    put_names(e, file);
    (void)written_put(file, zeroes, sections - names - names_bytes);
    (void)written_put(file, section, sizeof section);
    put_code_sections(e, file, symbols);
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

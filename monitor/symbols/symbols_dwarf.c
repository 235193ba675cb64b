// Source lines of an ELF file from its DWARF sections, by libdw; libdwfl applies the relocations of a relocatable file.
// NOT IMPLEMENTED: debug information in files of its own (.gnu_debuglink, .gnu_debugaltlink): name the file that has
// it. Code at address 0 of a file that is not relocatable is what the linker has left out.
#include "monitor/files/files.h"
#include "monitor/symbols/symbols_elf.h"
#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>

static int no_debug_file(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base, const char *file_name,
                         const char *link, GElf_Word crc, char **found) {
    (void)module, (void)data, (void)name, (void)base, (void)file_name, (void)link, (void)crc, (void)found;
    return -1;
}

struct reading {
    struct source_lines *lines;
    const struct elf_layout *layout;
    uint32_t *number; // of the unit's files; SOURCE_NONE: not yet asked for
    size_t files;
    const char *folder;
};

static uint32_t number_of(struct reading *r, Dwarf_Line *line) {
    Dwarf_Files *files;
    size_t index;
    if (dwarf_line_file(line, &files, &index) != 0 || index >= r->files) return SOURCE_NONE;
    const char *path = dwarf_filesrc(files, index, NULL, NULL);
    if (r->number[index] == SOURCE_NONE && path) r->number[index] = source_lines_file(r->lines, path, r->folder);
    return r->number[index];
}

// From the file's addresses, or those of libdwfl's own layout, to memory. False: it is not there. `end`: the address
// is behind the last byte.
static bool to_memory(const struct elf_layout *layout, uint64_t *address, bool end) {
    bool found = !layout->count;
    uint64_t by = layout->slide;
    for (size_t i = 0; !found && i < layout->count; i++) {
        const struct elf_section *s = &layout->section[i];
        found = s->at && *address - end - s->apart < s->bytes;
        by = s->at - s->apart;
    }
    *address += by;
    return found;
}

static bool add_row(struct reading *r, Dwarf_Line *line) {
    Dwarf_Addr address;
    int number = 0;
    bool end = false, begins = false;
    if (dwarf_lineaddr(line, &address) != 0 || dwarf_lineno(line, &number) != 0) return true;
    if (dwarf_lineendsequence(line, &end) != 0 || dwarf_linebeginstatement(line, &begins) != 0) return true;
    if (!to_memory(r->layout, &address, end)) return true;
    uint32_t file = end || number <= 0 ? SOURCE_NONE : number_of(r, line);
    return source_lines_add(r->lines, address, file, number > 0 ? (unsigned)number : 0, begins);
}

static bool add_unit(struct reading *r, Dwarf_Die *unit) {
    Dwarf_Attribute attribute;
    Dwarf_Lines *lines;
    Dwarf_Files *files;
    size_t count;
    bool fine = true;
    r->folder = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
    if (dwarf_getsrclines(unit, &lines, &count) != 0 || dwarf_getsrcfiles(unit, &files, &r->files) != 0) return true;
    r->number = malloc((r->files + 1) * sizeof *r->number);
    if (!r->number) return false;
    memset(r->number, 0xff, (r->files + 1) * sizeof *r->number);
    for (size_t i = 0; fine && i < count; i++) fine = add_row(r, dwarf_onesrcline(lines, i));
    free(r->number);
    return fine;
}

static bool add_all(struct reading *r, Dwarf *dwarf) {
    Dwarf_CU *unit = NULL;
    Dwarf_Die die;
    uint8_t type;
    while (dwarf_get_units(dwarf, unit, &unit, NULL, &type, &die, NULL) == 0)
        if ((type == DW_UT_compile || type == DW_UT_skeleton) && !add_unit(r, &die)) return false;
    return true;
}

// The descriptor becomes libdwfl's.
static Dwfl_Module *report(Dwfl *dwfl, int fd) {
    int copy = files_again(fd);
    dwfl_report_begin(dwfl);
    Dwfl_Module *module = copy < 0 ? NULL : dwfl_report_offline(dwfl, "", "", copy);
    if (!module && copy >= 0) files_close(copy);
    dwfl_report_end(dwfl, NULL, NULL);
    return module;
}

// libdwfl has given the sections of a relocatable file addresses.
static void note_sections(Dwfl_Module *module, struct elf_layout *layout) {
    GElf_Addr bias;
    Elf *elf = dwfl_module_getelf(module, &bias);
    GElf_Shdr header;
    for (size_t i = 0; elf && i < layout->count; i++)
        if (gelf_getshdr(elf_getscn(elf, i), &header)) layout->section[i].apart = header.sh_addr;
}

struct source_lines *symbols_dwarf(int fd, struct elf_layout *layout) {
    static const Dwfl_Callbacks callbacks = {.find_debuginfo = no_debug_file,
                                             .section_address = dwfl_offline_section_address};
    struct reading r = {.lines = source_lines_new(), .layout = layout};
    Dwfl *dwfl = dwfl_begin(&callbacks);
    Dwfl_Module *module = dwfl && r.lines ? report(dwfl, fd) : NULL;
    Dwarf_Addr bias;
    Dwarf *dwarf = module ? dwfl_module_getdwarf(module, &bias) : NULL;
    if (dwarf) note_sections(module, layout);
    bool fine = dwarf && add_all(&r, dwarf);
    if (dwfl) dwfl_end(dwfl);
    if (fine && source_lines_count(r.lines)) {
        source_lines_done(r.lines);
        return r.lines;
    }
    source_lines_free(r.lines);
    return NULL;
}

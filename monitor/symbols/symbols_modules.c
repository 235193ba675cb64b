// Names of Linux's modules, from their own symbol tables in the guest's memory: those of vmlinux end where modules
// begin.
//
// `modules` heads the list of them, in which struct module lies from its first list_head on, with its name behind that.
// Where the rest of the struct is differs between versions and configurations, so that it is looked for: since
// Linux 4.5 it has a pointer to a struct mod_kallsyms { symbols, their number, strings, types }, and what is at its
// ends must be an ELF symbol table. Nothing read here is trusted: every count has a limit, and addresses are read as a
// debugger reads.
#include "monitor/symbols/symbols_file.h"
#include <ctype.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MODULES_MAX = 1024,
    STRUCT_BYTES = 4096,
    NAME_BYTES = 64,
    SYMBOLS_MAX = 1 << 20, // of all modules together
    SYMBOL_NAME_BYTES = 512,
    PROBED = 8 // symbols that must look like some
};

struct mod_kallsyms {
    uint64_t symbols, count, strings;
};

static bool is_kernel(uint64_t address) { return address >> 47 == 0x1ffff; }

static bool get64(const struct view *view, uint64_t address, uint64_t *value) {
    return is_kernel(address) && view_read(view, SPACE_LINEAR, address, value, 8) == 8;
}

// A name of printable letters. Its length; 0: none is there.
static size_t get_name(const struct view *view, uint64_t address, char *name, size_t size) {
    size_t got = is_kernel(address) ? view_read(view, SPACE_LINEAR, address, name, size) : 0;
    size_t length = strnlen(name, got);
    if (length == got) return 0;
    for (size_t i = 0; i < length; i++)
        if (!isgraph((unsigned char)name[i])) return 0;
    return length;
}

static bool get_symbol(const struct view *view, const struct mod_kallsyms *k, uint64_t index, Elf64_Sym *symbol) {
    return view_read(view, SPACE_LINEAR, k->symbols + index * sizeof *symbol, symbol, sizeof *symbol) == sizeof *symbol;
}

// --- finding the table of a module ---

// The first symbol of an ELF file is all zeros, and so is the first string empty.
static bool begins_as_a_table(const struct view *view, const struct mod_kallsyms *k) {
    static const Elf64_Sym null;
    Elf64_Sym symbol;
    char letter;
    if (!is_kernel(k->symbols) || !is_kernel(k->strings) || k->count < 2 || k->count > SYMBOLS_MAX) return false;
    if (!get_symbol(view, k, 0, &symbol) || memcmp(&symbol, &null, sizeof null) != 0) return false;
    return view_read(view, SPACE_LINEAR, k->strings, &letter, 1) == 1 && !letter;
}

static bool is_table(const struct view *view, const struct mod_kallsyms *k) {
    char name[SYMBOL_NAME_BYTES];
    Elf64_Sym symbol;
    if (!begins_as_a_table(view, k)) return false;
    for (uint64_t i = 1; i < k->count && i <= PROBED; i++) {
        if (!get_symbol(view, k, i, &symbol)) return false;
        if (symbol.st_name && !get_name(view, k->strings + symbol.st_name, name, sizeof name)) return false;
    }
    return true;
}

static bool table_at(const struct view *view, uint64_t address, struct mod_kallsyms *k) {
    if (address & 7 || !get64(view, address, &k->symbols) || !get64(view, address + 8, &k->count)) return false;
    k->count &= UINT32_MAX;
    return get64(view, address + 16, &k->strings) && is_table(view, k);
}

static bool find_table(const struct view *view, uint64_t module, struct mod_kallsyms *k) {
    uint64_t pointer;
    for (uint64_t at = NAME_BYTES; at < STRUCT_BYTES && get64(view, module + at, &pointer); at += 8)
        if (table_at(view, pointer, k)) return true;
    return false;
}

// --- taking it ---

// The image of a module, from its first symbol to its last: its code's ORC tables, among others, lie there.
struct image {
    uint64_t begin, end;
};

static void keep(struct symbol_table *table, const struct view *view, const struct image *image) {
    enum { MOST = 16 << 20, PAGE = 4096 };
    uint64_t at = image->begin & ~(uint64_t)(PAGE - 1), bytes = image->end - at + PAGE;
    uint8_t *memory = image->begin < image->end && bytes < MOST ? malloc(bytes) : NULL;
    while (memory && at <= image->end) {
        size_t got = view_read(view, SPACE_LINEAR, at, memory, (image->end - at) / PAGE * PAGE + PAGE);
        if (got) (void)symbols_keep(table, at, memory, got);
        at += got ? got : PAGE;
    }
    free(memory);
}

// False: no more can be taken. *missing counts symbols that cannot be read.
static bool add_all(struct symbol_table *table, const struct view *view, const struct mod_kallsyms *k, uint64_t *room,
                    uint64_t *missing) {
    struct image image = {UINT64_MAX, 0};
    char name[SYMBOL_NAME_BYTES];
    Elf64_Sym symbol;
    if (k->count > *room) return false;
    *room -= k->count;
    for (uint64_t i = 1; i < k->count; i++) {
        if (!get_symbol(view, k, i, &symbol)) {
            ++*missing;
            continue;
        }
        if (symbol.st_shndx == SHN_UNDEF || !is_kernel(symbol.st_value)) continue;
        size_t length = get_name(view, k->strings + symbol.st_name, name, sizeof name);
        if (length && !symbols_add(table, name, length, symbol.st_value, symbol.st_size)) return false;
        *missing += !length && symbol.st_name;
        if (symbol.st_value < image.begin) image.begin = symbol.st_value;
        if (symbol.st_value > image.end) image.end = symbol.st_value;
    }
    keep(table, view, &image);
    return true;
}

static void add_name(struct linux_modules *m, const char *name) {
    size_t used = strlen(m->names);
    snprintf(m->names + used, sizeof m->names - used, "%s%s", used ? ", " : "", name);
    m->read++;
}

// The list must lead back, and its members have names.
static void walk_list(struct symbol_table *table, const struct view *view, uint64_t head, struct linux_modules *m) {
    char name[NAME_BYTES];
    struct mod_kallsyms k;
    uint64_t at = head, before = head, back, room = SYMBOLS_MAX, missing = 0;
    for (unsigned i = 0; i < MODULES_MAX; i++, before = at) {
        if (!get64(view, at, &at) || at == head) break;
        if (!get64(view, at + 8, &back) || back != before || !get_name(view, at + 16, name, sizeof name)) break;
        m->listed++;
        if (!find_table(view, at, &k)) continue;
        if (!add_all(table, view, &k, &room, &missing)) break;
        add_name(m, name);
    }
    m->whole = at == head && m->read == m->listed && !missing;
}

// With page-table isolation user code has tables of its own, in the page behind those of the kernel.
static struct view kernel_view(const struct view *view, uint64_t address) {
    struct view kernel = *view;
    uint64_t value;
    if (!get64(view, address, &value)) kernel.cr3 &= ~0x1000ull;
    return kernel;
}

struct linux_modules symbols_from_modules(struct symbol_table *table, const struct view *view, uint64_t head) {
    struct view kernel = kernel_view(view, head);
    struct linux_modules modules = {0};
    walk_list(table, &kernel, head, &modules);
    return modules;
}

uint64_t symbols_modules_mark(const struct view *view, uint64_t head) {
    struct view kernel = kernel_view(view, head);
    uint64_t mark = 0;
    return get64(&kernel, head, &mark) ? mark : 0;
}

// Where symbols come from. Each fills a table; NULL, or what is wrong.
#ifndef MONITOR_SYMBOLS_FILE_H
#define MONITOR_SYMBOLS_FILE_H
#include "monitor/symbols/symbols.h"
#include "monitor/explain/view.h"

struct symbols_place {
    bool moved;
    uint64_t at;         // where the lowest address is loaded (ELF), or _text (System.map); while `moved`
    bool elf_only;       // no System.map
    uint64_t lines_most; // no source lines of a file that is larger; 0: of any
};
// An ELF file, or else a System.map.
const char *symbols_from_file(struct symbol_table *table, const char *path, const struct symbols_place *place);
// An ELF file that is in memory.
const char *symbols_from_bytes(struct symbol_table *table, const void *bytes, size_t count,
                               const struct symbols_place *place);
const char *symbols_from_map(struct symbol_table *table, const char *path, const struct symbols_place *place);
// What was found of a Linux kernel.
struct linux_found {
    uint64_t banner;  // address of the text that says which it is; 0: not found
    uint64_t base;    // where its image begins
    char version[48]; // "6.1.0-9-amd64"; empty: not known
    uint32_t symbols; // that were read,
    uint32_t unread;  // and that lie where nothing can be read yet
    uint64_t missing; // pages of the image that cannot be read
};
// Linux's own table, in the kernel that the level maps.
const char *symbols_from_kallsyms(struct symbol_table *table, const struct view *view, struct linux_found *found);
// Those of its modules, in a table of their own: `head` is the address of its symbol `modules`.
struct linux_modules {
    unsigned listed, read;
    bool whole;     // nothing was left out
    char names[64]; // of those that were read, as many as there is room for
};
struct linux_modules symbols_from_modules(struct symbol_table *table, const struct view *view, uint64_t head);
// What changes when a module comes or goes; 0: not known.
uint64_t symbols_modules_mark(const struct view *view, uint64_t head);

#endif

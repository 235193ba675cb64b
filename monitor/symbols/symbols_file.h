// Where symbols come from. Each fills a table; NULL, or what is wrong.
#ifndef MONITOR_SYMBOLS_FILE_H
#define MONITOR_SYMBOLS_FILE_H
#include "monitor/symbols/symbols.h"
#include "monitor/explain/view.h"

struct symbols_place {
    bool moved;
    uint64_t at; // where the lowest address is loaded (ELF), or _text (System.map); while `moved`
};
// An ELF file, or else a System.map.
const char *symbols_from_file(struct symbol_table *table, const char *path, const struct symbols_place *place);
const char *symbols_from_map(struct symbol_table *table, const char *path, const struct symbols_place *place);
// Linux's own table, found in the memory of the level's guest-physical address space.
const char *symbols_from_kallsyms(struct symbol_table *table, const struct view *view);
// Those of its modules, once its own are in the table. The number of modules.
unsigned symbols_from_modules(struct symbol_table *table, const struct view *view);

#endif

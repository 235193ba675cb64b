// Symbols: names for addresses, by level. Sorted tables, each from a file or from the guest's own memory.
#ifndef MONITOR_SYMBOLS_H
#define MONITOR_SYMBOLS_H
#include "monitor/commands/command.h"
#include "monitor/symbols/source_lines.h"
#include <stdint.h>

enum { SYMBOLS_ANY_LEVEL = -1 };

// The address of a symbol of the level looked at (or of any level, when that has none of the name).
bool symbols_value(struct monitor *monitor, const char *name, uint64_t *address);
// "name" or "name+0x10" for an address in a level; "" when there is none. Returns `text`.
const char *symbols_name(const struct monitor *monitor, int level, uint64_t address, char *text, size_t size);
// The size of what has a name at exactly this address; 0: not known.
uint64_t symbols_size(const struct monitor *monitor, int level, uint64_t address);
// The source line of an address in a level. False: not known.
bool symbols_line(const struct monitor *monitor, int level, uint64_t address, struct source_place *place);
// The first instruction of a line of the file of that name, of the level or of any. False after an error.
bool symbols_line_find(struct monitor *monitor, int level, const char *name, unsigned line, struct source_place *place);
// Names that begin so, one at a time: *at is 0 for the first, and moves on. NULL after the last.
const char *symbols_begin(const struct monitor *monitor, const char *begin, size_t *at);
// Calls for every symbol of the level, in the order of addresses; SYMBOLS_ANY_LEVEL: of all levels.
void symbols_each(const struct monitor *monitor, int level,
                  void (*one)(void *context, const char *name, uint64_t address, uint64_t bytes), void *context);
// Prints the tables there are.
void symbols_list(struct monitor *monitor);
void symbols_free(struct monitor *monitor);

// For what makes a table: begin, add, end. Names are copied.
struct symbol_table;
struct symbol_table *symbols_table_new(struct monitor *monitor, const char *name, int level);
bool symbols_add(struct symbol_table *table, const char *name, size_t length, uint64_t address, uint64_t bytes);
// The addresses of a name in a table that is being made: *at is 0 for the first, and moves on.
bool symbols_table_next(const struct symbol_table *table, const char *name, size_t *at, uint64_t *address);
void symbols_table_title(struct symbol_table *table, const char *title);        // as symbols_list has it
void symbols_add_lines(struct symbol_table *table, struct source_lines *lines); // becomes the table's
void symbols_table_done(struct symbol_table *table);
// Drops what the table is a newer version of: the level's whose title begins so.
void symbols_drop_older(struct monitor *monitor, const struct symbol_table *table, const char *title);
void symbols_table_drop(struct monitor *monitor, struct symbol_table *table);

#endif

// Symbols: names for addresses, by level. Sorted tables, each from a file or from the guest's own memory.
#ifndef MONITOR_SYMBOLS_H
#define MONITOR_SYMBOLS_H
#include "monitor/symbols/frames.h"
#include "monitor/symbols/source_lines.h"
#include "monitor/host/output.h"
#include <stdint.h>

enum { SYMBOLS_ANY_LEVEL = -1 };

// All tables. NULL stands for none in everything that only asks.
struct symbols;
void symbols_free(struct symbols *symbols);

// The address of a symbol of the level (or of any level, when that has none of the name).
bool symbols_value(const struct symbols *symbols, int level, const char *name, uint64_t *address);
// "name" or "name+0x10" for an address in a level; "" when there is none. Returns `text`.
const char *symbols_name(const struct symbols *symbols, int level, uint64_t address, char *text, size_t size);
// The same for an address that a call returns to: of the function that the call is in, where it is the last of it.
const char *symbols_name_behind(const struct symbols *symbols, int level, uint64_t address, char *text, size_t size);
// The size of what has a name at exactly this address; 0: not known.
uint64_t symbols_size(const struct symbols *symbols, int level, uint64_t address);
// The source line of an address in a level. False: not known.
bool symbols_line(const struct symbols *symbols, int level, uint64_t address, struct source_place *place);
// The first instruction of a line of the file of that name, of the level or of any. False, with one line in `error`,
// when there is none.
bool symbols_line_find(const struct symbols *symbols, int level, const char *name, unsigned line,
                       struct source_place *place, char *error, size_t error_size);
// From the registers of a function in a level to those of its caller, by what a file says of its frames.
enum frame_outcome symbols_frame(const struct symbols *symbols, int level, uint64_t address,
                                 struct frame_registers *registers, const struct frame_memory *memory);
// What was kept of the level's memory when its names were read. False: not all of it.
bool symbols_kept(const struct symbols *symbols, int level, uint64_t address, void *to, size_t bytes);
// Names that begin so, one at a time: *at is 0 for the first, and moves on. NULL after the last.
const char *symbols_begin(const struct symbols *symbols, const char *begin, size_t *at);
// Calls for every symbol of the level, in the order of addresses; SYMBOLS_ANY_LEVEL: of all levels.
void symbols_each(const struct symbols *symbols, int level,
                  void (*one)(void *context, const char *name, uint64_t address, uint64_t bytes), void *context);
bool symbols_any(const struct symbols *symbols);                         // whether there is a table
void symbols_list(const struct symbols *symbols, struct output *output); // prints the tables there are

// Writes those of a level (SYMBOLS_ANY_LEVEL: all) to an ELF file, for gdb. How many; 0, with one line in `error`, when
// that cannot be done. (symbols_export.c)
size_t symbols_export(const struct symbols *symbols, int level, const char *path, char *error, size_t error_size);

// For what makes a table: begin, add, end. Names are copied.
struct symbol_table;
// *symbols may be NULL. NULL: there are as many tables as can be had.
struct symbol_table *symbols_table_new(struct symbols **symbols, const char *name, int level);
bool symbols_add(struct symbol_table *table, const char *name, size_t length, uint64_t address, uint64_t bytes);
// The addresses of a name in a table that is being made: *at is 0 for the first, and moves on.
bool symbols_table_next(const struct symbol_table *table, const char *name, size_t *at, uint64_t *address);
// Memory of the level that goes with the names, as it is now: pages of a guest come and go. Copied.
bool symbols_keep(struct symbol_table *table, uint64_t address, const void *from, size_t bytes);
void symbols_table_title(struct symbol_table *table, const char *title);        // as symbols_list has it
void symbols_add_lines(struct symbol_table *table, struct source_lines *lines); // becomes the table's
void symbols_add_frames(struct symbol_table *table, struct frames *frames);     // the same; NULL: none
void symbols_table_done(struct symbol_table *table);
// Drops what the table is a newer version of: the level's whose title begins so.
void symbols_drop_older(struct symbols *symbols, const struct symbol_table *table, const char *title);
// The number of symbols of the table of the level whose title begins so; 0: there is none.
size_t symbols_table_size(const struct symbols *symbols, int level, const char *title);
// Those of the level whose titles begin so serve nobody while they are hidden: another guest runs there.
void symbols_hide(struct symbols *symbols, int level, const char *title, bool hidden);
// Drops tables of the level with just these symbols. Whether there was one by another title.
bool symbols_drop_same(struct symbols *symbols, const struct symbol_table *table);
void symbols_table_drop(struct symbols *symbols, struct symbol_table *table);

#endif

// Source lines of one symbol table: which line of which file the instruction at an address was compiled from.
#ifndef MONITOR_SOURCE_LINES_H
#define MONITOR_SOURCE_LINES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct source_lines;
struct source_place {
    const char *path, *shown; // the whole path; without the folder that the compiler was started in
    unsigned line;
    uint64_t address; // the first instruction of this line before the address asked for
};

enum { SOURCE_NONE = UINT32_MAX }; // no file: from here on nothing is known
struct source_lines *source_lines_new(void);
void source_lines_free(struct source_lines *lines);
// A file, copied; its number is for source_lines_add. SOURCE_NONE: not enough memory.
uint32_t source_lines_file(struct source_lines *lines, const char *path, const char *folder);
// The instruction at `address` begins this line. `stop`: a breakpoint may well be put there.
bool source_lines_add(struct source_lines *lines, uint64_t address, uint32_t file, unsigned line, bool stop);
void source_lines_done(struct source_lines *lines); // sorts

size_t source_lines_count(const struct source_lines *lines);
// False: nothing is known about the address.
bool source_lines_at(const struct source_lines *lines, uint64_t address, struct source_place *place);
// The first instruction of the line, or of the nearest one after it that has any; `name` is a path or the end of one.
// False: there is none. *known says whether there is such a file.
bool source_lines_find(const struct source_lines *lines, const char *name, unsigned line, struct source_place *place,
                       bool *known);

// A line of the file, with blanks for unprintable bytes; the file is looked for where the compiler had it, then below
// this directory. False when it cannot be read: errno says why, 0 that it has no such line.
bool source_text(const struct source_place *place, unsigned line, char *text, size_t size);

#endif

// An ELF file of symbols: where its parts are in memory.
#ifndef MONITOR_SYMBOLS_ELF_H
#define MONITOR_SYMBOLS_ELF_H
#include "monitor/symbols/source_lines.h"
#include <stddef.h>
#include <stdint.h>

struct elf_section {
    uint64_t at, bytes; // at 0: not in memory
    uint64_t apart;     // where libdwfl thinks it is
};
struct elf_layout {
    uint64_t slide;              // added to the file's addresses, in a file that has some;
    struct elf_section *section; // of a relocatable file
    size_t count;                // of sections; 0: not a relocatable file
};
// NULL: the file has none.
struct source_lines *symbols_dwarf(int fd, struct elf_layout *layout);

#endif

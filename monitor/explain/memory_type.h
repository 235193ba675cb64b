// Memory types: MTRRs, PAT, EPT, and what they make together. SDM Vol. 3A, 11.11, 11.12, 11.5.2; Vol. 3C, 28.3.7.
#ifndef MONITOR_MEMORY_TYPE_H
#define MONITOR_MEMORY_TYPE_H
#include "monitor/explain/walk.h"

enum memory_type { TYPE_UC = 0, TYPE_WC = 1, TYPE_WT = 4, TYPE_WP = 5, TYPE_WB = 6, TYPE_UC_MINUS = 7 };
const char *memory_type_name(unsigned type);
unsigned memory_type_mtrr(const struct cpu *cpu, uint64_t physical);
unsigned memory_type_pat(const struct cpu *cpu, uint64_t entry, bool large); // of an entry that maps a page
unsigned memory_type_combine(unsigned base, unsigned pat);

// What silicon would use for a translation, and from what.
struct memory_type_found {
    unsigned type, base, pat;
    bool by_ept;      // base is of the EPT entry; else of the MTRRs
    bool paged;       // pat is of an entry that maps the page
    bool ignores_pat; // bit 6 of the EPT entry
    bool disabled;    // CR0.CD
};
// `first`, `second`: the stages that mapped it, NULL where there is none.
struct memory_type_found memory_type_of(const struct view *view, const struct walk *first, const struct walk *second,
                                        uint64_t physical);

#endif

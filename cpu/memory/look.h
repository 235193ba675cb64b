// The walk of the paging structures as a question: what would come of it, and from which entries? Nothing is used,
// filled or set. By the rows that the processor walks by (entry.def, access_right.def). SDM Vol. 3A, 4.3 to 4.8.
#ifndef CPU_LOOK_H
#define CPU_LOOK_H
#include "cpu/memory/rights.h"

enum look_verdict {
    LOOK_MAPS,
    LOOK_NOT_PRESENT,
    LOOK_RESERVED,      // the last entry sets a reserved bit; in EPT: is misconfigured
    LOOK_FORBIDDEN,     // mapped, but the access is not permitted
    LOOK_NO_ENTRY,      // the next entry cannot be read: its table is not in memory, or the second stage is in the way
    LOOK_NO_UPDATE,     // nor its accessed or dirty flag set
    LOOK_NOT_CANONICAL, // no walk
    LOOK_TOO_WIDE,      // nor here: in EPT, an address of more bits than the walk translates
};

enum { LOOK_ENTRIES = 5 };
#define LOOK_REGISTER (~0ull) // where an entry lies that is in a register: a PDPTE of PAE paging

struct look_entry {
    uint8_t kind;   // enum entry_kind; in EPT: enum ept_kind
    uint8_t level;  // 5: PML5E, ... 1: PTE
    uint16_t index; // in its table
    uint64_t at;    // address of the entry, (guest-)physical
    uint64_t value;
    uint64_t bad; // reserved bits that are set; in EPT: bits that make it misconfigured
};

struct table_look {
    enum look_verdict verdict;
    uint64_t address;    // what is translated
    uint64_t result;     // the translation
    unsigned shift;      // of the page: 12, 21, 22, 30
    unsigned count;      // of entries read
    uint64_t next;       // address of the entry that could not be read or updated
    uint64_t rights;     // of all entries together: TLB_WRITE, TLB_USER, TLB_EXECUTE; in EPT: its bits 2:0 and 10
    uint64_t key;        // protection key at TLB_PKEY_SHIFT
    uint32_t error_code; // of the page fault, when there is an access
    struct look_entry entry[LOOK_ENTRIES];
};

struct look_roots {
    struct paging_rules rules;
    uint64_t cr3;
    uint64_t pdpte[4]; // PAE paging
};

// How entries are reached.
struct look_memory {
    void *context;
    bool (*read)(void *context, uint64_t at, unsigned bytes, uint64_t *entry); // false: it cannot be read
    bool (*update)(void *context, uint64_t at); // whether an accessed or dirty flag could be set; NULL: yes
};

// Walks `linear`: for an access, or for none in particular (NULL: rights are not judged, flags would not be set). True
// when the verdict is LOOK_MAPS.
bool look_linear(const struct look_roots *roots, const struct look_memory *memory, uint64_t linear,
                 const struct translation_access *access, struct table_look *look);

#endif

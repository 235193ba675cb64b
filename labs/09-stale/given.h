// Lab 9: what is given beside labs/lib.
#include "lab.h"
#define EPT_PAGE 0x40000000ull    // guest-physical: `old_page` by the EPT, then `new_page`
#define LINEAR_PAGE 0x60000000ull // linear: the same by page tables
extern const uint64_t old_page[], new_page[];
void guest_1(void), guest_2(void);
struct tables {
    uint64_t cr3, *entry; // the entry that maps LINEAR_PAGE
};
struct tables tables_new(const void *page);

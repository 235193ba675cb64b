// The bench with guest pages of 4 KBytes, for tests that tell cached mappings of single pages apart.
#ifndef TESTS_VMX_SMALL_PAGES_H
#define TESTS_VMX_SMALL_PAGES_H
#include "tests/vmx/bench.h"

#define EPT_RWX_WB (7 | 6 << 3)
enum { P = 1, W = 2, U = 4, G = 0x100 };
enum { AT_PT = 0x70000, OTHER_EPT = 0x74000, PAGES = 0x80000 }; // OTHER_EPT: four tables

// The first 2 MBytes of linear addresses in pages of 4 KBytes; from PAGES on every third page is global. RBX is PAGES.
struct bench *small_pages(const char *guest);
void small_pages_map(struct bench *b, uint64_t table, uint64_t bits); // 512 entries: what is at 0, page for page
uint64_t small_pages_other_eptp(struct bench *b);                     // another EPT hierarchy that maps the same
uint32_t small_pages_enter(struct bench *b); // from the start of the guest's code: VMLAUNCH, later VMRESUME

#endif

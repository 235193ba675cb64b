// Lab 9: the guests. The first reads the page at 40000000H twice, with a VMCALL in between, then the page at 60000000H.
// The second reads the page at 60000000H once: its page tables say something else about it.
#include "given.h"

const uint64_t old_page[PAGE / 8] __attribute__((aligned(PAGE))) = {1};
const uint64_t new_page[PAGE / 8] __attribute__((aligned(PAGE))) = {2};

#define READ(at) __asm__ volatile("vmcall" : : "a"(*(volatile uint64_t *)(at)) : "memory")

void guest_1(void) {
    READ(EPT_PAGE);
    READ(EPT_PAGE);
    READ(LINEAR_PAGE);
    READ(LINEAR_PAGE);
    READ(LINEAR_PAGE);
    __asm__ volatile("hlt");
}

void guest_2(void) {
    READ(LINEAR_PAGE);
    __asm__ volatile("hlt");
}

// Tables of 4 KBytes for the page at 60000000H, beside those of labs/lib: a CR3, and the entry that maps that page.
extern uint64_t page_map[];
struct tables tables_new(const void *page) {
    uint64_t *map = page_new(), *pointers = page_new(), *directory = page_new(), *table = page_new();
    memcpy(map, page_map, PAGE);
    memcpy(pointers, (void *)(page_map[0] & ~(PAGE - 1)), PAGE);
    memcpy(directory, (void *)(pointers[LINEAR_PAGE >> 30] & ~(PAGE - 1)), PAGE);
    map[0] = (uint64_t)pointers | 3;
    pointers[LINEAR_PAGE >> 30] = (uint64_t)directory | 3;
    directory[LINEAR_PAGE >> 21 & 511] = (uint64_t)table | 3;
    table[0] = (uint64_t)page | 3;
    return (struct tables){(uint64_t)map, table};
}

// Lab 13: two EPTs that are there already, and the guest that runs through both. EPT12 is what a hypervisor in a guest
// wrote for its own guest: its tables lie where that hypervisor thinks they do. EPT01 is ours, for the hypervisor in
// the guest.
#include "given.h"

uint64_t *ept01, ept12; // ept12: guest-physical, of the hypervisor in the guest
uint64_t reflected[8], reflections;
static uint8_t pages[5][PAGE] __attribute__((aligned(PAGE)));

// A page of the hypervisor in the guest: where it thinks that it lies; *at is where it does.
static uint64_t inner_page(uint64_t **at) {
    static uint64_t next = 0x10100000;
    *at = page_new();
    ept_map(ept01, next, (uint64_t)*at, EPT_ALL);
    next += PAGE;
    return next - PAGE;
}

static void inner_map(uint64_t address, uint64_t to, uint64_t rights) {
    static uint64_t *table1;
    static uint64_t *root, *pointers, *directory;
    if (!root) {
        ept12 = inner_page(&root);
        root[0] = inner_page(&pointers) | EPT_ALL;
        for (uint64_t i = 0; i < 8; i++) { // large pages of 2 MBytes for the image, its stacks and tables
            if (!i) pointers[0] = inner_page(&directory) | EPT_ALL;
            directory[i] = i << 21 | EPT_ALL | EPT_WRITE_BACK | BIT(7);
        }
        pointers[1] = inner_page(&directory) | EPT_ALL;
        directory[0] = inner_page(&table1) | EPT_ALL;
    }
    table1[address >> 12 & 511] = to | EPT_WRITE_BACK | rights;
}

void epts_begin(void) {
    ept01 = ept_identity();
    for (uint64_t i = 0; i < 4; i++) {
        *(uint64_t *)pages[i] = 0x100 + i;
        ept_map(ept01, 0x10000000 + i * PAGE, (uint64_t)pages[i], i == 2 ? BIT(0) : EPT_ALL);
    }
    inner_map(0x40000000, 0x10000000, EPT_ALL);
    inner_map(0x40001000, 0x10001000, BIT(0));
    inner_map(0x40002000, 0x10002000, EPT_ALL);
    inner_map(0x40004000, 0x10004000, EPT_ALL); // which EPT01 does not have
}

void reflect(uint64_t address) {
    if (reflections < 8) reflected[reflections++] = address;
    guest_skip();
}

uint64_t page_in(uint64_t address) {
    *(uint64_t *)pages[4] = 0x104;
    ept_map(ept01, address & ~(PAGE - 1), (uint64_t)pages[4], EPT_ALL);
    return (uint64_t)pages[4];
}

#define READ(at) __asm__ volatile("mov (%1), %%rax; vmcall" : : "a"(0ull), "b"(at) : "memory")
#define WRITE(at) __asm__ volatile("mov %%rcx, (%0)" : : "b"(at), "c"(7ull) : "memory")
void guest_code(void) {
    READ(0x40000000ull);
    WRITE(0x40001000ull); // read-only by EPT12
    WRITE(0x40002000ull); // read-only by EPT01
    READ(0x40003000ull);  // not in EPT12
    READ(0x40004000ull);  // not in EPT01
    __asm__ volatile("hlt");
}

// Lab 6, solved.
#include "given.h"

static struct guest guest;
static uint64_t *root; // the PML4 table of the EPT

// One page of 4 KBytes: the entries of four tables.
static void map(uint64_t guest_physical, uint64_t physical, uint64_t rights) {
    uint64_t *table = root;
    for (unsigned shift = 39; shift > 12; shift -= 9) {
        uint64_t *entry = &table[guest_physical >> shift & 511];
        if (!*entry) *entry = (uint64_t)page_new() | EPT_ALL;
        table = (uint64_t *)(*entry & ~(PAGE - 1));
    }
    table[guest_physical >> 12 & 511] = physical | EPT_WRITE_BACK | rights;
}

// Exercises 1 and 2.
static void make_ept(void) {
    enum { WRITE_BACK = 6, LENGTH_4 = 3 << 3 };
    root = page_new();
    vmwrite(PROC2_CONTROLS, vmread(PROC2_CONTROLS) | BIT(PROC2_ENABLE_EPT));
    vmwrite(EPT_POINTER, (uint64_t)root | WRITE_BACK | LENGTH_4);
    for (uint64_t at = 0; at < 16ull << 20; at += PAGE) map(at, at, EPT_ALL);
    map(SECRET, (uint64_t)secret, EPT_ALL);
    map(SHARED, (uint64_t)shared, BIT(0));
}

// Exercise 3: a page that was never there. Exercise 4: one that may only be read.
static void violation(uint64_t guest_physical, uint64_t qualification) {
    enum { READABLE = 1 << 3 };
    const uint64_t at = guest_physical & ~(PAGE - 1);
    void *page = page_new();
    if (qualification & READABLE) memcpy(page, shared, PAGE);
    map(at, (uint64_t)page, EPT_ALL);
}

void lab(void) {
    vmx_begin();
    guest_new(&guest, guest_code);
    shared[1] = 0x54a7ed;
    make_ept();
    while (!guest_enter(&guest)) {
        switch (vmread(EXIT_REASON)) {
        case EXIT_VMCALL: guest_skip(); break;
        case EXIT_EPT_VIOLATION: violation(vmread(GUEST_PHYSICAL_ADDRESS), vmread(EXIT_QUALIFICATION)); break;
        default: return;
        }
    }
}

// Lab 6: EPT. README.md has the exercises. Do not use ept_map() and the like of labs/lib: write them here.
#include "given.h"

static struct guest guest;
static uint64_t *root; // the PML4 table of the EPT

// One page of 4 KBytes: the entries of four tables.
static void map(uint64_t guest_physical, uint64_t physical, uint64_t rights) {
    (void)guest_physical, (void)physical, (void)rights;
}

// Exercises 1 and 2.
static void make_ept(void) {
    root = page_new();
    vmwrite(PROC2_CONTROLS, vmread(PROC2_CONTROLS) | BIT(PROC2_ENABLE_EPT));
    vmwrite(EPT_POINTER, root);
    for (uint64_t at = 0; at < 16ull << 20; at += PAGE) map(at, at, EPT_ALL);
    map(SECRET, (uint64_t)secret, EPT_ALL);
}

// Exercise 3: a page that was never there. Exercise 4: one that may only be read.
static void violation(uint64_t guest_physical, uint64_t qualification) { (void)guest_physical, (void)qualification; }

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

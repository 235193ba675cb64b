// Lab 13: nested EPT. README.md has the exercises.
#include "given.h"

static struct guest guest;
static uint64_t *ept02; // what the processor uses: EPT12, then EPT01

struct found {
    bool mapped;
    uint64_t to, rights;
};

// The last entry of EPT01 for an address of the hypervisor in the guest. Its tables are in our memory.
static struct found walk_01(uint64_t address) {
    uint64_t entry = (uint64_t)ept01 | EPT_ALL;
    for (unsigned shift = 39; shift >= 12; shift -= 9) {
        entry = ((uint64_t *)(entry & ~(PAGE - 1)))[address >> shift & 511];
        if (!(entry & EPT_ALL)) return (struct found){.mapped = false};
    }
    return (struct found){true, (entry & ~(PAGE - 1)) | (address & (PAGE - 1)), entry & EPT_ALL};
}

// Exercise 1: the same of EPT12. Where are its tables?
static struct found walk_12(uint64_t address) {
    (void)address;
    return (struct found){.mapped = false};
}

// An EPT violation of the guest's guest. Exercises 2 to 4: which rights; whose business is it?
static void violation(uint64_t address) {
    struct found inner = walk_12(address);
    if (!inner.mapped) return;
    struct found outer = walk_01(inner.to);
    ept_map(ept02, address & ~(PAGE - 1), outer.to & ~(PAGE - 1), EPT_ALL);
}

void lab(void) {
    vmx_begin();
    guest_new(&guest, guest_code);
    epts_begin();
    ept02 = ept_new();
    vmcs_ept(ept02);
    while (!guest_enter(&guest)) {
        switch (vmread(EXIT_REASON)) {
        case EXIT_VMCALL: guest_skip(); break;
        case EXIT_EPT_VIOLATION: violation(vmread(GUEST_PHYSICAL_ADDRESS)); break;
        default: return;
        }
    }
}

// Lab 13, solved.
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

// Exercise 1: the same of EPT12. Its tables are in the memory of the hypervisor in the guest: EPT01 says where that is.
static struct found walk_12(uint64_t address) {
    uint64_t entry = ept12 | EPT_ALL, rights = EPT_ALL;
    for (unsigned shift = 39; shift >= 12; shift -= 9) {
        const uint64_t *table = (uint64_t *)walk_01(entry & ~(PAGE - 1)).to;
        entry = table[address >> shift & 511];
        rights &= entry;
        if (!(entry & EPT_ALL)) return (struct found){.mapped = false};
        if (shift == 21 && entry & BIT(7)) { // a large page: bits 20:12 come from the address
            entry = (entry & ~(BIT(21) - 1)) | (address & (BIT(21) - 1));
            break;
        }
    }
    return (struct found){true, (entry & ~(PAGE - 1)) | (address & (PAGE - 1)), rights};
}

static uint64_t needed(uint64_t qualification) { return qualification & EPT_ALL; } // read, write, execute

// An EPT violation of the guest's guest. What both give together is what it gets.
static void violation(uint64_t address) {
    const uint64_t need = needed(vmread(EXIT_QUALIFICATION));
    struct found inner = walk_12(address);
    if (!inner.mapped || need & ~inner.rights) {
        reflect(address); // its hypervisor does not allow it
        return;
    }
    struct found outer = walk_01(inner.to);
    if (!outer.mapped) outer = (struct found){true, page_in(inner.to), EPT_ALL}; // its hypervisor knows nothing of this
    if (need & ~outer.rights) {
        say("read-only for us\n"); // as a page that is shared: lab 6 has what to do
        guest_skip();
    }
    ept_map(ept02, address & ~(PAGE - 1), outer.to & ~(PAGE - 1), inner.rights & outer.rights);
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

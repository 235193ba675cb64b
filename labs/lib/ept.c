// An EPT of four levels. SDM Vol. 3C, 24.6.11, 28.3.2.
#include "lab.h"

uint64_t *ept_new(void) { return page_new(); }

static uint64_t *table_at(uint64_t *entry) {
    if (!*entry) *entry = (uint64_t)page_new() | EPT_ALL;
    return (uint64_t *)(*entry & ~(PAGE - 1));
}

void ept_map(uint64_t *root, uint64_t guest_physical, uint64_t physical, uint64_t rights) {
    for (unsigned shift = 39; shift > 12; shift -= 9) root = table_at(&root[guest_physical >> shift & 511]);
    root[guest_physical >> 12 & 511] = physical | EPT_WRITE_BACK | rights;
}

uint64_t ept_pointer(const uint64_t *root) {
    enum { WRITE_BACK = 6, WALK_LENGTH_4 = 3 << 3 };
    return (uint64_t)root | WRITE_BACK | WALK_LENGTH_4;
}

uint64_t *ept_identity(void) {
    enum { BYTES = 16 << 20 };
    uint64_t *root = ept_new();
    for (uint64_t at = 0; at < BYTES; at += PAGE) ept_map(root, at, at, EPT_ALL);
    return root;
}

void vmcs_ept(const uint64_t *root) {
    vmwrite(PROC2_CONTROLS, vmread(PROC2_CONTROLS) | BIT(PROC2_ENABLE_EPT));
    vmwrite(EPT_POINTER, ept_pointer(root));
}

// The cache of guest-physical mappings, within the room. SDM Vol. 3C, 28.4.1.
#ifndef VMX_EPT_CACHE_H
#define VMX_EPT_CACHE_H
#include "vmx/ept/entry.h"

#define TAG_USED BIT(0)
#define EPT_LARGE BIT(11) // in the cache only: from a page of at least 2 MBytes

ALWAYS_INLINE struct ept_entry *cache_slot(struct vmx *vmx, uint64_t guest_physical) {
    return &vmx->ept[(guest_physical >> PAGE_SHIFT) % EPT_SETS];
}
ALWAYS_INLINE uint64_t cache_tag(uint64_t guest_physical) { return (guest_physical & EPT_ADDRESS) | TAG_USED; }

// The entry at `level` that references the table below it.
ALWAYS_INLINE struct ept_entry *structure_slot(struct vmx *vmx, uint64_t guest_physical, unsigned level) {
    return &(level == LEVEL_PD ? vmx->ept_pde
                               : vmx->ept_pdpte)[guest_physical >> level_shift(level) & (EPT_STRUCTURES - 1)];
}
ALWAYS_INLINE uint64_t structure_tag(uint64_t guest_physical, unsigned level) {
    return (guest_physical & BITS(51, 0)) >> level_shift(level) << level_shift(level) | TAG_USED;
}
// 28.4.3.1: everything that the translation of the address would use.
void cache_forget(struct vmx *vmx, uint64_t guest_physical);

#endif

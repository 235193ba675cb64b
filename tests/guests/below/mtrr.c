// What type of memory lies at a physical address: SDM Vol. 3A, 11.11. With EPT the processor does not look at the MTRRs
// for the guest's accesses, but at the type in the EPT entry (Vol. 3C, 28.3.7.2), so we look in its place.
#include "below.h"

enum mtrr_msr {
    MTRR_CAPABILITY = 0xfe,
    MTRR_BASE0 = 0x200, // and its mask at 201H, and so on
    MTRR_FIX64K = 0x250,
    MTRR_FIX16K = 0x258,
    MTRR_FIX4K = 0x268,
    MTRR_DEFAULT = 0x2ff,
};
#define MTRR_VALID BIT(11) // of a mask
#define DEFAULT_ENABLE BIT(11)
#define DEFAULT_FIXED_ENABLE BIT(10)
#define MTRR_ADDRESS 0x000ffffffffff000ull

// The eight bytes of each MSR are the types of eight pieces (Table 11-9).
static unsigned fixed_type(uint64_t physical) {
    unsigned msr, piece;
    if (physical < 0x80000) {
        msr = MTRR_FIX64K, piece = (unsigned)(physical >> 16);
    } else if (physical < 0xc0000) {
        piece = (unsigned)(physical - 0x80000) >> 14;
        msr = MTRR_FIX16K + piece / 8;
    } else {
        piece = (unsigned)(physical - 0xc0000) >> 12;
        msr = MTRR_FIX4K + piece / 8;
    }
    return rdmsr(msr) >> piece % 8 * 8 & 0xff;
}

// 11.11.4.1: where ranges overlap, uncacheable wins, and write-through over write-back.
static unsigned overlap(unsigned a, unsigned b) {
    if (a == b) return a;
    return a == UNCACHEABLE || b == UNCACHEABLE ? UNCACHEABLE : WRITE_THROUGH;
}

unsigned mtrr_type(uint64_t physical) {
    enum { NONE = 256 };
    uint64_t defaults = rdmsr(MTRR_DEFAULT);
    if (!(defaults & DEFAULT_ENABLE)) return UNCACHEABLE;
    if (physical < 0x100000 && defaults & DEFAULT_FIXED_ENABLE) return fixed_type(physical);
    unsigned type = NONE, variable = rdmsr(MTRR_CAPABILITY) & 0xff;
    for (unsigned i = 0; i < variable; i++) {
        uint64_t base = rdmsr(MTRR_BASE0 + 2 * i), mask = rdmsr(MTRR_BASE0 + 2 * i + 1);
        if (!(mask & MTRR_VALID) || (physical ^ base) & mask & MTRR_ADDRESS) continue;
        type = type == NONE ? base & 0xff : overlap(type, base & 0xff);
    }
    return type == NONE ? defaults & 0xff : type;
}

// Extended page tables, SDM Vol. 3C, 28.3: the guest's physical addresses are the machine's, but for what is hidden. A
// piece of 2 MBytes is entered when the guest touches it first: what lies there we need not know. In the first MByte
// types of memory change within a piece, and in our own memory nothing is as it seems, so there it is 4 KBytes.
//
// NOT IMPLEMENTED: keeping devices from our memory, which needs an IOMMU.
#include "below.h"

enum { EPT_ALL = 7, EPT_LARGE = 1 << 7, TYPE_SHIFT = 3, EPTP_WALK_4 = 3 << 3 };
#define EPT_ADDRESS 0x000ffffffffff000ull

static uint64_t *root;
static uint64_t nowhere; // a page: what the guest writes to hidden memory goes there, and matters to nobody

void ept_init(void) {
    root = page_new();
    nowhere = (uint64_t)page_new();
}

uint64_t ept_pointer(void) { return (uint64_t)root | WRITE_BACK | EPTP_WALK_4; }

static uint64_t *entry_at(uint64_t address, unsigned shift_of_page) {
    uint64_t *table = root;
    for (unsigned shift = 39; shift > shift_of_page; shift -= 9) {
        uint64_t *entry = &table[address >> shift & 511];
        if (!*entry) *entry = (uint64_t)page_new() | EPT_ALL;
        table = (uint64_t *)(*entry & EPT_ADDRESS);
    }
    return &table[address >> shift_of_page & 511];
}

static bool is_hidden(uint64_t address) { return (address >= HIDDEN_BASE && address < HIDDEN_END); }

void ept_violation(void) {
    enum { SHIFT_4K = 12, SHIFT_2M = 21 };
    uint64_t address = vmread(FIELD_GUEST_PHYSICAL_ADDRESS);
    uint64_t type = (uint64_t)mtrr_type(address) << TYPE_SHIFT;
    if (is_hidden(address))
        *entry_at(address, SHIFT_4K) = nowhere | WRITE_BACK << TYPE_SHIFT | EPT_ALL;
    else if (address < LARGE_PAGE)
        *entry_at(address, SHIFT_4K) = (address & ~(PAGE - 1)) | type | EPT_ALL;
    else
        *entry_at(address, SHIFT_2M) = (address & ~(LARGE_PAGE - 1)) | type | EPT_LARGE | EPT_ALL;
}

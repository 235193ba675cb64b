// Planted mistakes; see bug.h.
#include "bug.h"
#include "guest.h"

enum bug bug;

static const char *const names[BUGS] = {
#define BUG(name, id, text) name,
#include "bug.def"
#undef BUG
};

void bug_choose(const char *name) {
    for (unsigned i = 0; name && i < BUGS; i++) {
        unsigned n = 0;
        while (names[i][n] && names[i][n] == name[n]) n++;
        if (names[i][n] || (name[n] && name[n] != ' ')) continue;
        bug = (enum bug)i;
        print("planted mistake: %s\n", names[i]);
        return;
    }
    if (name) panic("bug=%s: there is no such mistake", name);
}

// A page is copied, the EPT entry changed, and the old place given back (and used again: filled). The guest may read
// the old place through what the processor remembers.
void bug_move_page(uint64_t guest_physical, uint64_t *entry) {
    const uint64_t address = 0x000ffffffffff000ull;
    static uint64_t first, *first_entry;
    enum { PAGES = 16 };
    static unsigned seen;
    if (!seen++) first = guest_physical, first_entry = entry;
    if (seen != PAGES) return;
    void *old = (void *)(*first_entry & address);
    *first_entry = (uint64_t)memcpy(page_new(), old, PAGE) | (*first_entry & ~address);
    memset(old, 0xcc, PAGE);
    print("the guest's page %lx has moved\n", (uint64_t)(first & ~(PAGE - 1)));
}

void bug_use_region(uint64_t vmcs) {
    volatile uint32_t *region = (volatile uint32_t *)vmcs;
    if (bug == BUG_REGION) region[1] = 0;
    if (bug == BUG_READ && region[1]) print("VMX abort %x\n", region[1]);
}

void bug_give_region(uint64_t *entry, uint64_t vmcs) {
    const uint64_t address = 0x000ffffffffff000ull;
    enum { PAGES = 16 };
    static unsigned seen;
    if (++seen != PAGES) return;
    *entry = vmcs | (*entry & ~address);
    print("the guest was given the page of a VMCS\n");
}

void bug_set_fields(void) {
    enum { NO_MEMORY = 0xfd000000 };
    if (bug == BUG_ADDRESS) vmwrite(FIELD_IO_BITMAP_B, NO_MEMORY);
}

void bug_give_table(uint64_t *entry) {
    const uint64_t address = 0x000ffffffffff000ull;
    enum { PAGES = 16 };
    static unsigned seen;
    if (++seen != PAGES) return;
    *entry = ((uint64_t)entry & address) | (*entry & ~address);
    print("the guest was given a table\n");
}

void bug_merge(uint64_t guest_physical, uint64_t *to) {
    enum { UPPER = 0xf00000, PAGES = 16 };
    static unsigned seen;
    if (guest_physical >= UPPER && ++seen == PAGES) *to = (uint64_t)memcpy(page_new(), (void *)*to, PAGE);
}

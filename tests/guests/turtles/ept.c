// Extended page tables. SDM Vol. 3C, 28.3; the Turtles paper, 3.3 "MMU: Multi-dimensional Paging".
//
// EPT01 leads from L1's physical memory to ours. It begins empty: each 4-KByte page is mapped when L1 touches it first.
// EPT12 is L1's, from L2's physical memory to L1's, and lies in L1's memory.
// EPT02 leads from L2's physical memory to ours: the two compressed into one. A page gets there when L2 touches it: we
// walk EPT12, then EPT01, and enter where that led, with the rights that both gave. What L1 takes out of EPT12 later it
// must announce by INVEPT, as on a processor, which may remember translations too: then EPT02 is emptied. There are
// several EPT02, as L1 may switch between guests: each is known by the EPTP of the EPT12 that it is made from. NOT
// IMPLEMENTED: accessed and dirty flags, which are not offered to L1 either.
#include "bug.h"
#include "guest.h"

enum rights { EPT_READ = 1, EPT_WRITE = 2, EPT_EXECUTE = 4, EPT_ALL = 7 };
enum { EPT_WRITE_BACK = 6 << 3, EPT_LARGE = 1 << 7, EPTP_WALK_4_WRITE_BACK = 6 | 3 << 3 };
#define EPT_ADDRESS 0x000ffffffffff000ull

static uint64_t *ept01;
static uint8_t *open_bus; // what is read where there is no memory

// --- tables of ours ---
static uint64_t *entry_at(uint64_t *table, uint64_t address, bool make) {
    for (unsigned shift = 39; shift > 12; shift -= 9) {
        uint64_t *entry = &table[address >> shift & 511];
        if (!*entry && !make) return NULL;
        if (!*entry) *entry = (uint64_t)page_new() | EPT_ALL;
        table = (uint64_t *)(*entry & EPT_ADDRESS);
    }
    return &table[address >> 12 & 511];
}

static void ept_map(uint64_t *root, uint64_t from, uint64_t to, unsigned rights) {
    *entry_at(root, from, true) = (to & EPT_ADDRESS) | EPT_WRITE_BACK | rights;
}

static void tables_free(uint64_t *table, unsigned level) {
    for (unsigned i = 0; level > 1 && i < 512; i++)
        if (table[i]) tables_free((uint64_t *)(table[i] & EPT_ADDRESS), level - 1);
    page_free(table);
}

// --- EPT01 ---
uint64_t ept_init(void) {
    ept01 = page_new();
    open_bus = memset(page_new(), 0xff, PAGE);
    return (uint64_t)ept01 | EPTP_WALK_4_WRITE_BACK;
}

// Where L1's page is, as EPT01 says; maps it if this is the first time. Returns the rights.
static unsigned ept01_walk(uint64_t address, uint64_t *to) {
    uint64_t *entry = entry_at(ept01, address, true);
    if (!*entry) {
        uint8_t *page = guest_pointer(address & ~(PAGE - 1));
        *entry = (uint64_t)(page ? page : open_bus) | EPT_WRITE_BACK | (page ? EPT_ALL : EPT_READ);
        if (bug == BUG_TYPE) *entry &= ~(uint64_t)EPT_WRITE_BACK;
        if (bug == BUG_LOOP && page) *entry &= ~(uint64_t)EPT_WRITE;
    }
    *to = *entry & EPT_ADDRESS;
    return bug == BUG_LOOP ? EPT_ALL : *entry & EPT_ALL;
}

void ept_violation(void) {
    uint64_t address = vmread(FIELD_GUEST_PHYSICAL_ADDRESS), to;
    unsigned wanted = vmread(FIELD_EXIT_QUALIFICATION) & EPT_ALL;
    if (wanted & ~ept01_walk(address, &to)) panic("the guest has no memory at %lx to write to", address);
    if (bug == BUG_TABLE && address >= guest.bytes / 2) bug_give_table(entry_at(ept01, address, false));
    if (bug == BUG_GIVEN && address >= guest.bytes / 2) bug_give_region(entry_at(ept01, address, false), guest.vmcs02);
    if (bug == BUG_MOVE && address >= guest.bytes / 2) {
        bug_move_page(address, entry_at(ept01, address, false));
        (void)invept(INVALIDATE_ALL, 0);
    }
    if (bug == BUG_PAGE) bug_one_page(entry_at(ept01, address, false));
    if (bug == BUG_INVEPT && address >= guest.bytes / 2) bug_move_page(address, entry_at(ept01, address, false));
}

// --- EPT12 ---
struct walk {
    uint64_t to;     // L1's physical address
    unsigned rights; // of all entries together
    bool present, misconfigured;
};

static struct walk ept12_walk(uint64_t address) {
    struct walk w = {.rights = EPT_ALL};
    uint64_t table = get12(EPT_POINTER) & EPT_ADDRESS;
    for (unsigned shift = 39;; shift -= 9) {
        const uint64_t *entry = guest_pointer(table + (address >> shift & 511) * 8);
        if (!entry || !(*entry & EPT_ALL)) {
            w.rights = 0;
            return w;
        }
        w.misconfigured = (*entry & (EPT_READ | EPT_WRITE)) == EPT_WRITE; // 28.3.3.1
        w.rights &= *entry & EPT_ALL;
        table = *entry & EPT_ADDRESS;
        if (w.misconfigured) return w;
        if (shift > 12 && (shift > 30 || !(*entry & EPT_LARGE))) continue;
        w.present = true;
        w.to = (table & ~(BIT(shift) - 1)) | (address & (BIT(shift) - 1));
        return w;
    }
}

void *l2_pointer(uint64_t guest_physical) {
    struct walk w = ept12_walk(guest_physical);
    return w.present ? guest_pointer(w.to) : NULL;
}

// --- EPT02 ---
static struct ept02 {
    uint64_t eptp12; // 0: free
    uint64_t *root;
} ept02s[4], *ept02;
static unsigned next_ept02;

static void drop(struct ept02 *e) {
    if (!e->eptp12) return;
    uint64_t old = (uint64_t)e->root | EPTP_WALK_4_WRITE_BACK;
    tables_free(e->root, 4);
    e->eptp12 = 0;
    if (!invept(INVALIDATE_SINGLE, old)) panic("INVEPT failed"); // the processor may still know the old one
}

uint64_t ept02_use(uint64_t eptp12) {
    enum { COUNT = sizeof ept02s / sizeof ept02s[0] };
    ept02 = NULL;
    for (unsigned i = 0; i < COUNT; i++)
        if (ept02s[i].eptp12 == eptp12) ept02 = &ept02s[i];
    if (!ept02) {
        ept02 = &ept02s[next_ept02++ % COUNT];
        drop(ept02);
        *ept02 = (struct ept02){eptp12, page_new()};
    }
    return (uint64_t)ept02->root | EPTP_WALK_4_WRITE_BACK;
}

void ept02_drop(uint64_t eptp12, bool all) {
    for (unsigned i = 0; i < sizeof ept02s / sizeof ept02s[0]; i++)
        if (all || (ept02s[i].eptp12 ^ eptp12) < PAGE) drop(&ept02s[i]);
}

// A violation that is L1's business must look as if the processor had walked EPT12: bits 5:3 of the qualification, the
// rights, are those found there. reflect() has copied what the walk of EPT02 said.
static void reflect_ept(const struct walk *w) {
    enum { RIGHTS_SHIFT = 3 };
    reflect(w->misconfigured ? REASON_EPT_MISCONFIGURATION : REASON_EPT_VIOLATION);
    uint64_t q = get12(EXIT_QUALIFICATION) & ~((uint64_t)EPT_ALL << RIGHTS_SHIFT);
    set12(EXIT_QUALIFICATION, w->misconfigured ? 0 : q | w->rights << RIGHTS_SHIFT);
    shadow_push();
}

bool ept02_violation(void) {
    uint64_t address = vmread(FIELD_GUEST_PHYSICAL_ADDRESS), to;
    unsigned wanted = vmread(FIELD_EXIT_QUALIFICATION) & EPT_ALL;
    struct walk w = ept12_walk(address);
    if (w.misconfigured || (wanted & ~w.rights)) {
        reflect_ept(&w);
        return false;
    }
    unsigned rights = w.rights & ept01_walk(w.to, &to);
    if (wanted & ~rights) panic("L2 was given memory at %lx that L1 does not have", address);
    if (bug == BUG_MERGE) bug_merge(address, &to);
    ept_map(ept02->root, address, to, rights);
    return true;
}

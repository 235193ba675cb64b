// The paging-structure entries bit by bit: which are reserved in each kind, which address they give, what each access
// needs and what the error code says. By SDM Vol. 3A, Tables 4-4 to 4-20, 4.6, 4.7.
#include "cpu/memory/entry.h"
#include "cpu/memory/rights.h"
#include "tests/tap.h"

// bits high:low, none when high is below low
static uint64_t range(unsigned high, unsigned low) {
    uint64_t bits = 0;
    for (unsigned i = low; i <= high; i++) bits |= 1ull << i;
    return bits;
}

// --- reserved bits ---
static uint64_t reserved(enum entry_kind kind, unsigned m, bool nxe, bool page_1g) {
    uint64_t high = range(51, m), xd = nxe ? 0 : 1ull << 63;
    switch (kind) {
    case ENTRY_PDE_4M: return range(21, (m < 40 ? m : 40) - 19);
    case ENTRY_PDE_32:
    case ENTRY_PTE_32: return 0;
    case ENTRY_PDPTE_PAE: return range(2, 1) | range(8, 5) | range(63, m);
    case ENTRY_PDE_2M_PAE: return range(62, m) | range(20, 13) | xd;
    case ENTRY_PDE_PAE:
    case ENTRY_PTE_PAE: return range(62, m) | xd;
    case ENTRY_PML5E:
    case ENTRY_PML4E: return high | 1ull << 7 | xd;
    case ENTRY_PDPTE_1G: return high | range(29, 13) | (page_1g ? 0 : 1ull << 7) | xd;
    case ENTRY_PDE_2M: return high | range(20, 13) | xd;
    case ENTRY_PDPTE:
    case ENTRY_PDE:
    case ENTRY_PTE: return high | xd;
    default: return ~0ull;
    }
}

static uint64_t of_rows(enum entry_kind kind, const struct paging_rules *rules) {
    uint64_t bits = 0;
    for (unsigned row = 0; row < entry_rule_count; row++) bits |= entry_reserved_row(row, kind, rules);
    return bits;
}

static void test_reserved(void) {
    static const unsigned widths[] = {36, 39, 40, 41, 46, 52};
    loop_begin("the reserved bits of each kind of entry");
    for (unsigned n = 0; n < 24; n++) {
        const struct paging_rules rules = {
            .physical_bits = widths[n / 4], .efer = n & 1 ? EFER_NXE : ~EFER_NXE, .page_1g = n & 2};
        for (enum entry_kind kind = 0; kind < ENTRY_KINDS; kind++) {
            uint64_t expected = reserved(kind, widths[n / 4], n & 1, n & 2);
            loop_check(entry_reserved(kind, &rules) == expected, "kind %u, MAXPHYADDR %u: %llx", kind, widths[n / 4],
                       (unsigned long long)entry_reserved(kind, &rules));
            loop_check(of_rows(kind, &rules) == expected, "kind %u, row by row", kind);
        }
    }
    loop_end();
    loop_begin("an entry is present by bit 0 alone");
    for (unsigned bit = 0; bit < 64; bit++) loop_check(entry_present(1ull << bit) == (bit == 0), "bit %u", bit);
    loop_end();
}

// --- kinds and addresses ---
static void test_kinds(void) {
    static const enum entry_kind tables[] = {ENTRY_KINDS, ENTRY_PTE, ENTRY_PDE, ENTRY_PDPTE, ENTRY_PML4E, ENTRY_PML5E};
    loop_begin("bit 7 of an entry of a directory: a page");
    for (unsigned level = 1; level <= 5; level++)
        for (unsigned bit = 0; bit < 64; bit++) {
            enum entry_kind kind = tables[level];
            if (bit == 7 && level == 2) kind = ENTRY_PDE_2M;
            if (bit == 7 && level == 3) kind = ENTRY_PDPTE_1G;
            loop_check(entry_kind_64(false, level, 1ull << bit) == kind, "level %u, bit %u", level, bit);
        }
    for (unsigned n = 0; n < 4; n++)
        loop_check(entry_kind_32(2, n & 1 ? 1 << 7 : ~(1 << 7) & 0xffffffff, n & 2 ? CR4_PSE : ~CR4_PSE) ==
                           (n == 3 ? ENTRY_PDE_4M : ENTRY_PDE_32) &&
                       entry_kind_32(1, 1 << 7, CR4_PSE) == ENTRY_PTE_32,
                   "4-MByte pages need CR4.PSE, %u", n);
    loop_end();
    loop_begin("the page that an entry maps");
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t entry = 1ull << bit, page_4m = 0;
        if (bit >= 22 && bit < 32) page_4m = entry;
        if (bit >= 13 && bit < 21) page_4m = 1ull << (bit + 19); // PSE-36: bits 20:13 are 39:32
        loop_check(entry_frame(ENTRY_PDE_4M, entry, 22) == page_4m, "4 MBytes, bit %u", bit);
        loop_check(entry_frame(ENTRY_PTE, entry, 12) == (bit >= 12 && bit < 52 ? entry : 0), "4 KBytes, bit %u", bit);
        loop_check(entry_frame(ENTRY_PDE_2M, entry, 21) == (bit >= 21 && bit < 52 ? entry : 0), "2 MBytes, bit %u",
                   bit);
        loop_check(entry_frame(ENTRY_PDPTE_1G, entry, 30) == (bit >= 30 && bit < 52 ? entry : 0), "1 GByte, bit %u",
                   bit);
    }
    loop_end();
}

// --- access rights, 4.6.1 and 4.6.2, and the error code, 4.7 ---
struct access {
    bool user, any; // a user-mode access; a supervisor-mode one for which SMAP does not count
    bool write, fetch;
    bool page_write, page_user, page_execute;
    bool wp, smep, smap, pke, access_disable, write_disable, four_levels;
};

static bool permitted(const struct access *a) {
    bool key = a->pke && a->four_levels && a->page_user;
    if (a->fetch) {
        if (a->user && !a->page_user) return false;
        if (!a->user && a->smep && a->page_user) return false;
        return a->page_execute;
    }
    if (a->user && !a->page_user) return false;
    if (!a->user && a->page_user && a->smap && !a->any) return false;
    if (key && a->access_disable) return false;
    if (!a->write) return true;
    if (key && a->write_disable && (a->user || a->wp)) return false;
    return a->page_write || (!a->user && !a->wp);
}

// The two bits of a key; those of all other keys are the opposite.
static uint64_t pkru_with(unsigned key, bool access_disable, bool write_disable) {
    uint64_t own = ((uint64_t)access_disable | (uint64_t)write_disable << 1) << 2 * key;
    uint64_t others = 0x55555555u * (3ull ^ ((uint64_t)access_disable | (uint64_t)write_disable << 1));
    return own | (others & ~(3ull << 2 * key));
}

static void one_access(unsigned n) {
    const struct access a = {n & 1,      n & 2,      n & 4,      (n & 12) == 8, n & 16,      n & 32,      n & 64,
                             n & 1 << 7, n & 1 << 8, n & 1 << 9, n & 1 << 10,   n & 1 << 11, n & 1 << 12, n & 1 << 13};
    enum { KEY = 5 };
    const struct paging_rules rules = {.mode = a.four_levels ? PAGING_4 : PAGING_PAE,
                                       .cr0 = a.wp ? CR0_WP : ~CR0_WP,
                                       .cr4 = (a.smep ? CR4_SMEP : 0) | (a.smap ? CR4_SMAP : 0) | (a.pke ? CR4_PKE : 0),
                                       .pkru = pkru_with(KEY, a.access_disable, a.write_disable)};
    const struct translation_access access = {.class = a.user  ? ACCESS_USER
                                                       : a.any ? ACCESS_SUPERVISOR_ANY
                                                               : ACCESS_SUPERVISOR,
                                              .write = a.write,
                                              .fetch = a.fetch};
    uint64_t rights = (a.page_write ? TLB_WRITE : 0) | (a.page_user ? TLB_USER : 0) |
                      (a.page_execute ? TLB_EXECUTE : 0) | (uint64_t)KEY << TLB_PKEY_SHIFT;
    loop_check(access_permitted(&rules, rights, &access) == permitted(&a), "%x", n);
    bool key = !a.fetch && a.pke && a.four_levels && a.page_user &&
               (a.access_disable || (a.write && a.write_disable && (a.user || a.wp)));
    if (!permitted(&a))
        loop_check(access_forbidden(&rules, rights, &access).protection_key == key, "%x: protection key", n);
}

static void test_rights(void) {
    loop_begin("each access under each setting");
    for (unsigned n = 0; n < 1 << 14; n++)
        if ((n & 12) != 12) one_access(n);
    loop_end();
    loop_begin("the error code");
    for (unsigned n = 0; n < 1 << 8; n++) {
        bool pae = n & 1, nxe = n & 2, smep = n & 4, fetch = n & 8, write = n & 16, user = n & 32, found = n & 64,
             key = n & 128;
        const struct paging_rules rules = {.cr4 = (pae ? CR4_PAE : 0) | (smep ? CR4_SMEP : 0),
                                           .efer = nxe ? EFER_NXE : 0};
        const struct translation_access access = {
            .class = user ? ACCESS_USER : ACCESS_SUPERVISOR, .write = write, .fetch = fetch};
        for (unsigned reserved_bit = 0; reserved_bit < 2; reserved_bit++) {
            const struct page_fault_cause cause = {.found = found, .reserved = reserved_bit, .protection_key = key};
            uint32_t expected = found | (uint32_t)write << 1 | (uint32_t)user << 2 | reserved_bit << 3 |
                                (uint32_t)(fetch && ((pae && nxe) || smep)) << 4 | (uint32_t)key << 5;
            loop_check(page_fault_code(&rules, &access, &cause) == expected, "%x", n);
        }
    }
    loop_end();
}

int main(void) {
    test_reserved();
    test_kinds();
    test_rights();
    return done_testing();
}

// EPT entries bit by bit: which settings are misconfigurations in each kind, what each access needs, what the exit
// qualification says. By SDM Vol. 3C, Tables 28-1 to 28-6, 27-7, 28.3.3.
#include "tests/tap.h"
#include "vmx/ept/entry.h"

static uint64_t range(unsigned high, unsigned low) {
    uint64_t bits = 0;
    for (unsigned i = low; i <= high; i++) bits |= 1ull << i;
    return bits;
}

// --- misconfigurations ---
enum { WIDTH = 46, MODE_BASED = 1, EXECUTE_ONLY_CAP = 2, GBYTE = 4, MBYTES = 8 };

static uint64_t must_be_0(enum ept_kind kind) {
    uint64_t high = range(51, WIDTH);
    switch (kind) {
    case EPT_KIND_PML4E: return high | range(7, 3);
    case EPT_KIND_PDPTE:
    case EPT_KIND_PDE: return high | range(6, 3);
    case EPT_KIND_PDPTE_1G: return high | range(29, 12);
    case EPT_KIND_PDE_2M: return high | range(20, 12);
    default: return high;
    }
}

static bool misconfigured(enum ept_kind kind, uint64_t entry, unsigned options) {
    bool page = kind == EPT_KIND_PDPTE_1G || kind == EPT_KIND_PDE_2M || kind == EPT_KIND_PTE;
    bool executable = entry & 4 || (options & MODE_BASED && entry & 1 << 10);
    unsigned type = entry >> 3 & 7;
    if (!(entry & 1) && entry & 2) return true;
    if (!(entry & 1) && !(options & EXECUTE_ONLY_CAP) && executable) return true;
    if (kind == EPT_KIND_PDPTE_1G && !(options & GBYTE)) return true;
    if (kind == EPT_KIND_PDE_2M && !(options & MBYTES)) return true;
    return entry & must_be_0(kind) || (page && (type == 2 || type == 3 || type == 7));
}

static struct ept_rules rules_of(unsigned options) {
    return (struct ept_rules){.capability = (options & EXECUTE_ONLY_CAP ? 1 : 0) | (options & GBYTE ? 1 << 17 : 0) |
                                            (options & MBYTES ? 1 << 16 : 0),
                              .physical_reserved = range(63, WIDTH),
                              .user_execute = options & MODE_BASED};
}

static bool by_rows(enum ept_kind kind, uint64_t entry, const struct ept_rules *rules) {
    struct ept_rule rule;
    bool broken = false;
    for (unsigned row = 0; ept_misconfigured_row(row, kind, entry, rules, &rule); row++) broken |= rule.broken;
    return broken;
}

static void one_entry(enum ept_kind kind, uint64_t entry, unsigned options) {
    const struct ept_rules rules = rules_of(options);
    bool page = kind == EPT_KIND_PDPTE_1G || kind == EPT_KIND_PDE_2M;
    if (page) entry |= 1 << 7; // which makes it this kind
    if ((kind == EPT_KIND_PDPTE || kind == EPT_KIND_PDE) && entry & 1 << 7) return;
    if (!(entry & 7) && !(options & MODE_BASED && entry & 1 << 10)) return; // not present
    bool expected = misconfigured(kind, entry, options);
    loop_check(ept_misconfigured(kind, entry, &rules) == expected, "kind %u, %llx, options %x", kind,
               (unsigned long long)entry, options);
    loop_check(by_rows(kind, entry, &rules) == expected, "kind %u, %llx, row by row", kind, (unsigned long long)entry);
}

static void test_misconfigured(void) {
    for (enum ept_kind kind = 0; kind < EPT_KINDS; kind++) {
        loop_begin("misconfigurations of kind %u", kind);
        for (unsigned options = 0; options < 16; options++) {
            for (unsigned bit = 0; bit < 64; bit++) one_entry(kind, 1 | 1ull << bit, options);
            for (uint64_t low = 0; low < 1 << 11; low++) one_entry(kind, low, options);
        }
        loop_end();
    }
    loop_begin("an entry is present by bits 2:0, with mode-based execute control by bit 10 too");
    for (unsigned bit = 0; bit < 64; bit++)
        for (unsigned n = 0; n < 2; n++) {
            const struct ept_rules rules = rules_of(n);
            loop_check(!!(1ull << bit & ept_present_bits(&rules)) == (bit < 3 || (n && bit == 10)), "bit %u", bit);
        }
    loop_end();
    loop_begin("the page that an entry maps");
    for (unsigned bit = 0; bit < 64; bit++)
        for (unsigned level = 1; level <= 3; level++)
            loop_check(ept_frame(level, 1ull << bit) == (bit >= 3 + 9 * level && bit < 52 ? 1ull << bit : 0),
                       "level %u, bit %u", level, bit);
    loop_end();
}

// --- what an access needs, 28.3.3.2, and Table 27-7 ---
struct asked {
    bool write, fetch, page_walk, linear_valid, user_page, mode_based, accessed_dirty;
};

static uint64_t needs(const struct asked *a) {
    uint64_t bits = 0;
    if (a->fetch)
        bits |= a->mode_based && a->user_page ? 1 << 10 : 4;
    else
        bits |= a->write ? 2 : 1;
    if (a->page_walk && a->linear_valid && a->accessed_dirty) bits |= 3;
    return bits;
}

// The manual leaves open what a read-modify-write of a guest's entry sets without these flags: both, as with them.
static uint64_t qualification(const struct asked *a, uint64_t together, uint64_t rights) {
    bool walk_write = a->page_walk && a->linear_valid && (a->accessed_dirty || (a->write && !a->fetch)),
         final = a->linear_valid && !a->page_walk;
    bool read = (!a->fetch && !a->write) || walk_write, write = (!a->fetch && a->write) || walk_write;
    return read | (uint64_t)write << 1 | (uint64_t)a->fetch << 2 | (together & 7) << 3 |
           (uint64_t)(a->mode_based && together & 1 << 10) << 6 | (uint64_t)a->linear_valid << 7 |
           (uint64_t) final << 8 | (uint64_t)(final && rights & TLB_USER) << 9 |
           (uint64_t)(final && rights & TLB_WRITE) << 10 | (uint64_t)(final && !(rights & TLB_EXECUTE)) << 11;
}

static void one_access(unsigned n) {
    const struct asked a = {n & 1, (n & 3) == 2, n & 4, n & 8, n & 16, n & 32, n & 64};
    const struct ept_rules rules = {.user_execute = a.mode_based, .accessed_dirty = a.accessed_dirty};
    for (unsigned r = 0; r < 4; r++) {
        uint64_t rights = (a.user_page ? TLB_USER : 0) | (r & 1 ? TLB_WRITE : 0) | (r & 2 ? TLB_EXECUTE : 0);
        const struct second_stage_access access = {.write = a.write,
                                                   .fetch = a.fetch,
                                                   .page_walk = a.page_walk,
                                                   .linear_valid = a.linear_valid,
                                                   .rights = rights};
        loop_check(ept_needs(&rules, &access) == needs(&a), "%x: needs %llx", n,
                   (unsigned long long)ept_needs(&rules, &access));
        for (uint64_t together = 0; together < 1 << 11; together = together == 7 ? 1 << 10 : together + 1) {
            uint64_t is = ept_qualification(&rules, &access, together);
            loop_check(is == qualification(&a, together, rights), "%x, %llx: %llx", n, (unsigned long long)together,
                       (unsigned long long)is);
            if (together >= (1 << 10 | 7)) break;
        }
    }
}

static void test_accesses(void) {
    loop_begin("what each access needs, and what the exit qualification says");
    for (unsigned n = 0; n < 1 << 7; n++)
        if ((n & 3) != 3) one_access(n);
    loop_end();
}

int main(void) {
    test_misconfigured();
    test_accesses();
    return done_testing();
}

// The TLB and the walk, written from SDM Vol. 3A, chapter 4: rights, error codes, accessed and dirty flags, staleness
// and every way to end it.
#include "tests/cpu/flat.h"
#include "tests/tap.h"
#include "cpu/memory/mode.h"
#include "cpu/memory/tlb.h"

enum { P = 1, W = 2, U = 4, A = 0x20, D = 0x40, G = 0x100 };
#define XD BIT(63)
#define TEST_PAGE 0x400000ull
#define OTHER 0x500000ull

static struct flat f;

static enum outcome touch(uint64_t linear, enum access_class class, bool write, bool fetch, uint64_t *physical) {
    struct translation_access access = {.class = class, .write = write, .fetch = fetch};
    uint64_t page = 0;
    enum outcome outcome = translate(f.cpu, linear, &access, &page);
    *physical = page & TLB_PAGE_MASK;
    return outcome;
}

static uint64_t *entry_of(uint64_t linear) {
    uint64_t table = f.cpu->control.cr3 & BITS(51, 12);
    for (unsigned level = 4; level > 1; level--)
        table = flat_peek(&f, table + 8 * (linear >> (12 + 9 * (level - 1)) & 511)) & BITS(51, 12);
    return (uint64_t *)(void *)(f.ram + table + 8 * (linear >> 12 & 511));
}

static void remap(uint64_t linear, uint64_t to, uint64_t flags) {
    flat_map(&f, linear, to, flags);
    tlb_flush_vpid(f.cpu, 0, true);
}

static bool faults(uint64_t flags, enum access_class class, bool write, bool fetch, uint32_t code) {
    uint64_t physical;
    remap(TEST_PAGE, OTHER, flags);
    if (touch(TEST_PAGE + 5, class, write, fetch, &physical) != OUT_FAULT) return false;
    return f.cpu->attempt.fault.vector == VECTOR_PF && f.cpu->attempt.fault.error_code == code &&
           f.cpu->attempt.fault.payload == TEST_PAGE + 5;
}

static bool passes(uint64_t flags, enum access_class class, bool write, bool fetch) {
    uint64_t physical;
    remap(TEST_PAGE, OTHER, flags);
    return touch(TEST_PAGE, class, write, fetch, &physical) == OUT_OK && physical == OTHER;
}

static void test_rights(void) {
    ok(faults(0, ACCESS_SUPERVISOR_ANY, false, false, 0), "read of a page that is not present: code 0");
    ok(faults(W, ACCESS_USER, true, false, 6), "user write, not present: W and U");
    ok(faults(P | W, ACCESS_USER, false, false, 5), "user read of a supervisor page: P and U");
    ok(faults(P | U, ACCESS_USER, true, false, 7), "user write of a read-only page: P, W and U");
    ok(faults(P, ACCESS_SUPERVISOR_ANY, true, false, 3), "supervisor write of a read-only page with CR0.WP");
    ok(faults(P | W | U | XD, ACCESS_USER, false, true, 21), "fetch from an XD page: P, U and I/D");
    ok(faults(P | W | U | BIT(45), ACCESS_SUPERVISOR_ANY, false, false, 9), "reserved address bit: RSVD");
    ok(passes(P | W | U, ACCESS_USER, true, false), "user write allowed");
    ok(passes(P | U, ACCESS_USER, false, true), "user fetch allowed");
    f.cpu->control.cr0 &= ~CR0_WP;
    cpu_update_mode(f.cpu);
    ok(passes(P, ACCESS_SUPERVISOR_ANY, true, false), "supervisor write of a read-only page without CR0.WP");
    f.cpu->control.cr0 |= CR0_WP;
    f.cpu->control.cr4 |= CR4_SMEP | CR4_SMAP;
    cpu_update_mode(f.cpu);
    ok(faults(P | W | U, ACCESS_SUPERVISOR, false, true, 17), "SMEP: supervisor fetch from a user page");
    ok(faults(P | W | U, ACCESS_SUPERVISOR, false, false, 1), "SMAP: supervisor read of a user page");
    ok(passes(P | W | U, ACCESS_SUPERVISOR_ANY, false, false), "SMAP with AC set");
    f.cpu->control.cr4 &= ~(CR4_SMEP | CR4_SMAP);
    f.cpu->control.efer &= ~EFER_NXE;
    cpu_update_mode(f.cpu);
    ok(faults(P | W | U | XD, ACCESS_SUPERVISOR_ANY, false, false, 9), "XD is reserved without EFER.NXE");
    f.cpu->control.efer |= EFER_NXE;
    cpu_update_mode(f.cpu);
}

static void test_flags(void) {
    uint64_t physical;
    remap(TEST_PAGE, OTHER, P | W | U);
    ok(touch(TEST_PAGE, ACCESS_USER, false, false, &physical) == OUT_OK && (*entry_of(TEST_PAGE) & (A | D)) == A,
       "a read sets the accessed flag alone");
    ok(touch(TEST_PAGE, ACCESS_USER, true, false, &physical) == OUT_OK && (*entry_of(TEST_PAGE) & (A | D)) == (A | D),
       "a write after it sets the dirty flag");
    *entry_of(TEST_PAGE) &= ~(uint64_t)(A | D);
    ok(touch(TEST_PAGE, ACCESS_USER, true, false, &physical) == OUT_OK && !(*entry_of(TEST_PAGE) & (A | D)),
       "a cached dirty translation sets no flag again");
    ok(passes(P | U, ACCESS_USER, false, false) && !(*entry_of(TEST_PAGE) & D), "no dirty flag without a write");
    remap(TEST_PAGE, OTHER, P | U);
    bool refused = touch(TEST_PAGE, ACCESS_USER, true, false, &physical) == OUT_FAULT;
    ok(refused && !(*entry_of(TEST_PAGE) & D), "a refused write sets no dirty flag");
}

static uint64_t where(uint64_t linear) {
    uint64_t physical = 0;
    return touch(linear, ACCESS_SUPERVISOR_ANY, false, false, &physical) == OUT_OK ? physical : ~0ull;
}

static void test_staleness(void) {
    remap(TEST_PAGE, OTHER, P | W);
    uint64_t first = where(TEST_PAGE);
    flat_map(&f, TEST_PAGE, OTHER + 4096, P | W);
    ok(first == OTHER && where(TEST_PAGE) == OTHER, "a changed entry is not seen before an invalidation");
    tlb_invalidate_page(f.cpu, TEST_PAGE + 77);
    ok(where(TEST_PAGE) == OTHER + 4096, "INVLPG ends it");
    flat_map(&f, TEST_PAGE, OTHER, P | W);
    tlb_invalidate_page(f.cpu, TEST_PAGE + 4096);
    ok(where(TEST_PAGE) == OTHER + 4096, "INVLPG of another page does not");
    tlb_flush_context(f.cpu, 0, 0);
    ok(where(TEST_PAGE) == OTHER, "a flush of the context does");
    uint64_t physical;
    remap(TEST_PAGE, OTHER, P);
    (void)where(TEST_PAGE);
    flat_map(&f, TEST_PAGE, OTHER, P | W);
    ok(touch(TEST_PAGE, ACCESS_SUPERVISOR_ANY, true, false, &physical) == OUT_OK,
       "a right that was added is seen at once");
    flat_map(&f, TEST_PAGE, OTHER, P);
    ok(touch(TEST_PAGE, ACCESS_SUPERVISOR_ANY, true, false, &physical) == OUT_OK, "a right that was taken away is not");
}

static void test_contexts(void) {
    f.cpu->control.cr4 |= CR4_PGE;
    remap(TEST_PAGE, OTHER, P | W | G);
    (void)where(TEST_PAGE);
    flat_map(&f, TEST_PAGE, OTHER + 4096, P | W | G);
    tlb_flush_context(f.cpu, 0, 0);
    ok(where(TEST_PAGE) == OTHER, "a global translation survives MOV CR3");
    f.cpu->control.cr4 |= CR4_PCIDE;
    f.cpu->control.cr3 |= 5;
    tlb_select(f.cpu);
    ok(where(TEST_PAGE) == OTHER, "and is shared by all PCIDs");
    tlb_flush_vpid(f.cpu, 0, true);
    ok(where(TEST_PAGE) == OTHER + 4096, "a flush with globals ends it");

    remap(TEST_PAGE, OTHER, P | W);
    (void)where(TEST_PAGE);
    f.cpu->control.cr3 = (f.cpu->control.cr3 & ~BITS(11, 0)) | 6;
    tlb_select(f.cpu);
    flat_map(&f, TEST_PAGE, OTHER + 4096, P | W);
    ok(where(TEST_PAGE) == OTHER + 4096, "another PCID has translations of its own");
    f.cpu->control.cr3 = (f.cpu->control.cr3 & ~BITS(11, 0)) | 5;
    tlb_select(f.cpu);
    flat_map(&f, TEST_PAGE + 4096, OTHER, P | W);
    tlb_flush_context(f.cpu, 0, 6);
    f.cpu->vpid = 9;
    tlb_select(f.cpu);
    ok(where(TEST_PAGE) == OTHER + 4096, "another VPID too");
    flat_map(&f, TEST_PAGE, OTHER, P | W);
    tlb_flush_vpid(f.cpu, 0, true);
    ok(where(TEST_PAGE) == OTHER + 4096, "a flush of VPID 0 leaves VPID 9 alone");
    tlb_flush_all_vpids(f.cpu);
    ok(where(TEST_PAGE) == OTHER, "INVVPID of all contexts does not");
    f.cpu->vpid = 0;
    f.cpu->control.cr3 &= ~BITS(11, 0);
    f.cpu->control.cr4 &= ~CR4_PCIDE;
    tlb_select(f.cpu);
}

static void test_large_pages(void) {
    uint64_t pde = 0x600000, at = flat_peek(&f, flat_peek(&f, FLAT_PML4) & BITS(51, 12)) & BITS(51, 12);
    uint64_t saved = flat_peek(&f, at + 8 * (pde >> 21));
    flat_poke(&f, at + 8 * (pde >> 21), 0x800000 | P | W | BIT(7));
    tlb_flush_vpid(f.cpu, 0, true);
    ok(where(pde + 0x3000) == 0x803000 && where(pde + 0x1ff000) == 0x9ff000, "2-MByte page");
    flat_poke(&f, at + 8 * (pde >> 21), 0xa00000 | P | W | BIT(7));
    ok(where(pde + 0x3000) == 0x803000, "its pieces are cached");
    tlb_invalidate_page(f.cpu, pde + 0x77000);
    ok(where(pde + 0x3000) == 0xa03000 && where(pde + 0x1ff000) == 0xbff000, "INVLPG anywhere in it drops every piece");
    flat_poke(&f, at + 8 * (pde >> 21), 0x800000 | P | W | BIT(7));
    tlb_invalidate_page(f.cpu, pde + 0x200000);
    ok(where(pde + 0x3000) == 0xa03000, "INVLPG in the next 2 MBytes drops none");
    flat_poke(&f, at + 8 * (pde >> 21), 0xa01000 | BIT(13) | P | W | BIT(7));
    tlb_flush_vpid(f.cpu, 0, true);
    uint64_t physical;
    ok(touch(pde, ACCESS_SUPERVISOR_ANY, false, false, &physical) == OUT_FAULT && f.cpu->attempt.fault.error_code == 9,
       "a reserved bit of a 2-MByte page");
    flat_poke(&f, at + 8 * (pde >> 21), saved);
    tlb_flush_vpid(f.cpu, 0, true);
}

static void test_huge_page(void) {
    uint64_t linear = 5 * BIT(30), at = (flat_peek(&f, FLAT_PML4) & BITS(51, 12)) + 8 * 5;
    flat_poke(&f, at, P | W | BIT(7));
    ok(where(linear + 0x3000) == 0x3000 && where(linear + 0x20005000) == 0x20005000, "1-GByte page");
    flat_poke(&f, at, BIT(30) | P | W | BIT(7));
    ok(where(linear + 0x3000) == 0x3000, "its pieces are cached");
    tlb_invalidate_page(f.cpu, linear + 0x3f000000);
    ok(where(linear + 0x3000) == BIT(30) + 0x3000 && where(linear + 0x20005000) == BIT(30) + 0x20005000,
       "INVLPG anywhere in it drops every piece");
    flat_poke(&f, at, 0);
    tlb_flush_vpid(f.cpu, 0, true);
}

// SDM Vol. 3A, 4.10.3: entries that reference other structures are cached until INVLPG of any page; 4.10.4.1: a page
// fault drops those that its address would use.
static void test_structures(void) {
    uint64_t top = flat_peek(&f, FLAT_PML4) & BITS(51, 12), pdpte = flat_peek(&f, top);
    uint64_t directory = pdpte & BITS(51, 12), copy = 0x700000;
    for (unsigned i = 0; i < 512; i++) flat_poke(&f, copy + 8 * i, flat_peek(&f, directory + 8 * i));
    flat_poke(&f, copy + 8 * (0x600000 >> 21), 0xa00000 | P | W | BIT(7));
    flat_poke(&f, directory + 8 * (0x600000 >> 21), 0x800000 | P | W | BIT(7));
    remap(TEST_PAGE, OTHER, P | W);
    (void)where(0x600000);
    flat_poke(&f, top, copy | P | W | U);
    ok(where(0x601000) == 0x801000, "a page directory is remembered");
    uint64_t physical = 0, number = TEST_PAGE >> 12 & 511;
    flat_poke(&f, (flat_peek(&f, directory + 8 * (TEST_PAGE >> 21)) & BITS(51, 12)) + 8 * (number + 1), 0);
    ok(touch(TEST_PAGE + 4096, ACCESS_SUPERVISOR_ANY, false, false, &physical) == OUT_FAULT &&
           where(0x602000) == 0xa02000,
       "a page fault ends that");
    ok(where(TEST_PAGE) == OTHER, "and keeps the translations of other pages");
    flat_poke(&f, top, pdpte);
    ok(where(0x603000) == 0xa03000, "the new one is remembered");
    tlb_invalidate_page(f.cpu, TEST_PAGE);
    ok(where(0x604000) == 0x804000, "until INVLPG");
    remap(TEST_PAGE, OTHER, P);
    (void)where(TEST_PAGE);
    flat_map(&f, TEST_PAGE, OTHER, 0);
    ok(touch(TEST_PAGE, ACCESS_SUPERVISOR_ANY, true, false, &physical) == OUT_FAULT &&
           touch(TEST_PAGE, ACCESS_SUPERVISOR_ANY, false, false, &physical) == OUT_FAULT,
       "a page fault ends the translation of its page");
}

int main(void) {
    flat_new(&f);
    test_rights();
    test_flags();
    test_staleness();
    test_contexts();
    test_large_pages();
    test_huge_page();
    test_structures();
    flat_free(&f);
    return done_testing();
}

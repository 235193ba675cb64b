// The walk of the EPT paging structures, entry by entry and bit by bit: what is reserved, ignored, present; how rights
// of several entries and events of both stages come together; which accesses are translated. SDM Vol. 3C, 28.3.1
// to 28.3.3, 28.4.1.
#include "tests/vmx/bench.h"

enum { R = 1, W = 2, X = 4, XU = 1 << 10, WB = 6 << 3, PAGE = 1 << 7, A = 1 << 8, D = 1 << 9 };
enum { GUEST_AD = 0x60, AT_2M = 0x800000, AT_1G = 0x40000000 };
#define LOAD "48 8b 03"  // mov rax, [rbx]
#define STORE "48 89 03" // mov [rbx], rax
#define HLT "f4"
#define PTE_OF(page) (AT_EPT_PT + 8 * ((page) >> 12))
#define DATA_PTE PTE_OF(AT_GUEST_DATA)

// All of the guest's accessed and dirty flags are set: its paging structures are not written to. Three pages to access:
// of 4 KBytes at AT_GUEST_DATA, of 2 MBytes at AT_2M, of 1 GByte at AT_1G.
static struct bench *ready(const char *guest, uint64_t data) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    bench_guest(b, guest);
    bench_store(b, AT_PDPT + 8, 8, AT_1G | 0x87 | GUEST_AD);
    bench_store(b, AT_EPT_PDPT + 8, 8, R | W | X | WB | PAGE);
    static const uint64_t tables[] = {AT_PML4, AT_PDPT, AT_PD};
    for (unsigned t = 0; t < 3; t++)
        for (unsigned i = 0; i < (t < 2 ? 1 : BENCH_RAM >> 21); i++)
            bench_store(b, tables[t] + 8 * i, 8, bench_load(b, tables[t] + 8 * i, 8) | GUEST_AD);
    gpr_put(b->cpu, RBX, data);
    return b;
}
static void change(struct bench *b, uint64_t at, uint64_t off, uint64_t on) {
    bench_store(b, at, 8, (bench_load(b, at, 8) & ~off) | on);
}

// --- single bits, Tables 28-1 to 28-6 ---

static const struct entry {
    const char *name;
    uint64_t at, data;
    uint64_t reserved, ignored; // of bits 11:3 and of an address; bits 63:52 are ignored in each
} kinds[] = {
    // clang-format off
    {"PML4E",                          AT_EPT_PML4,        AT_GUEST_DATA, BITS(7, 3),   BITS(11, 8)},
    {"PDPTE that references a table",  AT_EPT_PDPT,        AT_GUEST_DATA, BITS(6, 3),   BITS(11, 8)},
    {"PDPTE that maps 1 GByte",        AT_EPT_PDPT + 8,    AT_1G,         BITS(29, 12), BITS(11, 8) | BIT(6)},
    {"PDE that references a table",    AT_EPT_PD,          AT_GUEST_DATA, BITS(6, 3),   BITS(11, 8)},
    {"PDE that maps 2 MBytes",         AT_EPT_PD + 8 * 4,  AT_2M,         BITS(20, 12), BITS(11, 8) | BIT(6)},
    {"PTE",                            DATA_PTE,           AT_GUEST_DATA, 0,            BITS(11, 6)},
    // clang-format on
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static uint32_t with_entry(const struct entry *e, uint64_t off, uint64_t on) {
    struct bench *b = ready(LOAD HLT, e->data);
    change(b, e->at, off, on);
    uint32_t reason = bench_enter(b, 5);
    bench_free(b);
    return reason;
}

// Bit 48 of an address of 52: nothing is translated, whatever the low bits lead to.
static void test_width(void) {
    struct bench *b = ready(LOAD HLT, AT_2M);
    b->model.physical_bits = 52;
    change(b, AT_PD + 8 * (AT_2M >> 21), 0, BIT(47));
    ok(bench_enter(b, 5) == EXIT_EPT_VIOLATION && bench_field(b, GUEST_PHYSICAL_ADDRESS) == (AT_2M | BIT(47)),
       "guest-physical bit 47 selects an entry of the EPT PML4 table");
    bench_free(b);
    b = ready(LOAD HLT, AT_2M);
    b->model.physical_bits = 52;
    change(b, AT_PD + 8 * (AT_2M >> 21), 0, BIT(48));
    ok(bench_enter(b, 5) == EXIT_EPT_VIOLATION && bench_field(b, GUEST_PHYSICAL_ADDRESS) == (AT_2M | BIT(48)) &&
           !(bench_field(b, EXIT_QUALIFICATION) & BITS(6, 3)),
       "bit 48 is beyond the walk: an EPT violation that finds no rights");
    bench_free(b);
}

static void test_bits(void) {
    struct bench *b = bench_new("server");
    const uint64_t beyond = BITS(51, 0) & ~(BIT(b->cpu->wire.model->physical_bits) - 1);
    bench_free(b);
    for (const struct entry *e = kinds; e < kinds + KINDS; e++) {
        loop_begin("%s: reserved bits", e->name);
        for (unsigned n = 0; n < 64; n++)
            if ((e->reserved | beyond) >> n & 1)
                loop_check(with_entry(e, 0, BIT(n)) == EXIT_EPT_MISCONFIGURATION, "bit %u", n);
        loop_end();
        loop_begin("%s: ignored bits", e->name);
        for (unsigned n = 0; n < 64; n++)
            if ((e->ignored | BITS(63, 52)) >> n & 1) loop_check(with_entry(e, 0, BIT(n)) == EXIT_HLT, "bit %u", n);
        loop_end();
        loop_begin("%s: not present, whatever the other bits are", e->name);
        loop_check(with_entry(e, R | W | X, 0) == EXIT_EPT_VIOLATION, "0");
        loop_check(with_entry(e, R | W | X, BITS(62, 3)) == EXIT_EPT_VIOLATION, "all ones");
        loop_check(with_entry(e, R | W | X, XU) == EXIT_EPT_VIOLATION, "bit 10");
        loop_end();
        loop_begin("%s: writable and not readable", e->name);
        loop_check(with_entry(e, R, 0) == EXIT_EPT_MISCONFIGURATION, "W, X");
        loop_check(with_entry(e, R | X, 0) == EXIT_EPT_MISCONFIGURATION, "W");
        loop_end();
    }
    loop_begin("memory types of entries that map pages");
    for (const struct entry *e = kinds; e < kinds + KINDS; e++)
        for (unsigned type = 0; type < 8 && !(e->reserved & BIT(3)); type++) {
            bool valid = type != 2 && type != 3 && type != 7;
            loop_check(with_entry(e, WB, type << 3) == (valid ? EXIT_HLT : EXIT_EPT_MISCONFIGURATION), "%s, %u",
                       e->name, type);
        }
    loop_end();
}

// --- rights ---

static uint64_t violation(struct bench *b) {
    return bench_enter(b, 5) == EXIT_EPT_VIOLATION ? bench_field(b, EXIT_QUALIFICATION) & BITS(8, 0) : ~0ull;
}

static void test_rights(void) {
    loop_begin("an access must be allowed by every entry of the walk");
    for (const struct entry *e = kinds; e < kinds + KINDS; e++) {
        struct bench *b = ready(STORE HLT, e->data);
        change(b, e->at, W, 0);
        uint64_t q = violation(b);
        loop_check(q == (2 | (R | X) << 3 | BIT(7) | BIT(8)), "%s: a write, %llx", e->name, (unsigned long long)q);
        bench_free(b);
    }
    static const uint64_t of_code[] = {AT_EPT_PML4, AT_EPT_PDPT, AT_EPT_PD, PTE_OF(AT_GUEST_CODE)};
    for (unsigned i = 0; i < 4; i++) {
        struct bench *b = ready(HLT, 0);
        change(b, of_code[i], X, 0);
        uint64_t q = violation(b);
        loop_check(q == (4 | (R | W) << 3 | BIT(7) | BIT(8)), "level %u: a fetch, %llx", 4 - i, (unsigned long long)q);
        bench_free(b);
    }
    loop_end();
    struct bench *b = ready("90 90 f4", 0);
    change(b, PTE_OF(AT_GUEST_CODE), R | W, 0);
    ok(bench_enter(b, 5) == EXIT_HLT, "an execute-only page can be executed");
    bench_free(b);
}

// 28.3.3.3
static void test_priority(void) {
    struct bench *b = ready(STORE HLT, AT_GUEST_DATA);
    change(b, AT_EPT_PDPT, W, 0);
    change(b, DATA_PTE, 0, 7 << 3);
    ok(bench_enter(b, 5) == EXIT_EPT_MISCONFIGURATION, "rights are looked at after the last entry");
    bench_free(b);
    b = ready(STORE HLT, AT_GUEST_DATA);
    change(b, AT_EPT_PD, R | W | X, 0);
    change(b, DATA_PTE, 0, 7 << 3);
    ok(bench_enter(b, 5) == EXIT_EPT_VIOLATION, "an entry that is not present ends the walk");
    bench_free(b);
    b = ready(STORE HLT, AT_2M);
    change(b, AT_PD + 8 * 4, 2, 0);
    change(b, AT_EPT_PD + 8 * 4, R | W | X, 0);
    bench_set(b, EXCEPTION_BITMAP, BIT(VECTOR_PF));
    ok(bench_enter(b, 5) == EXIT_EXCEPTION_NMI && bench_field(b, EXIT_ERROR_CODE) == 3,
       "the guest's rights come before the EPT's for the page");
    bench_free(b);
    b = ready(STORE HLT, AT_2M);
    change(b, AT_PD + 8 * 4, 0, BIT(13));
    change(b, AT_EPT_PD + 8 * 4, R | W | X, 0);
    bench_set(b, EXCEPTION_BITMAP, BIT(VECTOR_PF));
    ok(bench_enter(b, 5) == EXIT_EXCEPTION_NMI && bench_field(b, EXIT_ERROR_CODE) == 11, "and so do reserved bits");
    bench_free(b);
}

// --- guest paging structures ---

// Without accessed and dirty flags for EPT only updates of the guest's flags are writes.
static void test_structures(void) {
    struct bench *b = ready(STORE HLT, AT_2M);
    for (uint64_t page = AT_PML4; page <= AT_PD; page += 4096) change(b, PTE_OF(page), W, 0);
    ok(bench_enter(b, 5) == EXIT_HLT, "paging structures on read-only pages, with all flags set");
    bench_free(b);
    b = ready(LOAD HLT, AT_2M);
    change(b, PTE_OF(AT_PD), W, 0);
    change(b, AT_PD + 8 * 4, 0x40, 0);
    ok(bench_enter(b, 5) == EXIT_HLT, "a read needs no dirty flag");
    bench_free(b);
    b = ready(STORE HLT, AT_2M);
    change(b, PTE_OF(AT_PD), W, 0);
    change(b, AT_PD + 8 * 4, 0x40, 0);
    uint64_t q = violation(b);
    ok((q & ~1ull) == (2 | (R | X) << 3 | BIT(7)) && bench_field(b, GUEST_PHYSICAL_ADDRESS) == AT_PD + 8 * 4 &&
           bench_field(b, GUEST_LINEAR_ADDRESS) == AT_2M && !(bench_load(b, AT_PD + 8 * 4, 8) & 0x40),
       "a dirty flag that cannot be set");
    bench_free(b);
}

// MOV to CR3 translates its operand only to load PDPTEs.
static void test_cr3(void) {
    struct bench *b = ready("0f 22 d8 90", 0); // mov cr3, rax; nop
    gpr_put(b->cpu, RAX, 0xc00000);
    change(b, AT_EPT_PD + 8 * 6, R | W | X, 0);
    ok(bench_enter(b, 5) == EXIT_EPT_VIOLATION && bench_field(b, GUEST_RIP) == AT_GUEST_CODE + 3 &&
           bench_field(b, GUEST_CR3) == 0xc00000 && bench_field(b, GUEST_PHYSICAL_ADDRESS) == 0xc00000 &&
           bench_field(b, GUEST_LINEAR_ADDRESS) == AT_GUEST_CODE + 3,
       "MOV to CR3 translates nothing; the next access does");
    bench_free(b);
}

static struct bench *pae(void) {
    struct bench *b = ready("0f 22 d8 f4", 0); // mov cr3, eax; hlt
    bench_off(b, ENTRY, IA32E_MODE_GUEST);
    bench_set(b, GUEST_EFER, 0);
    bench_set(b, GUEST_CS_RIGHTS, 0xc09b);
    bench_set(b, GUEST_PDPTE0, AT_PD | 1);
    bench_set(b, GUEST_CR3, AT_PDPT);
    bench_set(b, EPT_POINTER, bench_field(b, EPT_POINTER) | EPTP_ACCESSED_DIRTY);
    bench_store(b, AT_GUEST_DATA + 32, 8, AT_PD | 1);
    for (unsigned i = 1; i < 4; i++) bench_store(b, AT_GUEST_DATA + 32 + 8 * i, 8, 0);
    gpr_put(b->cpu, RAX, AT_GUEST_DATA + 32);
    return b;
}

static void test_pdptes(void) {
    struct bench *b = pae();
    change(b, DATA_PTE, W, 0);
    ok(bench_enter(b, 5) == EXIT_HLT && bench_field(b, GUEST_CR3) == AT_GUEST_DATA + 32 &&
           (bench_load(b, DATA_PTE, 8) & (A | D)) == A,
       "PDPTEs are read, not written to, also with accessed and dirty flags for EPT");
    bench_free(b);
    b = pae();
    change(b, DATA_PTE, R | W | X, 0);
    ok(violation(b) == 1 && bench_field(b, GUEST_PHYSICAL_ADDRESS) == AT_GUEST_DATA + 32 &&
           bench_field(b, GUEST_RIP) == AT_GUEST_CODE && bench_field(b, GUEST_CR3) == AT_PDPT,
       "an EPT violation of a load of PDPTEs has no linear address");
    bench_free(b);
    b = pae();
    change(b, DATA_PTE, 0, 7 << 3);
    ok(bench_enter(b, 5) == EXIT_EPT_MISCONFIGURATION && bench_field(b, GUEST_CR3) == AT_PDPT, "or a misconfiguration");
    bench_free(b);
    b = pae();
    bench_store(b, AT_GUEST_DATA + 40, 8, 0xc00000 | 1);
    change(b, AT_EPT_PD + 8 * 6, R | W | X, 0);
    ok(bench_enter(b, 5) == EXIT_HLT && bench_field(b, GUEST_PDPTE0 + 1) == (0xc00000 | 1),
       "what a PDPTE references is not translated");
    bench_free(b);
}

// --- accessed and dirty flags of pages of each size, 28.3.5 ---

static void test_flags(void) {
    static const uint64_t pages[] = {AT_GUEST_DATA, AT_2M, AT_1G};
    static const uint64_t last[] = {DATA_PTE, AT_EPT_PD + 8 * 4, AT_EPT_PDPT + 8};
    static const uint64_t above[] = {AT_EPT_PD, AT_EPT_PDPT, AT_EPT_PML4};
    for (unsigned i = 0; i < 6; i++) {
        unsigned size = i / 2, write = i % 2;
        struct bench *b = ready(write ? STORE HLT : LOAD HLT, pages[size]);
        bench_set(b, EPT_POINTER, bench_field(b, EPT_POINTER) | EPTP_ACCESSED_DIRTY);
        bool halted = bench_enter(b, 5) == EXIT_HLT;
        uint64_t flags = bench_load(b, last[size], 8) & (A | D), upper = 0;
        for (unsigned j = 0; j < 3; j++) upper |= bench_load(b, above[j], 8) & (A | D);
        ok(halted && flags == (write ? A | D : A), "a %s sets the flags of an entry that maps %s",
           write ? "write" : "read",
           size == 0   ? "4 KBytes"
           : size == 1 ? "2 MBytes"
                       : "1 GByte");
        ok(upper == A, "and the accessed flags above it");
        ok((bench_load(b, PTE_OF(AT_GUEST_CODE), 8) & (A | D)) == A, "a fetch the accessed flag");
        bench_free(b);
    }
    struct bench *b = ready(STORE HLT, AT_GUEST_DATA);
    bench_set(b, EPT_POINTER, bench_field(b, EPT_POINTER) | EPTP_ACCESSED_DIRTY);
    change(b, DATA_PTE, W, 0);
    ok(bench_enter(b, 5) == EXIT_EPT_VIOLATION && !(bench_load(b, DATA_PTE, 8) & D),
       "a write that is not allowed makes no page dirty");
    bench_free(b);
}

// --- accesses to two pages ---

static void test_two_pages(void) {
    enum { SECOND = AT_GUEST_DATA + 0x1000, CODE_END = AT_GUEST_CODE + 0xffe };
    struct bench *b = ready(STORE HLT, SECOND - 4);
    change(b, PTE_OF(SECOND), R | W | X, 0);
    gpr_put(b->cpu, RAX, ~0ull);
    ok(violation(b) == (2 | BIT(7) | BIT(8)) && bench_field(b, GUEST_PHYSICAL_ADDRESS) == SECOND &&
           bench_field(b, GUEST_LINEAR_ADDRESS) == SECOND && bench_load(b, SECOND - 4, 4) == 0,
       "a write to two pages writes to neither when the second is not there");
    bench_free(b);
    b = ready(STORE HLT, SECOND - 4);
    change(b, DATA_PTE, R | W | X, 0);
    ok(violation(b) == (2 | BIT(7) | BIT(8)) && bench_field(b, GUEST_PHYSICAL_ADDRESS) == SECOND - 4 &&
           bench_load(b, SECOND, 4) == 0,
       "or the first");
    bench_free(b);
    b = ready("", AT_GUEST_DATA);
    bench_set(b, GUEST_RIP, CODE_END);
    bench_guest(b, LOAD);
    change(b, PTE_OF(AT_GUEST_CODE + 0x1000), R | W | X, 0);
    ok(violation(b) == (4 | BIT(7) | BIT(8)) && bench_field(b, GUEST_RIP) == CODE_END &&
           bench_field(b, GUEST_PHYSICAL_ADDRESS) == AT_GUEST_CODE + 0x1000 &&
           bench_field(b, GUEST_LINEAR_ADDRESS) == AT_GUEST_CODE + 0x1000,
       "an instruction on two pages");
    bench_free(b);
}

// --- EP4TA: bits 51:12 of the EPTP ---

static uint64_t read_again(struct bench *b) {
    bench_set(b, GUEST_RIP, AT_GUEST_CODE);
    return bench_reenter(b, 5) == EXIT_HLT ? gpr(b->cpu, RAX) : ~0ull;
}

static void test_tags(void) {
    enum { OTHER_BITS = 6 | EPTP_ACCESSED_DIRTY };
    struct bench *b = ready(LOAD HLT, AT_GUEST_DATA);
    uint64_t eptp = bench_field(b, EPT_POINTER);
    bench_store(b, AT_GUEST_DATA, 8, 1);
    bench_store(b, AT_GUEST_DATA + 0x1000, 8, 2);
    ok(bench_enter(b, 5) == EXIT_HLT && gpr(b->cpu, RAX) == 1, "a page");
    change(b, DATA_PTE, EPTP_ROOT, AT_GUEST_DATA + 0x1000);
    bench_set(b, VPID, VPID_USED + 1);
    ok(read_again(b) == 1, "guest-physical mappings serve every VPID");
    bench_set(b, EPT_POINTER, eptp ^ OTHER_BITS);
    bench_set(b, VPID, VPID_USED + 2);
    ok(read_again(b) == 1, "and EPTPs that differ in bits 11:0");
    bench_store(b, AT_DATA, 8, eptp);
    bench_store(b, AT_DATA + 8, 8, 0);
    gpr_put(b->cpu, RAX, 1), gpr_put(b->cpu, RBX, AT_DATA);
    ok(bench_vmx_instruction(b, "66 0f 38 80 03") == SUCCEED, "INVEPT of one of them");
    gpr_put(b->cpu, RBX, AT_GUEST_DATA);
    ok(read_again(b) == 2, "ends that for all");
    bench_free(b);
}

// --- mode-based execute control ---

static void test_mode_based_execute(void) {
    static const uint64_t of_code[] = {AT_EPT_PML4, AT_EPT_PDPT, AT_EPT_PD, PTE_OF(AT_GUEST_CODE)};
    for (unsigned user = 0; user < 2; user++) {
        loop_begin("a %s page needs bit %u in every entry to be executed", user ? "user-mode" : "supervisor-mode",
                   user ? 10 : 2);
        for (unsigned i = 0; i <= 4; i++) {
            struct bench *b = ready("90 90 f4", 0);
            bench_on(b, PROC2, MODE_BASED_EXECUTE);
            if (!user) change(b, AT_PD, 4, 0);
            for (unsigned j = 0; j < 4; j++) change(b, of_code[j], X, XU | X);
            if (i < 4) change(b, of_code[i], user ? XU : X, 0);
            uint32_t reason = bench_enter(b, 5);
            uint64_t q = bench_field(b, EXIT_QUALIFICATION) & BITS(6, 0);
            loop_check(i == 4 ? reason == EXIT_HLT
                              : reason == EXIT_EPT_VIOLATION && q == (4 | (R | W) << 3 | (user ? X << 3 : BIT(6))),
                       "level %u: reason %u, qualification %llx", 4 - i, reason, (unsigned long long)q);
            bench_free(b);
        }
        loop_end();
    }
    const struct entry *pte = &kinds[5];
    struct bench *b = ready(LOAD HLT, pte->data);
    bench_on(b, PROC2, MODE_BASED_EXECUTE);
    for (unsigned j = 0; j < 4; j++) change(b, of_code[j], 0, XU);
    change(b, pte->at, R | W | X, XU);
    ok(violation(b) == (1 | BIT(6) | BIT(7) | BIT(8)), "bit 10 alone makes an entry present");
    change(b, pte->at, 0, 7 << 3);
    ok(bench_reenter(b, 5) == EXIT_EPT_MISCONFIGURATION, "so that it can be misconfigured");
    bench_free(b);
}

int main(void) {
    test_bits();
    test_width();
    test_rights();
    test_priority();
    test_structures();
    test_cr3();
    test_pdptes();
    test_flags();
    test_two_pages();
    test_tags();
    test_mode_based_execute();
    return done_testing();
}

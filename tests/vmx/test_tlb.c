// What the processor keeps of cached mappings and what it drops: over VM exits and VM entries, INVVPID and INVEPT. SDM
// Vol. 3C, 28.4. Where the manual says "may", vmx/ and cpu/ promise to keep: a fill of the TLB (tlb->filled) counts
// what had to be translated again.
#include "tests/field.h"
#include "tests/vmx/small_pages.h"
#include <string.h>

#define LOAD "48 8b 03" // mov rax, [rbx]
#define HLT "f4"

// --- VM exits and VM entries, 28.4.3.1 ---

static void test_round_trips(void) {
    enum { ROUNDS = 10, DATA = 3 };
    for (unsigned setting = 0; setting < 4; setting++) {
        bool ept = setting & 1, vpid = setting & 2;
        struct bench *b = small_pages("8b 03 8b 83 00 10 00 00 89 83 00 20 00 00 f4"); // three pages; hlt
        bench_control(b, GROUP_PROC2, PROC2_ENABLE_EPT, ept);
        bench_control(b, GROUP_PROC2, PROC2_ENABLE_VPID, vpid);
        const uint64_t *filled = bench_walks(b);
        bool exited = small_pages_enter(b) == EXIT_HLT;
        uint64_t data = 0, code = 0;
        for (unsigned i = 0; i < ROUNDS; i++) {
            bench_set(b, GUEST_RIP, AT_GUEST_CODE);
            uint64_t data_before = filled[0], code_before = filled[1];
            exited &= bench_reenter(b, 20) == EXIT_HLT;
            data += filled[0] - data_before;
            code += filled[1] - code_before;
        }
        ok(exited && data == (vpid ? 0 : ROUNDS * DATA) && code == (vpid ? 0 : ROUNDS),
           "EPT %u, VPID %u: %llu fills for data and %llu for code in %u VM entries", ept, vpid,
           (unsigned long long)data, (unsigned long long)code, ROUNDS);
        bench_free(b);
    }
}

static uint64_t host_fills(struct bench *b) {
    uint64_t before = bench_walks(b)[0];
    gpr_put(b->cpu, RBX, PAGES);
    if (bench_run(b, LOAD) != RAN_ON) bail("a load by the host");
    return bench_walks(b)[0] - before;
}

static void test_host(void) {
    for (unsigned vpid = 0; vpid < 2; vpid++) {
        struct bench *b = small_pages(HLT);
        bench_control(b, GROUP_PROC2, PROC2_ENABLE_VPID, vpid);
        (void)host_fills(b);
        ok(host_fills(b) == 0 && small_pages_enter(b) == EXIT_HLT && host_fills(b) == !vpid,
           "the host's own translations %s", vpid ? "stay with VPIDs" : "go without VPIDs");
        bench_free(b);
    }
}

static void second_vmcs(struct bench *b) {
    if (bench_vmclear(b, AT_VMCS2) != SUCCEED || bench_vmptrld(b, AT_VMCS2) != SUCCEED) bail("the second VMCS");
    bench_valid_vmcs(b);
}

static void test_shared_vpid(void) {
    struct bench *b = small_pages(LOAD HLT);
    bool exited = small_pages_enter(b) == EXIT_HLT;
    second_vmcs(b);
    uint64_t before = bench_walks(b)[0];
    ok(exited && small_pages_enter(b) == EXIT_HLT && bench_walks(b)[0] == before,
       "two VMCSs with one VPID and EPTP share their mappings");
    bench_set(b, VPID, VPID_USED + 1);
    ok(small_pages_enter(b) == EXIT_HLT && bench_walks(b)[0] == before + 1, "with another VPID they do not");
    bench_free(b);
}

static int invalidate(struct bench *b, const char *hex, uint64_t type, uint64_t low, uint64_t high) {
    bench_store(b, AT_DATA, 8, low);
    bench_store(b, AT_DATA + 8, 8, high);
    gpr_put(b->cpu, RAX, type);
    gpr_put(b->cpu, RBX, AT_DATA);
    int outcome = bench_vmx_instruction(b, hex);
    gpr_put(b->cpu, RBX, PAGES);
    return outcome;
}
#define INVEPT "66 0f 38 80 03"
#define INVVPID "66 0f 38 81 03"

// Other page tables, in which the first page is where the second one is otherwise. What is read there says which.
enum { OTHER_TABLES = OTHER_EPT };
static void other_tables(struct bench *b) {
    for (unsigned i = 0; i < 3; i++) {
        memcpy(b->ram + OTHER_TABLES + 0x1000 * i, b->ram + AT_PML4 + 0x1000 * i, 0x1000);
        bench_store(b, OTHER_TABLES + 0x1000 * i, 8, (OTHER_TABLES + 0x1000 * (i + 1)) | P | W | U);
    }
    small_pages_map(b, OTHER_TABLES + 0x3000, P | W | U);
    bench_store(b, OTHER_TABLES + 0x3000 + 8 * (PAGES >> 12), 8, (PAGES + 0x1000) | P | W | U);
    bench_store(b, PAGES, 8, 1);
    bench_store(b, PAGES + 0x1000, 8, 2);
}

// Without EPT and VPIDs the host and its guests have the same tags.
static void test_no_tags(void) {
    struct bench *b = small_pages(LOAD HLT);
    other_tables(b);
    bench_off(b, PROC2, ENABLE_EPT);
    bench_off(b, PROC2, ENABLE_VPID);
    bench_set(b, GUEST_CR3, OTHER_TABLES);
    (void)host_fills(b);
    ok(gpr(b->cpu, RAX) == 1 && small_pages_enter(b) == EXIT_HLT && gpr(b->cpu, RAX) == 2,
       "a guest without VPID uses no translation of its host");
    ok(host_fills(b) == 1 && gpr(b->cpu, RAX) == 1, "and the host none of the guest's");
    bench_free(b);
}

// 28.4.3.3: without EPT two guests with one VPID must have the same page tables.
static void test_shared_vpid_without_ept(void) {
    struct bench *b = small_pages(LOAD HLT);
    other_tables(b);
    bench_off(b, PROC2, ENABLE_EPT);
    bool first = small_pages_enter(b) == EXIT_HLT && gpr(b->cpu, RAX) == 1;
    second_vmcs(b);
    bench_off(b, PROC2, ENABLE_EPT);
    bench_set(b, GUEST_CR3, OTHER_TABLES);
    ok(first && small_pages_enter(b) == EXIT_HLT && gpr(b->cpu, RAX) == 1,
       "a guest uses a translation of another with its VPID");
    ok(invalidate(b, INVVPID, 1, VPID_USED, 0) == SUCCEED && small_pages_enter(b) == EXIT_HLT && gpr(b->cpu, RAX) == 2,
       "until INVVPID");
    bench_free(b);
}

// --- INVVPID and INVEPT: every type, with six kinds of mappings at once ---

struct context {
    const char *name;
    uint16_t vpid, pcid;
    uint8_t ept; // 0: not in use; 1, 2: which
};
static const struct context contexts[] = {
    {"VPID 7, first EPTP", 7, 0, 1}, {"VPID 8, first EPTP", 8, 0, 1}, {"VPID 7, other EPTP", 7, 0, 2},
    {"VPID 7 without EPT", 7, 0, 0}, {"VPID 7, PCID 5", 7, 5, 1},     {"the host", 0, 0, 0},
};
enum { FIRST, VPID_8, OTHER_EPTP, NO_EPT, PCID_5, HOST, CONTEXTS };
enum { CONTEXT_PAGES = 3 }; // of each context its own; the last one is global
static uint64_t page_of(unsigned context, unsigned page) {
    return PAGES + 0x1000ull * (context * CONTEXT_PAGES + page);
}

static void use(struct bench *b, const struct context *c, const uint64_t eptp[2]) {
    bench_set(b, VPID, c->vpid);
    bench_control(b, GROUP_PROC2, PROC2_ENABLE_EPT, c->ept);
    bench_set(b, EPT_POINTER, eptp[c->ept == 2]);
    bench_set(b, GUEST_CR4, bench_field(b, GUEST_CR4) | CR4_PCIDE | CR4_PGE);
    bench_set(b, GUEST_CR3, AT_PML4 | c->pcid);
}

// Bit n: the context's page n is not in the TLB, but then it is.
static unsigned missing(struct bench *b, unsigned context, const uint64_t eptp[2]) {
    unsigned mask = 0;
    if (context != HOST) use(b, &contexts[context], eptp);
    for (unsigned i = 0; i < CONTEXT_PAGES; i++) {
        uint64_t before = bench_walks(b)[0];
        gpr_put(b->cpu, RBX, page_of(context, i));
        bool done = context == HOST ? bench_run(b, LOAD) == RAN_ON : small_pages_enter(b) == EXIT_HLT;
        if (!done) bail("a load by %s", contexts[context].name);
        if (bench_walks(b)[0] != before) mask |= 1u << i;
    }
    return mask;
}

enum kind { BY_VPID, BY_EPTP, BY_OTHER_EPTP };
static const struct {
    const char *name;
    enum kind kind;
    uint16_t type, vpid;
    uint64_t linear;
    uint8_t dropped[CONTEXTS]; // bits of pages
} operations[] = {
    // clang-format off
    {"INVVPID of an address",                 BY_VPID, 0, 7, PAGES + 5,      {[FIRST] = 1}},
    {"INVVPID of an address of another EPTP", BY_VPID, 0, 7, PAGES + 0x6000, {[OTHER_EPTP] = 1}},
    {"INVVPID of an address of another PCID", BY_VPID, 0, 7, PAGES + 0xc000, {[PCID_5] = 1}},
    {"INVVPID of a global page's address",    BY_VPID, 0, 7, PAGES + 0x2000, {[FIRST] = 4}},
    {"INVVPID of a VPID",                     BY_VPID, 1, 7, 0, {[FIRST] = 7, [OTHER_EPTP] = 7, [NO_EPT] = 7, [PCID_5] = 7}},
    {"INVVPID of another VPID",               BY_VPID, 1, 8, 0, {[VPID_8] = 7}},
    {"INVVPID of all VPIDs",                  BY_VPID, 2, 0, 0, {7, 7, 7, 7, 7, [HOST] = 0}},
    {"INVVPID but for global translations",   BY_VPID, 3, 7, 0, {[FIRST] = 3, [OTHER_EPTP] = 3, [NO_EPT] = 3, [PCID_5] = 3}},
    {"INVEPT of an EPTP",                     BY_EPTP, 1, 0, 0, {[FIRST] = 7, [VPID_8] = 7, [PCID_5] = 7}},
    {"INVEPT of another EPTP",          BY_OTHER_EPTP, 1, 0, 0, {[OTHER_EPTP] = 7}},
    {"INVEPT of all EPTPs",                   BY_EPTP, 2, 0, 0, {[FIRST] = 7, [VPID_8] = 7, [OTHER_EPTP] = 7, [PCID_5] = 7}},
    // clang-format on
};
_Static_assert(OTHER_EPTP *CONTEXT_PAGES == 6 && PCID_5 * CONTEXT_PAGES == 12, "the addresses in the table");

static void test_invalidations(void) {
    struct bench *b = small_pages(LOAD HLT);
    const uint64_t eptp[2] = {bench_field(b, EPT_POINTER), small_pages_other_eptp(b)};
    for (unsigned i = 0; i < CONTEXTS; i++) (void)missing(b, i, eptp);
    loop_begin("six kinds of mappings stay side by side");
    for (unsigned i = 0; i < CONTEXTS; i++) loop_check(missing(b, i, eptp) == 0, "%s", contexts[i].name);
    loop_end();
    for (unsigned n = 0; n < sizeof operations / sizeof operations[0]; n++) {
        bool invept = operations[n].kind != BY_VPID;
        uint64_t low = invept ? eptp[operations[n].kind == BY_OTHER_EPTP] : operations[n].vpid;
        loop_begin("%s drops what it must and nothing more", operations[n].name);
        int outcome = invalidate(b, invept ? INVEPT : INVVPID, operations[n].type, low, operations[n].linear);
        loop_check(outcome == SUCCEED, "outcome %d", outcome);
        for (unsigned i = 0; i < CONTEXTS; i++) {
            unsigned dropped = missing(b, i, eptp);
            loop_check(dropped == operations[n].dropped[i], "%s: %x", contexts[i].name, dropped);
        }
        loop_end();
    }
    bench_free(b);
}

// 28.4.2: global translations serve every PCID, but no other VPID and no other EPTP.
static void test_globals(void) {
    static const bool filled[] = {
        [FIRST] = true, [PCID_5] = false, [VPID_8] = true, [OTHER_EPTP] = true, [NO_EPT] = true};
    static const unsigned order[] = {FIRST, PCID_5, VPID_8, OTHER_EPTP, NO_EPT};
    struct bench *b = small_pages(LOAD HLT);
    const uint64_t eptp[2] = {bench_field(b, EPT_POINTER), small_pages_other_eptp(b)};
    loop_begin("a global translation serves every PCID, of one VPID and EPTP");
    for (unsigned i = 0; i < sizeof order / sizeof order[0]; i++) {
        uint64_t before = bench_walks(b)[0];
        use(b, &contexts[order[i]], eptp);
        gpr_put(b->cpu, RBX, page_of(FIRST, CONTEXT_PAGES - 1));
        loop_check(small_pages_enter(b) == EXIT_HLT && bench_walks(b)[0] == before + filled[order[i]], "%s",
                   contexts[order[i]].name);
    }
    loop_end();
    bench_free(b);
}

// 28.4.3.1: an EPT violation drops what was cached for the address, of either kind; another page's mappings stay here.
static void test_violation(void) {
    struct bench *b = small_pages(LOAD "4c 8b 83 00 10 00 00 4c 89 03" HLT); // mov r8, [rbx + 1000h]; mov [rbx], r8
    const uint64_t pte = AT_EPT_PT + 8 * (PAGES >> 12);
    bench_store(b, PAGES, 8, 1);
    bench_store(b, PAGES + 0x1000, 8, 2);
    bench_store(b, PAGES + 0x2000, 8, 3);
    bench_store(b, pte, 8, PAGES | (EPT_RWX_WB & ~2));
    ok(small_pages_enter(b) == EXIT_EPT_VIOLATION && gpr(b->cpu, RAX) == 1 && gpr(b->cpu, 8) == 2,
       "a write to a read-only page");
    bench_store(b, pte, 8, (PAGES + 0x2000) | EPT_RWX_WB);
    bench_store(b, pte + 8, 8, 0);
    ok(small_pages_enter(b) == EXIT_HLT && gpr(b->cpu, RAX) == 3 && bench_load(b, PAGES + 0x2000, 8) == 2,
       "an EPT violation drops the mappings of its page");
    ok(gpr(b->cpu, 8) == 2, "and no others");
    bench_free(b);
}

// 28.4.3.2. The EPT takes the page away; as long as the guest-physical mapping is there the guest does not notice.
static void test_guest_physical(void) {
    struct bench *b =
        small_pages(LOAD "0f 01 3b 0f 20 d8 0f 22 d8" LOAD HLT); // invlpg [rbx]; mov rax, cr3; mov cr3, rax
    const uint64_t page = AT_EPT_PT + 8 * (PAGES >> 12), fills = bench_walks(b)[0];
    bool first = small_pages_enter(b) == EXIT_HLT;
    bench_store(b, page, 8, 0);
    ok(first && invalidate(b, INVVPID, 1, VPID_USED, 0) == SUCCEED && small_pages_enter(b) == EXIT_HLT,
       "INVVPID, INVLPG and MOV CR3 keep guest-physical mappings");
    ok(bench_walks(b)[0] == fills + 5, "and drop combined ones"); // and the host's of the INVVPID descriptor
    bench_off(b, PROC2, ENABLE_VPID);
    ok(small_pages_enter(b) == EXIT_EPT_VIOLATION, "a VM entry without VPIDs drops them here");
    bench_free(b);
}

int main(void) {
    test_round_trips();
    test_host();
    test_shared_vpid();
    test_no_tags();
    test_shared_vpid_without_ept();
    test_invalidations();
    test_globals();
    test_violation();
    test_guest_physical();
    return done_testing();
}

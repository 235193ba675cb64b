// What the processor keeps of cached mappings and what it drops: over VM exits and VM entries, INVVPID, INVEPT, the
// guest's own invalidations and EPTP switching. SDM Vol. 3C, 25.5.6.3, 28.4. Where the manual says "may", vmx/ and cpu/
// promise to keep: a fill of the TLB (tlb->filled) counts what had to be translated again.
#include "tests/vmx/bench.h"
#include <stdio.h>
#include <string.h>

#define LOAD "48 8b 03" // mov rax, [rbx]
#define HLT "f4"
#define EPT_RWX_WB (7 | 6 << 3)
enum { P = 1, W = 2, U = 4, G = 0x100 };
enum { AT_PT = 0x70000, OTHER_EPT = 0x74000, AT_LIST = 0x7a000, PAGES = 0x80000 }; // OTHER_EPT: five pages

static void store_entries(struct bench *b, uint64_t table, uint64_t bits) {
    for (uint64_t i = 0; i < 512; i++) bench_store(b, table + 8 * i, 8, i << 12 | bits);
}

// Another EPT hierarchy that maps the same.
static uint64_t other_eptp(struct bench *b) {
    for (unsigned i = 0; i < 4; i++) memcpy(b->ram + OTHER_EPT + 0x1000 * i, b->ram + AT_EPT_PML4 + 0x1000 * i, 0x1000);
    for (unsigned i = 0; i < 3; i++) bench_store(b, OTHER_EPT + 0x1000 * i, 8, (OTHER_EPT + 0x1000 * (i + 1)) | 7);
    return OTHER_EPT | (bench_field(b, EPT_POINTER) & 0xfff);
}

// The first 2 MBytes of linear addresses in pages of 4 KBytes; from PAGES on every third page is global.
static struct bench *ready(const char *guest) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    bench_guest(b, guest);
    store_entries(b, AT_PT, P | W | U);
    for (uint64_t i = PAGES >> 12; i < 512; i++)
        if ((i - (PAGES >> 12)) % 3 == 2) bench_store(b, AT_PT + 8 * i, 8, i << 12 | P | W | U | G);
    bench_store(b, AT_PD, 8, AT_PT | P | W | U);
    tlb_flush_vpid(b->cpu, 0, true);
    b->cpu->gpr[RBX] = PAGES;
    return b;
}

static uint32_t enter(struct bench *b) {
    bench_set(b, GUEST_RIP, AT_GUEST_CODE);
    return bench_vmx(b)->vmcs->launched ? bench_reenter(b, 20) : bench_enter(b, 20);
}

// --- VM exits and VM entries, 28.4.3.1 ---

static void test_round_trips(void) {
    enum { ROUNDS = 10, DATA = 3 };
    for (unsigned setting = 0; setting < 4; setting++) {
        bool ept = setting & 1, vpid = setting & 2;
        struct bench *b = ready("8b 03 8b 83 00 10 00 00 89 83 00 20 00 00 f4"); // three pages; hlt
        bench_control(b, GROUP_PROC2, PROC2_ENABLE_EPT, ept);
        bench_control(b, GROUP_PROC2, PROC2_ENABLE_VPID, vpid);
        const uint64_t *filled = b->cpu->tlb->filled;
        bool exited = enter(b) == EXIT_HLT;
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
    uint64_t before = b->cpu->tlb->filled[0];
    b->cpu->gpr[RBX] = PAGES;
    if (bench_run(b, LOAD) != RAN_ON) bail("a load by the host");
    return b->cpu->tlb->filled[0] - before;
}

static void test_host(void) {
    for (unsigned vpid = 0; vpid < 2; vpid++) {
        struct bench *b = ready(HLT);
        bench_control(b, GROUP_PROC2, PROC2_ENABLE_VPID, vpid);
        (void)host_fills(b);
        ok(host_fills(b) == 0 && enter(b) == EXIT_HLT && host_fills(b) == !vpid, "the host's own translations %s",
           vpid ? "stay with VPIDs" : "go without VPIDs");
        bench_free(b);
    }
}

static void second_vmcs(struct bench *b) {
    if (bench_vmclear(b, AT_VMCS2) != SUCCEED || bench_vmptrld(b, AT_VMCS2) != SUCCEED) bail("the second VMCS");
    bench_valid_vmcs(b);
}

static void test_shared_vpid(void) {
    struct bench *b = ready(LOAD HLT);
    bool exited = enter(b) == EXIT_HLT;
    second_vmcs(b);
    uint64_t before = b->cpu->tlb->filled[0];
    ok(exited && enter(b) == EXIT_HLT && b->cpu->tlb->filled[0] == before,
       "two VMCSs with one VPID and EPTP share their mappings");
    bench_set(b, VPID, VPID_USED + 1);
    ok(enter(b) == EXIT_HLT && b->cpu->tlb->filled[0] == before + 1, "with another VPID they do not");
    bench_free(b);
}

static int invalidate(struct bench *b, const char *hex, uint64_t type, uint64_t low, uint64_t high) {
    bench_store(b, AT_DATA, 8, low);
    bench_store(b, AT_DATA + 8, 8, high);
    b->cpu->gpr[RAX] = type;
    b->cpu->gpr[RBX] = AT_DATA;
    int outcome = bench_vmx_instruction(b, hex);
    b->cpu->gpr[RBX] = PAGES;
    return outcome;
}
#define INVEPT "66 0f 38 80 03"
#define INVVPID "66 0f 38 81 03"

// Other page tables, in which the first page is where the second one is otherwise. What is read there says which.
enum { OTHER_TABLES = 0x74000 };
static void other_tables(struct bench *b) {
    for (unsigned i = 0; i < 3; i++) {
        memcpy(b->ram + OTHER_TABLES + 0x1000 * i, b->ram + AT_PML4 + 0x1000 * i, 0x1000);
        bench_store(b, OTHER_TABLES + 0x1000 * i, 8, (OTHER_TABLES + 0x1000 * (i + 1)) | P | W | U);
    }
    store_entries(b, OTHER_TABLES + 0x3000, P | W | U);
    bench_store(b, OTHER_TABLES + 0x3000 + 8 * (PAGES >> 12), 8, (PAGES + 0x1000) | P | W | U);
    bench_store(b, PAGES, 8, 1);
    bench_store(b, PAGES + 0x1000, 8, 2);
}

// Without EPT and VPIDs the host and its guests have the same tags.
static void test_no_tags(void) {
    struct bench *b = ready(LOAD HLT);
    other_tables(b);
    bench_off(b, PROC2, ENABLE_EPT);
    bench_off(b, PROC2, ENABLE_VPID);
    bench_set(b, GUEST_CR3, OTHER_TABLES);
    (void)host_fills(b);
    ok(b->cpu->gpr[RAX] == 1 && enter(b) == EXIT_HLT && b->cpu->gpr[RAX] == 2,
       "a guest without VPID uses no translation of its host");
    ok(host_fills(b) == 1 && b->cpu->gpr[RAX] == 1, "and the host none of the guest's");
    bench_free(b);
}

// 28.4.3.3: without EPT two guests with one VPID must have the same page tables.
static void test_shared_vpid_without_ept(void) {
    struct bench *b = ready(LOAD HLT);
    other_tables(b);
    bench_off(b, PROC2, ENABLE_EPT);
    bool first = enter(b) == EXIT_HLT && b->cpu->gpr[RAX] == 1;
    second_vmcs(b);
    bench_off(b, PROC2, ENABLE_EPT);
    bench_set(b, GUEST_CR3, OTHER_TABLES);
    ok(first && enter(b) == EXIT_HLT && b->cpu->gpr[RAX] == 1, "a guest uses a translation of another with its VPID");
    ok(invalidate(b, INVVPID, 1, VPID_USED, 0) == SUCCEED && enter(b) == EXIT_HLT && b->cpu->gpr[RAX] == 2,
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
        uint64_t before = b->cpu->tlb->filled[0];
        b->cpu->gpr[RBX] = page_of(context, i);
        bool done = context == HOST ? bench_run(b, LOAD) == RAN_ON : enter(b) == EXIT_HLT;
        if (!done) bail("a load by %s", contexts[context].name);
        if (b->cpu->tlb->filled[0] != before) mask |= 1u << i;
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
    struct bench *b = ready(LOAD HLT);
    const uint64_t eptp[2] = {bench_field(b, EPT_POINTER), other_eptp(b)};
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

// 28.4.3.2. The EPT takes the page away; as long as the guest-physical mapping is there the guest does not notice.
static void test_guest_physical(void) {
    struct bench *b = ready(LOAD "0f 01 3b 0f 20 d8 0f 22 d8" LOAD HLT); // invlpg [rbx]; mov rax, cr3; mov cr3, rax
    const uint64_t page = AT_EPT_PT + 8 * (PAGES >> 12), fills = b->cpu->tlb->filled[0];
    bool first = enter(b) == EXIT_HLT;
    bench_store(b, page, 8, 0);
    ok(first && invalidate(b, INVVPID, 1, VPID_USED, 0) == SUCCEED && enter(b) == EXIT_HLT,
       "INVVPID, INVLPG and MOV CR3 keep guest-physical mappings");
    ok(b->cpu->tlb->filled[0] == fills + 5, "and drop combined ones"); // and the host's of the INVVPID descriptor
    bench_off(b, PROC2, ENABLE_VPID);
    ok(enter(b) == EXIT_EPT_VIOLATION, "a VM entry without VPIDs drops them here");
    bench_free(b);
}

// --- the guest's own invalidations and EPTP switching ---

static struct bench *switching(const char *guest) {
    struct bench *b = ready(guest);
    bench_on(b, PROC2, ENABLE_VM_FUNCTIONS);
    bench_set(b, VM_FUNCTION_CONTROLS, 1);
    bench_set(b, EPTP_LIST_ADDRESS, AT_LIST);
    bench_store(b, AT_LIST, 8, bench_field(b, EPT_POINTER));
    bench_store(b, AT_LIST + 8, 8, other_eptp(b));
    b->cpu->gpr[RAX] = 0;
    return b;
}
#define SWITCH(n) "b9 0" n " 00 00 00 0f 01 d4" // mov ecx, n; vmfunc

static void test_switch(void) {
    // mov r8, [rbx]; switch; mov r9, [rbx + 8]; switch back; mov r10, [rbx]; hlt
    struct bench *b = switching("4c 8b 03" SWITCH("1") "4c 8b 4b 08" SWITCH("0") "4c 8b 13" HLT);
    const uint64_t page = OTHER_EPT + 0x3000 + 8 * (PAGES >> 12);
    bench_store(b, page, 8, (PAGES + 0x1000) | EPT_RWX_WB);
    bench_store(b, PAGES, 8, 1), bench_store(b, PAGES + 8, 8, 1);
    bench_store(b, PAGES + 0x1000, 8, 2), bench_store(b, PAGES + 0x1008, 8, 2);
    bool exited = enter(b) == EXIT_HLT;
    ok(exited && b->cpu->gpr[8] == 1 && b->cpu->gpr[9] == 2 && b->cpu->gpr[10] == 1,
       "EPTP switching: each EPTP has its own translations");
    bench_free(b);
    // A translation that was cached before is used again after the way back: the other EPTP did not use its place.
    b = switching(LOAD SWITCH("1") SWITCH("0") LOAD HLT);
    uint64_t before = b->cpu->tlb->filled[0];
    b->cpu->gpr[RAX] = 0;
    bench_store(b, PAGES, 8, 0);
    ok(enter(b) == EXIT_HLT && b->cpu->tlb->filled[0] == before + 1,
       "what was cached before the switch is used after the way back");
    bench_free(b);
}

// The instruction after VMFUNC comes from where the new EPTP says, data and code.
static void test_switch_code(void) {
    struct bench *b = switching(SWITCH("1") "bf 01 00 00 00 f4"); // mov edi, 1; hlt
    enum { COPY = 0x7c000 };
    memcpy(b->ram + COPY, b->ram + AT_GUEST_CODE, 0x1000);
    b->ram[COPY + 9] = 2; // mov edi, 2
    bench_store(b, OTHER_EPT + 0x3000 + 8 * (AT_GUEST_CODE >> 12), 8, COPY | EPT_RWX_WB);
    ok(enter(b) == EXIT_HLT && b->cpu->gpr[RDI] == 2, "the next instruction is fetched by the new EPTP");
    bench_free(b);
    b = switching(SWITCH("1") HLT);
    bench_store(b, OTHER_EPT + 0x3000 + 8 * (AT_PML4 >> 12), 8, 0);
    ok(enter(b) == EXIT_EPT_VIOLATION && bench_field(b, GUEST_RIP) == AT_GUEST_CODE + 8 &&
           bench_field(b, GUEST_PHYSICAL_ADDRESS) == AT_PML4,
       "CR3 is translated by it too, on the next access");
    bench_free(b);
}

// 28.4.3.1: what invalidates mappings independent of VMX operation does so for every EPTP. The guest caches a
// translation and which page table it comes from, replaces the page table, and invalidates while another EPTP is in
// use.
static const struct {
    const char *name, *hex;
    uint64_t type; // INVPCID
} invalidating[] = {
    {"INVLPG", "0f 01 3b", 0},
    {"MOV to CR3", "0f 20 d8 0f 22 d8 31 c0", 0},
    {"MOV to CR4 that changes PGE", "0f 20 e0 0f ba f8 07 0f 22 e0 31 c0", 0},
    {"INVPCID of an address", "66 0f 38 82 55 00", 0},
    {"INVPCID of a PCID", "66 0f 38 82 55 00", 1},
    {"INVPCID of all with globals", "66 0f 38 82 55 00", 2},
    {"INVPCID of all", "66 0f 38 82 55 00", 3},
};

static void test_every_eptp(void) {
    enum { REGION = 0x600000, TABLE = 0x90000, NEW_TABLE = 0x91000, DESCRIPTOR = 0x92000 };
    for (unsigned i = 0; i < sizeof invalidating / sizeof invalidating[0]; i++) {
        char guest[160];
        // mov r8, [rbx]; mov [rsi], rdi; switch; invalidate; switch back; mov r9, [rbx]; mov r10, [rbx + 1000h]; hlt
        snprintf(guest, sizeof guest, "4c 8b 03 48 89 3e %s %s %s 4c 8b 0b 4c 8b 93 00 10 00 00 f4", SWITCH("1"),
                 invalidating[i].hex, SWITCH("0"));
        struct bench *b = switching(guest);
        bench_on(b, PROC2, ENABLE_INVPCID);
        store_entries(b, TABLE, P | W | U);
        store_entries(b, NEW_TABLE, P | W | U);
        for (unsigned page = 0; page < 2; page++) {
            bench_store(b, TABLE + 8 * page, 8, PAGES | P | W | U);
            bench_store(b, NEW_TABLE + 8 * page, 8, (PAGES + 0x1000) | P | W | U);
        }
        bench_store(b, PAGES, 8, 1);
        bench_store(b, PAGES + 0x1000, 8, 2);
        bench_store(b, AT_PD + 8 * (REGION >> 21), 8, TABLE | P | W | U);
        bench_store(b, DESCRIPTOR, 8, 0);
        bench_store(b, DESCRIPTOR + 8, 8, REGION);
        b->cpu->gpr[RBX] = REGION, b->cpu->gpr[RBP] = DESCRIPTOR, b->cpu->gpr[RDX] = invalidating[i].type;
        b->cpu->gpr[RSI] = AT_PD + 8 * (REGION >> 21), b->cpu->gpr[RDI] = NEW_TABLE | P | W | U;
        ok(enter(b) == EXIT_HLT && b->cpu->gpr[8] == 1 && b->cpu->gpr[9] == 2 && b->cpu->gpr[10] == 2,
           "%s drops translations and paging-structure-cache entries of every EPTP", invalidating[i].name);
        bench_free(b);
    }
}

int main(void) {
    test_round_trips();
    test_host();
    test_shared_vpid();
    test_no_tags();
    test_shared_vpid_without_ept();
    test_invalidations();
    test_guest_physical();
    test_switch();
    test_switch_code();
    test_every_eptp();
    return done_testing();
}

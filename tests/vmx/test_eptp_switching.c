// Cached mappings and the guest's own doing: EPTP switching, and what invalidates mappings of every EPTP. SDM Vol. 3C,
// 25.5.6.3, 28.4.3.1.
#include "tests/field.h"
#include "tests/vmx/small_pages.h"
#include <stdio.h>
#include <string.h>

#define LOAD "48 8b 03" // mov rax, [rbx]
#define HLT "f4"
enum { AT_LIST = 0x7a000 };

static struct bench *switching(const char *guest) {
    struct bench *b = small_pages(guest);
    bench_on(b, PROC2, ENABLE_VM_FUNCTIONS);
    bench_set(b, VM_FUNCTION_CONTROLS, 1);
    bench_set(b, EPTP_LIST_ADDRESS, AT_LIST);
    bench_store(b, AT_LIST, 8, bench_field(b, EPT_POINTER));
    bench_store(b, AT_LIST + 8, 8, small_pages_other_eptp(b));
    gpr_put(b->cpu, RAX, 0);
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
    bool exited = small_pages_enter(b) == EXIT_HLT;
    ok(exited && gpr(b->cpu, 8) == 1 && gpr(b->cpu, 9) == 2 && gpr(b->cpu, 10) == 1,
       "EPTP switching: each EPTP has its own translations");
    bench_free(b);
    // A translation that was cached before is used again after the way back: the other EPTP did not use its place.
    b = switching(LOAD SWITCH("1") SWITCH("0") LOAD HLT);
    uint64_t before = bench_walks(b)[0];
    gpr_put(b->cpu, RAX, 0);
    bench_store(b, PAGES, 8, 0);
    ok(small_pages_enter(b) == EXIT_HLT && bench_walks(b)[0] == before + 1,
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
    ok(small_pages_enter(b) == EXIT_HLT && gpr(b->cpu, RDI) == 2, "the next instruction is fetched by the new EPTP");
    bench_free(b);
    b = switching(SWITCH("1") HLT);
    bench_store(b, OTHER_EPT + 0x3000 + 8 * (AT_PML4 >> 12), 8, 0);
    ok(small_pages_enter(b) == EXIT_EPT_VIOLATION && bench_field(b, GUEST_RIP) == AT_GUEST_CODE + 8 &&
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
        small_pages_map(b, TABLE, P | W | U);
        small_pages_map(b, NEW_TABLE, P | W | U);
        for (unsigned page = 0; page < 2; page++) {
            bench_store(b, TABLE + 8 * page, 8, PAGES | P | W | U);
            bench_store(b, NEW_TABLE + 8 * page, 8, (PAGES + 0x1000) | P | W | U);
        }
        bench_store(b, PAGES, 8, 1);
        bench_store(b, PAGES + 0x1000, 8, 2);
        bench_store(b, AT_PD + 8 * (REGION >> 21), 8, TABLE | P | W | U);
        bench_store(b, DESCRIPTOR, 8, 0);
        bench_store(b, DESCRIPTOR + 8, 8, REGION);
        gpr_put(b->cpu, RBX, REGION), gpr_put(b->cpu, RBP, DESCRIPTOR), gpr_put(b->cpu, RDX, invalidating[i].type);
        gpr_put(b->cpu, RSI, AT_PD + 8 * (REGION >> 21)), gpr_put(b->cpu, RDI, NEW_TABLE | P | W | U);
        ok(small_pages_enter(b) == EXIT_HLT && gpr(b->cpu, 8) == 1 && gpr(b->cpu, 9) == 2 && gpr(b->cpu, 10) == 2,
           "%s drops translations and paging-structure-cache entries of every EPTP", invalidating[i].name);
        bench_free(b);
    }
}

int main(void) {
    test_switch();
    test_switch_code();
    test_every_eptp();
    return done_testing();
}

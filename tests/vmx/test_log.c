// Page-modification logging: what is logged and where, and when a full log exits. SDM Vol. 3C, 27.2.1, 27.2.3, 28.3.6.
#include "tests/vmx/bench.h"

enum { AT_LOG = 0x60000, FULL = 0xffff, A = 1 << 8, D = 1 << 9 };
#define ENTRY_OF(page) (AT_EPT_PT + 8 * ((page) >> 12))
#define LOAD "48 8b 03"  // mov rax, [rbx]
#define STORE "48 89 03" // mov [rbx], rax
#define HLT "f4"
#define MARK 0x1122334455667788

static struct bench *ready(const char *guest, uint64_t index) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    bench_guest(b, guest);
    bench_set(b, EPT_POINTER, bench_field(b, EPT_POINTER) | EPTP_ACCESSED_DIRTY);
    bench_on(b, PROC2, ENABLE_PML);
    bench_set(b, PML_ADDRESS, AT_LOG);
    bench_set(b, PML_INDEX, index);
    gpr_put(b->cpu, RAX, MARK);
    gpr_put(b->cpu, RBX, AT_GUEST_DATA + 8);
    return b;
}

static void set_flags(struct bench *b, uint64_t at, uint64_t flags) {
    bench_store(b, at, 8, bench_load(b, at, 8) | flags);
}
static void clear_flags(struct bench *b, uint64_t at, uint64_t flags) {
    bench_store(b, at, 8, bench_load(b, at, 8) & ~flags);
}

// All accessed flags are set, and the dirty flags of the guest's paging structures.
static void nothing_to_set(struct bench *b) {
    set_flags(b, AT_EPT_PML4, A);
    set_flags(b, AT_EPT_PDPT, A);
    for (unsigned i = 0; i < BENCH_RAM >> 21; i++) set_flags(b, AT_EPT_PD + 8 * i, A);
    for (unsigned i = 0; i < 512; i++) set_flags(b, AT_EPT_PT + 8 * i, A);
    for (uint64_t page = AT_PML4; page <= AT_PD; page += 4096) set_flags(b, ENTRY_OF(page), D);
}

static uint64_t logged(struct bench *b, unsigned index) { return bench_load(b, AT_LOG + 8 * index, 8); }

static void test_entries(void) {
    struct bench *b = ready(STORE STORE HLT, 511);
    ok(bench_enter(b, 5) == EXIT_HLT && logged(b, 511) == AT_PML4 && logged(b, 510) == AT_PDPT &&
           logged(b, 509) == AT_PD && logged(b, 508) == AT_GUEST_DATA,
       "the guest's paging structures and the page written to are logged, from the end, without bits 11:0");
    ok(bench_field(b, PML_INDEX) == 507 && logged(b, 507) == 0, "each once; the index is that of the next entry");
    ok(bench_load(b, ENTRY_OF(AT_GUEST_DATA), 8) & D, "a logged page is dirty");
    bench_free(b);
    b = ready(LOAD HLT, 511);
    nothing_to_set(b);
    clear_flags(b, ENTRY_OF(AT_GUEST_DATA), A);
    ok(bench_enter(b, 5) == EXIT_HLT && bench_field(b, PML_INDEX) == 511 && logged(b, 511) == 0 &&
           bench_load(b, ENTRY_OF(AT_GUEST_DATA), 8) & A,
       "that an accessed flag is set is not logged");
    bench_free(b);
    b = ready(STORE HLT, 511);
    bench_set(b, EPT_POINTER, bench_field(b, EPT_POINTER) & ~(uint64_t)EPTP_ACCESSED_DIRTY);
    ok(bench_enter(b, 5) == EXIT_HLT && bench_field(b, PML_INDEX) == 511 && logged(b, 511) == 0,
       "nothing is logged without accessed and dirty flags");
    bench_free(b);
    b = ready(STORE HLT, 0);
    bench_off(b, PROC2, ENABLE_PML);
    ok(bench_enter(b, 5) == EXIT_HLT && bench_field(b, PML_INDEX) == 0, "nor without the control");
    bench_free(b);
}

static void test_last_entry(void) {
    struct bench *b = ready(STORE "48 89 83 00 10 00 00" HLT, 0); // and to the next page
    nothing_to_set(b);
    ok(bench_enter(b, 5) == EXIT_PML_FULL && bench_field(b, GUEST_RIP) == AT_GUEST_CODE + 3 &&
           logged(b, 0) == AT_GUEST_DATA && bench_field(b, PML_INDEX) == 0xffff,
       "the last entry is used; after it the index is FFFFH, and the next write exits");
    bench_set(b, PML_INDEX, 511);
    ok(bench_reenter(b, 5) == EXIT_HLT && logged(b, 511) == AT_GUEST_DATA + 0x1000,
       "when there is room again it is logged");
    bench_free(b);
}

// The access is done neither, nor are flags set, in the last entry or above.
static bool refused(struct bench *b, uint64_t at, uint64_t flags, uint64_t index) {
    return bench_enter(b, 5) == EXIT_PML_FULL && bench_field(b, GUEST_RIP) == AT_GUEST_CODE &&
           !(bench_load(b, at, 8) & flags) && bench_field(b, PML_INDEX) == index &&
           bench_load(b, AT_GUEST_DATA + 8, 8) == 0 && gpr(b->cpu, RAX) == MARK;
}

static void test_full(void) {
    static const uint16_t indices[] = {512, 513, 0x8000, 0xffff};
    for (unsigned i = 0; i < sizeof indices / sizeof indices[0]; i++) {
        struct bench *b = ready(STORE HLT, indices[i]);
        nothing_to_set(b);
        ok(refused(b, ENTRY_OF(AT_GUEST_DATA), D, indices[i]) && bench_field(b, EXIT_QUALIFICATION) == 0,
           "index %u: a write that would set a dirty flag exits", indices[i]);
        bench_free(b);
    }
    struct bench *b = ready(LOAD HLT, FULL);
    nothing_to_set(b);
    clear_flags(b, ENTRY_OF(AT_GUEST_DATA), A);
    ok(refused(b, ENTRY_OF(AT_GUEST_DATA), A, FULL), "so does a read that would set an accessed flag");
    bench_free(b);
    b = ready(LOAD HLT, FULL);
    nothing_to_set(b);
    gpr_put(b->cpu, RBX, 0x400000);
    clear_flags(b, AT_EPT_PD + 16, A);
    ok(refused(b, AT_EPT_PD + 16, A, FULL), "of a page of 2 MBytes");
    bench_free(b);
    b = ready(LOAD HLT, FULL);
    nothing_to_set(b);
    clear_flags(b, AT_EPT_PML4, A);
    ok(refused(b, AT_EPT_PML4, A, FULL), "or in an entry that references another structure");
    bench_free(b);
}

static void test_not_needed(void) {
    struct bench *b = ready(LOAD HLT, FULL);
    nothing_to_set(b);
    ok(bench_enter(b, 5) == EXIT_HLT && bench_field(b, PML_INDEX) == FULL,
       "a full log does not matter to a read when all accessed flags are set");
    bench_free(b);
    b = ready(STORE HLT, FULL);
    nothing_to_set(b);
    set_flags(b, ENTRY_OF(AT_GUEST_DATA), D);
    ok(bench_enter(b, 5) == EXIT_HLT && bench_load(b, AT_GUEST_DATA + 8, 8) == MARK,
       "nor to a write to a page that is dirty");
    bench_free(b);
}

// 27.2.3. IRET sets the accessed flag of the code segment's descriptor, and the log is full.
static void test_full_in_iret(void) {
    for (unsigned blocked = 0; blocked < 2; blocked++) {
        const uint64_t frame[] = {AT_GUEST_CODE + 2, CODE_SELECTOR, 2, AT_GUEST_STACK, DATA_SELECTOR};
        struct bench *b = ready("48 cf f4", FULL);
        for (unsigned i = 0; i < 5; i++) bench_store(b, AT_GUEST_STACK + 8 * i, 8, frame[i]);
        clear_flags(b, AT_GDT + CODE_SELECTOR, BIT(40));
        bench_on(b, PIN, VIRTUAL_NMIS);
        bench_set(b, GUEST_INTERRUPTIBILITY, blocked ? BLOCKING_BY_NMI : 0);
        nothing_to_set(b);
        ok(refused(b, ENTRY_OF(AT_GDT), D, FULL) && bench_field(b, EXIT_QUALIFICATION) == (blocked ? BIT(12) : 0) &&
               bench_field(b, GUEST_INTERRUPTIBILITY) == 0,
           "a full log met by IRET: \"NMI unblocking due to IRET\" is %u", blocked);
        ok(!(bench_load(b, AT_GDT + CODE_SELECTOR, 8) & BIT(40)), "and the descriptor is as it was");
        bench_set(b, PML_INDEX, 511);
        ok(bench_reenter(b, 5) == EXIT_HLT && logged(b, 511) == AT_GDT, "with room in the log IRET goes on");
        bench_free(b);
    }
}

// 27.2.4: met by the delivery of an event, which is lost unless the hypervisor injects it again.
static void test_full_in_delivery(void) {
    struct bench *b = ready("0f 0b", FULL); // ud2
    nothing_to_set(b);
    ok(bench_enter(b, 5) == EXIT_PML_FULL && bench_field(b, EXIT_QUALIFICATION) == 0 &&
           bench_field(b, IDT_VECTORING) == (BIT(31) | EVENT_HARDWARE_EXCEPTION << 8 | VECTOR_UD) &&
           bench_field(b, GUEST_RIP) == AT_GUEST_CODE && bench_field(b, GUEST_RSP) == AT_GUEST_STACK,
       "a full log met by the delivery of an exception: IDT-vectoring information");
    bench_free(b);
}

int main(void) {
    test_entries();
    test_last_entry();
    test_full();
    test_not_needed();
    test_full_in_iret();
    test_full_in_delivery();
    return done_testing();
}

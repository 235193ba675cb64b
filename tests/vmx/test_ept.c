// EPT: violations, misconfigurations, accessed and dirty flags, and translations that stay cached until INVEPT.
// SDM Vol. 3C, 28.3, 28.4.
#include "tests/vmx/bench.h"
#include <string.h>

enum { R = 1, W = 2, X = 4, WB = 6 << 3, A = 1 << 8, D = 1 << 9, EPT_2M = 1 << 7 };
enum { READ = 1, WRITE = 2, FETCH = 4, RIGHTS_RX = 5 << 3, RIGHTS_RW = 3 << 3, LINEAR = 1 << 7, FINAL = 1 << 8 };
#define PAGE_ENTRY(address) (AT_EPT_PT + 8 * ((address) >> 12))

static struct bench *ready(const char *guest) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    bench_guest(b, guest);
    gpr_put(b->cpu, RBX, AT_GUEST_DATA + 8);
    return b;
}

#define PAGE_UW (BIT(9) | BIT(10)) // advanced information: a user-mode, writable, executable page
#define LOAD "48 8b 03"            // mov rax, [rbx]
#define STORE "48 89 03"           // mov [rbx], rax
#define HLT "f4"

static void violation(const char *what, const char *guest, uint64_t page, uint64_t entry, uint64_t qualification,
                      uint64_t linear) {
    struct bench *b = ready(guest);
    bench_store(b, PAGE_ENTRY(page), 8, entry);
    uint32_t reason = bench_enter(b, 5);
    uint64_t q = bench_field(b, EXIT_QUALIFICATION);
    ok(reason == EXIT_EPT_VIOLATION && q == qualification, "%s: qualification %llx (is %u, %llx)", what,
       (unsigned long long)qualification, reason, (unsigned long long)q);
    ok(bench_field(b, GUEST_PHYSICAL_ADDRESS) >> 12 == page >> 12 && bench_field(b, GUEST_LINEAR_ADDRESS) == linear &&
           bench_field(b, GUEST_RIP) == AT_GUEST_CODE && bench_field(b, GUEST_RFLAGS) & FLAG_RF,
       "%s: addresses, RIP, RF", what);
    bench_free(b);
}

static void test_violations(void) {
    uint64_t data = AT_GUEST_DATA, code = AT_GUEST_CODE;
    violation("read of an absent page", LOAD, data, 0, READ | LINEAR | FINAL | PAGE_UW, data + 8);
    violation("write to an absent page", STORE, data, 0, WRITE | LINEAR | FINAL | PAGE_UW, data + 8);
    violation("write to a read-only page", STORE, data, data | R | X | WB, WRITE | RIGHTS_RX | LINEAR | FINAL | PAGE_UW,
              data + 8);
    violation("read of an execute-only page", LOAD, data, data | X | WB, READ | X << 3 | LINEAR | FINAL | PAGE_UW,
              data + 8);
    violation("fetch from a page without execute", LOAD, code, code | R | W | WB,
              FETCH | RIGHTS_RW | LINEAR | FINAL | PAGE_UW, code);
    violation("a guest page directory that is absent", LOAD, AT_PD, 0, READ | LINEAR, code);
}

// The length of the instruction whose access exits, which the manual leaves undefined; software depends on it. None for
// a fetch, nor where the access belongs to the delivery of an event of the processor's own.
static void length(const char *what, const char *guest, uint64_t page, uint64_t entry, uint32_t reason,
                   unsigned length) {
    struct bench *b = ready(guest);
    gpr_put(b->cpu, RCX, AT_GUEST_DATA + 0x1008), gpr_put(b->cpu, RSI, AT_GUEST_DATA),
        gpr_put(b->cpu, RDI, AT_GUEST_DATA + 0x1000);
    bench_store(b, PAGE_ENTRY(page), 8, entry);
    uint32_t is = bench_enter(b, 9);
    ok(is == reason && bench_field(b, EXIT_INSTRUCTION_LENGTH) == length, "%s: length %u (is %u, reason %u)", what,
       length, (unsigned)bench_field(b, EXIT_INSTRUCTION_LENGTH), is);
    bench_free(b);
}

static void test_lengths(void) {
    uint64_t data = AT_GUEST_DATA, next = AT_GUEST_DATA + 0x1000;
    length("a store to a read-only page", STORE, data, data | R | X | WB, EXIT_EPT_VIOLATION, 3);
    length("a store to a misconfigured page", STORE, data, data | W | WB, EXIT_EPT_MISCONFIGURATION, 3);
    length("a load with prefixes", "2e 66 8b 83 00 00 00 00", data, 0, EXIT_EPT_VIOLATION, 8);
    length("the second of two in one record", STORE "48 8b 41 f8", next, 0, EXIT_EPT_VIOLATION, 4);
    length("the first of two in one record", STORE "48 8b 41 f8", data, 0, EXIT_EPT_VIOLATION, 3);
    length("a repeated string instruction", "48 c7 c1 04 00 00 00 f3 48 a5", next, 0, EXIT_EPT_VIOLATION, 3);
    length("a fetch", "90" HLT, AT_GUEST_CODE, R | W | WB, EXIT_EPT_VIOLATION, 0);
    length("the frame of #UD", "0f 0b", (AT_GUEST_STACK - 8) & ~0xfffull, 0, EXIT_EPT_VIOLATION, 0);
    length("a push", "50" HLT, (AT_GUEST_STACK - 8) & ~0xfffull, 0, EXIT_EPT_VIOLATION, 1);
}

static void misconfiguration(const char *what, uint64_t at, uint64_t entry) {
    struct bench *b = ready(LOAD);
    bench_store(b, at, 8, entry);
    uint32_t reason = bench_enter(b, 5);
    ok(reason == EXIT_EPT_MISCONFIGURATION && bench_field(b, GUEST_PHYSICAL_ADDRESS) == AT_GUEST_DATA + 8, "%s (is %u)",
       what, reason);
    bench_free(b);
}

static void test_misconfigurations(void) {
    uint64_t data = AT_GUEST_DATA;
    misconfiguration("write without read", PAGE_ENTRY(data), data | W | WB);
    misconfiguration("write and execute without read", PAGE_ENTRY(data), data | W | X | WB);
    misconfiguration("memory type 2", PAGE_ENTRY(data), data | R | 2 << 3);
    misconfiguration("memory type 3", PAGE_ENTRY(data), data | R | 3 << 3);
    misconfiguration("memory type 7", PAGE_ENTRY(data), data | R | 7 << 3);
    misconfiguration("an address beyond the physical-address width", PAGE_ENTRY(data), data | R | WB | 1ull << 45);
}

static void test_large_misconfiguration(void) {
    struct bench *b = ready(LOAD);
    gpr_put(b->cpu, RBX, 0x800000);
    bench_store(b, AT_EPT_PD + 8 * 4, 8, 0x801000 | R | W | X | WB | EPT_2M);
    ok(bench_enter(b, 5) == EXIT_EPT_MISCONFIGURATION && bench_field(b, GUEST_PHYSICAL_ADDRESS) == 0x800000,
       "reserved bits of a 2-MByte page");
    bench_store(b, AT_EPT_PD + 8 * 4, 8, 0x800000 | R | W | X | WB | EPT_2M);
    bench_store(b, 0x800000, 8, 4242);
    bench_guest(b, LOAD HLT);
    ok(bench_reenter(b, 5) == EXIT_HLT && gpr(b->cpu, RAX) == 4242, "a 2-MByte page");
    bench_store(b, AT_EPT_PDPT + 8 * 1, 8, R | W | X | WB | EPT_2M); // 1 GByte at 0
    bench_store(b, AT_PDPT + 8 * 1, 8, 1 << 30 | 0x87);
    gpr_put(b->cpu, RBX, 0x40800000);
    bench_set(b, GUEST_RIP, AT_GUEST_CODE);
    ok(bench_reenter(b, 5) == EXIT_HLT && gpr(b->cpu, RAX) == 4242, "a 1-GByte page");
    bench_free(b);
}

static void test_flags(void) {
    struct bench *b = ready(LOAD STORE HLT);
    ok(bench_enter(b, 5) == EXIT_HLT && !(bench_load(b, PAGE_ENTRY(AT_GUEST_DATA), 8) & (A | D)),
       "no flags unless EPTP bit 6 is set");
    bench_free(b);
    b = ready(LOAD HLT);
    bench_set(b, EPT_POINTER, bench_field(b, EPT_POINTER) | EPTP_ACCESSED_DIRTY);
    ok(bench_enter(b, 5) == EXIT_HLT, "accessed and dirty flags");
    ok((bench_load(b, PAGE_ENTRY(AT_GUEST_DATA), 8) & (A | D)) == A, "a read sets the accessed flag");
    ok((bench_load(b, PAGE_ENTRY(AT_PD), 8) & (A | D)) == (A | D), "the guest's paging structures are written to");
    ok(bench_load(b, AT_EPT_PML4, 8) & A && bench_load(b, AT_EPT_PD, 8) & A, "upper levels are accessed");
    bench_set(b, GUEST_RIP, AT_GUEST_CODE);
    bench_guest(b, STORE HLT);
    ok(bench_reenter(b, 5) == EXIT_HLT && (bench_load(b, PAGE_ENTRY(AT_GUEST_DATA), 8) & (A | D)) == (A | D),
       "a write after the read sets dirty");
    bench_free(b);
    b = ready(LOAD HLT);
    bench_set(b, EPT_POINTER, bench_field(b, EPT_POINTER) | EPTP_ACCESSED_DIRTY);
    bench_store(b, PAGE_ENTRY(AT_PD), 8, AT_PD | R | X | WB);
    ok(bench_enter(b, 5) == EXIT_EPT_VIOLATION &&
           bench_field(b, EXIT_QUALIFICATION) == (READ | WRITE | RIGHTS_RX | LINEAR),
       "a guest paging structure on a read-only page: qualification bits 0 and 1");
    bench_free(b);
}

static int invept(struct bench *b) {
    bench_store(b, AT_DATA, 8, bench_field(b, EPT_POINTER));
    bench_store(b, AT_DATA + 8, 8, 0);
    gpr_put(b->cpu, RAX, 1);
    gpr_put(b->cpu, RBX, AT_DATA);
    return bench_vmx_instruction(b, "66 0f 38 80 03");
}

static void again(struct bench *b, const char *guest) {
    bench_set(b, GUEST_RIP, AT_GUEST_CODE);
    bench_guest(b, guest);
    gpr_put(b->cpu, RBX, AT_GUEST_DATA + 8);
}

static void test_staleness(void) {
    struct bench *b = ready(LOAD HLT);
    bench_store(b, AT_GUEST_DATA + 8, 8, 1);
    bench_store(b, AT_GUEST_DATA + 0x1008, 8, 2);
    ok(bench_enter(b, 5) == EXIT_HLT && gpr(b->cpu, RAX) == 1, "the page is read");
    bench_store(b, PAGE_ENTRY(AT_GUEST_DATA), 8, (AT_GUEST_DATA + 0x1000) | R | W | X | WB);
    again(b, LOAD HLT);
    ok(bench_reenter(b, 5) == EXIT_HLT && gpr(b->cpu, RAX) == 1, "without INVEPT the old translation stays in use");
    ok(invept(b) == SUCCEED, "INVEPT");
    again(b, LOAD HLT);
    ok(bench_reenter(b, 5) == EXIT_HLT && gpr(b->cpu, RAX) == 2, "then the new one");
    bench_store(b, PAGE_ENTRY(AT_GUEST_DATA), 8, 0);
    again(b, LOAD HLT);
    ok(bench_reenter(b, 5) == EXIT_HLT, "a page taken away without INVEPT is still there");
    invept(b);
    again(b, LOAD HLT);
    ok(bench_reenter(b, 5) == EXIT_EPT_VIOLATION, "after INVEPT it is not");
    bench_store(b, PAGE_ENTRY(AT_GUEST_DATA), 8, AT_GUEST_DATA | R | W | X | WB);
    again(b, LOAD HLT);
    ok(bench_reenter(b, 5) == EXIT_HLT && gpr(b->cpu, RAX) == 1, "what was not present is not cached");
    bench_store(b, PAGE_ENTRY(AT_GUEST_DATA), 8, AT_GUEST_DATA | R | WB);
    invept(b);
    again(b, LOAD STORE HLT);
    ok(bench_reenter(b, 5) == EXIT_EPT_VIOLATION && bench_field(b, GUEST_RIP) == AT_GUEST_CODE + 3,
       "a write to what was cached read-only");
    bench_store(b, PAGE_ENTRY(AT_GUEST_DATA), 8, AT_GUEST_DATA | R | W | WB);
    gpr_put(b->cpu, RBX, AT_GUEST_DATA + 8);
    ok(bench_reenter(b, 5) == EXIT_HLT, "more rights need no INVEPT");
    bench_free(b);
}

// 28.4.1: what references an EPT page table is remembered too, until INVEPT; an EPT violation does not follow from it.
static void test_structures(void) {
    enum { OTHER = 0x60000 };
    struct bench *b = ready(LOAD HLT);
    const uint64_t pde = OTHER | R | W | X;
    bench_store(b, AT_GUEST_DATA + 0x1008, 8, 1);
    bench_store(b, AT_GUEST_DATA + 0x2008, 8, 2);
    memcpy(b->ram + OTHER, b->ram + AT_EPT_PT, 0x1000);
    bench_store(b, OTHER + 8 * ((AT_GUEST_DATA + 0x1000) >> 12), 8, (AT_GUEST_DATA + 0x2000) | R | W | X | WB);
    ok(bench_enter(b, 5) == EXIT_HLT, "a page is read");
    bench_store(b, AT_EPT_PD, 8, pde);
    again(b, LOAD HLT);
    gpr_put(b->cpu, RBX, gpr(b->cpu, RBX) + 0x1000);
    ok(bench_reenter(b, 5) == EXIT_HLT && gpr(b->cpu, RAX) == 1, "the old page table stays in use for its neighbour");
    invept(b);
    again(b, LOAD HLT);
    gpr_put(b->cpu, RBX, gpr(b->cpu, RBX) + 0x1000);
    ok(bench_reenter(b, 5) == EXIT_HLT && gpr(b->cpu, RAX) == 2, "after INVEPT the new one");
    bench_store(b, OTHER + 8 * ((AT_GUEST_DATA + 0x2000) >> 12), 8, 0);
    bench_store(b, AT_EPT_PD, 8, AT_EPT_PT | R | W | X);
    again(b, LOAD HLT);
    gpr_put(b->cpu, RBX, gpr(b->cpu, RBX) + 0x2000);
    ok(bench_reenter(b, 5) == EXIT_HLT && gpr(b->cpu, RAX) == 2, "what the tables map now causes no EPT violation");
    bench_free(b);
}

// Two VMCSs with the same VPID but other EPTPs do not mix; a host with EPT off is not touched.
static void test_tags(void) {
    enum { OTHER = 0x60000 };
    struct bench *b = ready(LOAD HLT);
    bench_store(b, AT_GUEST_DATA + 8, 8, 1);
    bench_store(b, AT_GUEST_DATA + 0x1008, 8, 2);
    for (unsigned i = 0; i < 4; i++) memcpy(b->ram + OTHER + 0x1000 * i, b->ram + AT_EPT_PML4 + 0x1000 * i, 0x1000);
    bench_store(b, OTHER, 8, (OTHER + 0x1000) | R | W | X);
    bench_store(b, OTHER + 0x1000, 8, (OTHER + 0x2000) | R | W | X);
    bench_store(b, OTHER + 0x2000, 8, (OTHER + 0x3000) | R | W | X);
    bench_store(b, OTHER + 0x3000 + 8 * (AT_GUEST_DATA >> 12), 8, (AT_GUEST_DATA + 0x1000) | R | W | X | WB);
    uint64_t eptp = bench_field(b, EPT_POINTER);
    ok(bench_enter(b, 5) == EXIT_HLT && gpr(b->cpu, RAX) == 1, "first EPTP");
    for (unsigned i = 0; i < 3; i++) {
        bench_set(b, EPT_POINTER, OTHER | (eptp & 0xfff));
        again(b, LOAD HLT);
        ok(bench_reenter(b, 5) == EXIT_HLT && gpr(b->cpu, RAX) == 2, "other EPTP");
        bench_set(b, EPT_POINTER, eptp);
        again(b, LOAD HLT);
        ok(bench_reenter(b, 5) == EXIT_HLT && gpr(b->cpu, RAX) == 1, "and back");
    }
    bench_off(b, PROC2, ENABLE_EPT);
    again(b, LOAD HLT);
    ok(bench_reenter(b, 5) == EXIT_HLT && gpr(b->cpu, RAX) == 1, "EPT off");
    bench_off(b, PROC2, ENABLE_VPID);
    again(b, LOAD HLT);
    ok(bench_reenter(b, 5) == EXIT_HLT && gpr(b->cpu, RAX) == 1, "VPID off");
    bench_free(b);
}

// A guest that starts in real-address mode: no paging, 16-bit code.
static void test_unrestricted(void) {
    struct bench *b = ready("b8 34 12 e6 42 66 0f 20 c0 f4"); // mov ax, 1234h; out 42h, al; mov eax, cr0; hlt
    bench_on(b, PROC2, UNRESTRICTED_GUEST);
    bench_off(b, ENTRY, IA32E_MODE_GUEST);
    bench_set(b, GUEST_EFER, 0);
    bench_set(b, GUEST_CR0, CR0_NE | CR0_ET);
    bench_set(b, GUEST_CR4, CR4_VMXE);
    for (unsigned s = ES; s <= GS; s++) {
        bench_write(b, FIELD_GUEST_ES_SELECTOR + s, AT_GUEST_CODE >> 4);
        bench_write(b, FIELD_GUEST_ES_BASE + s, AT_GUEST_CODE);
        bench_write(b, FIELD_GUEST_ES_LIMIT + s, 0xffff);
        bench_write(b, FIELD_GUEST_ES_RIGHTS + s, 0x93);
    }
    bench_set(b, GUEST_RIP, 0);
    struct vmx_failure f[1];
    ok(vmx_explain_checks(b->cpu, f, 1) == 0, "real-address mode passes the checks");
    ok(bench_enter(b, 10) == EXIT_HLT && b->port == 0x42 && (b->port_value & 0xff) == 0x34, "it runs");
    ok((gpr(b->cpu, RAX) & (CR0_PE | CR0_PG)) == 0 && bench_field(b, GUEST_RIP) == 9, "with CR0.PE = 0");
    ok(cpu_64bit(b->cpu), "and exits to a 64-bit host");
    bench_set(b, GUEST_RIP, 0);
    bench_store(b, PAGE_ENTRY(AT_GUEST_CODE), 8, 0);
    invept(b);
    ok(bench_reenter(b, 10) == EXIT_EPT_VIOLATION && bench_field(b, GUEST_LINEAR_ADDRESS) == AT_GUEST_CODE,
       "linear addresses are guest-physical");
    ok(bench_field(b, EXIT_QUALIFICATION) == (FETCH | LINEAR | FINAL | PAGE_UW),
       "without paging every page is a user-mode, writable, executable one");
    bench_free(b);
}

int main(void) {
    test_violations();
    test_lengths();
    test_misconfigurations();
    test_large_misconfiguration();
    test_flags();
    test_staleness();
    test_structures();
    test_tags();
    test_unrestricted();
    return done_testing();
}

// Virtualization exceptions: which EPT violations become one, what is saved, how it is delivered. SDM Vol. 3C, 25.5.7.
#include "tests/vmx/bench.h"

#define SUPPRESS BIT(63)
#define RWX_WB (7 | 6 << 3)
#define LOAD "48 8b 03"  // mov rax, [rbx]
#define STORE "48 89 03" // mov [rbx], rax
enum { AT_AREA = 0x62000, DATA = AT_GUEST_DATA + 8, HANDLER = AT_HANDLER + 16 * VECTOR_VE };
#define PTE_OF(page) (AT_EPT_PT + 8 * ((page) >> 12))

static struct bench *ready(const char *guest) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    bench_guest(b, guest);
    bench_on(b, PROC2, EPT_VIOLATION_VE);
    bench_set(b, VE_INFORMATION_ADDRESS, AT_AREA);
    bench_set(b, EPTP_INDEX, 5);
    bench_store(b, PTE_OF(AT_GUEST_DATA), 8, 0);
    gpr_put(b->cpu, RBX, DATA);
    return b;
}
// The handler is HLT.
static bool converted(struct bench *b) { return bench_enter(b, 5) == EXIT_HLT && bench_field(b, GUEST_RIP) == HANDLER; }
static bool exits(struct bench *b) { return bench_enter(b, 5) == EXIT_EPT_VIOLATION && bench_load(b, AT_AREA, 4) == 0; }

static void test_information(void) {
    struct bench *b = ready(LOAD);
    bench_store(b, AT_AREA + 34, 2, 0xabcd);
    ok(converted(b), "an EPT violation becomes #VE");
    ok(bench_load(b, AT_AREA, 8) == (EXIT_EPT_VIOLATION | 0xffffffffull << 32) &&
           bench_load(b, AT_AREA + 16, 8) == DATA && bench_load(b, AT_AREA + 24, 8) == DATA &&
           bench_load(b, AT_AREA + 32, 4) == (5 | 0xabcdull << 16),
       "its information area, with an EPTP index of 16 bits");
    uint64_t rsp = bench_field(b, GUEST_RSP);
    ok(bench_load(b, rsp, 8) == AT_GUEST_CODE && bench_load(b, rsp + 8, 8) == CODE_SELECTOR, "it pushes no error code");
    uint64_t saved = bench_load(b, AT_AREA + 8, 8);
    bench_set(b, GUEST_RIP, AT_GUEST_CODE);
    ok(bench_reenter(b, 5) == EXIT_EPT_VIOLATION && bench_field(b, EXIT_QUALIFICATION) == saved,
       "while the area is in use it exits, with the same qualification");
    bench_free(b);
    b = ready(LOAD);
    bench_store(b, AT_AREA + 6, 1, 1);
    ok(exits(b), "any bit of the 32 at offset 4 says that it is in use");
    bench_free(b);
}

static void test_suppress(void) {
    static const struct {
        const char *name;
        uint64_t at, on;
        bool present, converts;
    } cases[] = {
        {"an entry that is not present", PTE_OF(AT_GUEST_DATA), 0, false, true},
        {"one with bit 63", PTE_OF(AT_GUEST_DATA), SUPPRESS, false, false},
        {"an entry that maps the page", PTE_OF(AT_GUEST_DATA), AT_GUEST_DATA | 5 | 6 << 3, true, true},
        {"one with bit 63", PTE_OF(AT_GUEST_DATA), AT_GUEST_DATA | 5 | 6 << 3 | SUPPRESS, true, false},
    };
    for (unsigned i = 0; i < 4; i++) {
        struct bench *b = ready(STORE);
        bench_store(b, cases[i].at, 8, cases[i].on);
        ok(cases[i].converts ? converted(b) : exits(b), "%s %s", cases[i].name,
           cases[i].converts ? "converts" : "exits");
        bench_free(b);
    }
    static const uint64_t above[] = {AT_EPT_PML4, AT_EPT_PDPT, AT_EPT_PD};
    for (unsigned i = 0; i < 3; i++) {
        struct bench *b = ready(STORE);
        bench_store(b, above[i], 8, bench_load(b, above[i], 8) | SUPPRESS);
        ok(converted(b), "bit 63 does not matter in level %u, which references a table", 4 - i);
        bench_free(b);
    }
    for (unsigned suppress = 0; suppress < 2; suppress++) {
        struct bench *b = ready(LOAD);
        gpr_put(b->cpu, RBX, 0x800000);
        bench_store(b, AT_EPT_PD + 8 * 4, 8, suppress ? SUPPRESS : 0);
        ok(suppress ? exits(b) : converted(b), "a PDE that is not present, bit 63 is %u", suppress);
        bench_free(b);
    }
}

static void test_not_convertible(void) {
    struct bench *b = ready(LOAD);
    bench_off(b, PROC2, EPT_VIOLATION_VE);
    ok(exits(b), "without the control it exits");
    bench_free(b);
    b = ready(LOAD);
    bench_store(b, PTE_OF(AT_GUEST_DATA), 8, AT_GUEST_DATA | RWX_WB | 1 << 3);
    ok(bench_enter(b, 5) == EXIT_EPT_MISCONFIGURATION && bench_load(b, AT_AREA, 4) == 0, "a misconfiguration exits");
    bench_free(b);
    b = ready("0f 0b"); // ud2
    bench_store(b, PTE_OF(AT_IDT), 8, 0);
    ok(exits(b) && bench_field(b, IDT_VECTORING) == (BIT(31) | EVENT_HARDWARE_EXCEPTION << 8 | VECTOR_UD),
       "an EPT violation of the delivery of an event exits");
    bench_free(b);
    b = ready("67 8b 03"); // mov ax, [ebx]
    bench_on(b, PROC2, UNRESTRICTED_GUEST);
    bench_off(b, ENTRY, IA32E_MODE_GUEST);
    bench_set(b, GUEST_EFER, 0);
    bench_set(b, GUEST_CR0, bench_field(b, GUEST_CR0) & ~(uint64_t)(CR0_PE | CR0_PG));
    for (unsigned s = ES; s <= GS; s++) {
        bench_write(b, FIELD_GUEST_ES_SELECTOR + s, AT_GUEST_DATA >> 4);
        bench_write(b, FIELD_GUEST_ES_BASE + s, s == CS ? AT_GUEST_CODE : AT_GUEST_DATA);
        bench_write(b, FIELD_GUEST_ES_LIMIT + s, 0xffff);
        bench_write(b, FIELD_GUEST_ES_RIGHTS + s, 0x93);
    }
    bench_set(b, GUEST_RIP, 0);
    bench_guest(b, "67 8b 03");
    gpr_put(b->cpu, RBX, 8);
    ok(exits(b) && bench_field(b, GUEST_PHYSICAL_ADDRESS) == DATA, "in real-address mode it exits");
    bench_free(b);
}

static void test_delivery(void) {
    struct bench *b = ready(LOAD);
    bench_set(b, EXCEPTION_BITMAP, BIT(VECTOR_VE));
    ok(bench_enter(b, 5) == EXIT_EXCEPTION_NMI &&
           bench_field(b, EXIT_INTERRUPTION) == (BIT(31) | EVENT_HARDWARE_EXCEPTION << 8 | VECTOR_VE) &&
           bench_field(b, GUEST_RIP) == AT_GUEST_CODE && bench_load(b, AT_AREA, 4) == EXIT_EPT_VIOLATION,
       "bit 20 of the exception bitmap makes it exit, with the area written");
    bench_free(b);
    b = ready(LOAD);
    bench_set(b, GUEST_RSP, AT_GUEST_DATA + 0x1000);
    ok(bench_enter(b, 5) == EXIT_EPT_VIOLATION && bench_load(b, AT_AREA, 4) == EXIT_EPT_VIOLATION &&
           bench_field(b, IDT_VECTORING) == (BIT(31) | EVENT_HARDWARE_EXCEPTION << 8 | VECTOR_VE),
       "an EPT violation of its own delivery exits");
    bench_free(b);
    b = ready(LOAD);
    bench_store(b, AT_IDT + 16 * VECTOR_VE + 5, 1, 0x0e); // not present: #NP
    ok(bench_enter(b, 5) == EXIT_HLT && bench_field(b, GUEST_RIP) == AT_HANDLER + 16 * VECTOR_DF,
       "a fault of its delivery is a double fault");
    bench_free(b);
}

// 27.2.3. The qualification in the area is what a VM exit would have saved.
static void test_iret(void) {
    for (unsigned blocked = 0; blocked < 2; blocked++) {
        struct bench *b = ready("48 cf"); // iretq
        bench_on(b, PIN, VIRTUAL_NMIS);
        bench_set(b, GUEST_INTERRUPTIBILITY, blocked ? BLOCKING_BY_NMI : 0);
        bench_set(b, EXCEPTION_BITMAP, BIT(VECTOR_VE));
        bench_set(b, GUEST_RSP, AT_GUEST_DATA);
        ok(bench_enter(b, 5) == EXIT_EXCEPTION_NMI && (bench_field(b, EXIT_INTERRUPTION) >> 12 & 1) == blocked &&
               (bench_load(b, AT_AREA + 8, 8) >> 12 & 1) == blocked,
           "\"NMI unblocking due to IRET\" is %u, in the area too", blocked);
        bench_free(b);
    }
    // Not of the instruction after it.
    const uint64_t frame[] = {AT_GUEST_CODE + 2, CODE_SELECTOR, 2, AT_GUEST_STACK, DATA_SELECTOR};
    struct bench *b = ready("48 cf" LOAD);
    for (unsigned i = 0; i < 5; i++) bench_store(b, AT_GUEST_STACK + 8 * i, 8, frame[i]);
    bench_on(b, PIN, VIRTUAL_NMIS);
    bench_set(b, GUEST_INTERRUPTIBILITY, BLOCKING_BY_NMI);
    ok(converted(b) && !(bench_load(b, AT_AREA + 8, 8) & BIT(12)), "and 0 in the next instruction");
    bench_free(b);
}

int main(void) {
    test_information();
    test_suppress();
    test_not_convertible();
    test_delivery();
    test_iret();
    return done_testing();
}

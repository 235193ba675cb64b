// A virtual-8086 guest: its VM entry (SDM Vol. 3C, 26.3.1.4) and the virtual-8086 mode extensions, CR4.VME (Vol. 3A,
// 20.3).
#include "tests/vmx/bench.h"
#include <string.h>

enum { SEGMENT_OF_CODE = AT_GUEST_CODE >> 4, IVT_CS = 0x5000, STACK_BASE = 0x40000, STACK_SP = 0x100 };

static struct bench *ready(const char *guest, unsigned iopl, uint64_t more) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    bench_guest(b, guest);
    bench_off(b, ENTRY, IA32E_MODE_GUEST);
    bench_set(b, GUEST_EFER, 0);
    bench_set(b, GUEST_RFLAGS, 2 | FLAG_VM | iopl << 12 | more);
    for (unsigned s = ES; s <= GS; s++) {
        uint64_t selector = s == CS ? SEGMENT_OF_CODE : s == SS ? STACK_BASE >> 4 : 0;
        bench_write(b, FIELD_GUEST_ES_SELECTOR + s, selector);
        bench_write(b, FIELD_GUEST_ES_BASE + s, selector << 4);
        bench_write(b, FIELD_GUEST_ES_LIMIT + s, 0xffff);
        bench_write(b, FIELD_GUEST_ES_RIGHTS + s, 0xf3);
    }
    bench_set(b, GUEST_RIP, 0);
    bench_set(b, GUEST_RSP, STACK_SP);
    // Without paging in the guest, which an unrestricted guest could have, PAE paging would need PDPTEs: 4-MByte pages.
    bench_set(b, GUEST_CR4, (bench_field(b, GUEST_CR4) | CR4_VME | CR4_PSE) & ~CR4_PAE);
    bench_set(b, GUEST_CR3, AT_DATA);
    bench_store(b, AT_DATA, 4, 0x87);
    bench_set(b, GUEST_TR_BASE, AT_TSS);
    bench_set(b, GUEST_TR_LIMIT, 0x200);
    for (unsigned i = 0; i < 0x200; i += 8) bench_store(b, AT_TSS + i, 8, 0);
    bench_store(b, AT_TSS + 0x66, 2, 0x100); // the redirection bitmap at E0H
    bench_set(b, EXCEPTION_BITMAP, ~0u);
    bench_store(b, 4 * 0x21, 4, (uint64_t)IVT_CS << 16 | 0x10);
    bench_store(b, (IVT_CS << 4) + 0x10, 1, 0xf4); // hlt: #GP(0)
    return b;
}
static bool faulted(struct bench *b) {
    return bench_enter(b, 10) == EXIT_EXCEPTION_NMI && (bench_field(b, EXIT_INTERRUPTION) & 255) == VECTOR_GP;
}
static uint64_t pushed(struct bench *b, unsigned word) {
    return bench_load(b, STACK_BASE + STACK_SP - 6 + 2 * word, 2);
}

static void test_int(void) {
    struct bench *b = ready("cd 21", 3, FLAG_IF);
    ok(faulted(b) && bench_field(b, GUEST_RIP) == 0x10 && bench_field(b, GUEST_CS_SELECTOR) == IVT_CS,
       "INT n goes to the 8086 program's handler");
    ok(pushed(b, 0) == 2 && pushed(b, 1) == SEGMENT_OF_CODE && pushed(b, 2) == (2 | FLAG_IF | 3 << 12), "its frame");
    ok(!(bench_field(b, GUEST_RFLAGS) & FLAG_IF), "IF is cleared with IOPL 3");
    bench_free(b);
    b = ready("cd 21", 0, FLAG_IF | FLAG_VIF);
    ok(faulted(b) && bench_field(b, GUEST_RIP) == 0x10 && pushed(b, 2) == (2 | FLAG_IF | 3 << 12) &&
           (bench_field(b, GUEST_RFLAGS) & (FLAG_IF | FLAG_VIF)) == FLAG_IF,
       "with IOPL 0 VIF stands for IF");
    bench_free(b);
    b = ready("cd 21", 0, 0);
    bench_store(b, AT_TSS + 0xe0 + 4, 1, 2); // 21H
    ok(faulted(b) && bench_field(b, GUEST_RIP) == 0, "a bit of the redirection bitmap: #GP(0) with IOPL 0");
    bench_free(b);
}

static void test_flags(void) {
    struct bench *b = ready("fb f4", 0, 0);
    ok(faulted(b) && bench_field(b, GUEST_RIP) == 1 && bench_field(b, GUEST_RFLAGS) & FLAG_VIF, "STI sets VIF");
    bench_free(b);
    b = ready("fb f4", 0, FLAG_VIP);
    ok(faulted(b) && bench_field(b, GUEST_RIP) == 0, "and is #GP(0) while an interrupt is pending");
    bench_free(b);
    b = ready("fa f4", 0, FLAG_VIF | FLAG_IF);
    ok(faulted(b) && (bench_field(b, GUEST_RFLAGS) & (FLAG_VIF | FLAG_IF)) == FLAG_IF, "CLI clears VIF alone");
    bench_free(b);
    b = ready("cf", 0, 0);
    bench_store(b, STACK_BASE + STACK_SP, 8, 0x10 | (uint64_t)IVT_CS << 16 | (uint64_t)(2 | FLAG_IF) << 32);
    ok(faulted(b) && bench_field(b, GUEST_RIP) == 0x10 &&
           (bench_field(b, GUEST_RFLAGS) & (FLAG_VIF | FLAG_IF)) == FLAG_VIF,
       "IRET takes VIF from the image's IF");
    bench_free(b);
}

// --- RFLAGS.VM at VM entry ---

enum { PE = CR0_PE, PG = CR0_PG, PE_PG = CR0_PE | CR0_PG };
static const struct {
    const char *name;
    bool unrestricted, ia32e;
    uint32_t cr0;
    const char *failing[3];
} entries[] = {
    // clang-format off
    {"virtual-8086 mode",                                 false, false, PE_PG, {NULL}},
    {"the same, unrestricted",                            true,  false, PE_PG, {NULL}},
    {"without paging",                                    true,  false, PE,    {NULL}},
    {"CR0.PE = 0",                                        false, false, 0,     {"guest_cr0", "rflags_vm"}},
    {"CR0.PE = 0, unrestricted",                          true,  false, 0,     {"rflags_vm"}},
    {"CR0.PE = 0 with paging, unrestricted",              true,  false, PG,    {"guest_pg_needs_pe", "rflags_vm"}},
    {"IA-32e mode",                                       false, true,  PE_PG, {"rflags_vm"}},
    {"IA-32e mode, unrestricted",                         true,  true,  PE_PG, {"rflags_vm"}},
    {"IA-32e mode with CR0.PE = 0, unrestricted",         true,  true,  0,     {"guest_ia32e_pg", "rflags_vm"}},
    // clang-format on
};

static void set_mode(struct bench *b, bool unrestricted, bool ia32e, uint32_t cr0) {
    bench_control(b, GROUP_PROC2, PROC2_UNRESTRICTED_GUEST, unrestricted);
    bench_control(b, GROUP_ENTRY, ENTRY_IA32E_MODE_GUEST, ia32e);
    bench_set(b, GUEST_CR0, (bench_field(b, GUEST_CR0) & ~(uint64_t)PE_PG) | cr0);
    if (ia32e) bench_set(b, GUEST_CR4, bench_field(b, GUEST_CR4) | CR4_PAE);
    if (ia32e) bench_set(b, GUEST_CR3, AT_PML4);
}

static void test_entries(void) {
    for (unsigned i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        struct bench *b = ready("f4", 0, 0); // hlt: #GP(0)
        struct vmx_failure failures[4];
        set_mode(b, entries[i].unrestricted, entries[i].ia32e, entries[i].cr0);
        unsigned expected = 0, count = vmx_explain_checks(b->cpu, failures, 4), same = 0;
        while (expected < 3 && entries[i].failing[expected]) expected++;
        for (unsigned j = 0; j < count && j < expected; j++) same += !strcmp(failures[j].name, entries[i].failing[j]);
        ok(count == expected && same == expected, "RFLAGS.VM = 1, %s: %u rules fail (%u do, first %s)", entries[i].name,
           expected, count, count ? failures[0].name : "none");
        if (!expected) {
            ok(faulted(b) && bench_field(b, GUEST_RIP) == 0 && bench_field(b, GUEST_RFLAGS) & FLAG_VM,
               "the guest runs");
        } else {
            ok(bench_enter(b, 5) == (BIT(31) | EXIT_INVALID_GUEST_STATE) && bench_field(b, EXIT_QUALIFICATION) == 0 &&
                   bench_field(b, GUEST_RFLAGS) & FLAG_VM && cpu_64bit(b->cpu) && !bench_vmx(b)->vmcs->launched,
               "the VM entry fails, and is no launch");
        }
        bench_free(b);
    }
}

// Only one of the fields that the rule reads is written since it passed. The guest has PAE paging and no pages: every
// VM entry ends with the same page fault.
static void test_entry_again(void) {
    struct bench *b = ready("f4", 0, FLAG_RF);
    set_mode(b, true, false, PE_PG);
    bench_set(b, GUEST_CR4, bench_field(b, GUEST_CR4) | CR4_PAE);
    bench_set(b, GUEST_CR3, AT_PML4);
    ok(bench_enter(b, 5) == EXIT_EXCEPTION_NMI && bench_reenter(b, 5) == EXIT_EXCEPTION_NMI, "two VM entries");
    bench_set(b, GUEST_CR0, bench_field(b, GUEST_CR0) & ~(uint64_t)PE_PG);
    ok(bench_reenter(b, 5) == (BIT(31) | EXIT_INVALID_GUEST_STATE), "CR0.PE is cleared before the next");
    bench_set(b, GUEST_CR0, bench_field(b, GUEST_CR0) | PE_PG);
    ok(bench_reenter(b, 5) == EXIT_EXCEPTION_NMI, "and set again");
    bench_on(b, ENTRY, IA32E_MODE_GUEST);
    ok(bench_reenter(b, 5) == (BIT(31) | EXIT_INVALID_GUEST_STATE), "\"IA-32e mode guest\" is set before another");
    bench_free(b);
}

int main(void) {
    test_entries();
    test_entry_again();
    test_int();
    test_flags();
    return done_testing();
}

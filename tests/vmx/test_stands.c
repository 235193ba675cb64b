// Where in the order of faults and VM exits each instruction asks, as cpu/state/intercept.def says: executed at CPL 3,
// with an operand at a non-canonical address, and with one that is not mapped. SDM Vol. 3C, 25.1.1.
#include "tests/vmx/bench.h"
#include "vmx/ask/rules.h"
#include <string.h>

enum stands { DECODED, PRIVILEGED, PERMITTED, CHECKED, LOADED };
static const enum stands stands[] = {
#define INTERCEPT(name, operand, stands, instructions) [ICEPT_##name] = stands,
#include "cpu/state/intercept.def"
#undef INTERCEPT
};

static const struct row {
    enum intercept what;
    const char *hex;
    bool memory; // at RAX
} rows[] = {
    {ICEPT_HLT, "f4", false},
    {ICEPT_CPUID, "0f a2", false},
    {ICEPT_INVD, "0f 08", false},
    {ICEPT_WBINVD, "0f 09", false},
    {ICEPT_INVLPG, "0f 01 38", false},
    {ICEPT_INVPCID, "66 0f 38 82 00", true},
    {ICEPT_RDTSC, "0f 31", false},
    {ICEPT_RDTSCP, "0f 01 f9", false},
    {ICEPT_RDPMC, "0f 33", false},
    {ICEPT_MONITOR, "0f 01 c8", false},
    {ICEPT_MWAIT, "0f 01 c9", false},
    {ICEPT_PAUSE, "f3 90", false},
    {ICEPT_XSETBV, "0f 01 d1", false},
    {ICEPT_RDMSR, "0f 32", false},
    {ICEPT_WRMSR, "0f 30", false},
    {ICEPT_IO, "e4 80", false},
    {ICEPT_INS_OUTS, "6e", false},
    {ICEPT_CR_READ, "0f 20 d8", false},
    {ICEPT_CR_WRITE, "0f 22 d8", false},
    {ICEPT_CLTS, "0f 06", false},
    {ICEPT_LMSW, "0f 01 30", true},
    {ICEPT_DR, "0f 21 c0", false},
    {ICEPT_GDTR_IDTR, "0f 01 10", true},
    {ICEPT_LDTR_TR, "0f 00 10", true},
    {ICEPT_RDRAND, "0f c7 f0", false},
    {ICEPT_RDSEED, "0f c7 f8", false},
    {ICEPT_XSAVES, "0f c7 28", false},
    {ICEPT_XRSTORS, "0f c7 18", false},
    {ICEPT_VMCALL, "0f 01 c1", false},
    {ICEPT_VMCLEAR, "66 0f c7 30", true},
    {ICEPT_VMLAUNCH, "0f 01 c2", false},
    {ICEPT_VMPTRLD, "0f c7 30", true},
    {ICEPT_VMPTRST, "0f c7 38", true},
    {ICEPT_VMREAD, "0f 78 00", true},
    {ICEPT_VMRESUME, "0f 01 c3", false},
    {ICEPT_VMWRITE, "0f 79 00", true},
    {ICEPT_VMXOFF, "0f 01 c4", false},
    {ICEPT_VMXON, "f3 0f c7 30", true},
    {ICEPT_INVEPT, "66 0f 38 80 00", true},
    {ICEPT_INVVPID, "66 0f 38 81 00", true},
};

static enum exit_reason reason_of(enum intercept what) {
    for (unsigned i = 0; exit_rule(i); i++)
        if (exit_rule(i)->intercept == what) return (enum exit_reason)exit_rule(i)->reason;
    return EXIT_EXCEPTION_NMI;
}

static void exit_always(struct bench *b) {
    for (unsigned i = 0; exit_rule(i); i++) {
        const struct exit_rule *r = exit_rule(i);
        if (r->intercept != ICEPT_NONE && r->group != RULE_NO_CONTROL && r->reason != EXIT_VMFUNC)
            bench_control(b, (enum control_group)r->group, r->bit, true);
    }
    bench_on(b, PROC2, ENABLE_RDTSCP);
    bench_on(b, PROC2, ENABLE_INVPCID);
    bench_on(b, PROC, UNCONDITIONAL_IO_EXITING);
    bench_set(b, EXCEPTION_BITMAP, ~0ull);
    bench_set(b, CR0_MASK, ~0ull);
    bench_set(b, CR0_SHADOW, CR0_TS);
    bench_set(b, XSS_EXITING_BITMAP, ~0ull);
    bench_set(b, GUEST_CR4, bench_field(b, GUEST_CR4) | CR4_OSXSAVE | CR4_TSD);
}

static struct bench *at_level(const struct row *row, unsigned cpl) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    bench_store(b, AT_TSS + 0x66, 2, 0xffff); // no I/O permission bitmap
    exit_always(b);
    bench_guest(b, row->hex);
    if (cpl) {
        bench_set(b, GUEST_CS_RIGHTS, bench_field(b, GUEST_CS_RIGHTS) | cpl << 5);
        bench_set(b, GUEST_SS_RIGHTS, bench_field(b, GUEST_SS_RIGHTS) | cpl << 5);
        bench_set(b, GUEST_CS_SELECTOR, bench_field(b, GUEST_CS_SELECTOR) | cpl);
        bench_set(b, GUEST_SS_SELECTOR, bench_field(b, GUEST_SS_SELECTOR) | cpl);
    }
    return b;
}

// The exit reason of the instruction, at that privilege level, with RAX.
static uint32_t run(const struct row *row, unsigned cpl, uint64_t rax) {
    struct bench *b = at_level(row, cpl);
    field_put(b->cpu, "msr.xss", ~0ull);
    memset(b->cpu->gpr, 0, sizeof(uint64_t) * RSP);
    gpr_put(b->cpu, RAX, rax);
    gpr_put(b->cpu, RDX, row->what == ICEPT_XSAVES || row->what == ICEPT_XRSTORS ? UINT32_MAX : 0x80);
    gpr_put(b->cpu, RSI, AT_GUEST_DATA);
    uint32_t reason = bench_enter(b, 3);
    bench_free(b);
    return reason;
}

// INS and OUTS: the VM exit comes before every check of the operand in memory.
static void test_port_strings(void) {
    static const char *const hex[] = {"6c", "6e", "f3 6c", "f3 6e"};
    for (unsigned i = 0; i < 4; i++) {
        struct bench *b = bench_new("server");
        bench_prepare(b);
        exit_always(b);
        bench_guest(b, hex[i]);
        gpr_put(b->cpu, RCX, 1);
        gpr_put(b->cpu, RSI, gpr_put(b->cpu, RDI, BIT(47)));
        ok(bench_enter(b, 3) == EXIT_IO_INSTRUCTION && bench_field(b, GUEST_LINEAR_ADDRESS) == BIT(47),
           "%s: at a non-canonical address", hex[i]);
        bench_free(b);
    }
    struct bench *b = bench_new("server");
    bench_prepare(b);
    exit_always(b);
    bench_set(b, GUEST_CS_RIGHTS, 0xc09b); // compatibility mode
    bench_set(b, GUEST_ES_RIGHTS, BIT(16));
    bench_guest(b, "6c");
    ok(bench_enter(b, 3) == EXIT_IO_INSTRUCTION, "INS with an unusable ES");
    bench_free(b);
}

// A control that is 0 makes #UD, whatever the privilege level makes of the instruction.
static void test_missing_control(void) {
    static const struct row missing[] = {{ICEPT_RDTSCP, "0f 01 f9", false}, {ICEPT_INVPCID, "66 0f 38 82 00", true}};
    for (unsigned i = 0; i < 2; i++) {
        struct bench *b = at_level(&missing[i], 3);
        bench_off(b, PROC2, ENABLE_RDTSCP);
        bench_off(b, PROC2, ENABLE_INVPCID);
        ok(bench_enter(b, 3) == EXIT_EXCEPTION_NMI && (bench_field(b, EXIT_INTERRUPTION) & 255) == VECTOR_UD,
           "%s without its control: #UD at CPL 3", missing[i].hex);
        bench_free(b);
    }
}

int main(void) {
    const uint64_t mapped = AT_GUEST_DATA, not_canonical = 0x8000000000000000ull, not_mapped = 0x40000000;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        enum stands where = stands[r->what];
        enum exit_reason reason = reason_of(r->what);
        uint32_t user = run(r, 3, mapped);
        bool privileged = where == PRIVILEGED || where == PERMITTED, open = where == DECODED;
        ok(run(r, 0, mapped) == reason, "%s: exits", r->hex);
        if (privileged || open)
            ok(user == (open ? reason : EXIT_EXCEPTION_NMI), "%s: at CPL 3 %s", r->hex,
               open ? "too" : "the fault comes first");
        if (!r->memory) continue;
        ok(run(r, 0, not_canonical) == (where == LOADED ? EXIT_EXCEPTION_NMI : reason),
           "%s: a non-canonical operand %s", r->hex, where == LOADED ? "faults first" : "is not accessed");
        ok(run(r, 0, not_mapped) == (where == LOADED ? EXIT_EXCEPTION_NMI : reason),
           "%s: an operand that is not mapped %s", r->hex, where == LOADED ? "faults first" : "is not accessed");
    }
    test_port_strings();
    test_missing_control();
    return done_testing();
}

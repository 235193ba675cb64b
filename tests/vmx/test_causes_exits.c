// The table of causes, VM exits: every basic exit reason (vmx/vmcs/exit.def) and every rule of vmx/ask/exits.def is
// brought about once by a guest, and explained as `why exit` does: by its rule, which holds, with its section and its
// control. What is not modelled is listed with the reason. A row that nothing here brings about fails.
#include "monitor/causes/entry.h"
#include "monitor/vmcs/intercepts.h"
#include "tests/vmx/changes.h"
#include "vmx/ask/rules.h"
#include "vmx/history/history.h"
#include <string.h>

enum { AT_ACCESS = 0x60000, AT_LOG = 0x62000, RULES = 200, TSS_OF_TASK = 0x28, FACTS = 16 };
static bool reason_seen[VMX_REASONS], rule_seen[RULES];

// --- words of the table ---

static void apic(struct bench *b, uint32_t offset) {
    ON(PROC, TPR_SHADOW);
    ON(PROC2, VIRTUALIZE_APIC_ACCESSES);
    SET(VIRTUAL_APIC_ADDRESS, AT_DATA);
    SET(APIC_ACCESS_ADDRESS, AT_ACCESS);
    gpr_put(b->cpu, RBX, AT_ACCESS + offset);
}
static void end_of_interrupt(struct bench *b) {
    apic(b, 0xb0);
    ON(PROC2, VIRTUAL_INTERRUPTS);
    SET(GUEST_INTERRUPT_STATUS, 0x5500);
    SET(EOI_EXIT_BITMAP1, 1 << 21);
    bench_store(b, AT_DATA + 0x120, 4, 1 << 21);
}
static void extended_states(struct bench *b) {
    SET(GUEST_CR4, bench_field(b, GUEST_CR4) | CR4_OSXSAVE);
    ON(PROC2, ENABLE_XSAVES);
    SET(XSS_EXITING_BITMAP, 1 << 8);
    field_put(b->cpu, "msr.xss", 1 << 8);
    gpr_put(b->cpu, RAX, 1 << 8);
    bench_store(b, AT_GUEST_DATA + 520, 8, BIT(63)); // XCOMP_BV
}
static void full_log(struct bench *b) {
    ON(PROC2, ENABLE_PML);
    SET(EPT_POINTER, bench_field(b, EPT_POINTER) | BIT(6)); // accessed and dirty flags
    SET(PML_ADDRESS, AT_LOG);
    SET(PML_INDEX, 0xffff);
}
static void task(struct bench *b) {
    protected_32(b);
    ON(PROC2, UNRESTRICTED_GUEST);
    SET(GUEST_CR0, bench_field(b, GUEST_CR0) & ~CR0_PG);
    bench_store(b, AT_GDT + TSS_OF_TASK, 8, 0x0000890000000067 | (uint64_t)AT_TSS << 16);
}
static void ept_entry(struct bench *b, uint64_t flags) {
    bench_store(b, AT_EPT_PT + 8 * (AT_GUEST_DATA >> 12), 8, AT_GUEST_DATA | flags);
}
static void pend(struct bench *b, unsigned what) { cpu_pend(b->cpu, what, true); }
static void nothing(struct bench *b) { (void)b; }

#define LOAD "8b 03"  // mov eax, [rbx]
#define STORE "89 03" // mov [rbx], eax
#define NOP "90"

// PRODUCES(reason, guest, before the VM entry, after it)
#define EXITS_BY_CONTROL(PRODUCES)                                                                                     \
    PRODUCES(EXTERNAL_INTERRUPT, NOP, ON(EXIT, ACKNOWLEDGE_INTERRUPT), pend(b, PENDING_INTR))                          \
    PRODUCES(EXCEPTION_NMI, NOP, nothing(b), pend(b, PENDING_NMI))                                                     \
    PRODUCES(PREEMPTION_TIMER, NOP, ON(PIN, PREEMPTION_TIMER), )                                                       \
    PRODUCES(INTERRUPT_WINDOW, NOP, ON(PROC, INTERRUPT_WINDOW_EXITING); SET(GUEST_RFLAGS, 2 | FLAG_IF), )              \
    PRODUCES(NMI_WINDOW, NOP, ON(PIN, VIRTUAL_NMIS); ON(PROC, NMI_WINDOW_EXITING), )                                   \
    PRODUCES(HLT, "f4", ON(PROC, HLT_EXITING), )                                                                       \
    PRODUCES(INVLPG, "0f 01 3b", ON(PROC, INVLPG_EXITING), )                                                           \
    PRODUCES(INVPCID, "66 0f 38 82 0b", ON(PROC, INVLPG_EXITING); ON(PROC2, ENABLE_INVPCID), )                         \
    PRODUCES(MWAIT, "0f 01 c9", ON(PROC, MWAIT_EXITING), )                                                             \
    PRODUCES(RDPMC, "0f 33", ON(PROC, RDPMC_EXITING), )                                                                \
    PRODUCES(RDTSC, "0f 31", ON(PROC, RDTSC_EXITING), )                                                                \
    PRODUCES(RDTSCP, "0f 01 f9", ON(PROC, RDTSC_EXITING); ON(PROC2, ENABLE_RDTSCP), )                                  \
    PRODUCES(CR_ACCESS, "0f 22 db", ON(PROC, CR3_LOAD_EXITING), )                                                      \
    PRODUCES(CR_ACCESS, "0f 20 da", ON(PROC, CR3_STORE_EXITING), )                                                     \
    PRODUCES(CR_ACCESS, "44 0f 22 c1", ON(PROC, CR8_LOAD_EXITING), )                                                   \
    PRODUCES(CR_ACCESS, "44 0f 20 c3", ON(PROC, CR8_STORE_EXITING), )                                                  \
    PRODUCES(MOV_DR, "0f 21 f8", ON(PROC, MOV_DR_EXITING), )                                                           \
    PRODUCES(MONITOR_TRAP_FLAG, NOP, ON(PROC, MONITOR_TRAP_FLAG), )                                                    \
    PRODUCES(MONITOR, "0f 01 c8", ON(PROC, MONITOR_EXITING), )                                                         \
    PRODUCES(PAUSE, "f3 90", ON(PROC, PAUSE_EXITING), )                                                                \
    PRODUCES(PAUSE, "f3 90 f3 90 f3 90", ON(PROC2, PAUSE_LOOP_EXITING); SET(PLE_GAP, 1000), )                          \
    PRODUCES(TPR_BELOW_THRESHOLD, NOP, apic(b, 0); SET(TPR_THRESHOLD, 1), )                                            \
    PRODUCES(APIC_ACCESS, LOAD, apic(b, 0x20), )                                                                       \
    PRODUCES(APIC_WRITE, STORE, apic(b, 0x320); ON(PROC2, APIC_REGISTERS), )                                           \
    PRODUCES(VIRTUALIZED_EOI, STORE, end_of_interrupt(b), )                                                            \
    PRODUCES(GDTR_IDTR, "0f 01 13", ON(PROC2, DESCRIPTOR_TABLE_EXITING), )                                             \
    PRODUCES(LDTR_TR, "0f 00 d8", ON(PROC2, DESCRIPTOR_TABLE_EXITING), )                                               \
    PRODUCES(WBINVD, "0f 09", ON(PROC2, WBINVD_EXITING), )                                                             \
    PRODUCES(RDRAND, "0f c7 f1", ON(PROC2, RDRAND_EXITING), )                                                          \
    PRODUCES(RDSEED, "0f c7 fa", ON(PROC2, RDSEED_EXITING), )                                                          \
    PRODUCES(PML_FULL, STORE, full_log(b), )                                                                           \
    PRODUCES(EPT_VIOLATION, LOAD, ept_entry(b, 0), )                                                                   \
    PRODUCES(EPT_MISCONFIGURATION, LOAD, ept_entry(b, 2), )                                                            \
    PRODUCES(XSAVES, "48 0f c7 2b", extended_states(b), )                                                              \
    PRODUCES(XRSTORS, "48 0f c7 1b", extended_states(b), )                                                             \
    PRODUCES(VMFUNC, "0f 01 d4", ON(PROC2, ENABLE_VM_FUNCTIONS), )

#define EXITS_BY_STATE(PRODUCES)                                                                                       \
    PRODUCES(EXCEPTION_NMI, "0f 0b", SET(EXCEPTION_BITMAP, BIT(VECTOR_UD)), )                                          \
    PRODUCES(CR_ACCESS, "0f 22 c0", SET(CR0_MASK, ~0ull); SET(CR0_SHADOW, ~0ull), )                                    \
    PRODUCES(CR_ACCESS, "0f 22 e0", SET(CR4_MASK, ~0ull); SET(CR4_SHADOW, ~0ull), )                                    \
    PRODUCES(CR_ACCESS, "0f 06", SET(CR0_MASK, CR0_TS); SET(CR0_SHADOW, CR0_TS), )                                     \
    PRODUCES(CR_ACCESS, "0f 01 f0", SET(CR0_MASK, CR0_TS); SET(CR0_SHADOW, 0); gpr_put(b->cpu, RAX, 0xb), )            \
    PRODUCES(IO_INSTRUCTION, "e4 60", ON(PROC, UNCONDITIONAL_IO_EXITING), )                                            \
    PRODUCES(IO_INSTRUCTION, "6e", ON(PROC, UNCONDITIONAL_IO_EXITING), )                                               \
    PRODUCES(RDMSR, "0f 32", nothing(b), )                                                                             \
    PRODUCES(WRMSR, "0f 30", nothing(b), )                                                                             \
    PRODUCES(VMREAD, "0f 78 c3", nothing(b), )                                                                         \
    PRODUCES(VMWRITE, "0f 79 c3", nothing(b), )                                                                        \
    PRODUCES(CPUID, "0f a2", nothing(b), )                                                                             \
    PRODUCES(INVD, "0f 08", nothing(b), )                                                                              \
    PRODUCES(XSETBV, "0f 01 d1", SET(GUEST_CR4, bench_field(b, GUEST_CR4) | CR4_OSXSAVE), )                            \
    PRODUCES(TASK_SWITCH, "ea 00 00 00 00 28 00", task(b), )                                                           \
    PRODUCES(TRIPLE_FAULT, "0f 0b", SET(GUEST_IDTR_LIMIT, 0), )                                                        \
    PRODUCES(INIT, NOP, nothing(b), pend(b, PENDING_INIT))                                                             \
    PRODUCES(SIPI, NOP, SET(GUEST_ACTIVITY, ACTIVITY_WAIT_FOR_SIPI), pend(b, PENDING_SIPI))                            \
    PRODUCES(VMCALL, "0f 01 c1", nothing(b), )                                                                         \
    PRODUCES(VMLAUNCH, "0f 01 c2", nothing(b), )                                                                       \
    PRODUCES(VMRESUME, "0f 01 c3", nothing(b), )                                                                       \
    PRODUCES(VMXOFF, "0f 01 c4", nothing(b), )                                                                         \
    PRODUCES(VMCLEAR, "66 0f c7 33", nothing(b), )                                                                     \
    PRODUCES(VMPTRLD, "0f c7 33", nothing(b), )                                                                        \
    PRODUCES(VMPTRST, "0f c7 3b", nothing(b), )                                                                        \
    PRODUCES(VMXON, "f3 0f c7 33", nothing(b), )                                                                       \
    PRODUCES(INVEPT, "66 0f 38 80 03", nothing(b), )                                                                   \
    PRODUCES(INVVPID, "66 0f 38 81 03", nothing(b), )

// --- the judge ---

static struct bench *ready(const char *guest) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    bench_guest(b, guest);
    gpr_put(b->cpu, RAX, gpr_put(b->cpu, RCX, gpr_put(b->cpu, RDX, 0)));
    gpr_put(b->cpu, RBX, AT_GUEST_DATA);
    return b;
}

// The control that the rule needs stands in the explanation, with its bit.
static bool names_control(const struct fact *fact, const struct exit_rule *rule) {
    return rule->group == RULE_NO_CONTROL ||
           (fact->values && fact->value[0].mask == BIT(rule->bit) && fact->value[0].needed == BIT(rule->bit));
}

static bool explains(const struct fact *fact, unsigned reason) {
    const struct exit_rule *rule;
    bool found = false;
    if (!fact->holds || !fact->section || !fact->rule || strcmp(fact->rule, vmx_exit_name(reason)) != 0) return false;
    for (unsigned i = 0; i < RULES && (rule = exit_rule(i)); i++) {
        if (rule->reason != reason || strcmp(rule->rule, fact->text) != 0 || !names_control(fact, rule)) continue;
        rule_seen[i] = found = true;
    }
    return found;
}

static void check_exit(struct bench *b, unsigned wanted, const char *guest) {
    struct fact facts[FACTS] = {0};
    const uint32_t reason = bench_continue(b, 10);
    const struct history_cpu *past = bench_vmx(b)->past;
    const struct history_exit *e = &past->loop[past->exit_level].exit;
    bool exited = reason == wanted && past->has_exit && e->reason == wanted;
    bool explained = exited && exit_facts(b->cpu, e, facts, FACTS) && explains(&facts[0], wanted);
    reason_seen[wanted] |= explained;
    ok(explained, "%s by %s: %s", vmx_exit_name(wanted), guest, facts[0].text ? facts[0].text : "not explained");
    if (!exited) diag("the exit reason is %u", reason);
}

static void test_exits(void) {
#define PRODUCES(reason, guest, before, after)                                                                         \
    {                                                                                                                  \
        struct bench *b = ready(guest);                                                                                \
        before;                                                                                                        \
        (void)bench_enter(b, 0);                                                                                       \
        after;                                                                                                         \
        check_exit(b, EXIT_##reason, guest);                                                                           \
        bench_free(b);                                                                                                 \
    }
    EXITS_BY_CONTROL(PRODUCES)
    EXITS_BY_STATE(PRODUCES)
#undef PRODUCES
}

// --- entries that fail with an exit reason ---

static void test_failed_entries(void) {
    struct fact facts[FACTS] = {0};
    struct bench *b = ready(NOP);
    const struct history_failure *f = &bench_vmx(b)->past->failure;
    SET(GUEST_RFLAGS, 0);
    bool failed = bench_enter(b, 0) == (BIT(31) | EXIT_INVALID_GUEST_STATE);
    reason_seen[EXIT_INVALID_GUEST_STATE] = failed && failure_facts(f, facts, FACTS) && *facts[0].text;
    ok(reason_seen[EXIT_INVALID_GUEST_STATE] && !strcmp(facts[0].rule, "rflags_reserved_1"), "INVALID_GUEST_STATE");
    SET(GUEST_RFLAGS, 2);
    bench_store(b, AT_MSR_AREA, 8, 0xc0000101); // IA32_GS_BASE
    SET(ENTRY_MSR_LOAD_COUNT, 1);
    failed = bench_enter(b, 0) == (BIT(31) | EXIT_MSR_LOADING);
    reason_seen[EXIT_MSR_LOADING] = failed && entry_msr_facts(b->cpu, f, facts, FACTS) && *facts[0].text;
    ok(reason_seen[EXIT_MSR_LOADING], "MSR_LOADING");
    bench_free(b);
}

// --- completeness ---

static const struct {
    unsigned reason;
    const char *why;
} not_modelled[] = {
    {EXIT_IO_SMI, "SMM is not modelled"},
    {EXIT_OTHER_SMI, "SMM is not modelled"},
    {EXIT_RSM, "SMM is not modelled: RSM is #UD"},
    {EXIT_GETSEC, "SMX is not modelled: CR4.SMXE is 0 and GETSEC is #UD"},
    {EXIT_MACHINE_CHECK, "machine checks are not modelled"},
    {EXIT_ENCLS, "SGX is not modelled"},
    {EXIT_PCONFIG, "memory encryption (PCONFIG) is not modelled"},
    {EXIT_SPP, "sub-page write permissions are not modelled"},
    {EXIT_UMWAIT, "WAITPKG is not modelled"},
    {EXIT_TPAUSE, "WAITPKG is not modelled"},
    {EXIT_LOADIWKEY, "Key Locker is not modelled"},
};

// RSM outside SMM, and GETSEC without CR4.SMXE, SDM Vol. 3C, 25.1.3, Vol. 2D, 7.
static void test_undefined(void) {
    static const char *const instructions[] = {"0f aa", "0f 37"};
    for (unsigned i = 0; i < sizeof instructions / sizeof *instructions; i++) {
        struct bench *b = ready(instructions[i]);
        SET(EXCEPTION_BITMAP, BIT(VECTOR_UD));
        ok(bench_enter(b, 5) == EXIT_EXCEPTION_NMI && (bench_field(b, EXIT_INTERRUPTION) & 255) == VECTOR_UD,
           "%s is #UD", i ? "GETSEC" : "RSM");
        bench_free(b);
    }
}

static bool is_listed(unsigned reason) {
    for (unsigned i = 0; i < sizeof not_modelled / sizeof *not_modelled; i++)
        if (not_modelled[i].reason == reason) return true;
    return false;
}

static void test_complete(void) {
    const struct exit_rule *rule;
    loop_begin("every exit reason is brought about and explained, or is not modelled");
    for (unsigned reason = 0; reason < VMX_REASONS; reason++)
        if (vmx_exit_name(reason)) loop_check(reason_seen[reason] != is_listed(reason), "%s", vmx_exit_name(reason));
    loop_end();
    loop_begin("every rule of exits.def is brought about");
    for (unsigned i = 0; (rule = exit_rule(i)); i++)
        loop_check(i < RULES && rule_seen[i] != is_listed(rule->reason), "%s: %s", vmx_exit_name(rule->reason),
                   rule->rule);
    loop_end();
}

int main(void) {
    test_exits();
    test_failed_entries();
    test_undefined();
    test_complete();
    return done_testing();
}

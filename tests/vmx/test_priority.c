// Which of several events comes first at a boundary, what wakes an inactive guest, and what the state is between the
// iterations of a repeated string instruction. SDM Vol. 3C, 25.2, 25.3 (MWAIT), 25.5.2, 26.7, 27.1, 27.3.3, 29.6.
#include "tests/vmx/bench.h"

#define HLT "f4"
#define NOP "90"
#define REP_STOSB "f3 aa"
#define MONITOR "0f 01 c8"
#define MWAIT "0f 01 c9"
#define ECX_1 "b9 01 00 00 00"
#define STI "fb"
#define FWAIT "9b"
enum { AT_VAPIC = 0x60000, AT_DESCRIPTOR = 0x61000, MONITOR_TO_END = 3 + 5 + 3 };

static struct bench *ready(const char *guest) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    bench_guest(b, guest);
    return b;
}

static uint64_t handler(unsigned vector) { return AT_HANDLER + 16 * vector; }
static bool exited(struct bench *b, enum exit_reason reason, uint64_t rip) {
    uint32_t is = bench_enter(b, 20);
    bool right = is == reason && bench_field(b, GUEST_RIP) == rip;
    if (!right) diag("exit %u, RIP %llx", is, (unsigned long long)bench_field(b, GUEST_RIP));
    return right;
}

// --- NMIs that do not exit ---

static struct bench *with_nmi(const char *guest) {
    struct bench *b = ready(guest);
    bench_off(b, PIN, NMI_EXITING);
    return b;
}
static bool exited_after_nmi(struct bench *b, enum exit_reason reason) {
    field_put(b->cpu, "boundary.nmi_blocked", 1); // of the host
    cpu_pend(b->cpu, PENDING_NMI, true);
    return exited(b, reason, handler(VECTOR_NMI));
}

static void test_nmi_first(void) {
    struct bench *b = with_nmi(NOP);
    bench_on(b, PROC, INTERRUPT_WINDOW_EXITING);
    bench_set(b, GUEST_RFLAGS, 2 | FLAG_IF);
    ok(exited_after_nmi(b, EXIT_HLT), "an NMI comes before an open interrupt window");
    bench_free(b);
    b = with_nmi(NOP);
    cpu_pend(b->cpu, PENDING_INTR, true);
    ok(exited_after_nmi(b, EXIT_EXTERNAL_INTERRUPT),
       "and before an external interrupt, which exits before the handler's first instruction");
    bench_free(b);
}

static void test_nmi_in_shutdown(void) {
    struct bench *b = with_nmi(NOP);
    bench_set(b, GUEST_ACTIVITY, ACTIVITY_SHUTDOWN);
    ok(exited_after_nmi(b, EXIT_HLT), "an NMI ends the shutdown state");
    bench_free(b);
    b = with_nmi(NOP);
    bench_set(b, GUEST_ACTIVITY, ACTIVITY_SHUTDOWN);
    bench_on(b, PROC, MONITOR_TRAP_FLAG);
    ok(exited_after_nmi(b, EXIT_MONITOR_TRAP_FLAG), "the MTF VM exit follows its delivery");
    bench_free(b);
    b = with_nmi(NOP);
    bench_set(b, GUEST_ACTIVITY, ACTIVITY_SHUTDOWN);
    bench_on(b, PROC, TPR_SHADOW);
    bench_on(b, PROC2, VIRTUALIZE_APIC_ACCESSES);
    bench_set(b, VIRTUAL_APIC_ADDRESS, AT_VAPIC);
    bench_set(b, TPR_THRESHOLD, 6);
    ok(exited_after_nmi(b, EXIT_TPR_BELOW_THRESHOLD), "so does the one by the TPR threshold");
    bench_free(b);
}

// --- debug exceptions that wait in the HLT state ---

static struct bench *halted_with_debug(void) {
    struct bench *b = ready(NOP);
    bench_set(b, GUEST_ACTIVITY, ACTIVITY_HLT);
    bench_set(b, GUEST_PENDING_DEBUG, BIT(12) | BIT(2));
    bench_on(b, PIN, PREEMPTION_TIMER);
    bench_set(b, PREEMPTION_TIMER, 0);
    return b;
}

static void test_debug_in_hlt(void) {
    struct bench *b = halted_with_debug();
    bench_set(b, EXCEPTION_BITMAP, BIT(VECTOR_DB));
    ok(exited(b, EXIT_EXCEPTION_NMI, AT_GUEST_CODE) && bench_field(b, EXIT_QUALIFICATION) == BIT(2),
       "a pending debug exception comes before the VMX-preemption timer");
    ok(bench_field(b, GUEST_ACTIVITY) == ACTIVITY_HLT, "it exits directly from the HLT state, and that is saved");
    bench_free(b);
    b = halted_with_debug();
    ok(exited(b, EXIT_PREEMPTION_TIMER, handler(VECTOR_DB)), "without the exit the timer's follows its delivery");
    ok(bench_field(b, GUEST_ACTIVITY) == ACTIVITY_ACTIVE, "which ends the HLT state");
    bench_free(b);
    b = halted_with_debug();
    bench_store(b, AT_EPT_PT + 8 * (AT_IDT >> 12), 8, 0);
    ok(exited(b, EXIT_EPT_VIOLATION, AT_GUEST_CODE) && bench_field(b, GUEST_ACTIVITY) == ACTIVITY_ACTIVE,
       "what exits during the delivery exits from the active state");
    bench_free(b);
}

// --- MWAIT ---

static struct bench *waiting(bool delivering) {
    struct bench *b = ready(MONITOR ECX_1 MWAIT HLT);
    gpr_put(b->cpu, RAX, AT_GUEST_DATA);
    gpr_put(b->cpu, RCX, gpr_put(b->cpu, RDX, 0));
    bench_on(b, PROC, TPR_SHADOW);
    bench_set(b, VIRTUAL_APIC_ADDRESS, AT_VAPIC);
    if (delivering) bench_on(b, PROC2, VIRTUAL_INTERRUPTS);
    return b;
}

static void test_mwait(void) {
    struct bench *b = waiting(true);
    bench_set(b, GUEST_INTERRUPT_STATUS, 0);
    ok(!exited(b, EXIT_HLT, AT_GUEST_CODE + MONITOR_TO_END) && bench_vmx(b)->non_root &&
           field(b->cpu, "boundary.mwait"),
       "MWAIT with ECX[0] and IF = 0 waits");
    bench_free(b);
    b = waiting(true);
    bench_set(b, GUEST_INTERRUPT_STATUS, 0x55);
    ok(exited(b, EXIT_HLT, AT_GUEST_CODE + MONITOR_TO_END), "not while a virtual interrupt is recognized");
    bench_free(b);
    b = waiting(false);
    bench_on(b, PROC, INTERRUPT_WINDOW_EXITING);
    ok(exited(b, EXIT_HLT, AT_GUEST_CODE + MONITOR_TO_END), "nor with interrupt-window exiting");
    bench_free(b);
}

// IF is 0: the virtual interrupt is not delivered.
static struct bench *posting(struct bench *b) {
    bench_on(b, PIN, POSTED_INTERRUPTS);
    bench_on(b, EXIT, ACKNOWLEDGE_INTERRUPT);
    bench_set(b, POSTED_VECTOR, 0xf2);
    bench_set(b, POSTED_DESCRIPTOR, AT_DESCRIPTOR);
    bench_store(b, AT_DESCRIPTOR + 4, 4, 1 << 7);
    bench_store(b, AT_DESCRIPTOR + 32, 8, 1);
    b->interrupt_vector = 0xf2;
    return b;
}

static void test_posted(void) {
    struct bench *b = posting(waiting(true));
    (void)bench_enter(b, 10);
    cpu_pend(b->cpu, PENDING_INTR, true);
    ok(bench_continue(b, 10) == EXIT_HLT && bench_field(b, GUEST_INTERRUPT_STATUS) == 0x27,
       "a posted interrupt ends MWAIT");
    bench_free(b);
    b = posting(waiting(true));
    bench_set(b, GUEST_ACTIVITY, ACTIVITY_HLT);
    cpu_pend(b->cpu, PENDING_INTR, true);
    ok(bench_enter(b, 10) == ~0u && bench_vmx(b)->non_root && field(b->cpu, "boundary.activity") == ACTIVITY_HLT &&
           bench_field(b, GUEST_INTERRUPT_STATUS) == 0x27,
       "the HLT state goes on after one");
    bench_free(b);
}

// --- what is saved ---

static void test_floating_point_error(void) {
    struct bench *b = ready("db e3 d9 2b d9 e8 d9 ee de f9" STI FWAIT); // fninit; fldcw [rbx]; 1 / 0
    bench_set(b, EXCEPTION_BITMAP, BIT(VECTOR_MF));
    gpr_put(b->cpu, RBX, AT_GUEST_DATA);
    bench_store(b, AT_GUEST_DATA, 2, 0x37b); // division by zero is not masked
    ok(exited(b, EXIT_EXCEPTION_NMI, AT_GUEST_CODE + 11) && (bench_field(b, EXIT_INTERRUPTION) & 0xff) == VECTOR_MF,
       "#MF exits");
    ok(bench_field(b, GUEST_INTERRUPTIBILITY) == 0, "without blocking by STI, 27.1");
    bench_free(b);
    b = ready(STI "0f 0b");
    bench_set(b, EXCEPTION_BITMAP, BIT(VECTOR_UD));
    ok(exited(b, EXIT_EXCEPTION_NMI, AT_GUEST_CODE + 1) && bench_field(b, GUEST_INTERRUPTIBILITY) == BLOCKING_BY_STI,
       "#UD with it");
    bench_free(b);
}

static void test_iterations(void) {
    struct bench *b = ready(REP_STOSB NOP HLT);
    gpr_put(b->cpu, RDI, AT_GUEST_DATA);
    gpr_put(b->cpu, RCX, 10);
    (void)bench_enter(b, 4);
    cpu_pend(b->cpu, PENDING_INTR, true);
    ok(bench_continue(b, 1) == EXIT_EXTERNAL_INTERRUPT && bench_field(b, GUEST_RIP) == AT_GUEST_CODE &&
           gpr(b->cpu, RCX) == 6 && bench_field(b, GUEST_RFLAGS) == (2 | FLAG_RF),
       "an interrupt between iterations of REP STOSB saves RF = 1, Vol. 3B, 17.3.1.1");
    cpu_pend(b->cpu, PENDING_INTR, false);
    bench_on(b, PROC, MONITOR_TRAP_FLAG);
    ok(bench_reenter(b, 5) == EXIT_MONITOR_TRAP_FLAG && gpr(b->cpu, RCX) == 5 &&
           bench_field(b, GUEST_RFLAGS) == (2 | FLAG_RF),
       "MTF: one iteration");
    gpr_put(b->cpu, RCX, 1);
    ok(bench_reenter(b, 5) == EXIT_MONITOR_TRAP_FLAG && bench_field(b, GUEST_RIP) == AT_GUEST_CODE + 2 &&
           bench_field(b, GUEST_RFLAGS) == 2,
       "after the last one RF is 0");
    bench_free(b);
}

int main(void) {
    test_nmi_first();
    test_nmi_in_shutdown();
    test_debug_in_hlt();
    test_mwait();
    test_posted();
    test_floating_point_error();
    test_iterations();
    return done_testing();
}

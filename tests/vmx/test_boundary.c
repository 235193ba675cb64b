// The state between two instructions as VM exits save it: blocking by NMI, pending debug exceptions, RF, the inactive
// states; and what wakes a processor from them. SDM Vol. 3C, 25.2, 26.6.1.1, 26.7, 27.2.3, 27.3.3, 27.3.4.
#include "cpu/watch/debug.h"
#include "tests/vmx/bench.h"

#define HLT "f4"
#define NOP "90"
#define JMP "eb 00"
#define UD2 "0f 0b"
#define IRETQ "48 cf"
#define PENDING(bits) (bench_field(b, GUEST_PENDING_DEBUG) == (bits))
enum { UNMAPPED = 0x40000000, STACK_PAGE = AT_EPT_PT + 8 * (AT_GUEST_STACK >> 12) };

static struct bench *ready(const char *guest) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    bench_guest(b, guest);
    return b;
}

// --- IRET and blocking by NMI ---

static void frame(struct bench *b, uint64_t rip, uint64_t cs) {
    const uint64_t words[] = {rip, cs, 2, AT_GUEST_STACK, DATA_SELECTOR};
    for (unsigned i = 0; i < 5; i++) bench_store(b, AT_GUEST_STACK + 8 * i, 8, words[i]);
}

static void test_iret_virtual(void) {
    struct bench *b = ready(IRETQ);
    bench_on(b, PIN, VIRTUAL_NMIS);
    bench_set(b, GUEST_INTERRUPTIBILITY, BLOCKING_BY_NMI);
    bench_set(b, GUEST_RSP, UNMAPPED);
    bench_set(b, EXCEPTION_BITMAP, ~0u);
    ok(bench_enter(b, 5) == EXIT_EXCEPTION_NMI && bench_field(b, EXIT_INTERRUPTION) & INTERRUPTION_NMI_UNBLOCKING,
       "IRET that faults with virtual-NMI blocking: bit 12 of the interruption information");
    ok(!(bench_field(b, GUEST_INTERRUPTIBILITY) & BLOCKING_BY_NMI), "and there is no blocking any more");
    ok(bench_reenter(b, 5) == EXIT_EXCEPTION_NMI && !(bench_field(b, EXIT_INTERRUPTION) & INTERRUPTION_NMI_UNBLOCKING),
       "without blocking bit 12 is 0");
    bench_free(b);
    b = ready(IRETQ);
    bench_on(b, PIN, VIRTUAL_NMIS);
    bench_set(b, GUEST_INTERRUPTIBILITY, BLOCKING_BY_NMI);
    bench_store(b, STACK_PAGE, 8, 0);
    ok(bench_enter(b, 5) == EXIT_EPT_VIOLATION && bench_field(b, EXIT_QUALIFICATION) & BIT(12),
       "IRET that meets an EPT violation: bit 12 of the exit qualification");
    bench_free(b);
}

static void test_iret_real(void) {
    struct bench *b = ready(IRETQ);
    bench_off(b, PIN, NMI_EXITING);
    bench_set(b, GUEST_INTERRUPTIBILITY, BLOCKING_BY_NMI);
    bench_store(b, STACK_PAGE, 8, 0);
    ok(bench_enter(b, 5) == EXIT_EPT_VIOLATION && bench_field(b, EXIT_QUALIFICATION) & BIT(12) &&
           !field(b->cpu, "boundary.nmi_blocked"),
       "without \"NMI exiting\" IRET unblocks NMIs and reports it");
    bench_free(b);
    b = ready(IRETQ NOP HLT);
    bench_set(b, GUEST_INTERRUPTIBILITY, BLOCKING_BY_NMI);
    frame(b, AT_GUEST_CODE + 2, CODE_SELECTOR);
    ok(bench_enter(b, 5) == EXIT_HLT && bench_field(b, GUEST_INTERRUPTIBILITY) & BLOCKING_BY_NMI &&
           field(b->cpu, "boundary.nmi_blocked"),
       "with \"NMI exiting\" and no virtual NMIs IRET unblocks nothing");
    bench_free(b);
    b = ready(IRETQ NOP HLT);
    bench_off(b, PIN, NMI_EXITING);
    bench_set(b, GUEST_INTERRUPTIBILITY, BLOCKING_BY_NMI);
    frame(b, AT_GUEST_CODE + 2, CODE_SELECTOR);
    cpu_pend(b->cpu, PENDING_NMI, true);
    field_put(b->cpu, "boundary.nmi_blocked", 1); // of the host
    ok(bench_enter(b, 9) == EXIT_HLT && bench_field(b, GUEST_RIP) == AT_HANDLER + 16 * VECTOR_NMI,
       "an NMI waits for IRET, and comes right after it");
    bench_free(b);
}

// --- pending debug exceptions ---

static void single_step(struct bench *b) { bench_set(b, GUEST_RFLAGS, 2 | FLAG_TF); }
static void tpr_shadow(struct bench *b) {
    bench_on(b, PROC, TPR_SHADOW);
    bench_set(b, VIRTUAL_APIC_ADDRESS, AT_DATA);
    bench_store(b, AT_DATA + 0x80, 4, 0x50);
    bench_set(b, TPR_THRESHOLD, 5);
}

static void test_pending_saved(void) {
    struct bench *b = ready(NOP);
    single_step(b);
    bench_on(b, PROC, MONITOR_TRAP_FLAG);
    ok(bench_enter(b, 5) == EXIT_MONITOR_TRAP_FLAG && PENDING(BIT(14)),
       "an MTF VM exit comes before a single-step trap");
    ok(bench_field(b, EXIT_QUALIFICATION) == 0, "and its qualification is 0");
    bench_free(b);
    b = ready("44 0f 22 c0"); // mov cr8, rax
    single_step(b);
    tpr_shadow(b);
    gpr_put(b->cpu, RAX, 4);
    ok(bench_enter(b, 5) == EXIT_TPR_BELOW_THRESHOLD && PENDING(BIT(14)), "so does one by the TPR threshold");
    bench_free(b);
    b = ready("89 03"); // mov [rbx], eax
    single_step(b);
    tpr_shadow(b);
    bench_on(b, PROC2, VIRTUALIZE_APIC_ACCESSES);
    bench_on(b, PROC2, APIC_REGISTERS);
    bench_set(b, TPR_THRESHOLD, 0);
    bench_set(b, APIC_ACCESS_ADDRESS, AT_GUEST_DATA);
    gpr_put(b->cpu, RBX, AT_GUEST_DATA + 0x320);
    ok(bench_enter(b, 5) == EXIT_APIC_WRITE && PENDING(BIT(14)), "and one by APIC-write emulation");
    bench_free(b);
    b = ready(NOP);
    bench_set(b, GUEST_PENDING_DEBUG, BIT(12) | BIT(2));
    cpu_pend(b->cpu, PENDING_INIT, true);
    ok(bench_enter(b, 5) == EXIT_INIT && PENDING(BIT(12) | BIT(2)), "and INIT");
    ok(bench_field(b, EXIT_QUALIFICATION) == 0, "whose qualification is 0");
    bench_free(b);
    b = ready(NOP);
    bench_set(b, GUEST_ACTIVITY, ACTIVITY_WAIT_FOR_SIPI);
    cpu_pend(b->cpu, PENDING_INIT, true);
    ok(bench_enter(b, 5) == ~0u && bench_vmx(b)->init_blocked == 1, "in the wait for a SIPI it is blocked");
    bench_free(b);
}

// Single steps on branches, Vol. 3B, 17.4.3
static struct bench *steps_branches(const char *guest) {
    struct bench *b = ready(guest);
    single_step(b);
    bench_on(b, ENTRY, LOAD_DEBUG_CONTROLS);
    bench_on(b, EXIT, SAVE_DEBUG_CONTROLS);
    bench_set(b, GUEST_DEBUGCTL, DEBUGCTL_BTF);
    bench_set(b, EXCEPTION_BITMAP, BIT(VECTOR_DB));
    return b;
}

static void test_branches(void) {
    struct bench *b = steps_branches(NOP JMP NOP);
    ok(bench_enter(b, 5) == EXIT_EXCEPTION_NMI && bench_field(b, EXIT_QUALIFICATION) == BIT(14) &&
           bench_field(b, GUEST_RIP) == AT_GUEST_CODE + 3,
       "with BTF the single step comes after a branch");
    ok(bench_field(b, GUEST_DEBUGCTL) == DEBUGCTL_BTF && field(b->cpu, "msr.debugctl") == 0 && PENDING(0),
       "a debug exception that exits leaves BTF as it is, 27.1");
    bench_free(b);
    for (unsigned taken = 0; taken < 2; taken++) {
        b = steps_branches(taken ? JMP : NOP);
        bench_on(b, PROC, MONITOR_TRAP_FLAG);
        ok(bench_enter(b, 5) == EXIT_MONITOR_TRAP_FLAG && PENDING(taken ? BIT(14) : 0),
           "an MTF VM exit with BTF: BS is %u", taken);
        bench_free(b);
    }
    b = steps_branches(NOP HLT);
    bench_off(b, PIN, NMI_EXITING);
    bench_set(b, EXCEPTION_BITMAP, 0);
    bench_set(b, GUEST_PENDING_DEBUG, BIT(14));
    ok(bench_enter(b, 9) == EXIT_HLT && bench_field(b, GUEST_RIP) == AT_HANDLER + 16 * VECTOR_DB &&
           bench_field(b, GUEST_DEBUGCTL) == 0,
       "BS on entry is delivered although BTF is set, which that clears");
    bench_free(b);
}

static void mov_ss(struct bench *b, uint64_t pending) {
    bench_set(b, GUEST_INTERRUPTIBILITY, BLOCKING_BY_MOV_SS);
    bench_set(b, GUEST_PENDING_DEBUG, pending);
}

static void test_mov_ss(void) {
    struct bench *b = ready(UD2);
    mov_ss(b, BIT(12) | BIT(0));
    bench_set(b, EXCEPTION_BITMAP, BIT(VECTOR_UD) | BIT(VECTOR_DB));
    ok(bench_enter(b, 5) == EXIT_EXCEPTION_NMI && (bench_field(b, EXIT_INTERRUPTION) & 0xff) == VECTOR_UD &&
           PENDING(BIT(12) | BIT(0)),
       "what MOV SS holds back is saved by the exit of another exception");
    bench_free(b);
    b = ready("0f a2"); // cpuid
    mov_ss(b, BIT(12) | BIT(1));
    ok(bench_enter(b, 5) == EXIT_CPUID && PENDING(BIT(12) | BIT(1)) &&
           bench_field(b, GUEST_INTERRUPTIBILITY) == BLOCKING_BY_MOV_SS,
       "and by that of an instruction");
    bench_free(b);
    b = ready(NOP);
    mov_ss(b, BIT(12) | BIT(0));
    bench_set(b, EXCEPTION_BITMAP, BIT(VECTOR_DB));
    ok(bench_enter(b, 5) == EXIT_EXCEPTION_NMI && bench_field(b, EXIT_QUALIFICATION) == BIT(0) && PENDING(0) &&
           bench_field(b, GUEST_RIP) == AT_GUEST_CODE + 1,
       "otherwise it comes after the instruction");
    bench_free(b);
}

// 26.7.3: as if the INT n had been executed after the MOV SS.
static void test_injected_after_mov_ss(void) {
    struct bench *b = ready(NOP);
    mov_ss(b, BIT(12) | BIT(3));
    bench_set(b, EXCEPTION_BITMAP, BIT(VECTOR_DB));
    bench_set(b, ENTRY_INTERRUPTION, BIT(31) | EVENT_SOFTWARE_INTERRUPT << 8 | 0x80);
    bench_set(b, ENTRY_INSTRUCTION_LENGTH, 2);
    ok(bench_enter(b, 5) == EXIT_EXCEPTION_NMI && bench_field(b, EXIT_QUALIFICATION) == BIT(3) &&
           bench_field(b, GUEST_RIP) == AT_HANDLER + 16 * 0x80,
       "an injected software interrupt after MOV SS: the debug exception at its handler");
    bench_free(b);
    b = ready(NOP);
    bench_set(b, GUEST_PENDING_DEBUG, BIT(12) | BIT(3));
    bench_set(b, EXCEPTION_BITMAP, BIT(VECTOR_DB));
    bench_set(b, ENTRY_INTERRUPTION, BIT(31) | EVENT_SOFTWARE_INTERRUPT << 8 | 0x80);
    ok(bench_enter(b, 5) == EXIT_HLT && bench_field(b, GUEST_RIP) == AT_HANDLER + 16 * 0x80,
       "without blocking by MOV SS there is none");
    bench_free(b);
}

// --- RF ---

static uint64_t pushed_rflags(struct bench *b) { return bench_load(b, bench_field(b, GUEST_RSP) + 16, 8); }

static void test_resume_flag(void) {
    struct bench *b = ready(UD2);
    bench_store(b, AT_EPT_PT + 8 * (AT_IDT >> 12), 8, 0);
    ok(bench_enter(b, 5) == EXIT_EPT_VIOLATION && bench_field(b, GUEST_RFLAGS) & FLAG_RF,
       "an exit during the delivery of a fault saves RF = 1");
    bench_free(b);
    b = ready("cd 80");
    bench_store(b, AT_EPT_PT + 8 * (AT_IDT >> 12), 8, 0);
    bench_set(b, GUEST_RFLAGS, 2 | FLAG_RF);
    ok(bench_enter(b, 5) == EXIT_EPT_VIOLATION && !(bench_field(b, GUEST_RFLAGS) & FLAG_RF),
       "one during the delivery of INT n saves RF = 0");
    bench_free(b);
    b = ready(NOP);
    bench_set(b, ENTRY_INTERRUPTION, BIT(31) | EVENT_HARDWARE_EXCEPTION << 8 | VECTOR_UD);
    ok(bench_enter(b, 5) == EXIT_HLT && !(pushed_rflags(b) & FLAG_RF), "an injected fault pushes RF as it is: 0");
    bench_free(b);
    b = ready(NOP);
    bench_set(b, GUEST_RFLAGS, 2 | FLAG_RF);
    bench_set(b, ENTRY_INTERRUPTION, BIT(31) | EVENT_SOFTWARE_INTERRUPT << 8 | 0x80);
    ok(bench_enter(b, 5) == EXIT_HLT && pushed_rflags(b) & FLAG_RF, "an injected software interrupt: 1");
    bench_free(b);
    b = ready("0f a2");
    bench_set(b, GUEST_RFLAGS, 2 | FLAG_RF);
    ok(bench_enter(b, 5) == EXIT_CPUID && !(bench_field(b, GUEST_RFLAGS) & FLAG_RF),
       "an instruction that exits saves RF = 0");
    bench_free(b);
    b = ready(NOP);
    bench_set(b, GUEST_RFLAGS, 2 | FLAG_RF);
    cpu_pend(b->cpu, PENDING_INTR, true);
    ok(bench_enter(b, 5) == EXIT_EXTERNAL_INTERRUPT && bench_field(b, GUEST_RFLAGS) & FLAG_RF,
       "an external interrupt saves RF as it is");
    bench_free(b);
}

// --- inactive states ---

static struct bench *inactive(enum activity activity) {
    struct bench *b = ready(NOP HLT);
    bench_set(b, GUEST_ACTIVITY, activity);
    return b;
}

static void test_hlt(void) {
    struct bench *b = inactive(ACTIVITY_HLT);
    ok(bench_enter(b, 5) == ~0u && bench_vmx(b)->non_root, "the HLT state stays");
    cpu_pend(b->cpu, PENDING_INTR, true);
    ok(bench_continue(b, 5) == EXIT_EXTERNAL_INTERRUPT && bench_field(b, GUEST_ACTIVITY) == ACTIVITY_HLT,
       "an external interrupt exits from it although IF = 0");
    bench_free(b);
    b = ready(HLT);
    bench_off(b, PROC, HLT_EXITING);
    bench_on(b, PROC, MONITOR_TRAP_FLAG);
    ok(bench_enter(b, 5) == EXIT_MONITOR_TRAP_FLAG && bench_field(b, GUEST_ACTIVITY) == ACTIVITY_HLT &&
           bench_field(b, GUEST_RIP) == AT_GUEST_CODE + 1,
       "the MTF VM exit after HLT is from the HLT state");
    bench_free(b);
}

static void test_shutdown(void) {
    struct bench *b = inactive(ACTIVITY_SHUTDOWN);
    bench_on(b, PROC, MONITOR_TRAP_FLAG);
    bench_set(b, ENTRY_INTERRUPTION, 0);
    cpu_pend(b->cpu, PENDING_INTR, true);
    ok(bench_enter(b, 5) == ~0u && bench_vmx(b)->non_root,
       "the shutdown state blocks external interrupts and MTF VM exits");
    cpu_pend(b->cpu, PENDING_NMI, true);
    ok(bench_continue(b, 5) == EXIT_EXCEPTION_NMI && bench_field(b, GUEST_ACTIVITY) == ACTIVITY_SHUTDOWN,
       "an NMI exits from it");
    bench_free(b);
    b = inactive(ACTIVITY_SHUTDOWN);
    bench_off(b, PIN, NMI_EXITING);
    ok(bench_enter(b, 5) == ~0u && bench_vmx(b)->non_root, "entered without \"NMI exiting\"");
    cpu_pend(b->cpu, PENDING_NMI, true);
    ok(bench_continue(b, 5) == EXIT_HLT && bench_field(b, GUEST_RIP) == AT_HANDLER + 16 * VECTOR_NMI,
       "an NMI ends it and calls the guest's handler");
    bench_free(b);
    b = inactive(ACTIVITY_SHUTDOWN);
    tpr_shadow(b);
    bench_on(b, PROC2, VIRTUALIZE_APIC_ACCESSES);
    bench_set(b, TPR_THRESHOLD, 6);
    ok(bench_enter(b, 5) == ~0u && bench_vmx(b)->non_root, "the TPR threshold does not exit from the shutdown state");
    bench_free(b);
    b = inactive(ACTIVITY_SHUTDOWN);
    bench_on(b, PIN, PREEMPTION_TIMER);
    bench_set(b, PREEMPTION_TIMER, 0);
    ok(bench_enter(b, 5) == EXIT_PREEMPTION_TIMER && bench_field(b, GUEST_ACTIVITY) == ACTIVITY_SHUTDOWN,
       "the VMX-preemption timer does");
    bench_free(b);
}

static void test_wait_for_sipi(void) {
    struct bench *b = inactive(ACTIVITY_WAIT_FOR_SIPI);
    bench_on(b, PIN, PREEMPTION_TIMER);
    bench_set(b, PREEMPTION_TIMER, 0);
    (void)bench_enter(b, 1);
    cpu_pend(b->cpu, PENDING_INTR | PENDING_NMI | PENDING_INIT, true);
    ok(bench_continue(b, 5) == ~0u && bench_vmx(b)->non_root &&
           field(b->cpu, "boundary.activity") == ACTIVITY_WAIT_FOR_SIPI,
       "wait-for-SIPI blocks interrupts, NMIs, INIT and the VMX-preemption timer");
    cpu_pend(b->cpu, PENDING_INTR | PENDING_NMI, false);
    field_put(b->cpu, "boundary.sipi_vector", 0x9a);
    cpu_pend(b->cpu, PENDING_SIPI, true);
    ok(bench_continue(b, 5) == EXIT_SIPI && bench_field(b, EXIT_QUALIFICATION) == 0x9a &&
           bench_field(b, GUEST_ACTIVITY) == ACTIVITY_WAIT_FOR_SIPI,
       "a SIPI exits, its vector in the qualification");
    (void)bench_run(b, NOP); // the end of the timer's deadline makes the processor ask for the machine once
    bench_set(b, GUEST_ACTIVITY, ACTIVITY_ACTIVE);
    bench_off(b, PIN, PREEMPTION_TIMER);
    ok(bench_reenter(b, 5) == EXIT_INIT, "the INIT exits when the state is left");
    bench_free(b);
    b = ready(NOP HLT);
    cpu_pend(b->cpu, PENDING_SIPI, true);
    ok(bench_enter(b, 5) == EXIT_HLT && !(field(b->cpu, "boundary.pending") & PENDING_SIPI),
       "elsewhere a SIPI is discarded");
    bench_free(b);
}

// --- both sides of what the rows of vmx/exit/boundary.def say ---

static void test_rows(void) {
    struct bench *b = inactive(ACTIVITY_WAIT_FOR_SIPI);
    bench_on(b, PIN, VIRTUAL_NMIS);
    bench_on(b, PROC, NMI_WINDOW_EXITING);
    ok(bench_enter(b, 5) == ~0u && bench_vmx(b)->non_root, "no NMI-window exit from the wait-for-SIPI state");
    bench_free(b);
    b = ready(NOP NOP HLT);
    bench_on(b, PIN, VIRTUAL_NMIS);
    bench_on(b, PROC, NMI_WINDOW_EXITING);
    ok(bench_enter(b, 5) == EXIT_NMI_WINDOW && bench_field(b, EXIT_QUALIFICATION) == 0, "from the active state");
    bench_free(b);
    b = ready(NOP NOP HLT);
    bench_on(b, PROC, INTERRUPT_WINDOW_EXITING);
    bench_set(b, GUEST_RFLAGS, 2 | FLAG_IF);
    ok(bench_enter(b, 5) == EXIT_INTERRUPT_WINDOW && bench_field(b, EXIT_QUALIFICATION) == 0, "an interrupt window");
    bench_free(b);
    for (uint64_t shadow = 0; shadow < 3; shadow++) {
        b = ready(NOP NOP HLT);
        bench_set(b, GUEST_RFLAGS, 2 | FLAG_IF);
        bench_set(b, GUEST_INTERRUPTIBILITY, shadow); // none, by STI, by MOV SS
        (void)bench_enter(b, 0);
        cpu_pend(b->cpu, PENDING_NMI, true);
        ok(bench_continue(b, 5) == EXIT_EXCEPTION_NMI && bench_field(b, GUEST_RIP) == AT_GUEST_CODE + (shadow != 0),
           "an NMI that exits waits for the instruction after a shadow, %u", (unsigned)shadow);
        bench_free(b);
    }
}

int main(void) {
    test_iret_virtual();
    test_iret_real();
    test_pending_saved();
    test_branches();
    test_mov_ss();
    test_injected_after_mov_ss();
    test_resume_flag();
    test_hlt();
    test_shutdown();
    test_wait_for_sipi();
    test_rows();
    return done_testing();
}

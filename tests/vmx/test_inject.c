// Event injection, and exits while an event is delivered. SDM Vol. 3C, 26.6, 26.7, 27.2.4.
#include "tests/vmx/bench.h"

static struct bench *ready(const char *guest) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    bench_guest(b, guest);
    return b;
}
static void inject(struct bench *b, unsigned type, unsigned vector, uint64_t more) {
    bench_set(b, ENTRY_INTERRUPTION, BIT(31) | (uint64_t)type << 8 | vector | more);
}
static uint64_t stacked(struct bench *b, unsigned word) {
    return bench_load(b, bench_field(b, GUEST_RSP) + 8 * word, 8);
}

static void test_types(void) {
    struct bench *b = ready("90");
    bench_set(b, GUEST_RFLAGS, 2 | FLAG_IF);
    inject(b, EVENT_EXTERNAL, 0x55, 0);
    ok(bench_enter(b, 5) == EXIT_HLT && bench_field(b, GUEST_RIP) == AT_HANDLER + 16 * 0x55, "external interrupt");
    ok(stacked(b, 0) == AT_GUEST_CODE && stacked(b, 2) == (2 | FLAG_IF), "pushes RIP and RFLAGS");
    ok(!(bench_field(b, ENTRY_INTERRUPTION) & BIT(31)) && bench_field(b, IDT_VECTORING) == 0, "once");
    bench_free(b);
    b = ready("90");
    inject(b, EVENT_HARDWARE_EXCEPTION, VECTOR_GP, BIT(11));
    bench_set(b, ENTRY_ERROR_CODE, 0x1234);
    bench_set(b, EXCEPTION_BITMAP, ~0u);
    ok(bench_enter(b, 5) == EXIT_HLT && bench_field(b, GUEST_RIP) == AT_HANDLER + 16 * VECTOR_GP &&
           stacked(b, 0) == 0x1234,
       "hardware exception with error code, whatever the exception bitmap");
    bench_free(b);
    b = ready("90");
    inject(b, EVENT_SOFTWARE_INTERRUPT, 0x80, 0);
    bench_set(b, ENTRY_INSTRUCTION_LENGTH, 2);
    ok(bench_enter(b, 5) == EXIT_HLT && stacked(b, 0) == AT_GUEST_CODE + 2,
       "software interrupt: RIP plus the instruction length");
    bench_free(b);
    b = ready("90");
    field_put(b->cpu, "control.cr2", 0x1111);
    inject(b, EVENT_HARDWARE_EXCEPTION, VECTOR_PF, BIT(11));
    ok(bench_enter(b, 5) == EXIT_HLT && field(b->cpu, "control.cr2") == 0x1111, "an injected page fault leaves CR2");
    bench_free(b);
    b = ready("90");
    field_put_at(b->cpu, "control.dr", 6, 0xffff0ff0);
    inject(b, EVENT_HARDWARE_EXCEPTION, VECTOR_DB, 0);
    ok(bench_enter(b, 5) == EXIT_HLT && field_at(b->cpu, "control.dr", 6) == 0xffff0ff0,
       "an injected debug exception leaves DR6");
    bench_free(b);
    b = ready("90");
    bench_on(b, PIN, VIRTUAL_NMIS);
    inject(b, EVENT_NMI, 2, 0);
    ok(bench_enter(b, 5) == EXIT_HLT && bench_field(b, GUEST_INTERRUPTIBILITY) & BLOCKING_BY_NMI,
       "an injected NMI blocks virtual NMIs");
    ok(!field(b->cpu, "boundary.nmi_blocked"), "and not the host's");
    bench_free(b);
    b = ready("90");
    bench_set(b, GUEST_ACTIVITY, ACTIVITY_HLT);
    inject(b, EVENT_NMI, 2, 0);
    ok(bench_enter(b, 5) == EXIT_HLT && bench_field(b, GUEST_RIP) == AT_HANDLER + 16 * 2 &&
           bench_field(b, GUEST_ACTIVITY) == 0,
       "wakes from HLT");
    bench_free(b);
}

// The guest's stack is on a page that EPT does not map.
static void test_delivery_exits(void) {
    struct bench *b = ready("90");
    bench_store(b, AT_EPT_PT + 8 * ((AT_GUEST_STACK - 8) >> 12), 8, 0);
    inject(b, EVENT_SOFTWARE_INTERRUPT, 0x80, 0);
    bench_set(b, ENTRY_INSTRUCTION_LENGTH, 2);
    ok(bench_enter(b, 5) == EXIT_EPT_VIOLATION, "an EPT violation while pushing");
    ok(bench_field(b, IDT_VECTORING) == (BIT(31) | EVENT_SOFTWARE_INTERRUPT << 8 | 0x80), "IDT-vectoring information");
    ok(bench_field(b, EXIT_INSTRUCTION_LENGTH) == 2 && bench_field(b, GUEST_RIP) == AT_GUEST_CODE,
       "instruction length, RIP of the instruction");
    ok(bench_field(b, EXIT_QUALIFICATION) & 2 && !(bench_field(b, GUEST_RFLAGS) & FLAG_RF), "a write; RF as it was");
    ok(bench_field(b, GUEST_RSP) == AT_GUEST_STACK, "RSP unchanged");
    bench_free(b);
    b = ready("0f 0b");
    bench_store(b, AT_EPT_PT + 8 * (AT_IDT >> 12), 8, 0);
    ok(bench_enter(b, 5) == EXIT_EPT_VIOLATION && bench_field(b, IDT_VECTORING) == (BIT(31) | 3 << 8 | VECTOR_UD),
       "while reading the IDT for #UD");
    bench_free(b);
    b = ready("90");
    bench_set(b, GUEST_IDTR_LIMIT, 0x80);
    bench_set(b, EXCEPTION_BITMAP, BIT(VECTOR_GP));
    bench_set(b, GUEST_RFLAGS, 2 | FLAG_IF);
    inject(b, EVENT_EXTERNAL, 0x55, 0);
    ok(bench_enter(b, 5) == EXIT_EXCEPTION_NMI && bench_field(b, IDT_VECTORING) == (BIT(31) | 0x55) &&
           (bench_field(b, EXIT_INTERRUPTION) & 0xff) == VECTOR_GP,
       "#GP for an entry beyond the IDT limit");
    ok(bench_field(b, EXIT_ERROR_CODE) == (0x55 << 3 | 3), "its error code names the vector, with EXT");
    bench_free(b);
    b = ready("90");
    inject(b, EVENT_HARDWARE_EXCEPTION, VECTOR_DF, BIT(11));
    bench_set(b, GUEST_IDTR_LIMIT, 0);
    ok(bench_enter(b, 5) == EXIT_TRIPLE_FAULT, "an injected double fault that cannot be delivered");
    bench_free(b);
}

static void test_pending_debug(void) {
    struct bench *b = ready("90 f4");
    bench_set(b, GUEST_PENDING_DEBUG, BIT(14));
    bench_set(b, EXCEPTION_BITMAP, BIT(VECTOR_DB));
    ok(bench_enter(b, 5) == EXIT_EXCEPTION_NMI && bench_field(b, EXIT_QUALIFICATION) == BIT(14) &&
           bench_field(b, GUEST_RIP) == AT_GUEST_CODE,
       "a pending single-step exception comes first");
    bench_free(b);
    b = ready("90 f4");
    bench_set(b, GUEST_PENDING_DEBUG, BIT(14));
    ok(bench_enter(b, 5) == EXIT_HLT && field_at(b->cpu, "control.dr", 6) & BIT(14), "and is delivered otherwise");
    bench_free(b);
    b = ready("90 90 f4");
    bench_set(b, GUEST_RFLAGS, 2 | FLAG_TF);
    bench_set(b, EXCEPTION_BITMAP, BIT(VECTOR_DB));
    ok(bench_enter(b, 5) == EXIT_EXCEPTION_NMI && bench_field(b, GUEST_RIP) == AT_GUEST_CODE + 1 &&
           bench_field(b, EXIT_QUALIFICATION) == BIT(14),
       "RFLAGS.TF in the guest: after one instruction");
    bench_free(b);
}

int main(void) {
    test_types();
    test_delivery_exits();
    test_pending_debug();
    return done_testing();
}

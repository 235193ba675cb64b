// The virtual APIC by SDM Vol. 3C, chapter 29: TPR shadow, APIC-access page, x2APIC MSRs, virtual and posted
// interrupts.
#include "tests/vmx/bench.h"
#include <stdio.h>

enum { AT_VAPIC = AT_DATA, AT_ACCESS = 0x60000, AT_DESCRIPTOR = 0x61000, VTPR = AT_VAPIC + 0x80 };
#define LOAD32 "8b 03"  // mov eax, [rbx]
#define STORE32 "89 03" // mov [rbx], eax
#define LOAD64 "48 8b 03"
#define CR8_READ "44 0f 20 c0"  // mov rax, cr8
#define CR8_WRITE "44 0f 22 c0" // mov cr8, rax
#define RDMSR "0f 32"
#define WRMSR "0f 30"
#define HLT "f4"
#define NOP "90"

static struct bench *ready(const char *guest, uint64_t rax, uint64_t offset) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    bench_guest(b, guest);
    bench_on(b, PROC, TPR_SHADOW);
    bench_set(b, VIRTUAL_APIC_ADDRESS, AT_VAPIC);
    for (unsigned i = 0; i < 4096; i += 8) bench_store(b, AT_VAPIC + i, 8, 0);
    bench_set(b, APIC_ACCESS_ADDRESS, AT_ACCESS);
    gpr_put(b->cpu, RAX, rax);
    gpr_put(b->cpu, RBX, AT_ACCESS + offset);
    return b;
}
static void paged(struct bench *b) { bench_on(b, PROC2, VIRTUALIZE_APIC_ACCESSES); }
static void delivering(struct bench *b) {
    bench_on(b, PIN, EXTERNAL_INTERRUPT_EXITING);
    bench_on(b, PROC2, VIRTUAL_INTERRUPTS);
    bench_set(b, GUEST_RFLAGS, 2 | FLAG_IF);
}
static bool exited(struct bench *b, uint32_t reason, uint64_t qualification, uint64_t instructions_bytes) {
    uint32_t is = bench_enter(b, 10);
    uint64_t q = bench_field(b, EXIT_QUALIFICATION), rip = bench_field(b, GUEST_RIP);
    bool good = is == reason && q == qualification && rip == AT_GUEST_CODE + instructions_bytes;
    if (!good)
        printf("# exit %u, qualification %llx, RIP +%llx\n", is, (unsigned long long)q,
               (unsigned long long)(rip - AT_GUEST_CODE));
    return good;
}

static void test_cr8(void) {
    struct bench *b = ready(CR8_WRITE "b8 00 00 00 00" CR8_READ HLT, 9, 0);
    ok(exited(b, EXIT_HLT, 0, 13) && gpr(b->cpu, RAX) == 9 && bench_load(b, VTPR, 4) == 0x90, "CR8 is VTPR's bits 7:4");
    bench_free(b);
    b = ready(CR8_WRITE HLT, 4, 0);
    bench_store(b, VTPR, 4, 0x50);
    bench_set(b, TPR_THRESHOLD, 5);
    ok(exited(b, EXIT_TPR_BELOW_THRESHOLD, 0, 4) && bench_load(b, VTPR, 4) == 0x40,
       "MOV to CR8 below the threshold exits after the instruction");
    bench_free(b);
    b = ready(HLT, 0, 0);
    paged(b);
    bench_set(b, TPR_THRESHOLD, 1);
    ok(exited(b, EXIT_TPR_BELOW_THRESHOLD, 0, 0), "VM entry with VTPR below the threshold exits at once");
    bench_free(b);
}

static void test_access_page(void) {
    struct bench *b = ready(STORE32 "31 c0" LOAD32 HLT, 0x30, 0x80);
    paged(b);
    ok(exited(b, EXIT_HLT, 0, 6) && gpr(b->cpu, RAX) == 0x30 && bench_load(b, VTPR, 4) == 0x30 &&
           bench_load(b, AT_ACCESS + 0x80, 4) == 0,
       "the task priority is on the virtual-APIC page");
    bench_free(b);
    b = ready(LOAD32 HLT, 0, 0x20);
    paged(b);
    ok(exited(b, EXIT_APIC_ACCESS, 0x20, 0), "a read of another register exits");
    bench_free(b);
    b = ready(STORE32 HLT, 0, 0x300);
    paged(b);
    ok(exited(b, EXIT_APIC_ACCESS, 0x1300, 0), "a write: access type 1");
    bench_free(b);
    b = ready(LOAD64 HLT, 0, 0x80);
    paged(b);
    ok(exited(b, EXIT_APIC_ACCESS, 0x80, 0), "a read of more than 32 bits exits");
    bench_free(b);
    b = ready("ff e3", 0, 0x80); // jmp rbx
    paged(b);
    bench_enter(b, 10);
    ok(bench_field(b, EXIT_REASON) == EXIT_APIC_ACCESS && bench_field(b, EXIT_QUALIFICATION) == 0x2080, "a fetch");
    bench_free(b);
    b = ready(STORE32 HLT, 7, 0x320);
    paged(b);
    bench_on(b, PROC2, APIC_REGISTERS);
    ok(exited(b, EXIT_APIC_WRITE, 0x320, 2) && bench_load(b, AT_VAPIC + 0x320, 4) == 7,
       "APIC-register virtualization: the write is done, then exits");
    bench_free(b);
    b = ready(LOAD32 HLT, 0, 0x30);
    paged(b);
    bench_on(b, PROC2, APIC_REGISTERS);
    bench_store(b, AT_VAPIC + 0x30, 4, 0x50014);
    ok(exited(b, EXIT_HLT, 0, 2) && gpr(b->cpu, RAX) == 0x50014, "and the version is read");
    bench_free(b);
}

static void test_x2apic(void) {
    struct bench *b = ready(WRMSR HLT, 0x40, 0);
    bench_on(b, PROC2, VIRTUALIZE_X2APIC);
    bench_on(b, PROC, USE_MSR_BITMAPS);
    bench_set(b, MSR_BITMAPS, AT_MSR_BITMAPS);
    gpr_put(b->cpu, RCX, 0x808), gpr_put(b->cpu, RDX, 0);
    ok(exited(b, EXIT_HLT, 0, 2) && bench_load(b, VTPR, 8) == 0x40, "WRMSR of the TPR MSR");
    bench_free(b);
    b = ready(RDMSR HLT, 0, 0);
    bench_on(b, PROC2, VIRTUALIZE_X2APIC);
    bench_on(b, PROC2, APIC_REGISTERS);
    bench_on(b, PROC, USE_MSR_BITMAPS);
    bench_set(b, MSR_BITMAPS, AT_MSR_BITMAPS);
    gpr_put(b->cpu, RCX, 0x802);
    bench_store(b, AT_VAPIC + 0x20, 8, 0x1122334455667788);
    ok(exited(b, EXIT_HLT, 0, 2) && gpr(b->cpu, RAX) == 0x55667788 && gpr(b->cpu, RDX) == 0x11223344,
       "RDMSR reads 8 bytes of the virtual-APIC page");
    bench_free(b);
}

static void test_delivery(void) {
    struct bench *b = ready(NOP, 0, 0);
    delivering(b);
    bench_set(b, GUEST_INTERRUPT_STATUS, 0x55);
    bench_store(b, AT_VAPIC + 0x220, 4, 1 << 21); // VIRR[55H]
    bench_store(b, AT_VAPIC + 0x210, 4, 1 << 1);  // VIRR[21H]
    ok(bench_enter(b, 10) == EXIT_HLT && bench_field(b, GUEST_RIP) == AT_HANDLER + 16 * 0x55, "a virtual interrupt");
    ok(bench_field(b, GUEST_INTERRUPT_STATUS) == 0x5521, "SVI is its vector, RVI the next");
    ok(bench_load(b, AT_VAPIC + 0x120, 4) == 1 << 21 && !bench_load(b, AT_VAPIC + 0x220, 4), "from VIRR to VISR");
    ok(bench_load(b, AT_VAPIC + 0xa0, 4) == 0x50, "VPPR");
    bench_free(b);
    b = ready(STORE32 NOP, 0, 0xb0);
    delivering(b);
    paged(b);
    bench_set(b, GUEST_INTERRUPT_STATUS, 0x5521);
    bench_store(b, AT_VAPIC + 0x120, 4, 1 << 21);
    bench_store(b, AT_VAPIC + 0x210, 4, 1 << 1);
    ok(bench_enter(b, 10) == EXIT_HLT && bench_field(b, GUEST_RIP) == AT_HANDLER + 16 * 0x21 &&
           bench_load(b, bench_field(b, GUEST_RSP), 8) == AT_GUEST_CODE + 2,
       "the end of interrupt lets the next in, after the instruction");
    bench_free(b);
    b = ready(STORE32 NOP, 0, 0xb0);
    delivering(b);
    paged(b);
    bench_set(b, GUEST_INTERRUPT_STATUS, 0x5500);
    bench_set(b, EOI_EXIT_BITMAP1, 1 << 21);
    bench_store(b, AT_VAPIC + 0x120, 4, 1 << 21);
    ok(exited(b, EXIT_VIRTUALIZED_EOI, 0x55, 2) && !bench_load(b, AT_VAPIC + 0x120, 4), "EOI-exit bitmap");
    bench_free(b);
    b = ready(STORE32 NOP, 0x40033, 0x300);
    delivering(b);
    paged(b);
    ok(bench_enter(b, 10) == EXIT_HLT && bench_field(b, GUEST_RIP) == AT_HANDLER + 16 * 0x33, "self-IPI");
    bench_free(b);
    b = ready(NOP NOP HLT, 0, 0);
    delivering(b);
    bench_set(b, GUEST_INTERRUPT_STATUS, 0x35);
    bench_store(b, VTPR, 4, 0x30);
    ok(exited(b, EXIT_HLT, 0, 2), "none at or below the task priority");
    bench_free(b);
    b = ready(NOP, 0, 0);
    delivering(b);
    bench_set(b, GUEST_ACTIVITY, ACTIVITY_HLT);
    bench_set(b, GUEST_INTERRUPT_STATUS, 0x55);
    ok(bench_enter(b, 10) == EXIT_HLT && bench_field(b, GUEST_RIP) == AT_HANDLER + 16 * 0x55, "it ends HLT");
    bench_free(b);
    for (unsigned blocking = BLOCKING_BY_STI; blocking <= BLOCKING_BY_MOV_SS; blocking++) {
        b = ready(NOP NOP, 0, 0);
        delivering(b);
        bench_set(b, GUEST_INTERRUPTIBILITY, blocking);
        bench_set(b, GUEST_INTERRUPT_STATUS, 0x55);
        ok(bench_enter(b, 10) == EXIT_HLT && bench_load(b, bench_field(b, GUEST_RSP), 8) == AT_GUEST_CODE + 1,
           "blocking by %s holds it back for an instruction", blocking == BLOCKING_BY_STI ? "STI" : "MOV SS");
        bench_free(b);
    }
    b = ready(NOP, 0, 0);
    delivering(b);
    bench_set(b, GUEST_ACTIVITY, ACTIVITY_SHUTDOWN);
    bench_set(b, GUEST_INTERRUPT_STATUS, 0x55);
    ok(bench_enter(b, 10) == ~0u && bench_vmx(b)->non_root, "the shutdown state it does not end");
    bench_free(b);
}

static void test_posted(void) {
    struct bench *b = ready(NOP NOP NOP HLT, 0, 0);
    delivering(b);
    bench_on(b, PIN, POSTED_INTERRUPTS);
    bench_on(b, EXIT, ACKNOWLEDGE_INTERRUPT);
    bench_set(b, POSTED_VECTOR, 0xf2);
    bench_set(b, POSTED_DESCRIPTOR, AT_DESCRIPTOR);
    bench_store(b, AT_DESCRIPTOR + 4, 4, 1 << 7); // 27H
    bench_store(b, AT_DESCRIPTOR + 32, 8, 3);
    b->interrupt_vector = 0xf2;
    cpu_pend(b->cpu, PENDING_INTR, true);
    ok(bench_enter(b, 10) == EXIT_HLT && bench_field(b, GUEST_RIP) == AT_HANDLER + 16 * 0x27, "a posted interrupt");
    ok(!bench_load(b, AT_DESCRIPTOR + 4, 4) && bench_load(b, AT_DESCRIPTOR + 32, 8) == 2, "the descriptor is emptied");
    bench_free(b);
    b = ready(NOP NOP HLT, 0, 0);
    delivering(b);
    bench_on(b, PIN, POSTED_INTERRUPTS);
    bench_on(b, EXIT, ACKNOWLEDGE_INTERRUPT);
    bench_set(b, POSTED_VECTOR, 0xf2);
    bench_set(b, POSTED_DESCRIPTOR, AT_DESCRIPTOR);
    b->interrupt_vector = 0xf1;
    cpu_pend(b->cpu, PENDING_INTR, true);
    ok(bench_enter(b, 10) == EXIT_EXTERNAL_INTERRUPT && (bench_field(b, EXIT_INTERRUPTION) & 255) == 0xf1,
       "another vector exits");
    bench_free(b);
    b = ready(NOP NOP HLT, 0, 0);
    delivering(b);
    bench_on(b, EXIT, ACKNOWLEDGE_INTERRUPT);
    bench_set(b, POSTED_VECTOR, 0xf2);
    b->interrupt_vector = 0xf2;
    cpu_pend(b->cpu, PENDING_INTR, true);
    ok(bench_enter(b, 10) == EXIT_EXTERNAL_INTERRUPT && (bench_field(b, EXIT_INTERRUPTION) & 255) == 0xf2,
       "without \"process posted interrupts\" its own vector exits too");
    bench_free(b);
}

int main(void) {
    test_cr8();
    test_access_page();
    test_x2apic();
    test_delivery();
    test_posted();
    return done_testing();
}

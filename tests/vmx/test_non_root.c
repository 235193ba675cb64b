// Orders of priority, MSR areas, monitor trap flag, VMCS shadowing, TSC scaling, mode-based execute control. SDM Vol.
// 3C, 24.10, 25.3, 25.5.
#include "tests/vmx/bench.h"
#include <string.h>

#define R BIT(0)
#define W BIT(1)
#define X BIT(2)
#define XU BIT(10)
#define WB (6 << 3)
#define PAGE_ENTRY(page) (AT_EPT_PT + (page >> 12) * 8)
enum { AT_LOG = 0x60000, AT_BITMAP = 0x61000 };

static struct bench *ready(const char *guest) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    bench_guest(b, guest);
    gpr_put(b->cpu, RBX, AT_GUEST_DATA + 8);
    return b;
}

static void test_trap_flag(void) {
    struct bench *b = ready("90 90 f4");
    bench_on(b, PROC, MONITOR_TRAP_FLAG);
    ok(bench_enter(b, 5) == EXIT_MONITOR_TRAP_FLAG && bench_field(b, GUEST_RIP) == AT_GUEST_CODE + 1,
       "MTF: one instruction");
    ok(bench_reenter(b, 5) == EXIT_MONITOR_TRAP_FLAG && bench_field(b, GUEST_RIP) == AT_GUEST_CODE + 2, "and another");
    bench_free(b);
    b = ready("0f 0b");
    bench_on(b, PROC, MONITOR_TRAP_FLAG);
    ok(bench_enter(b, 5) == EXIT_MONITOR_TRAP_FLAG && bench_field(b, GUEST_RIP) == AT_HANDLER + 16 * VECTOR_UD,
       "after a fault: before the handler's first instruction");
    bench_free(b);
    b = ready("90");
    bench_on(b, PROC, MONITOR_TRAP_FLAG);
    bench_set(b, ENTRY_INTERRUPTION, BIT(31) | EVENT_HARDWARE_EXCEPTION << 8 | VECTOR_UD);
    ok(bench_enter(b, 5) == EXIT_MONITOR_TRAP_FLAG && bench_field(b, GUEST_RIP) == AT_HANDLER + 16 * VECTOR_UD,
       "after an injected event too");
    bench_free(b);
    b = ready("90");
    bench_set(b, ENTRY_INTERRUPTION, BIT(31) | EVENT_OTHER << 8);
    ok(bench_enter(b, 5) == EXIT_MONITOR_TRAP_FLAG && bench_field(b, GUEST_RIP) == AT_GUEST_CODE,
       "an injected MTF VM exit comes at once, whatever the control");
    bench_free(b);
}

static void test_shadowing(void) {
    struct bench *b = ready("0f 79 c3 0f 78 c1 f4"); // vmwrite rax, rbx; vmread rcx, rax; hlt
    bench_store(b, AT_SHADOW, 4, VMCS_REVISION | BIT(31));
    bench_on(b, PROC2, VMCS_SHADOWING);
    bench_set(b, VMCS_LINK_POINTER, AT_SHADOW);
    bench_set(b, VMREAD_BITMAP, AT_BITMAP);
    bench_set(b, VMWRITE_BITMAP, AT_BITMAP);
    gpr_put(b->cpu, RAX, 0x681e), gpr_put(b->cpu, RBX, 0x1234);
    ok(bench_enter(b, 5) == EXIT_HLT && gpr(b->cpu, RCX) == 0x1234, "VMWRITE and VMREAD of the shadow VMCS");
    uint64_t value = 0;
    ok(bench_field(b, GUEST_RIP) == AT_GUEST_CODE + 6, "the current VMCS is another");
    ok(bench_vmptrld(b, AT_SHADOW) == SUCCEED && bench_vmread(b, 0x681e, &value) == SUCCEED && value == 0x1234,
       "the host finds the value in the shadow VMCS");
    ok(bench_vmptrld(b, AT_VMCS) == SUCCEED, "back");
    bench_store(b, AT_BITMAP + 0x681e / 8, 1, 1 << 0x681e % 8);
    bench_set(b, GUEST_RIP, AT_GUEST_CODE);
    ok(bench_reenter(b, 5) == EXIT_VMWRITE, "a bit of the bitmap makes it exit");
    bench_free(b);
}

// 25.1.3: EDX:EAX, IA32_XSS and the XSS-exiting bitmap together.
static void test_xss(void) {
    static const struct {
        uint64_t eax, xss, bitmap;
        bool exits;
    } cases[] = {{1 << 8, 1 << 8, 1 << 8, true},
                 {3, 1 << 8, 1 << 8, false},
                 {1 << 8, 0, 1 << 8, false},
                 {1 << 8, 1 << 8, 0, false}};
    for (unsigned i = 0; i < 8; i++) {
        bool restores = i & 1;
        struct bench *b = ready(restores ? "48 0f c7 1b f4" : "48 0f c7 2b f4"); // xrstors64 [rbx]; xsaves64 [rbx]; hlt
        bench_set(b, GUEST_CR4, bench_field(b, GUEST_CR4) | CR4_OSXSAVE);
        bench_on(b, PROC2, ENABLE_XSAVES);
        bench_set(b, XSS_EXITING_BITMAP, cases[i / 2].bitmap);
        field_put(b->cpu, "msr.xss", cases[i / 2].xss);
        gpr_put(b->cpu, RAX, cases[i / 2].eax), gpr_put(b->cpu, RDX, 0), gpr_put(b->cpu, RBX, AT_GUEST_DATA);
        bench_store(b, AT_GUEST_DATA + 520, 8, 1ull << 63); // XCOMP_BV of the image to restore
        uint32_t reason = bench_enter(b, 5);
        ok((reason == (restores ? EXIT_XRSTORS : EXIT_XSAVES)) == cases[i / 2].exits,
           "%s with EAX %llx, IA32_XSS %llx, bitmap %llx (reason %u)", restores ? "XRSTORS" : "XSAVES",
           (unsigned long long)cases[i / 2].eax, (unsigned long long)cases[i / 2].xss,
           (unsigned long long)cases[i / 2].bitmap, reason);
        bench_free(b);
    }
}

static void test_rest(void) {
    struct bench *b = ready("0f 31 f4");
    bench_on(b, PROC, TSC_OFFSETTING);
    bench_on(b, PROC2, TSC_SCALING);
    bench_set(b, TSC_MULTIPLIER, 1ull << 50); // 4
    bench_set(b, TSC_OFFSET, 3);
    field_put(b->cpu, "time.tsc_base", 1000000);
    uint32_t reason = bench_enter(b, 5);
    uint64_t tsc = gpr(b->cpu, RAX);
    ok(reason == EXIT_HLT && tsc % 4 == 3 && tsc >= 4000000 && tsc < 5000000, "TSC scaling, then the offset (%llu)",
       (unsigned long long)tsc);
    bench_free(b);
    b = ready("90 f4");
    bench_on(b, PROC2, MODE_BASED_EXECUTE);
    static const uint64_t upper[] = {AT_EPT_PML4, AT_EPT_PDPT, AT_EPT_PD};
    for (unsigned i = 0; i < 3; i++) bench_store(b, upper[i], 8, bench_load(b, upper[i], 8) | XU);
    bench_store(b, PAGE_ENTRY(AT_GUEST_CODE), 8, AT_GUEST_CODE | R | W | X | WB);
    ok(bench_enter(b, 5) == EXIT_EPT_VIOLATION && (bench_field(b, EXIT_QUALIFICATION) & 0x7c) == (4 | 7 << 3),
       "a user-mode page needs bit 10 to be executed");
    bench_store(b, PAGE_ENTRY(AT_GUEST_CODE), 8, AT_GUEST_CODE | R | W | XU | WB);
    ok(bench_reenter(b, 5) == EXIT_HLT, "and that alone");
    bench_free(b);
}

// 25.1.1, 25.1.3: what comes first.
static void user_mode(struct bench *b) {
    bench_set(b, GUEST_CS_SELECTOR, CODE_SELECTOR | 3);
    bench_set(b, GUEST_SS_SELECTOR, DATA_SELECTOR | 3);
    bench_set(b, GUEST_CS_RIGHTS, bench_field(b, GUEST_CS_RIGHTS) | 0x60);
    bench_set(b, GUEST_SS_RIGHTS, bench_field(b, GUEST_SS_RIGHTS) | 0x60);
    bench_set(b, EXCEPTION_BITMAP, ~0u);
}
static unsigned vector_of(struct bench *b, uint32_t reason) {
    return reason == EXIT_EXCEPTION_NMI ? bench_field(b, EXIT_INTERRUPTION) & 255 : reason + 256;
}
static void test_order(void) {
    struct bench *b = ready("0f 23 e0"); // mov dr4, rax
    user_mode(b);
    bench_on(b, PROC, MOV_DR_EXITING);
    ok(bench_enter(b, 5) == EXIT_MOV_DR, "MOV DR exits before the check of the privilege level");
    bench_free(b);
    b = ready("66 0f 38 82 03"); // invpcid rax, [rbx]
    user_mode(b);
    ok(vector_of(b, bench_enter(b, 5)) == VECTOR_UD, "INVPCID without its control is #UD at every privilege level");
    bench_on(b, PROC2, ENABLE_INVPCID);
    bench_on(b, PROC, INVLPG_EXITING);
    ok(vector_of(b, bench_reenter(b, 5)) == VECTOR_GP, "with it #GP comes before the exit");
    bench_free(b);
    b = ready("f3 0f c7 f8 f4"); // rdpid rax
    bench_set(b, EXCEPTION_BITMAP, ~0u);
    ok(vector_of(b, bench_enter(b, 5)) == VECTOR_UD, "RDPID without \"enable RDTSCP\" is #UD");
    bench_on(b, PROC2, ENABLE_RDTSCP);
    bench_on(b, PROC, RDTSC_EXITING);
    ok(bench_reenter(b, 5) == EXIT_HLT, "with it it never exits");
    bench_free(b);
}

static void test_msr_areas(void) {
    struct bench *b = ready("f4");
    bench_on(b, PROC, TSC_OFFSETTING);
    bench_set(b, TSC_OFFSET, 1ull << 40);
    bench_set(b, EXIT_MSR_STORE_ADDRESS, AT_MSR_AREA);
    bench_set(b, EXIT_MSR_STORE_COUNT, 1);
    bench_store(b, AT_MSR_AREA, 8, 0x10);
    ok(bench_enter(b, 5) == EXIT_HLT && bench_load(b, AT_MSR_AREA + 8, 8) < 1ull << 40,
       "the TSC is stored without the offset");
    bench_set(b, EXIT_MSR_STORE_COUNT, 0);
    bench_set(b, ENTRY_MSR_LOAD_ADDRESS, AT_LOG);
    bench_set(b, ENTRY_MSR_LOAD_COUNT, 513);
    for (unsigned i = 0; i < 513; i++)
        bench_store(b, AT_LOG + 16 * i, 8, 0x277), bench_store(b, AT_LOG + 16 * i + 8, 8, 6);
    ok(bench_reenter(b, 5) == (BIT(31) | EXIT_MSR_LOADING) && bench_field(b, EXIT_QUALIFICATION) == 513,
       "the 513th entry of an MSR-load area fails");
    bench_free(b);
}

int main(void) {
    test_trap_flag();
    test_shadowing();
    test_xss();
    test_rest();
    test_order();
    test_msr_areas();
    return done_testing();
}

// VM functions: VMFUNC, and EPTP switching with what it flushes. SDM Vol. 3C, 25.5.6. How long mappings live over it is
// also in test_eptp_switching.c.
#include "tests/vmx/bench.h"
#include <string.h>

enum { AT_LIST = 0x60000, OTHER = 0x64000, AT_AREA = 0x66000 };
#define VMFUNC "0f 01 d4"
#define HLT "f4"
#define SWITCH(n) "b9 0" n " 00 00 00 " VMFUNC // mov ecx, n; vmfunc
#define RIGHTS_RWX 7

// The list's entry 0 has the EPTP in use, entry 1 one whose tables (but for the first) are the same.
static struct bench *ready(const char *guest) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    bench_guest(b, guest);
    bench_on(b, PROC2, ENABLE_VM_FUNCTIONS);
    bench_set(b, VM_FUNCTION_CONTROLS, 1);
    bench_set(b, EPTP_LIST_ADDRESS, AT_LIST);
    memcpy(b->ram + OTHER, b->ram + AT_EPT_PML4, 4096);
    bench_store(b, AT_LIST, 8, bench_field(b, EPT_POINTER));
    bench_store(b, AT_LIST + 8, 8, OTHER | (bench_field(b, EPT_POINTER) & 0xfff));
    gpr_put(b->cpu, RAX, 0);
    gpr_put(b->cpu, RBX, AT_GUEST_DATA + 8);
    return b;
}

// --- what VMFUNC comes to, 25.5.6.2, 25.5.6.3 ---

enum came { SWITCHED, EXITED, UNDEFINED, ELSE };
static enum came outcome(struct bench *b, uint64_t rax, uint64_t rcx) {
    gpr_put(b->cpu, RAX, rax), gpr_put(b->cpu, RCX, rcx);
    bench_set(b, GUEST_RIP, AT_GUEST_CODE);
    bench_set(b, EXCEPTION_BITMAP, BIT(VECTOR_UD));
    uint32_t reason = bench_vmx(b)->vmcs->launched ? bench_reenter(b, 5) : bench_enter(b, 5);
    if (reason == EXIT_HLT) return SWITCHED;
    if (bench_field(b, GUEST_RIP) != AT_GUEST_CODE) return ELSE;
    if (reason == EXIT_VMFUNC)
        return bench_field(b, EXIT_INSTRUCTION_LENGTH) == 3 && bench_field(b, EXIT_QUALIFICATION) == 0 ? EXITED : ELSE;
    bool undefined = reason == EXIT_EXCEPTION_NMI && (bench_field(b, EXIT_INTERRUPTION) & 255) == VECTOR_UD;
    return undefined ? UNDEFINED : ELSE;
}

static void test_function_number(void) {
    struct bench *b = ready(VMFUNC HLT);
    ok(outcome(b, 0, 1) == SWITCHED, "function 0 switches");
    ok(outcome(b, BIT(32), 1) == SWITCHED, "EAX counts, not RAX");
    ok(outcome(b, 1, 1) == EXITED && outcome(b, 63, 1) == EXITED, "functions 1 to 63 are not enabled and exit");
    ok(outcome(b, 64, 1) == UNDEFINED && outcome(b, UINT32_MAX, 1) == UNDEFINED, "numbers above are #UD");
    bench_set(b, VM_FUNCTION_CONTROLS, 0);
    ok(outcome(b, 0, 1) == EXITED && outcome(b, 64, 1) == UNDEFINED, "function 0 exits unless it is enabled");
    bench_off(b, PROC2, ENABLE_VM_FUNCTIONS);
    ok(outcome(b, 0, 1) == UNDEFINED && outcome(b, 1, 1) == UNDEFINED, "#UD without \"enable VM functions\"");
    bench_on(b, PROC2, ENABLE_VM_FUNCTIONS);
    bench_off(b, PROC, ACTIVATE_SECONDARY);
    ok(outcome(b, 0, 1) == UNDEFINED, "or when it is one of the secondary controls, which are not activated");
    bench_free(b);
}

static void test_list_entries(void) {
    struct bench *b = ready(VMFUNC HLT);
    const uint64_t good = bench_field(b, EPT_POINTER);
    bench_store(b, AT_LIST + 8 * 511, 8, good);
    ok(outcome(b, 0, 511) == SWITCHED && bench_field(b, EPTP_INDEX) == 511, "the last entry of the list");
    ok(outcome(b, 0, BIT(32) | 1) == SWITCHED && bench_field(b, EPTP_INDEX) == 1, "ECX counts, not RCX");
    bench_store(b, AT_LIST + 8 * 512, 8, good);
    ok(outcome(b, 0, 512) == EXITED && outcome(b, 0, 0x10001) == EXITED && outcome(b, 0, UINT32_MAX) == EXITED,
       "there are 512");
    static const struct {
        const char *name;
        uint64_t eptp;
    } bad[] = {{"0", 0},
               {"a reserved memory type", AT_EPT_PML4 | 3 << 3 | 1},
               {"a page-walk length of 5", AT_EPT_PML4 | 4 << 3 | 6},
               {"bit 7", AT_EPT_PML4 | 3 << 3 | 6 | BIT(7)},
               {"bit 11", AT_EPT_PML4 | 3 << 3 | 6 | BIT(11)},
               {"an address beyond the physical-address width", AT_EPT_PML4 | 3 << 3 | 6 | BIT(45)},
               {"bit 63", AT_EPT_PML4 | 3 << 3 | 6 | BIT(63)}};
    uint64_t before = bench_field(b, EPT_POINTER);
    loop_begin("an EPTP that VM entry would refuse exits, and nothing is switched");
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bench_store(b, AT_LIST + 8 * 2, 8, bad[i].eptp);
        loop_check(outcome(b, 0, 2) == EXITED, "%s", bad[i].name);
        loop_check(bench_field(b, EPT_POINTER) == before && bench_field(b, EPTP_INDEX) == 1, "%s: fields", bad[i].name);
    }
    loop_end();
    bench_store(b, AT_LIST + 8 * 2, 8, AT_EPT_PML4 | 3 << 3 | EPTP_ACCESSED_DIRTY);
    ok(outcome(b, 0, 2) == SWITCHED && bench_field(b, EPT_POINTER) == (AT_EPT_PML4 | 3 << 3 | EPTP_ACCESSED_DIRTY),
       "uncacheable, and with accessed and dirty flags");
    bench_free(b);
}

static void test_registers(void) {
    struct bench *b = ready(VMFUNC HLT);
    bench_set(b, GUEST_RFLAGS, 2 | FLAGS_ARITHMETIC | FLAG_DF);
    uint64_t before[16];
    gpr_put(b->cpu, RCX, 1);
    memcpy(before, b->cpu->gpr, sizeof before);
    bool halted = bench_enter(b, 5) == EXIT_HLT;
    before[RSP] = gpr(b->cpu, RSP);
    ok(halted && !memcmp(before, b->cpu->gpr, sizeof before) &&
           bench_field(b, GUEST_RFLAGS) == (2 | FLAGS_ARITHMETIC | FLAG_DF),
       "EPTP switching changes no register and no flag");
    bench_free(b);
    b = ready(VMFUNC "0f a2"); // cpuid
    bench_set(b, GUEST_CS_SELECTOR, CODE_SELECTOR | 3);
    bench_set(b, GUEST_SS_SELECTOR, DATA_SELECTOR | 3);
    bench_set(b, GUEST_CS_RIGHTS, bench_field(b, GUEST_CS_RIGHTS) | 0x60);
    bench_set(b, GUEST_SS_RIGHTS, bench_field(b, GUEST_SS_RIGHTS) | 0x60);
    gpr_put(b->cpu, RCX, 1);
    ok(bench_enter(b, 5) == EXIT_CPUID && bench_field(b, EPTP_INDEX) == 1, "it needs no privilege");
    bench_free(b);
}

// PAE paging: the PDPTEs stay as they are, and CR3 is not translated.
static void test_pae(void) {
    struct bench *b = ready(SWITCH("1") "8b 03 f4"); // mov eax, [ebx]; hlt
    for (unsigned i = 0; i < 3; i++) {
        uint64_t from = i == 2 ? AT_EPT_PT : i ? AT_EPT_PD : AT_EPT_PDPT;
        memcpy(b->ram + OTHER + 0x1000 * (i + 1), b->ram + from, 4096);
        bench_store(b, OTHER + 0x1000 * i, 8, (OTHER + 0x1000 * (i + 1)) | RIGHTS_RWX);
    }
    bench_store(b, OTHER + 0x3000 + 8 * (AT_PDPT >> 12), 8, 0);
    bench_off(b, ENTRY, IA32E_MODE_GUEST);
    bench_set(b, GUEST_EFER, 0);
    bench_set(b, GUEST_CS_RIGHTS, 0xc09b);
    bench_set(b, GUEST_CR3, AT_PDPT);
    bench_set(b, GUEST_PDPTE0, AT_PD | 1);
    bench_store(b, AT_GUEST_DATA + 8, 4, 4711);
    ok(bench_enter(b, 5) == EXIT_HLT && gpr(b->cpu, RAX) == 4711 && bench_field(b, GUEST_PDPTE0) == (AT_PD | 1),
       "with PAE paging EPTP switching loads no PDPTEs");
    bench_free(b);
}

// 25.5.7.2: the EPTP index of a virtualization exception is that of the last switch.
static void test_index(void) {
    struct bench *b = ready(SWITCH("1") "48 8b 03"); // mov rax, [rbx]
    bench_on(b, PROC2, EPT_VIOLATION_VE);
    bench_set(b, VE_INFORMATION_ADDRESS, AT_AREA);
    bench_set(b, EPTP_INDEX, 5);
    bench_store(b, AT_EPT_PT + 8 * (AT_GUEST_DATA >> 12), 8, 0);
    ok(bench_enter(b, 5) == EXIT_HLT && bench_field(b, GUEST_RIP) == AT_HANDLER + 16 * VECTOR_VE &&
           bench_load(b, AT_AREA + 32, 2) == 1,
       "a virtualization exception after the switch has its index");
    bench_free(b);
}

// --- what is flushed ---

// 25.5.6.3, 28.4.3: the guest reads through a page of 2 MBytes, maps it elsewhere, and reads again with another EPTP or
// with the first one after a switch to the other and back. The other EPTP's tables say the same.
static struct bench *remapping(const char *guest, bool vpid) {
    enum { WINDOW = 0x600000, MOVED = 0x800000 };
    struct bench *b = ready(guest);
    bench_control(b, GROUP_PROC2, PROC2_ENABLE_VPID, vpid);
    bench_store(b, WINDOW, 8, 1);
    bench_store(b, MOVED, 8, 2);
    gpr_put(b->cpu, RBX, WINDOW);
    gpr_put(b->cpu, RSI, AT_PD + 8 * (WINDOW >> 21));
    gpr_put(b->cpu, RDI, MOVED | 0xe7);
    return b;
}

#define REMAP "4c 8b 03 48 89 3e" // mov r8, [rbx]; mov [rsi], rdi
#define READ_AGAIN "4c 8b 0b f4"  // mov r9, [rbx]; hlt

static void test_flushes(void) {
    for (unsigned vpid = 0; vpid < 2; vpid++) {
        struct bench *b = remapping(REMAP READ_AGAIN, vpid);
        ok(bench_enter(b, 20) == EXIT_HLT && gpr(b->cpu, 8) == 1 && gpr(b->cpu, 9) == 1, "a stale translation");
        bench_free(b);
        b = remapping(REMAP SWITCH("1") READ_AGAIN, vpid);
        ok(bench_enter(b, 20) == EXIT_HLT && gpr(b->cpu, 9) == 2, "the other EPTP has mappings of its own");
        bench_free(b);
        b = remapping(REMAP SWITCH("1") SWITCH("0") READ_AGAIN, vpid);
        ok(bench_enter(b, 20) == EXIT_HLT && gpr(b->cpu, 9) == (vpid ? 1 : 2), "EPTP switching %s combined mappings",
           vpid ? "with VPIDs keeps" : "without VPIDs drops");
        bench_free(b);
    }
}

// Guest-physical mappings stay, whatever VPIDs do: the guest takes the page out of its EPT and switches to the same
// EPTP.
static void test_keeps(void) {
    // mov r8, [rbx]; mov [rsi], rdi; vmfunc; mov r9, [rbx]; hlt
    struct bench *b = ready("4c 8b 03 48 89 3e 0f 01 d4 4c 8b 0b f4");
    bench_off(b, PROC2, ENABLE_VPID);
    bench_store(b, AT_GUEST_DATA + 8, 8, 3);
    gpr_put(b->cpu, RCX, gpr_put(b->cpu, RDI, 0));
    gpr_put(b->cpu, RSI, AT_EPT_PT + 8 * (AT_GUEST_DATA >> 12));
    ok(bench_enter(b, 20) == EXIT_HLT && gpr(b->cpu, 9) == 3, "and no guest-physical mappings");
    bench_free(b);
}

int main(void) {
    test_function_number();
    test_list_entries();
    test_registers();
    test_pae();
    test_index();
    test_flushes();
    test_keeps();
    return done_testing();
}

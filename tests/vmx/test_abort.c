// VMX aborts: what causes each, the indicator it leaves, and that nothing but a reset ends it. MSR areas whose entries
// may not be loaded or stored. SDM Vol. 3C, 26.4, 27.4, 27.5.4, 27.6, 27.7.
#include "tests/vmx/bench.h"
#include "cpu/memory/mode.h"
#include "cpu/event/event.h"
#include "cpu/engine/cpu_run.h"
#include "cpu/memory/tlb.h"

enum { MSR_LSTAR = 0xc0000082u, MSR_FS_BASE = 0xc0000100u, MSR_GS_BASE = 0xc0000101u, MSR_EFER = 0xc0000080u };
enum { MSR_X2APIC_ID = 0x802, MSR_SMM_MONITOR_CTL = 0x9b, MSR_SMBASE = 0x9e, MSR_NONE = 0x17f, MSR_PAT = 0x277 };

static struct bench *ready(const char *guest) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    bench_guest(b, guest);
    return b;
}

static void entry(struct bench *b, unsigned i, uint64_t index, uint64_t value) {
    bench_store(b, AT_MSR_AREA + 16 * i, 8, index);
    bench_store(b, AT_MSR_AREA + 16 * i + 8, 8, value);
}

static bool aborted(struct bench *b, enum vmx_abort indicator) {
    return field(b->cpu, "boundary.activity") == ACTIVITY_SHUTDOWN && bench_vmx(b)->aborted == indicator &&
           bench_load(b, AT_VMCS + 4, 4) == indicator;
}

// --- the areas ---

static const struct {
    const char *text;
    uint64_t index, value;
    bool load, store; // fails when loaded, when stored
} entries[] = {
    {"IA32_FS_BASE", MSR_FS_BASE, 0, true, false},
    {"IA32_GS_BASE", MSR_GS_BASE, 0, true, false},
    {"an MSR of the x2APIC", MSR_X2APIC_ID, 0, true, true},
    {"bits 63:32 of the index", MSR_LSTAR | 1ull << 32, 0, true, true},
    {"an MSR that does not exist", MSR_NONE, 0, true, true},
    {"IA32_SMM_MONITOR_CTL, to be written in SMM only", MSR_SMM_MONITOR_CTL, 0, true, false},
    {"a value that WRMSR refuses", MSR_PAT, 2, true, false},
    {"an address that is not canonical", MSR_LSTAR, 1ull << 60, true, false},
    {"IA32_EFER without LME while CR0.PG = 1", MSR_EFER, EFER_SCE, true, false},
    {"IA32_SMBASE, to be read in SMM only", MSR_SMBASE, 0, true, true},
};

static void test_entry_load(void) {
    for (unsigned i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        struct bench *b = ready("f4");
        entry(b, 0, MSR_LSTAR, 0x1234);
        entry(b, 1, entries[i].index, entries[i].value);
        bench_set(b, ENTRY_MSR_LOAD_COUNT, 2);
        bench_set(b, IDT_VECTORING, 0x55);
        bench_set(b, ENTRY_INTERRUPTION, BIT(31) | EVENT_HARDWARE_EXCEPTION << 8 | VECTOR_UD);
        uint32_t reason = bench_enter(b, 5);
        ok(reason == (EXIT_MSR_LOADING | EXIT_REASON_ENTRY_FAILURE) && bench_field(b, EXIT_QUALIFICATION) == 2,
           "VM entry: %s", entries[i].text);
        ok(bench_field(b, IDT_VECTORING) == 0x55 && bench_field(b, ENTRY_INTERRUPTION) & BIT(31) &&
               !bench_vmx(b)->vmcs->launched && field_at(b->cpu, "control.dr", 7) == 0x400,
           "and only the reason and the qualification were written");
        bench_free(b);
    }
}

static void test_exit_load(void) {
    for (unsigned i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        struct bench *b = ready("f4");
        entry(b, 0, entries[i].index, entries[i].value);
        bench_set(b, EXIT_MSR_LOAD_COUNT, 1);
        (void)bench_enter(b, 5);
        ok(aborted(b, ABORT_LOADING_MSRS), "VM exit loads %s: VMX abort 4", entries[i].text);
        bench_free(b);
    }
}

static void test_exit_store(void) {
    for (unsigned i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        if (!entries[i].store) continue;
        struct bench *b = ready("f4");
        entry(b, 0, entries[i].index, 0);
        bench_set(b, EXIT_MSR_STORE_COUNT, 1);
        (void)bench_enter(b, 5);
        ok(aborted(b, ABORT_SAVING_MSRS), "VM exit stores %s: VMX abort 1", entries[i].text);
        bench_free(b);
    }
    struct bench *b = ready("f4");
    entry(b, 0, MSR_FS_BASE, 0);
    bench_set(b, GUEST_FS_BASE, 0x1234000);
    bench_set(b, EXIT_MSR_STORE_COUNT, 1);
    ok(bench_enter(b, 5) == EXIT_HLT && bench_load(b, AT_MSR_AREA + 8, 8) == 0x1234000, "IA32_FS_BASE can be stored");
    bench_free(b);
}

// --- the address space of the host ---

// Identity paging with PAE for code in the first 2 MBytes, then VMX root operation outside IA-32e mode.
static void host_32(struct bench *b) {
    struct cpu *cpu = b->cpu;
    bench_store(b, AT_DATA, 8, AT_PD | 1);
    field_put(cpu, "control.cr3", AT_DATA);
    field_put(cpu, "control.efer", 0);
    field_put_at(cpu, "segment[].rights", CS, 0xc09b);
    for (unsigned i = 0; i < 4; i++) field_put_at(cpu, "control.pdpte", i, bench_load(b, AT_DATA + 8 * i, 8));
    cpu_update_mode(cpu);
    tlb_select(cpu);
}

static void protected_guest(struct bench *b) {
    bench_off(b, EXIT, HOST_ADDRESS_SPACE_SIZE);
    bench_off(b, ENTRY, IA32E_MODE_GUEST);
    bench_set(b, HOST_CR3, AT_DATA);
    bench_set(b, GUEST_CR3, AT_DATA);
    bench_set(b, GUEST_EFER, 0);
    bench_set(b, GUEST_CS_RIGHTS, 0xc09b);
    bench_set(b, GUEST_PDPTE0, AT_PD | 1);
}

static void test_host_pdptes(void) {
    struct bench *b = ready("f4");
    protected_guest(b);
    host_32(b);
    ok(bench_enter(b, 5) == EXIT_HLT && !cpu_long(b->cpu) && field(b->cpu, "control.cr4") & CR4_PAE,
       "a host outside IA-32e mode");
    bench_free(b);
    b = ready("f4");
    protected_guest(b);
    host_32(b);
    bench_set(b, HOST_CR3, AT_DATA + 0x20);
    bench_store(b, AT_DATA + 0x20, 8, AT_PD | 3); // bit 1 is reserved
    (void)bench_enter(b, 5);
    ok(aborted(b, ABORT_HOST_PDPTES), "a bad PDPTE of the host: VMX abort 2");
    bench_free(b);
}

static void test_host_size(void) {
    struct bench *b = ready("f4");
    (void)bench_enter(b, 0);
    bench_vmx(b)->vmcs->field[FIELD_EXIT_CONTROLS] &= ~BIT(EXIT_HOST_ADDRESS_SPACE_SIZE); // no VM entry would allow it
    (void)bench_continue(b, 5);
    ok(aborted(b, ABORT_HOST_NOT_IA32E), "a 32-bit host for a guest in IA-32e mode: VMX abort 6");
    bench_free(b);
}

static void test_stays(void) {
    struct bench *b = ready("f4");
    entry(b, 0, MSR_FS_BASE, 0);
    bench_set(b, EXIT_MSR_LOAD_COUNT, 1);
    (void)bench_enter(b, 5);
    uint64_t rip = field(b->cpu, "rip");
    cpu_pend(b->cpu, PENDING_INIT | PENDING_NMI | PENDING_INTR | PENDING_SIPI, true);
    for (unsigned i = 0; i < 5; i++) (void)cpu_run(b->cpu, 1);
    ok(aborted(b, ABORT_LOADING_MSRS) && field(b->cpu, "rip") == rip && field(b->cpu, "control.cr0") & CR0_PE,
       "INIT, SIPI, NMI and interrupts do not end the VMX-abort shutdown state");
    cpu_reset(b->cpu, false);
    ok(field(b->cpu, "boundary.activity") == ACTIVITY_ACTIVE && !bench_vmx(b)->aborted &&
           bench_vmx(b)->vmxon_pointer == VMCS_NONE,
       "a reset does");
    bench_free(b);
}

int main(void) {
    test_entry_load();
    test_exit_load();
    test_exit_store();
    test_host_pdptes();
    test_host_size();
    test_stays();
    return done_testing();
}

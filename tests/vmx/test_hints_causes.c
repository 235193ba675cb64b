// Every hint that stands beside no VM-entry check has an example: loops of one exit (loop_hint.def), VM entries that
// fail by an MSR area or their launch state (entry.def), host state (host_state.def), and what VMX operation wants of
// control registers. The rows ask for their examples: each is brought about, and its hint must come out.
#include "cpu/engine/cpu_run.h"
#include "devices/history/history.h"
#include "monitor/causes/entry.h"
#include "monitor/causes/exits.h"
#include "monitor/faults/fault.h"
#include "monitor/faults/hint.h"
#include "monitor/faults/host_state.h"
#include "tests/door.h"
#include "tests/vmx/board.h"
#include "tests/vmx/changes.h"
#include <stdlib.h>
#include <string.h>

enum { FACTS = 16, UNMAPPED = 1 << 30, AT_LONG_AREA = 0x70000, IA32_SYSENTER_CS = 0x174 };
#define NOP "90"
#define CPUID "0f a2"
#define UD2 "0f 0b"
#define LOAD "8b 03"  // mov eax, [rbx]
#define STORE "89 03" // mov [rbx], eax

static struct bench *ready(const char *guest) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    changes_valid(b);
    bench_guest(b, guest);
    gpr_put(b->cpu, RBX, AT_GUEST_DATA);
    return b;
}

// EXAMPLE(row, code, what is done): a list of these becomes functions, and a table of them.
struct example {
    const char *row, *code;
    void (*make)(struct bench *b);
};
#define MAKER(row, code, ...)                                                                                          \
    static void make_##row(struct bench *b) { __VA_ARGS__; }
#define IN_TABLE(row, code, ...) {#row, code, make_##row},

static const struct example *find(const struct example *table, unsigned count, const char *row) {
    for (unsigned i = 0; i < count; i++)
        if (!strcmp(table[i].row, row)) return &table[i];
    ok(false, "%s has an example", row);
    return NULL;
}
#define FIND(table, row) find(table, sizeof(table) / sizeof *(table), row)

static bool is_hint(const struct fact *fact, const char *hint) {
    return fact && *fact->text && fact->hint && !strcmp(fact->hint, hint);
}

// --- the same exit again and again: before each VM entry the example does what it does ---

static void ept_entry(struct bench *b, uint64_t flags) {
    bench_store(b, AT_EPT_PT + 8 * (AT_GUEST_DATA >> 12), 8, flags);
}
#define LOOPS(LOOP)                                                                                                    \
    LOOP(EPT_VIOLATION_false, LOAD, ept_entry(b, 0))                                                                   \
    LOOP(EPT_VIOLATION_true, STORE, ept_entry(b, AT_GUEST_DATA | 6 << 3 | 1))                                          \
    LOOP(EPT_MISCONFIGURATION_true, LOAD, ept_entry(b, AT_GUEST_DATA | 2))                                             \
    LOOP(EXTERNAL_INTERRUPT_false, NOP, cpu_pend(b->cpu, PENDING_INTR, true))                                          \
    LOOP(EXTERNAL_INTERRUPT_true, NOP, ON(EXIT, ACKNOWLEDGE_INTERRUPT); cpu_pend(b->cpu, PENDING_INTR, true))          \
    LOOP(INTERRUPT_WINDOW_true, NOP, ON(PROC, INTERRUPT_WINDOW_EXITING); SET(GUEST_RFLAGS, 2 | FLAG_IF))               \
    LOOP(NMI_WINDOW_true, NOP, ON(PIN, VIRTUAL_NMIS); ON(PROC, NMI_WINDOW_EXITING))                                    \
    LOOP(PREEMPTION_TIMER_true, NOP, ON(PIN, PREEMPTION_TIMER))                                                        \
    LOOP(EXCEPTION_NMI_true, UD2, SET(EXCEPTION_BITMAP, BIT(VECTOR_UD)))                                               \
    LOOP(another, CPUID, (void)b)

LOOPS(MAKER)
static const struct example loops[] = {LOOPS(IN_TABLE)};

static void test_loop(const char *name, unsigned reason, const char *hint) {
    struct fact facts[FACTS] = {0};
    const struct example *example = FIND(loops, name);
    if (!example) return;
    struct bench *b = ready(example->code);
    uint32_t exits[3];
    for (unsigned i = 0; i < 3; i++) {
        example->make(b);
        exits[i] = i ? bench_reenter(b, 10) : bench_enter(b, 10);
        while (cpu_run(b->cpu, 1) != RUN_BUDGET) {} // the hypervisor's JMP, once its timers are known
    }
    unsigned count = exit_loop_facts(b->cpu, bench_vmx(b)->past, 1, facts, FACTS);
    ok(count && exits[0] == reason && exits[2] == reason && is_hint(&facts[0], hint), "loop, %s: %s", name,
       facts[0].hint ? facts[0].hint : "no loop");
    if (exits[0] != reason) diag("the exit reason is %u", exits[0]);
    bench_free(b);
}

static void test_loops(void) {
#define LOOP_HINT(reason, whether, bits, text) test_loop(#reason "_" #whether, EXIT_##reason, text);
#include "monitor/causes/loop_hint.def"
#undef LOOP_HINT
    test_loop("another", EXIT_CPUID,
              "if the exit was for an instruction that is done: add the instruction length (VMCS field 440CH) to "
              "GUEST_RIP before VMRESUME");
}

// --- VM entries that fail by the MSR-load area or the launch state ---

static void area(struct bench *b, uint64_t index) {
    bench_store(b, AT_MSR_AREA, 8, index);
    SET(ENTRY_MSR_LOAD_COUNT, 1);
    (void)bench_vmlaunch(b);
}
static void long_area(struct bench *b) {
    for (unsigned i = 0; i <= MSR_AREA_MAX; i++) bench_store(b, AT_LONG_AREA + 16 * i, 8, IA32_SYSENTER_CS);
    SET(ENTRY_MSR_LOAD_ADDRESS, AT_LONG_AREA);
    SET(ENTRY_MSR_LOAD_COUNT, MSR_AREA_MAX + 1);
    (void)bench_vmlaunch(b);
}
static void clear_again(struct bench *b) {
    (void)bench_enter(b, 10);
    (void)bench_vmclear(b, AT_VMCS), (void)bench_vmptrld(b, AT_VMCS);
    (void)bench_vmresume(b);
}
static void other_operation(struct bench *b) {
    (void)bench_enter(b, 10);
    (void)bench_run(b, "0f01c4"); // VMXOFF
    (void)bench_vmxon(b, AT_VMXON), (void)bench_vmptrld(b, AT_VMCS);
    (void)bench_vmresume(b);
}
static void after_mov_ss(struct bench *b) {
    field_put(b->cpu, "boundary.mov_ss_shadow_step", field(b->cpu, "time.steps"));
    (void)bench_vmlaunch(b);
}

#define ENTRIES(ENTRY)                                                                                                 \
    ENTRY(area_count, CPUID, long_area(b))                                                                             \
    ENTRY(area_index, CPUID, area(b, BIT(32) | IA32_SYSENTER_CS))                                                      \
    ENTRY(area_fs_gs, CPUID, area(b, 0xc0000101))                                                                      \
    ENTRY(area_x2apic, CPUID, area(b, 0x808))                                                                          \
    ENTRY(area_smm, CPUID, area(b, 0x9b))                                                                              \
    ENTRY(VMLAUNCH_NOT_CLEAR_EITHER, CPUID, (void)bench_enter(b, 10); (void)bench_vmlaunch(b))                         \
    ENTRY(VMRESUME_NOT_LAUNCHED_NEVER, CPUID, (void)bench_vmresume(b))                                                 \
    ENTRY(VMRESUME_NOT_LAUNCHED_BEFORE, CPUID, clear_again(b))                                                         \
    ENTRY(VMRESUME_AFTER_VMXOFF_EITHER, CPUID, other_operation(b))                                                     \
    ENTRY(MOV_SS_BLOCKING_EITHER, CPUID, after_mov_ss(b))                                                              \
    ENTRY(shadow_true, CPUID, (void)bench_vmptrld(b, AT_SHADOW); (void)bench_vmlaunch(b))                              \
    ENTRY(shadow_false, CPUID, (void)bench_vmclear(b, AT_VMCS); (void)bench_vmlaunch(b))

ENTRIES(MAKER)
static const struct example entries[] = {ENTRIES(IN_TABLE)};

static void test_entry(const char *row, uint32_t number, const char *text, const char *hint) {
    struct fact fact = {0};
    const struct example *example = FIND(entries, row);
    if (!example) return;
    struct bench *b = ready(example->code);
    const struct history_cpu *past = bench_vmx(b)->past;
    const struct history_failure *f = &past->failure;
    example->make(b);
    bool failed = past->has_failure && f->number == number;
    if (failed && number >> 31)
        (void)entry_msr_facts(b->cpu, f, &fact, 1);
    else if (failed)
        (void)entry_error_facts(b->cpu, f, number, &fact, 1);
    ok(is_hint(&fact, hint) && !strcmp(fact.text, text), "VM entry, %s: %s", row,
       failed ? fact.hint : "did not fail so");
    bench_free(b);
}

static void test_entries(void) {
#define ENTRY_ERROR(error, entered, section, text, hint) test_entry(#error "_" #entered, ERROR_##error, text, hint);
#define AREA_RULE(name, broken, text, hint) test_entry(#name, BIT(31) | EXIT_MSR_LOADING, text, hint);
#define ENTRY_INVALID(shadow, section, text, hint) test_entry("shadow_" #shadow, 0, text, hint);
#define REMARK(name, when, section, text)
#include "monitor/causes/entry.def"
#undef REMARK
#undef ENTRY_INVALID
#undef AREA_RULE
#undef ENTRY_ERROR
}

// --- faults of the hypervisor: after a VM exit with such host state it executes the example's instruction ---

static void put_code(struct bench *b, uint64_t at, const char *hex) {
    for (char *end; *hex; hex = end) bench_store(b, at++, 1, strtoul(hex, &end, 16));
}

#define HOSTS(HOST)                                                                                                    \
    HOST(host_rip_unmapped, "f4", SET(HOST_RIP, UNMAPPED))                                                             \
    HOST(host_rsp_unmapped, "50", SET(HOST_RSP, UNMAPPED))                                                             \
    HOST(host_idtr_unmapped, UD2, SET(HOST_IDTR_BASE, UNMAPPED))                                                       \
    HOST(host_idt_empty, UD2, SET(HOST_IDTR_BASE, AT_DATA))                                                            \
    HOST(host_gdtr_unmapped, UD2, SET(HOST_GDTR_BASE, UNMAPPED))                                                       \
    HOST(host_cs_no_code, UD2, SET(HOST_CS_SELECTOR, DATA_SELECTOR))                                                   \
    HOST(host_cr4_fxsr, "0f 28 c1", (void)b)

HOSTS(MAKER)
static const struct example hosts[] = {HOSTS(IN_TABLE)};

// Runs on at AT_HOST_CODE; the first exception that came up. NULL: none did.
static const struct history_fault *first_fault(struct machine *m, struct view *view) {
    char error[160];
    (void)machine_run(m, 8);
    const struct history_cpu *past = machine_history_cpu(m, 0);
    bool seen = view_of(m, 0, 0, machine_history(m), view, error, sizeof error);
    return seen && past->chain_count ? &past->chain[0] : NULL;
}

static void test_host(const char *row, const char *hint) {
    struct fact facts[FACTS] = {0};
    struct view view;
    const struct example *example = FIND(hosts, row);
    if (!example) return;
    struct bench *b = ready(CPUID);
    example->make(b);                      // by VMWRITEs at AT_HOST_CODE
    put_code(b, AT_HOST_CODE, "0f 01 c2"); // VMLAUNCH
    put_code(b, AT_HOST_EXIT, example->code);
    struct machine *m = board_from_bench(b);
    const struct history_fault *f = first_fault(m, &view);
    unsigned count = f ? host_state_facts(&view, machine_history_cpu(m, 0), f, facts, FACTS) : 0;
    const struct fact *fact = fact_named(facts, count, row);
    ok(is_hint(fact, hint), "host state, %s: %s", row, fact ? fact->hint : "not told");
    machine_free(m);
}

static void test_hosts(void) {
#define HOST_RULE(name, field, wrong, words, way) test_host(#name, way);
#include "monitor/faults/host_state.def"
#undef HOST_RULE
}

// --- control registers in VMX operation: a value without what it needs ---

static void test_control(const char *rule, const char *hex, uint64_t value) {
    struct fact facts[FACTS] = {0};
    struct view view;
    struct bench *b = ready(NOP);
    put_code(b, AT_HOST_CODE, hex);
    gpr_put(b->cpu, RAX, value);
    struct machine *m = board_from_bench(b);
    const struct history_fault *f = first_fault(m, &view);
    unsigned count = f ? fault_cause_facts(f, &view, facts, FACTS) : 0;
    const struct fact *fact = fact_named(facts, count, rule);
    ok(f && f->vector == VECTOR_GP && is_hint(fact, cause_hint(rule)), "%s: %s", rule, fact ? fact->text : "not told");
    machine_free(m);
}

int main(void) {
    test_loops();
    test_entries();
    test_hosts();
    test_control("cr0_vmx", "0f 22 c0", CR0_PE | CR0_PG | CR0_ET); // MOV to CR0
    test_control("cr4_vmx", "0f 22 e0", CR4_PAE);                  // MOV to CR4
    return done_testing();
}

// The table of causes, VT-x's part: every row that refuses a VMX instruction (refuse.def), every VM-instruction error
// and VM-entry check is brought about once and explained: by its row, with its section and the values. What is not
// modelled is listed with the reason. test_causes_exits.c has exit reasons, test_causes_events.c events;
// tests/system/test_causes.c has exceptions, MSRs and control registers.
#include "cpu/memory/mode.h"
#include "cpu/state/section.h"
#include "monitor/causes/entry.h"
#include "monitor/faults/fault.h"
#include "monitor/faults/hint.h"
#include "tests/vmx/changes.h"
#include "vmx/history/history.h"
#include "vmx/insn/refusal.h"
#include <string.h>

enum { ERRORS = 29 };
static bool error_seen[ERRORS]; // brought about here, and explained

// --- VMX instructions: REFUSED(row, what is done on the bench in VMX root operation) ---

static void outside(struct bench *b) {
    (void)bench_run(b, "0f01c4"); // VMXOFF
}
static void at_cpl_3(struct bench *b) {
    for (unsigned s = CS; s <= SS; s++)
        field_put_at(b->cpu, "segment[].rights", s, field_at(b->cpu, "segment[].rights", s) | (3u << RIGHTS_DPL_SHIFT));
    cpu_update_mode(b->cpu);
}
static void compatibility(struct bench *b) {
    field_put_at(b->cpu, "segment[].rights", CS,
                 (field_at(b->cpu, "segment[].rights", CS) & ~(uint32_t)RIGHTS_L) | RIGHTS_DB);
    cpu_update_mode(b->cpu);
}
static void invalidate(struct bench *b, const char *hex, uint64_t type, uint64_t low, uint64_t high) {
    bench_store(b, AT_POINTER, 8, low);
    bench_store(b, AT_POINTER + 8, 8, high);
    gpr_put(b->cpu, RAX, type);
    gpr_put(b->cpu, RBX, AT_POINTER);
    (void)bench_run(b, hex);
}
#define VMXON "f30fc733"
#define INVEPT "660f388003"
#define INVVPID "660f388103"
#define FEATURE_CONTROL(value) field_put(b->cpu, "msr.feature_control", value)

#define REFUSALS(REFUSED)                                                                                              \
    REFUSED(vmxon_vmxe, outside(b); field_put(b->cpu, "control.cr4", field(b->cpu, "control.cr4") & (~CR4_VMXE));      \
            (void)bench_vmxon(b, AT_VMXON))                                                                            \
    REFUSED(vmxon_mode, outside(b); compatibility(b); (void)bench_vmxon(b, AT_VMXON))                                  \
    REFUSED(vmxon_cpl, outside(b); at_cpl_3(b); (void)bench_vmxon(b, AT_VMXON))                                        \
    REFUSED(vmxon_cr0, outside(b); field_put(b->cpu, "control.cr0", field(b->cpu, "control.cr0") & (~CR0_NE));         \
            (void)bench_vmxon(b, AT_VMXON))                                                                            \
    REFUSED(vmxon_unlocked, outside(b); FEATURE_CONTROL(4); (void)bench_vmxon(b, AT_VMXON))                            \
    REFUSED(vmxon_disabled, outside(b); FEATURE_CONTROL(1); (void)bench_vmxon(b, AT_VMXON))                            \
    REFUSED(vmxon_alignment, outside(b); (void)bench_vmxon(b, AT_VMXON + 8))                                           \
    REFUSED(vmxon_width, outside(b); (void)bench_vmxon(b, BAD_ADDRESS))                                                \
    REFUSED(vmxon_revision, outside(b); (void)bench_vmxon(b, AT_DATA))                                                 \
    REFUSED(vmxon_in_root, (void)bench_vmxon(b, AT_VMXON))                                                             \
    REFUSED(outside_operation, outside(b); (void)bench_vmptrld(b, AT_VMCS))                                            \
    REFUSED(vmx_mode, compatibility(b); (void)bench_vmptrld(b, AT_VMCS))                                               \
    REFUSED(vmx_cpl, at_cpl_3(b); (void)bench_vmptrld(b, AT_VMCS))                                                     \
    REFUSED(vmclear_alignment, (void)bench_vmclear(b, AT_VMCS + 8))                                                    \
    REFUSED(vmclear_width, (void)bench_vmclear(b, BAD_ADDRESS))                                                        \
    REFUSED(vmclear_vmxon_pointer, (void)bench_vmclear(b, AT_VMXON))                                                   \
    REFUSED(vmptrld_alignment, (void)bench_vmptrld(b, AT_VMCS + 8))                                                    \
    REFUSED(vmptrld_width, (void)bench_vmptrld(b, BAD_ADDRESS))                                                        \
    REFUSED(vmptrld_vmxon_pointer, (void)bench_vmptrld(b, AT_VMXON))                                                   \
    REFUSED(vmptrld_revision, (void)bench_vmptrld(b, AT_DATA))                                                         \
    REFUSED(vmptrld_shadow, bench_vmx(b)->capability.allowed1[GROUP_PROC2] &= ~(uint32_t)BIT(PROC2_VMCS_SHADOWING);    \
            bench_store(b, AT_SHADOW, 4, VMCS_REVISION | BIT(31)); (void)bench_vmptrld(b, AT_SHADOW))                  \
    REFUSED(access_no_vmcs, (void)bench_vmclear(b, AT_VMCS); (void)bench_vmwrite(b, 0x681e, 0))                        \
    REFUSED(access_field, (void)bench_vmwrite(b, 0x4030, 0))                                                           \
    REFUSED(invept_type, invalidate(b, INVEPT, 3, AT_EPT_PML4 | 0x1e, 0))                                              \
    REFUSED(invept_eptp, invalidate(b, INVEPT, 1, AT_EPT_PML4, 0))                                                     \
    REFUSED(invvpid_type, invalidate(b, INVVPID, 4, 1, 0))                                                             \
    REFUSED(invvpid_reserved, invalidate(b, INVVPID, 1, 0x10001, 0))                                                   \
    REFUSED(invvpid_zero, invalidate(b, INVVPID, 1, 0, 0))                                                             \
    REFUSED(invvpid_canonical, invalidate(b, INVVPID, 0, 1, NON_CANONICAL))                                            \
    REFUSED(vmcall_in_root, (void)bench_run(b, "0f01c1"))                                                              \
    REFUSED(vmfunc_in_root, (void)bench_run(b, "0f01d4"))

static void check_refusal(struct bench *b, const char *name) {
    const struct history_refusal *r = history_refusal(bench_vmx(b)->past, 0);
    struct fact fact = {0};
    const char *hint = cause_hint(name);
    bool told = r && refusal_facts(r, &fact, 1) == 1 && !strcmp(fact.rule, name);
    const struct refusal_row *row = r ? refusal_row(r->row) : NULL;
    bool explained = told && *fact.text && fact.section && (!hint || (fact.hint && !strcmp(fact.hint, hint)));
    if (explained && row->how == REFUSES_VALID && bench_field(b, INSTRUCTION_ERROR) == row->error)
        error_seen[row->error] = true;
    ok(explained, "%s: %s", name, fact.text ? fact.text : "not explained");
}

static void test_refusals(void) {
#define REFUSED(row, ...)                                                                                              \
    {                                                                                                                  \
        struct bench *b = bench_new("server");                                                                         \
        bench_prepare(b);                                                                                              \
        changes_valid(b);                                                                                              \
        __VA_ARGS__;                                                                                                   \
        check_refusal(b, #row);                                                                                        \
        bench_free(b);                                                                                                 \
    }
    REFUSALS(REFUSED)
#undef REFUSED
    static const char *const tried[] = {
#define REFUSED(row, ...) #row,
        REFUSALS(REFUSED)
#undef REFUSED
            "vmfunc_number", // needs a guest: vmx/test_function
    };
    loop_begin("every row of refuse.def is brought about");
    for (unsigned i = 0; i < REFUSAL_COUNT; i++) {
        bool found = false;
        for (unsigned j = 0; j < sizeof tried / sizeof *tried; j++) found |= !strcmp(refusal_row(i)->name, tried[j]);
        loop_check(found, "%s", refusal_row(i)->name);
    }
    loop_end();
}

// --- VM-instruction errors ---

static const struct {
    unsigned error;
    const char *why;
} not_modelled[] = {
    {ERROR_READ_ONLY_COMPONENT, "IA32_VMX_MISC bit 29: VMWRITE to any field"},
    {ERROR_EXECUTIVE_POINTER, "dual-monitor treatment of SMM is not modelled"},
    {ERROR_EXECUTIVE_NOT_LAUNCHED, "the same"},
    {ERROR_EXECUTIVE_NOT_VMXON, "the same"},
    {ERROR_VMCALL_NOT_CLEAR, "the same"},
    {ERROR_VMCALL_EXIT_CONTROLS, "the same"},
    {ERROR_VMCALL_MSEG_REVISION, "the same"},
    {ERROR_VMXOFF_DUAL_MONITOR, "the same"},
    {ERROR_VMCALL_SMM_FEATURES, "the same"},
    {ERROR_EXECUTIVE_CONTROL_FIELD, "the same"},
};

static void check_error(struct bench *b, unsigned error, const char *what) {
    const struct history_cpu *past = bench_vmx(b)->past;
    struct fact fact = {0};
    bool failed = past->has_failure && past->failure.number == error;
    bool by_check = error == ERROR_CONTROL_FIELD || error == ERROR_HOST_STATE_FIELD;
    bool told = by_check ? failure_facts(&past->failure, &fact, 1) == 1 && fact.values
                         : entry_error_facts(b->cpu, &past->failure, error, &fact, 1) == 1 && fact.hint;
    error_seen[error] = failed && told && (!error || bench_field(b, INSTRUCTION_ERROR) == error);
    ok(error_seen[error], "%s: %s", what, fact.text ? fact.text : "not explained");
}

static void test_launch_states(struct bench *b) {
    changes_valid(b);
    (void)bench_vmclear(b, AT_VMCS), (void)bench_vmptrld(b, AT_VMCS);
    (void)bench_vmresume(b);
    check_error(b, ERROR_VMRESUME_NOT_LAUNCHED, "VMRESUME of a clear VMCS");
    bench_vmx(b)->vmcs->launched = launch_state(bench_vmx(b));
    (void)bench_vmlaunch(b);
    check_error(b, ERROR_VMLAUNCH_NOT_CLEAR, "VMLAUNCH of a launched VMCS");
    bench_vmx(b)->vmcs->launched = launch_state(bench_vmx(b)) + 2;
    (void)bench_vmresume(b);
    check_error(b, ERROR_VMRESUME_AFTER_VMXOFF, "VMRESUME of a VMCS of another VMX operation");
    (void)bench_vmclear(b, AT_VMCS);
    (void)bench_vmlaunch(b);
    check_error(b, 0, "VMLAUNCH without a VMCS");
    (void)bench_vmptrld(b, AT_VMCS);
}

static void test_entry_errors(struct bench *b) {
    changes_valid(b);
    SET(CR3_TARGET_COUNT, 5);
    (void)bench_vmlaunch(b);
    check_error(b, ERROR_CONTROL_FIELD, "VM entry with five CR3-target values");
    changes_valid(b);
    SET(HOST_TR_SELECTOR, 0);
    (void)bench_vmlaunch(b);
    check_error(b, ERROR_HOST_STATE_FIELD, "VM entry with a null selector for the host's TR");
    changes_valid(b);
    field_put(b->cpu, "boundary.mov_ss_shadow_step", field(b->cpu, "time.steps"));
    (void)bench_vmlaunch(b);
    check_error(b, ERROR_MOV_SS_BLOCKING, "VM entry right after MOV SS");
}

static void test_errors(void) {
    loop_begin("every VM-instruction error is brought about and explained, or is not modelled");
    for (unsigned error = 1; error < ERRORS; error++) {
        bool listed = false;
        for (unsigned i = 0; i < sizeof not_modelled / sizeof *not_modelled; i++)
            listed |= not_modelled[i].error == error;
        if (vmx_error_text(error))
            loop_check(error_seen[error] != listed, "error %u: %s", error, vmx_error_text(error));
    }
    loop_end();
}

// --- VM-entry checks ---

// A word that computes does not stand alone: what it wants of which bits is there, and from where that is known.
static bool names_bits(const struct fact *fact) {
    static const char *const words[] = {"settings_allowed", "cr0_supported", "cr4_supported",
                                        "page_address",     "canonical",     "efer_valid",
                                        "debugctl_valid",   "physical(",     "msr_area"};
    bool needs = false, has = false;
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) needs |= strstr(fact->must, words[i]) != NULL;
    for (unsigned i = 0; i < fact->values; i++) has |= fact->value[i].mask && fact->value[i].source;
    return !needs || has || strstr(fact->must, "&&"); // of two conditions the second may not have been asked
}

static void test_checks(struct bench *b) {
    enum { FACTS = HISTORY_RULES };
    loop_begin("every VM-entry check that fails is told with its section, values and bits");
    for (unsigned i = 0; i < change_count; i++) {
        struct fact facts[60];
        struct vmx_failure failures[60];
        changes_valid(b);
        changes[i].change(b);
        unsigned count = vmx_explain_checks(b->cpu, failures, 60);
        for (unsigned j = 0; j < count && j < 60; j++) {
            facts[j] = fact_of_check(&failures[j], AT_VMCS);
            if (strcmp(failures[j].name, changes[i].name) != 0) continue;
            loop_check(*facts[j].text && facts[j].section && facts[j].values && names_bits(&facts[j]), "%s",
                       changes[i].name);
        }
    }
    loop_end();
}

// --- MSR-load area ---

static void check_area(struct bench *b, uint64_t index, uint64_t value, const char *what) {
    struct fact fact = {0};
    changes_valid(b);
    (void)bench_vmclear(b, AT_VMCS), (void)bench_vmptrld(b, AT_VMCS);
    changes_valid(b);
    bench_store(b, AT_MSR_AREA, 8, index);
    bench_store(b, AT_MSR_AREA + 8, 8, value);
    SET(ENTRY_MSR_LOAD_COUNT, 1);
    SET(ENTRY_MSR_LOAD_ADDRESS, AT_MSR_AREA);
    (void)bench_vmlaunch(b);
    const struct history_failure *f = &bench_vmx(b)->past->failure;
    bool failed = f->number == (BIT(31) | EXIT_MSR_LOADING);
    bool told = failed && entry_msr_facts(b->cpu, f, &fact, 1) == 1 && *fact.text;
    ok(told && f->qualification == 1 && f->msr == index && f->value == value, "%s: %s", what,
       fact.text ? fact.text : "not explained");
}

static void test_areas(struct bench *b) {
    check_area(b, BIT(32) | 0x174, 0, "bits 63:32 of an entry");
    check_area(b, 0xc0000101, 0, "IA32_GS_BASE");
    check_area(b, 0x808, 0, "an MSR of the local APIC");
    check_area(b, 0x9b, 0, "IA32_SMM_MONITOR_CTL");
    check_area(b, 0x12345, 0, "an MSR that is not there");
    check_area(b, 0x277, 2, "IA32_PAT with a reserved memory type");
    check_area(b, 0x480, 0, "an MSR that can only be read");
}

// --- what the hypervisor of a guest tells it ---

// A hypervisor lets VMPTRLD of its guest fail: CF is 1 when the guest goes on behind it.
static void test_told(void) {
    struct fact facts[8];
    struct bench *b = bench_new("server");
    bench_prepare(b);
    changes_valid(b);
    bench_guest(b, "0f c7 33 90 f4"); // VMPTRLD [RBX]
    ON(PROC, HLT_EXITING);
    uint32_t exit = bench_enter(b, 10);
    SET(GUEST_RIP, bench_field(b, GUEST_RIP) + 3);
    SET(GUEST_RFLAGS, 2 | FLAG_CF);
    (void)bench_reenter(b, 10);
    const struct history_told *t = &bench_vmx(b)->past->told;
    unsigned count = told_facts(t, facts, 8);
    ok(exit == EXIT_VMPTRLD && t->times == 1 && t->flags == FLAG_CF && t->reason == EXIT_VMPTRLD && count > 4 &&
           fact_named(facts, count, "vmptrld_revision"),
       "a VMX instruction that the hypervisor of a guest lets fail: %s", count ? facts[0].text : "not told");
    bench_free(b);
}

int main(void) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    test_refusals();
    test_launch_states(b);
    test_entry_errors(b);
    test_errors();
    test_checks(b);
    test_areas(b);
    test_told();
    bench_free(b);
    return done_testing();
}

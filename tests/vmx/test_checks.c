// Every VM-entry check (a row of vmx/entry/check.def) is broken by a change of an otherwise valid VMCS: the entry fails
// as the row's group says, and the explanation names the row. A row without a change fails this test.
#include "tests/vmx/changes.h"
#include <stdio.h>
#include <string.h>

static const struct vmx_failure *failure_named(const struct vmx_failure *list, unsigned count, const char *name) {
    for (unsigned i = 0; i < count; i++)
        if (!strcmp(list[i].name, name)) return &list[i];
    return NULL;
}

// Runs VMLAUNCH and says 7, 8 or 33; 0 when it entered.
static unsigned entry_outcome(struct bench *b) {
    int error = bench_vmlaunch(b);
    if (error == ERROR_CONTROL_FIELD || error == ERROR_HOST_STATE_FIELD) return (unsigned)error;
    return field(b->cpu, "rip") == AT_HOST_EXIT && bench_field(b, EXIT_REASON) == (BIT(31) | EXIT_INVALID_GUEST_STATE)
               ? 33
               : 0;
}

static void test_change(struct bench *b, unsigned i) {
    enum { MAX = 40 };
    struct vmx_failure failures[MAX];
    changes_valid(b);
    changes[i].change(b);
    unsigned count = vmx_explain_checks(b->cpu, failures, MAX);
    const struct vmx_failure *named = failure_named(failures, count < MAX ? count : MAX, changes[i].name);
    if (!named) {
        ok(false, "%s is broken and named (%u others are)", changes[i].name, count);
        return;
    }
    bool outside = !(field(b->cpu, "control.efer") & EFER_LMA); // VMLAUNCH would run as compatibility-mode code here
    unsigned outcome = outside ? failures[0].outcome : entry_outcome(b);
    bool expected = false;
    for (unsigned j = 0; j < count && j < MAX; j++) expected |= failures[j].outcome == outcome;
    ok(expected && named->reads.count > 0 && named->section[0], "%s: %s", named->name, named->text);
}

// The other half of rflags_vm: a guest in real-address mode.
static void test_real_address_mode(struct bench *b) {
    struct vmx_failure failures[2];
    changes_valid(b);
    virtual_8086(b);
    ON(PROC2, UNRESTRICTED_GUEST);
    unsigned before = vmx_explain_checks(b->cpu, failures, 2);
    SET(GUEST_CR0, bench_field(b, GUEST_CR0) & ~(CR0_PE | CR0_PG));
    unsigned count = vmx_explain_checks(b->cpu, failures, 2);
    ok(before == 0 && count == 1 && !strcmp(failures[0].name, "rflags_vm") && entry_outcome(b) == 33,
       "RFLAGS.VM = 1 with CR0.PE = 0");
}

static void test_complete(void) {
    loop_begin("every row of check.def has a change");
    for (unsigned n = 0; n < vmx_check_count(); n++) {
        bool found = false;
        for (unsigned i = 0; i < change_count; i++) found |= !strcmp(changes[i].name, vmx_check_name(n));
        loop_check(found, "%s", vmx_check_name(n));
    }
    loop_end();
}

// The parts of group.def are complete: whatever a check reads, its group names the field's part.
static void test_parts(struct bench *b) {
    uint64_t random = 88172645463325252ull;
    loop_begin("checks read only what their groups say");
    for (unsigned round = 0; round < 2000; round++) {
        struct vmcs *vmcs = bench_vmx(b)->vmcs;
        for (unsigned f = 0; f < FIELD_COUNT; f++) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            vmcs->field[f] = random & field_mask(f) & (round & 1 ? ~0ull : random << 9);
        }
        for (unsigned n = 0; n < vmx_check_count(); n++) {
            const char *stray = vmx_check_stray_read(b->cpu, n);
            loop_check(!stray, "%s reads %s", vmx_check_name(n), stray);
        }
    }
    loop_end();
}

int main(void) {
    struct bench *b = bench_new("server");
    bench_prepare(b);
    changes_valid(b);
    struct vmx_failure failures[4];
    unsigned count = vmx_explain_checks(b->cpu, failures, 4);
    ok(count == 0, "the valid VMCS passes every check (%u fail, first %s)", count, count ? failures[0].name : "none");
    for (unsigned i = 0; i < change_count; i++) test_change(b, i);
    test_real_address_mode(b);
    test_complete();
    test_parts(b);
    bench_free(b);
    return done_testing();
}

// The table of causes, exceptions that need a hypervisor: an EPT violation that becomes #VE, and what only a VM entry
// brings about, since it is not modelled. Each is explained by its row of fault_rule.def; tests/system/test_causes.c
// has the other rows.
#include "devices/history/history.h"
#include "monitor/faults/fault.h"
#include "tests/vmx/board.h"
#include "tests/vmx/changes.h"
#include <string.h>

enum { FACTS = 16, AT_AREA = 0x62000 };
#define NOP "90"
#define LOAD "8b 03" // mov eax, [rbx]

static void violation(struct bench *b) {
    ON(PROC2, EPT_VIOLATION_VE);
    SET(VE_INFORMATION_ADDRESS, AT_AREA);
    bench_store(b, AT_EPT_PT + 8 * (AT_GUEST_DATA >> 12), 8, 0);
    gpr_put(b->cpu, RBX, AT_GUEST_DATA);
}

// FAULT(rule, vector, flags, guest, before the VM entry)
#define FAULTS(FAULT)                                                                                                  \
    FAULT(turned_violation, VECTOR_VE, 0, LOAD, violation(b))                                                          \
    FAULT(machine_check, VECTOR_MC, FAULT_INJECTED, NOP, INJECT(EVENT_HARDWARE_EXCEPTION, VECTOR_MC, 0))               \
    FAULT(control_protection, VECTOR_CP, FAULT_INJECTED, NOP, INJECT(EVENT_HARDWARE_EXCEPTION, VECTOR_CP, 0))

static void check(struct machine *m, const char *rule, unsigned vector, uint64_t flags) {
    struct fact facts[FACTS];
    struct view view;
    char error[160];
    (void)machine_run(m, 8); // to the guest's handler, which is HLT
    const struct history_cpu *past = machine_history_cpu(m, 0);
    const struct history_fault *f = &past->chain[0];
    bool came = past->chain_count == 1 && f->vector == vector && f->level == 1 && f->flags == flags;
    bool seen = view_of(m, 0, 1, machine_history(m), &view, error, sizeof error);
    unsigned count = came && seen ? fault_cause_facts(f, &view, facts, FACTS) : 0;
    const struct fact *fact = fact_named(facts, count, rule);
    ok(fact && *fact->text && fact->section, "%s: %s", rule, fact ? fact->text : "not explained");
    if (!fact) diag("%u exceptions, vector %u of level %u", past->chain_count, f->vector, f->level);
}

int main(void) {
#define FAULT(rule, vector, flags, guest, ...)                                                                         \
    {                                                                                                                  \
        struct bench *b = bench_new("server");                                                                         \
        bench_prepare(b);                                                                                              \
        bench_guest(b, guest);                                                                                         \
        __VA_ARGS__;                                                                                                   \
        bench_store(b, AT_HOST_CODE, 4, 0x90c2010f); /* VMLAUNCH */                                                    \
        struct machine *m = board_from_bench(b);                                                                       \
        check(m, #rule, vector, flags);                                                                                \
        machine_free(m);                                                                                               \
    }
    FAULTS(FAULT)
#undef FAULT
    return done_testing();
}

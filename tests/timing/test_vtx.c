// What VT-x costs, part by part: VMCSs in and out of the caches, MSR areas, checks after changed controls, VMREAD and
// VMWRITE, INVEPT. Whole exits: tests/timing/test_exits.sh.
#include "cpu/timing/vtx.h"
#include "tests/door.h"
#include "tests/tap.h"
#include <string.h>

enum { VMCS = 0x100000, OTHER = 0x200000, AREA = 0x300000, PROCESSOR_CONTROLS = 0x4002, GUEST_RIP = 0x681e };

static struct {
    struct memory_model memory;
    struct vtx_model vtx;
    struct timing_counts counts;
    struct core core;
    const struct cpu *cpu;
} t;

static uint64_t entry(const struct timing_crossing *c) {
    return vtx_entry(&t.vtx, &t.memory, &t.counts, &t.core, t.cpu, c);
}
static uint64_t leave(const struct timing_crossing *c) { return vtx_exit(&t.memory, &t.counts, &t.core, t.cpu, c); }
static uint64_t instruction(unsigned what, uint64_t encoding) {
    return vtx_instruction(&t.vtx, &t.memory, &t.counts, &t.core, t.cpu, what, encoding, VMCS);
}

static void of_vmcs(void) {
    struct timing_crossing c = {.vmcs = VMCS}, other = {.vmcs = OTHER};
    uint64_t cold = entry(&c), out = leave(&c);
    ok(cold > t.core.entry_cycles + t.core.checks_cycles, "a VMCS comes into the caches at its first entry: %d",
       (int)cold);
    ok(out > t.core.exit_cycles, "and what only an exit wants at the first exit: %d", (int)out);
    ok(entry(&c) == t.core.entry_cycles, "then an entry is what it is in the L1");
    ok(leave(&c) == t.core.exit_cycles, "and so is an exit");
    ok(entry(&other) > t.core.entry_cycles && entry(&c) == t.core.entry_cycles,
       "each VMCS has lines and checks of its own");
}

static void of_checks(void) {
    struct timing_crossing c = {.vmcs = VMCS};
    ok(instruction(VTX_WRITE, GUEST_RIP) == 0 && entry(&c) == t.core.entry_cycles,
       "a VMWRITE to guest state brings no checks");
    ok(instruction(VTX_READ, PROCESSOR_CONTROLS) == 0 && entry(&c) == t.core.entry_cycles, "nor does a VMREAD");
    (void)instruction(VTX_WRITE, PROCESSOR_CONTROLS);
    ok(entry(&c) == t.core.entry_cycles + t.core.checks_cycles, "one to the processor-based controls does");
    ok(entry(&c) == t.core.entry_cycles, "once");
}

static void of_areas(void) {
    struct timing_crossing c = {
        .vmcs = VMCS, .entry_load = {AREA, 5}, .exit_store = {AREA, 5}, .exit_load = {AREA + 80, 3}};
    (void)entry(&c), (void)leave(&c);
    t.counts = (struct timing_counts){0};
    ok(entry(&c) == t.core.entry_cycles + 5 * t.core.msr_load_cycles, "five MSRs are loaded");
    ok(leave(&c) == t.core.exit_cycles + 5 * t.core.msr_store_cycles + 3 * t.core.msr_load_cycles,
       "five are stored, and three loaded");
    ok(t.counts.of[TIMING_MSR_ENTRIES] == 13, "13 entries are counted");
}

static void of_instructions(void) {
    memset(t.memory.l1d, 0, sizeof t.memory.l1d);
    ok(instruction(VTX_READ, GUEST_RIP) == t.core.l2_cycles, "VMREAD of a line that the L1 has lost");
    ok(instruction(VTX_READ, GUEST_RIP) == 0, "and once more");
    t.memory.nested[0] = 1;
    (void)instruction(VTX_INVEPT, 0);
    ok(!t.memory.nested[0], "INVEPT: walks begin anew");
}

int main(void) {
    struct machine *m = door_machine(1, 16 << 20);
    t.cpu = inside_cpu(m, 0);
    core_read(GOLDEN_COVE, &t.core);
    of_vmcs();
    of_checks();
    of_areas();
    of_instructions();
    machine_free(m);
    return done_testing();
}

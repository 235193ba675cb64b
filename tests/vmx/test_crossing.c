// What timing models are told of a VM exit or a VM entry: the current VMCS and its MSR areas. SDM Vol.
// 3C, 24.7.2, 24.8.2.
#include "tests/vmx/bench.h"
#include "vmx/exit/crossing.h"

static bool is(struct timing_area area, uint64_t address, uint64_t count) {
    return area.address == address && area.count == count;
}

static void none(struct bench *b) {
    struct timing_crossing c;
    vmx_crossing(b->cpu, &c);
    ok(c.vmcs == VMCS_NONE && !c.entry_load.count && !c.exit_load.count, "before VMPTRLD there is no VMCS");
}

static void areas(struct bench *b) {
    struct timing_crossing c;
    bench_prepare(b);
    bench_set(b, ENTRY_MSR_LOAD_COUNT, 3);
    bench_set(b, EXIT_MSR_STORE_ADDRESS, AT_MSR_AREA + 0x100);
    bench_set(b, EXIT_MSR_STORE_COUNT, 2);
    bench_set(b, EXIT_MSR_LOAD_ADDRESS, AT_MSR_AREA + 0x200);
    bench_set(b, EXIT_MSR_LOAD_COUNT, 1);
    vmx_crossing(b->cpu, &c);
    ok(c.vmcs == AT_VMCS, "the current VMCS");
    ok(is(c.entry_load, AT_MSR_AREA, 3), "the area that an entry loads");
    ok(is(c.exit_store, AT_MSR_AREA + 0x100, 2), "the one that an exit stores");
    ok(is(c.exit_load, AT_MSR_AREA + 0x200, 1), "and the one that it loads");
    bench_set(b, ENTRY_MSR_LOAD_COUNT, 1 << 30);
    vmx_crossing(b->cpu, &c);
    ok(c.entry_load.count == MSR_AREA_MAX, "no more than the processor takes");
}

int main(void) {
    struct bench *b = bench_new("server");
    none(b);
    areas(b);
    bench_free(b);
    return done_testing();
}

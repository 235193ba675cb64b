// Random VMCS contents and random code, on both sides of VM entry, never crash the process or leave the processor in a
// state that is neither. For a minute; SEED=n begins elsewhere, VMXRAY_ROUNDS=n makes as many rounds instead.
#include "tests/vmx/bench.h"
#include "cpu/processor/processor.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t state = 88172645463325252ull;
static uint64_t random64(void) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state * 0x2545f4914f6cdd1dull;
}
static unsigned below(unsigned n) { return (unsigned)(random64() >> 33) % n; }

// Values near the edges of what the checks look at.
static uint64_t value(void) {
    switch (below(6)) {
    case 0: return random64();
    case 1: return 1ull << below(64);
    case 2: return random64() >> below(64);
    case 3: return ~0ull;
    case 4: return random64() & (BENCH_RAM - 1) & ~4095ull;
    default: return 0;
    }
}

static void random_code(struct bench *b, uint64_t at, unsigned bytes) {
    static const uint8_t likely[] = {0x0f, 0x0f, 0x01, 0xc1, 0xc2, 0xc3, 0xf4, 0xcf, 0x48,
                                     0x66, 0xf3, 0xcd, 0xfb, 0x90, 0xa2, 0x20, 0x22};
    for (unsigned i = 0; i < bytes; i++) b->ram[at + i] = below(2) ? (uint8_t)random64() : likely[below(sizeof likely)];
}

static void change_fields(struct bench *b) {
    struct vmx *vmx = bench_vmx(b);
    for (unsigned n = below(6); n--;) {
        unsigned f = below(FIELD_COUNT);
        uint64_t v = below(2) ? vmx->vmcs->field[f] ^ 1ull << below(64) : value();
        if (vmx->capability.exists[f]) vmcs_put(vmx, (enum vmcs_field)f, v & field_mask(f));
    }
    for (unsigned n = below(4); n--;) {
        uint64_t at = AT_EPT_PML4 + below(4) * 4096 + below(128) * 8;
        bench_store(b, at, 8, bench_load(b, at, 8) ^ 1ull << below(64));
    }
    for (unsigned n = below(8); n--;) b->ram[AT_IO_A + below(5 * 4096)] = (uint8_t)random64();
}

static void controls(struct bench *b) {
    static const enum control_group groups[] = {GROUP_PIN, GROUP_PROC, GROUP_PROC2, GROUP_EXIT, GROUP_ENTRY};
    static const enum vmcs_field fields[] = {FIELD_PIN_CONTROLS, FIELD_PROC_CONTROLS, FIELD_PROC2_CONTROLS,
                                             FIELD_EXIT_CONTROLS, FIELD_ENTRY_CONTROLS};
    struct vmx *vmx = bench_vmx(b);
    for (unsigned g = 0; g < CONTROL_GROUPS; g++) {
        uint64_t bits = random64() & random64() & vmx->capability.allowed1[groups[g]];
        vmcs_put(vmx, fields[g],
                 vmx->vmcs->field[fields[g]] ^ (below(3) ? bits & 0 : bits & ~(uint64_t)vmx->capability.allowed0[g]));
    }
}

static void run(struct bench *b) {
    struct cpu *cpu = b->cpu;
    for (unsigned i = 0; i < 40; i++) {
        if (!below(8)) cpu_pend(cpu, 1u << below(6), true);
        if (!below(16)) cpu_drop_derived(cpu);
        if (!below(16)) vmx_drop_derived(cpu);
        enum run_result r = cpu_run(cpu, 1 + below(20));
        if (r == RUN_HALTED) cpu_pend(cpu, below(2) ? PENDING_INTR : PENDING_NMI, true);
        if (r == RUN_SHUTDOWN) return;
        if (field(cpu, "time.vmx_deadline_cycles") <= field(cpu, "time.steps")) cpu_pend(cpu, PENDING_VMX, true);
    }
}

int main(void) {
    const char *seed = getenv("SEED"), *rounds = getenv("VMXRAY_ROUNDS");
    if (seed) state ^= strtoull(seed, NULL, 0) << 1;
    unsigned most = rounds ? (unsigned)strtoul(rounds, NULL, 0) : ~0u, count = 0;
    time_t end = time(NULL) + 60;
    uint64_t entries = 0, exits = 0;
    loop_begin("random VMCSs and random code");
    for (; count < most && (rounds || time(NULL) < end); count++) {
        struct bench *b = bench_new("server");
        struct vmx_failure failures[2];
        bench_prepare(b);
        controls(b);
        if (below(4)) change_fields(b);
        random_code(b, AT_GUEST_CODE, 256);
        random_code(b, AT_HOST_EXIT, below(2) ? 64 : 0);
        for (unsigned v = 0; v < 32; v++) random_code(b, AT_HANDLER + 16 * v, below(2) ? 8 : 0);
        for (unsigned r = 0; r < 16; r++)
            if (r != RSP) gpr_put(b->cpu, r, value());
        (void)vmx_explain_checks(b->cpu, failures, 2);
        field_put(b->cpu, "rip", AT_HOST_CODE);
        memcpy(b->ram + AT_HOST_CODE, "\x0f\x01\xc2", 3);
        random_code(b, AT_HOST_CODE + 3, 64);
        cpu_drop_derived(b->cpu);
        run(b);
        const struct vmx *vmx = bench_vmx(b);
        loop_check(vmx->non_root ? vmx->vmcs && b->cpu->intercepts.non_root
                                 : !b->cpu->intercepts.enabled && !b->cpu->second_stage,
                   "round %u", count);
        entries += vmx_entry_count(b->cpu, 1);
        for (unsigned r = 0; r < VMX_REASONS; r++) exits += vmx_exit_count(b->cpu, 1, r);
        bench_free(b);
    }
    loop_end();
    ok(entries > count / 3 && exits > count / 4, "%llu entries, %llu exits", (unsigned long long)entries,
       (unsigned long long)exits);
    return done_testing();
}

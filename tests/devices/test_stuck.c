// A machine that can never take a step again is stuck, whatever timers tick: every processor is halted, waits or is
// shut down, and no interrupt can come that would be taken. What could still come keeps it waiting.
#include "cpu/memory/mode.h"
#include "cpu/state/cpu.h"
#include "tests/field.h"
#include "tests/door.h"
#include "tests/tap.h"
#include <string.h>

enum { CODE = 0x7c00, STACK = 0x6000, APIC = 0xfee00000, IOAPIC = 0xfec00000 };
static struct machine *m;

static void out(uint16_t port, uint8_t value) { m->platform.port_out(m, m->cpu[0], port, 1, value); }
static void store(uint64_t at, uint32_t value) { m->platform.mmio_write(m, m->cpu[0], at, 4, value); }

// Halted in real-address mode, the 8254 ticking, all inputs of the 8259s masked.
static void make(unsigned cpus, bool interrupts) {
    const uint8_t code[4] = {interrupts ? 0xfb : 0xfa, 0xf4, 0xeb, 0xfc};
    struct machine_config config;
    char error[200] = "";
    machine_free(m);
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    config.ram_bytes = 2 << 20;
    config.cpus = cpus;
    config.bios_tick = true;
    if (!(m = machine_new(&config, error, sizeof error))) bail("no machine: %s", error);
    memcpy(inside_ram(m, CODE, 4), code, 4);
    door_start(m, CODE, STACK);
    out(0x21, 0xff), out(0xa1, 0xff);
    store(APIC + 0xf0, 0x1ff);
}

static void stuck(const char *name) {
    enum machine_stop why = machine_run(m, 1000);
    ok(why == MACHINE_STUCK, "%u processors: %s: stuck (%d)", m->config.cpus, name, (int)why);
}
static void waits(const char *name) {
    machine_cycle_limit(m, machine_cycles(m) + 200000000);
    enum machine_stop why = machine_run(m, 1000);
    ok(why != MACHINE_STUCK, "%u processors: %s: not stuck (%d)", m->config.cpus, name, (int)why);
}

static void halted(unsigned cpus) {
    make(cpus, false);
    stuck("HLT with interrupts off");
    make(cpus, true);
    stuck("HLT, everything masked");
    make(cpus, true);
    out(0x21, 0xfe);
    waits("HLT, the 8259 lets the 8254 through");
    make(cpus, true);
    store(APIC + 0x350, 0x10000);
    out(0x21, 0xfe);
    stuck("HLT, the 8259 before a masked LINT0");
    make(cpus, true);
    store(IOAPIC, 0x10 + 2 * 4);
    store(IOAPIC + 0x10, 0x30);
    waits("HLT, an open input of the I/O APIC");
    make(cpus, true);
    store(APIC + 0x3e0, 0xb), store(APIC + 0x320, 0x20040), store(APIC + 0x380, 100000);
    waits("HLT, the local APIC's timer");
    make(cpus, true);
    store(APIC + 0x3e0, 0xb), store(APIC + 0x320, 0x30040), store(APIC + 0x380, 100000);
    stuck("HLT, the local APIC's timer masked");
}

static void others(unsigned cpus) {
    make(cpus, false);
    for (unsigned i = 0; i < cpus; i++) field_put(m->cpu[i], "boundary.activity", ACTIVITY_WAIT_FOR_SIPI);
    stuck("all wait for a SIPI");
    make(cpus, false);
    field_put(m->cpu[0], "boundary.activity", ACTIVITY_HLT);
    field_put(m->cpu[0], "boundary.mwait", MWAIT_MASKED);
    ok(!machine_can_wake(m), "MWAIT that masked interrupts end, none can come");
    out(0x21, 0xfe);
    ok(machine_can_wake(m), "and one can");
}

// What a guest in VMX non-root operation waits for in its inactive states; that of HLT is tests/vmx/test_boundary's.
static void guests(void) {
    make(1, true);
    struct cpu *cpu = m->cpu[0];
    cpu->intercepts.non_root = true;
    field_put(cpu, "boundary.activity", ACTIVITY_SHUTDOWN);
    out(0x21, 0xfe);
    ok(!machine_can_wake(m), "no interrupt ends a guest's shutdown state");
    field_put(cpu, "time.vmx_deadline_cycles", 1 << 20);
    ok(machine_can_wake(m), "the VMX-preemption timer does");
    field_put(cpu, "boundary.activity", ACTIVITY_WAIT_FOR_SIPI);
    ok(!machine_can_wake(m), "but not the wait for a SIPI");
    cpu->intercepts.non_root = false;
}

int main(void) {
    for (unsigned cpus = 1; cpus <= 2; cpus++) halted(cpus), others(cpus);
    guests();
    machine_free(m);
    return done_testing();
}

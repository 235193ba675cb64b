// The door of devices/machine/machine_input.h, for tests that give a machine one small thing at a time.
#ifndef TESTS_DOOR_H
#define TESTS_DOOR_H
#include "cpu/memory/mode.h"
#include "devices/machine/machine_input.h"
#include "devices/machine/machine_private.h"
#include "tests/field.h"

// Behind the door, where only tests may go: RAM and processors as they are.
static inline struct cpu *inside_cpu(struct machine *m, unsigned index) {
    return index < m->config.cpus ? m->cpu[index] : NULL;
}
// What a processor asks of the machine: accesses to MMIO and ports as it makes them.
static inline const struct platform *inside_platform(const struct machine *m) { return &m->platform; }
static inline void *inside_ram(struct machine *m, uint64_t physical, uint64_t bytes) {
    return memory_for_writing(&m->memory, board_shown(&m->board, physical, bytes), bytes);
}

// A machine of the first model, and its first processor in real-address mode at an address below 1 MByte, as a BIOS
// jumps to a boot sector.
static inline struct machine *door_machine(unsigned cpus, uint64_t ram_bytes) {
    struct machine_config config;
    char error[200] = "";
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    config.ram_bytes = ram_bytes;
    config.cpus = cpus;
    struct machine *m = machine_new(&config, error, sizeof error);
    if (!m) bail("no machine: %s", error);
    return m;
}
static inline void door_start(struct machine *m, uint64_t rip, uint64_t rsp) {
    struct cpu *cpu = inside_cpu(m, 0);
    field_put_at(cpu, "segment[].selector", CS, 0);
    field_put_at(cpu, "segment_base", CS, 0);
    field_put(cpu, "rip", rip);
    gpr_put(cpu, RSP, rsp);
    cpu_update_mode(cpu);
    machine_drop_derived(m);
}

static inline bool alter(struct machine *m, enum input_kind kind, unsigned unit, uint64_t where) {
    return machine_alter(m, &(struct input){.kind = (uint8_t)kind, .unit = (uint8_t)unit, .where = where});
}
static inline bool alter_serial(struct machine *m, unsigned port, uint8_t byte) {
    const struct input input = {.kind = INPUT_SERIAL, .unit = (uint8_t)port, .bytes = 1, .data = &byte};
    return machine_alter(m, &input);
}
static inline void alter_reset(struct machine *m) { (void)alter(m, INPUT_RESET, 0, 0); }

#endif

// What the processors ask of the machine around them: struct platform of cpu/state/cpu.h.
#include "devices/machine/machine_private.h"

static struct page_frame platform_page(void *machine, uint64_t physical) {
    return board_page(&((struct machine *)machine)->board, physical);
}
static uint64_t platform_mmio_read(void *machine, struct cpu *cpu, uint64_t physical, unsigned size) {
    struct machine *m = machine;
    m->counts.mmio_reads++;
    turns_tell(m, cpu);
    return board_mmio_read(&m->board, cpu, physical, size);
}
static void platform_mmio_write(void *machine, struct cpu *cpu, uint64_t physical, unsigned size, uint64_t value) {
    struct machine *m = machine;
    m->counts.mmio_writes++;
    turns_tell(m, cpu);
    board_mmio_write(&m->board, cpu, physical, size, value);
}
static uint32_t platform_port_in(void *machine, struct cpu *cpu, uint16_t port, unsigned size) {
    struct machine *m = machine;
    m->counts.port_reads++;
    turns_tell(m, cpu);
    return bus_in(&m->board.bus, port, size);
}
static void platform_port_out(void *machine, struct cpu *cpu, uint16_t port, unsigned size, uint32_t value) {
    struct machine *m = machine;
    m->counts.port_writes++;
    turns_tell(m, cpu);
    bus_out(&m->board.bus, port, size, value);
}
static struct lapic *lapic_of(struct machine *m, const struct cpu *cpu) { return &m->board.lapic[cpu->id]; }
static int platform_acknowledge(void *machine, struct cpu *cpu) {
    struct machine *m = machine;
    m->counts.interrupts++;
    return lapic_acknowledge(lapic_of(m, cpu));
}
static uint64_t platform_cr8_read(void *machine, struct cpu *cpu) { return lapic_cr8(lapic_of(machine, cpu)); }
static void platform_cr8_write(void *machine, struct cpu *cpu, uint64_t value) {
    lapic_set_cr8(lapic_of(machine, cpu), value);
}
static bool platform_msr_read(void *machine, struct cpu *cpu, uint32_t index, uint64_t *value) {
    return lapic_msr_read(lapic_of(machine, cpu), index, value);
}
static bool platform_msr_write(void *machine, struct cpu *cpu, uint32_t index, uint64_t value) {
    return lapic_msr_write(lapic_of(machine, cpu), index, value);
}
static bool platform_msr_refuses(void *machine, const struct cpu *cpu, uint32_t index, bool write, uint64_t value,
                                 struct msr_refusal *out) {
    return lapic_msr_refuses(lapic_of(machine, cpu), index, write, value, out);
}
static void platform_init(void *machine, struct cpu *cpu) { lapic_reset(lapic_of(machine, cpu), true); }
static void platform_performance_interrupt(void *machine, struct cpu *cpu) {
    lapic_performance_interrupt(lapic_of(machine, cpu));
}
const struct platform machine_platform = {
    .page = platform_page,
    .mmio_read = platform_mmio_read,
    .mmio_write = platform_mmio_write,
    .port_in = platform_port_in,
    .port_out = platform_port_out,
    .acknowledge = platform_acknowledge,
    .cr8_read = platform_cr8_read,
    .cr8_write = platform_cr8_write,
    .msr_read = platform_msr_read,
    .msr_write = platform_msr_write,
    .msr_refuses = platform_msr_refuses,
    .init = platform_init,
    .performance_interrupt = platform_performance_interrupt,
};

// The machine as front ends and loaders see it from outside: memory, tables, counters, state, hash. See machine.h.
#include "cpu/state/timing.h"
#include "cpu/system/msr.h"
#include "devices/firmware/acpi.h"
#include "devices/firmware/real_mode.h"
#include "devices/machine/machine_private.h"
#include "vmx/vmcs/vmx.h"
#include "cpu/processor/processor.h"
#include <string.h>

// --- memory ---
const void *machine_ram(const struct machine *m, uint64_t physical, uint64_t length) {
    return memory_look(&m->memory, physical, length);
}

struct pages *machine_pages(struct machine *m) {
    return &m->memory.pages;
}

bool machine_area(struct machine *m, unsigned index, struct area *out) {
    if (index >= m->memory.pages.areas) return false;
    *out = m->memory.pages.area[index];
    return true;
}

bool machine_read(const struct machine *m, uint64_t physical, void *to, size_t length) {
    const uint8_t *from = memory_look(&m->memory, physical, length);
    if (from) memcpy(to, from, length);
    return from;
}

bool machine_store(struct machine *m, uint64_t physical, const void *from, size_t bytes) {
    if (!bytes) return true;
    uint8_t *to = memory_for_writing(&m->memory, physical, bytes);
    if (to && from)
        memcpy(to, from, bytes);
    else if (to)
        memset(to, 0, bytes);
    return to;
}

enum { EBDA = 0x9fc00, BDA_SERIAL = 0x400, BDA_EBDA_SEGMENT = 0x40e, BDA_BASE_KBYTES = 0x413, BIOS_AREA = 0xe0000 };

unsigned machine_memory_map(const struct machine *m, struct machine_region *out, unsigned count) {
    const struct machine_region all[] = {
        {0, EBDA, MEMORY_RAM},
        {EBDA, MEMORY_HOLE_BASE - EBDA, MEMORY_RESERVED},
        {BIOS_AREA, (1 << 20) - BIOS_AREA, MEMORY_RESERVED},
        {1 << 20, m->memory.low_bytes - (1 << 20), MEMORY_RAM},
        {MEMORY_HIGH_BASE, m->memory.high_bytes, MEMORY_RAM},
    };
    unsigned regions = 0;
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (!all[i].bytes) continue;
        if (regions < count) out[regions] = all[i];
        regions++;
    }
    return regions;
}

uint64_t machine_acpi_rsdp(const struct machine *m) {
    (void)m;
    return ACPI_BASE;
}

// Virtual wire mode: the 8259s' interrupts through LINT0, NMI through LINT1. Intel MultiProcessor
// Specification, 3.6.2.2.
static void virtual_wire(struct lapic *l) {
    lapic_write_register(l, APIC_SVR, 0x1ff);
    lapic_write_register(l, APIC_LVT + LVT_LINT0, DELIVERY_EXTINT << LVT_DELIVERY_SHIFT);
    lapic_write_register(l, APIC_LVT + LVT_LINT1, DELIVERY_NMI << LVT_DELIVERY_SHIFT);
}

void machine_write_tables(struct machine *m) {
    struct acpi_config acpi = {.cpus = m->config.cpus,
                               .pci_window_first = (uint32_t)MEMORY_LOW_LIMIT,
                               .pci_window_last = (uint32_t)IOAPIC_BASE - 1,
                               .describe = board_describe,
                               .owner = &m->board};
    uint8_t *ram = memory_for_writing(&m->memory, 0, 1 << 20);
    if (!acpi_write(&acpi, ram + ACPI_BASE)) __builtin_trap(); // the space is made for the largest configuration
    for (unsigned i = 0; i < m->config.serial_ports; i++) memcpy(ram + BDA_SERIAL + 2 * i, &uart_places[i].base, 2);
    memcpy(ram + BDA_EBDA_SEGMENT, &(uint16_t){EBDA >> 4}, 2);
    memcpy(ram + BDA_BASE_KBYTES, &(uint16_t){EBDA >> 10}, 2);
    ram[EBDA] = 1; // its size in KBytes
    virtual_wire(&m->board.lapic[0]);
    real_mode_vectors(ram);
    if (m->config.bios_tick) real_mode_tick(&m->board.pic, &m->board.pit);
}

// --- observation ---
const struct cpu *machine_cpu(const struct machine *m, unsigned index) {
    return index < m->config.cpus ? m->cpu[index] : NULL;
}
// Reading by RDMSR's own way records a fault when it fails; that record is put back.
bool machine_msr(const struct machine *m, unsigned index, uint32_t msr, uint64_t *value) {
    enum { TSC = 0x10 };
    struct cpu *cpu = m->cpu[index];
    struct event fault = cpu->attempt.fault;
    if (msr == TSC) { // RDTSC would tell the other processors
        *value = cpu_tsc(cpu, NULL);
        return true;
    }
    bool done = msr_read(cpu, NULL, msr, value) == OUT_OK;
    cpu->attempt.fault = fault;
    return done;
}
struct cpuid_result machine_cpuid(const struct machine *m, unsigned index, uint32_t leaf, uint32_t subleaf) {
    return cpuid(m->cpu[index], leaf, subleaf);
}
const struct machine_config *machine_configuration(const struct machine *m) { return &m->config; }
uint64_t machine_steps(const struct machine *m) {
    uint64_t steps = 0;
    for (unsigned i = 0; i < m->config.cpus; i++) steps += m->cpu[i]->time.steps;
    return steps;
}
uint64_t machine_cycles(const struct machine *m) { return machine_now(m); }
uint64_t machine_nanoseconds(const struct machine *m) { return clock_nanoseconds(&m->board.clock, machine_cycles(m)); }

void machine_stats(const struct machine *m, struct machine_stats *out) {
    *out = m->counts;
    out->steps = machine_steps(m);
    out->cycles = machine_cycles(m);
    out->timer_events = m->board.clock.fired;
    for (unsigned i = 0; i < m->config.cpus; i++) {
        out->retired += cpu_retired(m->cpu[i]);
        out->idle_cycles += m->cpu[i]->time.idle_cycles;
        for (unsigned fetch = 0; fetch < 2; fetch++) {
            out->tlb_fills[fetch] += m->cpu[i]->tlb->filled[fetch];
            out->tlb_lookups[fetch] += m->cpu[i]->tlb->asked[fetch];
        }
    }
}

// Five parts for each processor, then the board's.
enum { PART_CPU, PART_TLB, PART_VMX, PART_COUNTS, PART_TIMING, CPU_PARTS };
static const struct state_table no_timing = {.name = "timing"};

static struct machine_part timing_part(const struct timing *timing) {
    if (!timing) return (struct machine_part){"timing", &no_timing, NULL};
    return (struct machine_part){"timing", timing->table, timing->state};
}

static void cpu_part(struct machine *m, unsigned index, struct machine_part *out) {
    struct cpu *cpu = m->cpu[index / CPU_PARTS];
    switch (index % CPU_PARTS) {
    case PART_CPU: *out = (struct machine_part){"cpu", &cpu_state, cpu}; break;
    case PART_TLB: *out = (struct machine_part){"tlb", &cpu_tlb_state, cpu->tlb}; break;
    case PART_TIMING: *out = timing_part(cpu->wire.timing); break;
    case PART_COUNTS: *out = (struct machine_part){"counts", &cpu_count_state, cpu}; break;
    default:
        *out = (struct machine_part){"vmx", &vmx_state, cpu->wire.extension ? cpu->wire.extension->state : NULL};
        break;
    }
}

bool machine_part(struct machine *m, unsigned index, struct machine_part *out) {
    unsigned of_cpus = m->config.cpus * CPU_PARTS;
    if (index < of_cpus)
        cpu_part(m, index, out);
    else if (m->config.cpus > 1 && index == of_cpus)
        *out = (struct machine_part){"turns", &turns_state, &m->turns};
    else
        return board_part(&m->board, index - of_cpus - (m->config.cpus > 1), out);
    return true;
}

static const char *impossible_part(struct machine *m) {
    struct machine_part part;
    for (unsigned i = 0; machine_part(m, i, &part); i++)
        if (part.object && part.table->valid && !part.table->valid(part.object)) return part.name;
    for (unsigned i = 0; i < m->config.cpus; i++)
        if (m->cpu[i]->id != i) return cpu_state.name;
    return turns_possible(m) ? NULL : turns_state.name;
}

const char *machine_loaded(struct machine *m) {
    const char *impossible = impossible_part(m);
    if (impossible) return impossible;
    board_loaded(&m->board);
    for (unsigned i = 0; i < m->config.cpus; i++) cpu_loaded(m->cpu[i]);
    machine_drop_derived(m);
    return NULL;
}

// Parts of one kind are told apart by which of them they are, not by where they stand among the others.
static uint64_t part_hash(struct machine *m, unsigned index, const struct machine_part *part) {
    struct machine_part other;
    uint64_t nth = 0;
    for (unsigned i = 0; i < index; i++) nth += machine_part(m, i, &other) && other.table == part->table;
    return state_hash(part->table, part->object, state_name_hash(part->name) + nth);
}

uint64_t machine_hash(struct machine *m) {
    struct machine_part part;
    uint64_t hash = page_hash_sum(&m->memory.hash);
    for (unsigned i = 0; i < m->config.cpus; i++) cpu_canonicalise(m->cpu[i]);
    for (unsigned i = 0; machine_part(m, i, &part); i++)
        if (part.object && !part.table->unhashed) hash += part_hash(m, i, &part);
    return hash;
}

void machine_drop_derived(struct machine *m) {
    for (unsigned i = 0; i < m->config.cpus; i++) {
        cpu_drop_derived(m->cpu[i]);
        if (m->cpu[i]->wire.extension) vmx_drop_derived(m->cpu[i]);
    }
}

// The machine as front ends and loaders see it from outside: memory, counters, state, hash. See machine.h.
#include "cpu/state/timing.h"
#include "cpu/system/msr.h"
#include "devices/machine/machine_private.h"
#include "cpu/engine/tier.h"
#include "vmx/vmcs/vmx.h"
#include "cpu/processor/processor.h"
#include <string.h>

// --- memory ---
const void *machine_ram(const struct machine *m, uint64_t physical, uint64_t length) {
    return memory_look(&m->memory, board_shown(&m->board, physical, length), length);
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
    const void *from = machine_ram(m, physical, length);
    if (from) memcpy(to, from, length);
    return from;
}

bool machine_store(struct machine *m, uint64_t physical, const void *from, size_t bytes) {
    if (!bytes) return true;
    uint8_t *to = memory_for_writing(&m->memory, board_shown(&m->board, physical, bytes), bytes);
    if (to && from)
        memcpy(to, from, bytes);
    else if (to)
        memset(to, 0, bytes);
    return to;
}

// --- devices ---
bool machine_device(const struct machine *m, unsigned index, struct machine_device *out) {
    const struct attached *a = &m->board.attached[index];
    if (index >= m->board.attachments) return false;
    *out = (struct machine_device){a->device, a->chip, a->place.id, a->device->function ? &a->function : NULL};
    return true;
}

const struct slot *machine_slot(const struct machine *m, unsigned index) {
    return index < m->board.slots.count ? &m->board.slots.slot[index] : NULL;
}

const struct pci *machine_pci(const struct machine *m) { return &m->board.pci; }
const struct map *machine_map(const struct machine *m, bool ports) {
    return ports ? &m->board.bus.ports : &m->board.bus.memory;
}
const struct area *machine_shown(const struct machine *m, uint64_t shown) {
    return pages_frame(&m->memory.pages, shown).area;
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

// Six parts for each processor, then the board's.
enum { PART_CPU, PART_TLB, PART_VMX, PART_COUNTS, PART_TIMING, PART_PERFORMANCE, CPU_PARTS };
static const struct state_table no_timing = {.name = "timing"};

static struct machine_part timing_part(const struct timing *timing) {
    if (!timing) return (struct machine_part){"timing", &no_timing, NULL};
    return (struct machine_part){"timing", timing->table, timing->state};
}

// None without performance monitoring.
static struct machine_part performance_part(struct cpu *cpu) {
    bool has = cpu_model_has(cpu->wire.model, FEATURE_PMU);
    return (struct machine_part){"performance", &performance_state, has ? &cpu->performance : NULL};
}

static void cpu_part(struct machine *m, unsigned index, struct machine_part *out) {
    struct cpu *cpu = m->cpu[index / CPU_PARTS];
    switch (index % CPU_PARTS) {
    case PART_CPU: *out = (struct machine_part){"cpu", &cpu_state, cpu}; break;
    case PART_TLB: *out = (struct machine_part){"tlb", &cpu_tlb_state, cpu->tlb}; break;
    case PART_TIMING: *out = timing_part(cpu->wire.timing); break;
    case PART_PERFORMANCE: *out = performance_part(cpu); break;
    case PART_COUNTS: *out = (struct machine_part){"counts", &cpu_count_state, cpu}; break;
    default:
        *out = (struct machine_part){"vmx", &vmx_state, cpu->wire.extension ? cpu->wire.extension->state : NULL};
        break;
    }
}

const struct drive *machine_drive(const struct machine *m, unsigned index) {
    return index < m->board.drives ? &m->board.drive[index] : NULL;
}

void machine_set_identity(struct machine *m, unsigned drive, uint64_t identity) {
    if (drive < m->config.drives) m->config.drive[drive].identity = identity;
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

uint64_t machine_hash_parts(struct machine *m, void (*tell)(void *, const char *, uint64_t), void *context) {
    struct machine_part part;
    uint64_t sum = page_hash_sum(&m->memory.hash);
    if (tell) tell(context, "memory", sum);
    for (unsigned i = 0; i < m->config.cpus; i++) cpu_canonicalise(m->cpu[i]);
    for (unsigned i = 0; machine_part(m, i, &part); i++) {
        if (!part.object || part.table->unhashed) continue;
        uint64_t hash = part_hash(m, i, &part);
        if (tell) tell(context, part.name, hash);
        sum += hash;
    }
    return sum;
}

uint64_t machine_hash(struct machine *m) { return machine_hash_parts(m, NULL, NULL); }

bool machine_compile(struct machine *m, const struct code_memory *memory) {
    return block_cache_compile(m->cpu[0], memory);
}

void machine_compiled(const struct machine *m, uint64_t *blocks, uint64_t *bytes) {
    const struct tier *tier = block_tier(m->cpu[0]);
    *blocks = *bytes = 0;
    if (tier) tier_counts(tier, blocks, bytes);
}

void machine_drop_derived(struct machine *m) {
    for (unsigned i = 0; i < m->config.cpus; i++) {
        cpu_drop_derived(m->cpu[i]);
        if (m->cpu[i]->wire.extension) vmx_drop_derived(m->cpu[i]);
    }
}

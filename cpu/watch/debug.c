// Breakpoints of DR0 to DR3 (instructions, data, ports) and alignment checking. SDM Vol. 3B, 17.2.4 (DR7), 17.2.5
// (ranges), 17.3.1 (when they are reported); Vol. 3A, 6.15, interrupt 17.
//
// Pages with an enabled data breakpoint have no fast entries, pages with an instruction breakpoint no blocks, so that
// everything else costs nothing.
// NOT IMPLEMENTED: data breakpoints on descriptor tables, the TSS and paging structures (what processors do is not
// known; Linux forbids such breakpoints).
#include "cpu/watch/debug.h"
#include "cpu/watch/observe.h"
#include <string.h>

enum { BREAKPOINTS = 4 };
enum breakpoint_type { BREAK_CODE, BREAK_WRITE, BREAK_IO, BREAK_ACCESS }; // R/Wn of DR7

static bool enabled(const struct cpu *cpu, unsigned n) { return cpu->control.dr[7] >> (2 * n) & 3; }
static enum breakpoint_type type_of(const struct cpu *cpu, unsigned n) {
    return cpu->control.dr[7] >> (16 + 4 * n) & 3;
}
static unsigned bytes_of(const struct cpu *cpu, unsigned n) {
    static const uint8_t bytes[] = {1, 2, 8, 4};
    return bytes[cpu->control.dr[7] >> (18 + 4 * n) & 3];
}

static uint32_t kind_of(const struct cpu *cpu, unsigned n) {
    switch (type_of(cpu, n)) {
    case BREAK_CODE: return WATCH_CODE;
    case BREAK_IO: return cpu->control.cr4 & CR4_DE ? WATCH_IO : 0;
    default: return WATCH_DATA;
    }
}

static uint32_t breakpoints_watch(const struct cpu *cpu) {
    uint32_t watch = 0;
    for (unsigned n = 0; n < BREAKPOINTS; n++)
        if (enabled(cpu, n)) watch |= kind_of(cpu, n);
    return watch;
}

static bool registers_changed(struct cpu *cpu) {
    bool changed = cpu->breakpoints.seen[BREAKPOINTS] != cpu->control.dr[7];
    for (unsigned n = 0; n < BREAKPOINTS; n++) changed |= cpu->breakpoints.seen[n] != cpu->control.dr[n];
    memcpy(cpu->breakpoints.seen, cpu->control.dr, sizeof(uint64_t) * BREAKPOINTS);
    cpu->breakpoints.seen[BREAKPOINTS] = cpu->control.dr[7];
    return changed;
}

bool debug_update(struct cpu *cpu) {
    bool had = cpu->breakpoints.watch & (WATCH_CODE | WATCH_DATA);
    bool aligned = cpu->control.cr0 & CR0_AM && cpu->rflags & FLAG_AC && cpu_cpl(cpu) == 3;
    uint32_t watch = aligned ? WATCH_ALIGNMENT : 0;
    if (unlikely(cpu->control.dr[7] & DR7_ENABLED)) watch |= breakpoints_watch(cpu);
    if (unlikely(cpu->observation.doing & OBSERVING_DATA)) watch |= WATCH_POINT;
    cpu->breakpoints.watch = watch;
    return unlikely(had || watch & (WATCH_CODE | WATCH_DATA)) && registers_changed(cpu);
}

// The range of a breakpoint is aligned to its length.
static uint64_t start_of(const struct cpu *cpu, unsigned n) {
    return cpu->control.dr[n] & ~(uint64_t)(kind_of(cpu, n) == WATCH_CODE ? 0 : bytes_of(cpu, n) - 1);
}

bool debug_page_watched(const struct cpu *cpu, enum watch kind, uint64_t linear) {
    for (unsigned n = 0; n < BREAKPOINTS; n++)
        if (enabled(cpu, n) && kind_of(cpu, n) == kind && start_of(cpu, n) >> PAGE_SHIFT == linear >> PAGE_SHIFT)
            return true;
    return false;
}

uint64_t debug_code(const struct cpu *cpu, uint64_t linear) {
    uint64_t hits = 0;
    for (unsigned n = 0; n < BREAKPOINTS; n++)
        if (enabled(cpu, n) && kind_of(cpu, n) == WATCH_CODE && cpu->control.dr[n] == linear) hits |= BIT(n);
    return hits;
}

static bool overlaps(uint64_t a, unsigned a_bytes, uint64_t b, unsigned b_bytes) {
    return a - b < b_bytes || b - a < a_bytes;
}

static void hit(struct cpu *cpu, unsigned n) {
    cpu->breakpoints.hits |= (uint32_t)BIT(n);
    cpu->attention |= ATTENTION_EVENT;
}

bool debug_data(struct cpu *cpu, uint64_t linear, unsigned size, bool write) {
    bool none = true;
    for (unsigned n = 0; n < BREAKPOINTS; n++) {
        if (!enabled(cpu, n) || kind_of(cpu, n) != WATCH_DATA || (type_of(cpu, n) == BREAK_WRITE && !write)) continue;
        if (!overlaps(linear, size, start_of(cpu, n), bytes_of(cpu, n))) continue;
        hit(cpu, n);
        none = false;
    }
    return none;
}

void debug_port(struct cpu *cpu, uint16_t port, unsigned size) {
    for (unsigned n = 0; n < BREAKPOINTS; n++)
        if (enabled(cpu, n) && kind_of(cpu, n) == WATCH_IO && overlaps(port, size, start_of(cpu, n), bytes_of(cpu, n)))
            hit(cpu, n);
}

void debug_hits_pend(struct cpu *cpu) {
    cpu->boundary.pending_debug |= cpu->breakpoints.hits;
    cpu->breakpoints.hits = 0;
    cpu_pend(cpu, PENDING_DEBUG, true);
}

// By the operand's size: 10 is an extended-precision number, 14 and 94, 28 and 108 are the environment and the whole
// state of the x87 FPU in their 16-bit and 32-bit formats. Operands of 16 bytes and areas of other sizes have rules of
// their own and no #AC (Vol. 2A, Table 2-21; whether an unaligned MOVUPS raises one depends on the processor).
static unsigned alignment_of(unsigned size) {
    switch (size) {
    case 2:
    case 14:
    case 94: return 2;
    case 4:
    case 28:
    case 108: return 4;
    case 8:
    case 10: return 8;
    default: return 1;
    }
}

bool debug_misaligned(uint64_t linear, unsigned size) { return linear & (alignment_of(size) - 1); }

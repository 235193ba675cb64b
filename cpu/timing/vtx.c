// VM exits, VM entries and VT-x's instructions; see vtx.h. The state of a VMCS goes through the caches as memory does.
#include "cpu/timing/vtx.h"
#include "cpu/timing/cache.h"

enum { ENTRY_BYTES = 16, LINE = 64 };

static const struct vmcs_area {
    unsigned type, first, lines;
    bool at_entry, at_exit;
} areas[] = {
#define VMCS_AREA(name, type, first, lines, entry, exit, text) {type, first, lines, entry, exit},
#define VMCS_MAJOR(encoding, text)
#include "cpu/timing/vmcs.def"
};

static bool is_major(uint64_t encoding) {
    static const uint16_t majors[] = {
#define VMCS_AREA(name, type, first, lines, entry, exit, text)
#define VMCS_MAJOR(encoding, text) encoding,
#include "cpu/timing/vmcs.def"
    };
    for (unsigned i = 0; i < sizeof majors / sizeof *majors; i++)
        if (majors[i] == encoding) return true;
    return false;
}

// Some of the lines come at the same time.
static uint64_t lines(struct memory_model *m, struct timing_counts *counts, const struct core *core,
                      const struct cpu *cpu, uint64_t at, uint64_t count) {
    uint64_t cycles = 0;
    for (uint64_t i = 0; i < count; i++) cycles += memory_line(m, counts, core, cpu, at + i * LINE);
    return cycles / core->lines_at_once;
}

static uint64_t vmcs_lines(struct memory_model *m, struct timing_counts *counts, const struct core *core,
                           const struct cpu *cpu, uint64_t vmcs, bool exit) {
    uint64_t cycles = 0;
    if (vmcs == ~0ull) return 0;
    for (unsigned i = 0; i < sizeof areas / sizeof *areas; i++)
        if (exit ? areas[i].at_exit : areas[i].at_entry)
            cycles += lines(m, counts, core, cpu, vmcs + areas[i].first * LINE, areas[i].lines);
    return cycles;
}

static uint64_t msr_area(struct memory_model *m, struct timing_counts *counts, const struct core *core,
                         const struct cpu *cpu, const struct timing_area *area, uint64_t each) {
    if (!area->count) return 0;
    uint64_t first = area->address & ~(uint64_t)(LINE - 1), end = area->address + area->count * ENTRY_BYTES;
    counts->of[TIMING_MSR_ENTRIES] += area->count;
    return area->count * each + lines(m, counts, core, cpu, first, (end - first + LINE - 1) / LINE);
}

uint64_t vtx_exit(struct memory_model *m, struct timing_counts *counts, const struct core *core, const struct cpu *cpu,
                  const struct timing_crossing *c) {
    return core->exit_cycles + vmcs_lines(m, counts, core, cpu, c->vmcs, true) +
           msr_area(m, counts, core, cpu, &c->exit_store, core->msr_store_cycles) +
           msr_area(m, counts, core, cpu, &c->exit_load, core->msr_load_cycles);
}

uint64_t vtx_entry(struct vtx_model *v, struct memory_model *m, struct timing_counts *counts, const struct core *core,
                   const struct cpu *cpu, const struct timing_crossing *c) {
    uint64_t cycles = core->entry_cycles + vmcs_lines(m, counts, core, cpu, c->vmcs, false) +
                      msr_area(m, counts, core, cpu, &c->entry_load, core->msr_load_cycles);
    if (ways_use(v->checked, CHECKED_VMCSS, tag_of(c->vmcs >> 12), true)) return cycles;
    counts->of[TIMING_CHECKS]++;
    return cycles + core->checks_cycles;
}

static void uncheck(struct vtx_model *v, uint64_t vmcs) {
    for (unsigned i = 0; i < CHECKED_VMCSS; i++)
        if (v->checked[i] == tag_of(vmcs >> 12)) v->checked[i] = 0;
}

// Line of a field: its area's, by its index and width. SDM Vol. 3C, 24.11.2.
static uint64_t line_of(uint64_t encoding) {
    const struct vmcs_area *area = areas;
    while (area->type != (encoding >> 10 & 3)) area++;
    return area->first + ((encoding >> 1 & 0x1ff) * 8 + (encoding >> 13 & 3) * LINE) / LINE % area->lines;
}

uint64_t vtx_instruction(struct vtx_model *v, struct memory_model *m, struct timing_counts *counts,
                         const struct core *core, const struct cpu *cpu, unsigned what, uint64_t encoding,
                         uint64_t vmcs) {
    if (what == VTX_INVEPT) memset(m->nested, 0, sizeof m->nested);
    if (vmcs == ~0ull || what == VTX_INVEPT) return 0;
    if (what == VTX_WRITE && is_major(encoding)) uncheck(v, vmcs);
    uint64_t line = what == VTX_POINTER ? 0 : line_of(encoding);
    return memory_line(m, counts, core, cpu, vmcs + line * LINE);
}

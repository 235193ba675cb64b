// How often each level was entered and left, why, and how many cycles the level below then ran. No architectural state.
#include "vmx/level/level.h"
#include "vmx/vmcs/vmx.h"

_Static_assert(sizeof((struct vmx_counts *)0)->exits / 8 == VMX_LEVELS * VMX_REASONS, "levels and reasons");

static uint64_t now(const struct cpu *cpu) { return cpu_cycles_now(cpu); }

// From `level` to another.
static void count_switch(struct cpu *cpu, unsigned level) {
    struct vmx_counts *c = &vmx_of(cpu)->counts;
    c->level_steps[level] += cpu->time.steps - c->switch_steps;
    c->level_cycles[level] += now(cpu) - c->switch_cycles;
    c->switch_steps = cpu->time.steps;
    c->switch_cycles = now(cpu);
}

// VM-entry failures come here too: then the guest has not run.
void count_exit(struct cpu *cpu, uint32_t reason) {
    struct vmx_counts *c = &vmx_of(cpu)->counts;
    unsigned level = level_running(cpu);
    count_switch(cpu, vmx_of(cpu)->non_root ? level : 0);
    c->exits[level][reason]++;
    c->exit_level = level;
    c->exit_reason = reason;
    c->exit_cycles = now(cpu);
    level_exit(cpu, reason);
}

void count_entry(struct cpu *cpu) {
    struct vmx_counts *c = &vmx_of(cpu)->counts;
    count_switch(cpu, 0);
    if (c->exit_reason < VMX_REASONS && c->exit_level < VMX_LEVELS)
        c->cycles[c->exit_level][c->exit_reason] += now(cpu) - c->exit_cycles;
    c->exit_reason = ~0u;
    level_entry(cpu);
    c->entries[level_running(cpu)]++;
}

void count_failed_entry(struct cpu *cpu) { vmx_of(cpu)->counts.failed_entries++; }

static bool counted(const struct cpu *cpu, unsigned level, unsigned reason) {
    return cpu->wire.extension && level < VMX_LEVELS && reason < VMX_REASONS;
}
uint64_t vmx_exit_count(const struct cpu *cpu, unsigned level, unsigned reason) {
    return counted(cpu, level, reason) ? vmx_of(cpu)->counts.exits[level][reason] : 0;
}
uint64_t vmx_exit_cycles(const struct cpu *cpu, unsigned level, unsigned reason) {
    return counted(cpu, level, reason) ? vmx_of(cpu)->counts.cycles[level][reason] : 0;
}
uint64_t vmx_entry_count(const struct cpu *cpu, unsigned level) {
    return counted(cpu, level, 0) ? vmx_of(cpu)->counts.entries[level] : 0;
}
uint64_t vmx_level_steps(const struct cpu *cpu, unsigned level) {
    if (!counted(cpu, level, 0)) return 0;
    const struct vmx_counts *c = &vmx_of(cpu)->counts;
    return c->level_steps[level] + (level == vmx_level(cpu) ? cpu->time.steps - c->switch_steps : 0);
}
uint64_t vmx_level_cycles(const struct cpu *cpu, unsigned level) {
    if (!counted(cpu, level, 0)) return 0;
    const struct vmx_counts *c = &vmx_of(cpu)->counts;
    return c->level_cycles[level] + (level == vmx_level(cpu) ? now(cpu) - c->switch_cycles : 0);
}
uint64_t vmx_failed_entry_count(const struct cpu *cpu) {
    return cpu->wire.extension ? vmx_of(cpu)->counts.failed_entries : 0;
}

#define WORDS(member) STATE_WORDS(struct vmx, member)
static const struct state_field fields[] = {
    WORDS(counts.exits),
    WORDS(counts.cycles),
    WORDS(counts.entries),
    WORDS(counts.level_steps),
    WORDS(counts.level_cycles),
    STATE_ONE(struct vmx, counts.failed_entries),
    STATE_ONE(struct vmx, counts.switch_steps),
    STATE_ONE(struct vmx, counts.switch_cycles),
    STATE_ONE(struct vmx, counts.exit_cycles),
    STATE_ONE(struct vmx, counts.exit_level),
    STATE_ONE(struct vmx, counts.exit_reason),
};
const struct state_table vmx_count_state = STATE_TABLE("counts of levels", fields);

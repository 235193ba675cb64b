// How often each level was entered and left, why, and how many cycles the level below then ran. No architectural state.
#include "vmx/vmcs.h"
#include "vmx/vmx.h"

_Static_assert(sizeof((struct vmx_counts *)0)->exits / 8 == VMX_LEVELS * VMX_REASONS, "levels and reasons");

static const struct {
    const char *name, *text;
} reasons[VMX_REASONS] = {
#define EXIT(number, name, text) [number] = {#name, text},
#include "vmx/exit.def"
#undef EXIT
};

static uint64_t now(const struct cpu *cpu) { return cpu->steps + cpu->idle_cycles; }

void count_exit(struct cpu *cpu, uint32_t reason) {
    struct vmx_counts *c = &vmx_of(cpu)->counts;
    c->exits[c->level][reason]++;
    c->exit_reason = reason;
    c->exit_cycles = now(cpu);
}

// The level of the guest that the current VMCS is for; found out when the VMCS is entered first.
static struct vmcs_level *level_of(struct vmx_counts *c, uint64_t pointer) {
    enum { KNOWN = sizeof c->known / sizeof c->known[0] };
    for (unsigned i = 0; i < KNOWN; i++)
        if (c->known[i].level && c->known[i].pointer == pointer) return &c->known[i];
    bool nested = c->exit_reason == EXIT_VMLAUNCH || c->exit_reason == EXIT_VMRESUME;
    uint32_t level = nested ? c->level + 1 : 1;
    struct vmcs_level *k = &c->known[c->next_known++ % KNOWN];
    *k = (struct vmcs_level){pointer, level < VMX_LEVELS ? level : VMX_LEVELS - 1};
    return k;
}

void count_forget(struct cpu *cpu, uint64_t pointer) {
    struct vmx_counts *c = &vmx_of(cpu)->counts;
    for (unsigned i = 0; i < sizeof c->known / sizeof c->known[0]; i++)
        if (c->known[i].pointer == pointer) c->known[i].level = 0;
}

void count_entry(struct cpu *cpu) {
    struct vmx_counts *c = &vmx_of(cpu)->counts;
    if (c->exit_reason < VMX_REASONS) c->cycles[c->level][c->exit_reason] += now(cpu) - c->exit_cycles;
    c->level = level_of(c, vmx_of(cpu)->current)->level;
    c->entries[c->level]++;
    c->exit_reason = ~0u;
}

void count_failed_entry(struct cpu *cpu) { vmx_of(cpu)->counts.failed_entries++; }

static bool counted(const struct cpu *cpu, unsigned level, unsigned reason) {
    return cpu->extension && level < VMX_LEVELS && reason < VMX_REASONS;
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
uint64_t vmx_failed_entry_count(const struct cpu *cpu) {
    return cpu->extension ? vmx_of(cpu)->counts.failed_entries : 0;
}

const char *vmx_exit_name(unsigned reason) { return reason < VMX_REASONS ? reasons[reason].name : NULL; }
const char *vmx_exit_text(unsigned reason) { return reason < VMX_REASONS ? reasons[reason].text : NULL; }

const char *vmx_error_text(unsigned number) {
    switch (number) {
#define ABORT(number, name, text)
#define ERROR(number, name, text)                                                                                      \
    case number:                                                                                                       \
        return text;
#include "vmx/error.def"
#undef ERROR
#undef ABORT
    default: return NULL;
    }
}

const char *vmx_abort_text(unsigned indicator) {
    switch (indicator) {
#define ERROR(number, name, text)
#define ABORT(number, name, text)                                                                                      \
    case number:                                                                                                       \
        return text;
#include "vmx/error.def"
#undef ERROR
#undef ABORT
    default: return NULL;
    }
}

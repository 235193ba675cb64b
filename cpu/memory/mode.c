// The mode of a processor; see mode.h.
#include "cpu/memory/mode.h"
#include "cpu/counters/counters.h"
#include "cpu/memory/tlb.h"
#include "cpu/state/timing.h"
#include "cpu/watch/observe.h"

static uint32_t mode_of_code(const struct cpu *cpu) {
    const struct segment *cs = &cpu->segment[CS];
    if (cpu->rflags & FLAG_VM && cpu->control.cr0 & CR0_PE) return MODE_CODE_16;
    if (cpu->control.efer & EFER_LMA && cs->rights & RIGHTS_L) return MODE_CODE_64;
    return cs->rights & RIGHTS_DB ? MODE_CODE_32 : MODE_CODE_16;
}

// The current privilege level is the DPL of SS (SDM Vol. 3C, 24.4.1); 0 in real-address mode, 3 in virtual-8086 mode.
static uint32_t mode_of_privilege(const struct cpu *cpu) {
    if (!(cpu->control.cr0 & CR0_PE)) return 0;
    if (cpu->rflags & FLAG_VM) return MODE_VM86 | 3 << MODE_CPL_SHIFT;
    return MODE_PROTECTED | (cpu->segment[SS].rights >> RIGHTS_DPL_SHIFT & 3) << MODE_CPL_SHIFT;
}

static uint32_t mode_of_fpu(const struct cpu *cpu) {
    bool em = cpu->control.cr0 & CR0_EM, ts = cpu->control.cr0 & CR0_TS;
    bool avx = cpu->control.cr4 & CR4_OSXSAVE && (cpu->control.xcr0 & 6) == 6;
    return (em || ts ? MODE_NO_X87 : 0) | (em ? MODE_NO_MMX : 0) | (ts ? MODE_TS : 0) |
           (em || !(cpu->control.cr4 & CR4_OSFXSR) ? MODE_NO_SSE : 0) | (avx ? 0 : MODE_NO_AVX) |
           (ts && cpu->control.cr0 & CR0_MP ? MODE_NO_WAIT : 0);
}

static uint32_t mode_of_timing(const struct cpu *cpu) {
    return cpu->wire.timing && cpu->wire.timing->begin ? MODE_TIMED : 0;
}

static void tell_mode(struct cpu *cpu, uint32_t before) {
    const uint32_t bits = MODE_CODE_MASK | MODE_PROTECTED | MODE_VM86;
    if (((cpu->mode ^ before) & bits) == 0) return;
    OBSERVE_TELL(cpu, NULL, MODE, .number = cpu->mode, .old = before);
}

static void update(struct cpu *cpu, void (*translation)(struct cpu *cpu)) {
    uint32_t stack = cpu->segment[SS].rights & RIGHTS_DB ? MODE_STACK_32 : 0, before = cpu->mode;
    cpu->mode = mode_of_code(cpu) | stack | mode_of_privilege(cpu) | mode_of_fpu(cpu) | mode_of_timing(cpu);
    bool wide = cpu_64bit(cpu);
    cpu->fetch.base = wide ? 0 : cpu->segment_base[CS];
    cpu->fetch.mask = wide ? ~0ull : UINT32_MAX;
    translation(cpu);
    if (unlikely(cpu->performance.filters) && (cpu_cpl(cpu) > 0) != cpu->performance.user) performance_settle(cpu, NULL);
    if (unlikely(observed(cpu, OBSERVE_MODE))) tell_mode(cpu, before);
}

void cpu_update_mode(struct cpu *cpu) { update(cpu, tlb_contexts_update); }
void cpu_update_space(struct cpu *cpu) { update(cpu, tlb_select); }

void cpu_set_rflags(struct cpu *cpu, uint64_t image) {
    uint64_t changed = (cpu->rflags ^ image) & (FLAG_VM | FLAG_AC);
    flags_set(&cpu->flags, image);
    cpu->rflags = (image & FLAGS_DEFINED & ~FLAGS_ARITHMETIC) | BIT(1);
    if (changed) cpu_update_mode(cpu);
    if (cpu->rflags & (FLAG_TF | FLAG_RF)) cpu->attention |= ATTENTION_EVENT;
    if (cpu->rflags & FLAG_IF) cpu_look(cpu);
}

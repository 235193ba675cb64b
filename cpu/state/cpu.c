// A processor's life, its mode, faults, time, and the table of its state.
#include "cpu/state/cpu.h"
#include "cpu/memory/access.h"
#include "cpu/engine/block.h"
#include "cpu/state/model.h"
#include "cpu/system/mwait.h"
#include "cpu/watch/observe.h"
#include <stdlib.h>

struct cpu *cpu_new(const struct cpu_model *model, const struct decoder *decoder, const struct platform *platform,
                    uint32_t id) {
    struct cpu *cpu = calloc(1, sizeof *cpu);
    if (!cpu) return NULL;
    cpu->wire.model = model;
    cpu->wire.decoder = decoder;
    cpu->wire.platform = platform;
    cpu->id = id;
    cpu->time.vmx_deadline_cycles = ~0ull;
    cpu->boundary.sti_shadow_step = cpu->boundary.mov_ss_shadow_step = cpu->boundary.held_step =
        cpu->observation.passed_step = ~0ull;
    cpu->tlb = calloc(1, sizeof *cpu->tlb);
    struct block_cache *blocks = block_cache_new();
    if (blocks) block_cache_join(blocks, cpu);
    struct mwait_group *group = mwait_group_new();
    if (group) mwait_group_join(group, cpu);
    if (cpu->tlb && blocks && group) {
        tlb_reset(cpu);
        cpu_reset(cpu, false);
        return cpu;
    }
    cpu_free(cpu);
    return NULL;
}

void cpu_free(struct cpu *cpu) {
    if (!cpu) return;
    block_cache_leave(cpu);
    mwait_group_leave(cpu);
    free(cpu->tlb);
    free(cpu);
}

bool cpu_share_memory(struct cpu *cpu, struct cpu *with) {
    block_cache_leave(cpu);
    mwait_group_leave(cpu);
    if (!block_cache_join(with->wire.blocks, cpu) || !mwait_group_join(with->wire.mwait_group, cpu)) return false;
    tlb_drop_fast(cpu);
    return true;
}

// --- mode ---

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

bool cpu_canonical_register(const struct cpu *cpu, uint64_t a) {
    unsigned unused = cpu_model_has(cpu->wire.model, FEATURE_LA57) ? 64 - 57 : 64 - 48;
    return (uint64_t)((int64_t)(a << unused) >> unused) == a;
}

static void tell_mode(struct cpu *cpu, uint32_t before) {
    const uint32_t bits = MODE_CODE_MASK | MODE_PROTECTED | MODE_VM86;
    if (((cpu->mode ^ before) & bits) == 0) return;
    OBSERVE_TELL(cpu, NULL, MODE, .number = cpu->mode, .old = before);
}

static void update(struct cpu *cpu, void (*translation)(struct cpu *cpu)) {
    uint32_t stack = cpu->segment[SS].rights & RIGHTS_DB ? MODE_STACK_32 : 0, before = cpu->mode;
    cpu->mode = mode_of_code(cpu) | stack | mode_of_privilege(cpu) | mode_of_fpu(cpu);
    bool wide = cpu_64bit(cpu);
    cpu->fetch.base = wide ? 0 : cpu->segment_base[CS];
    cpu->fetch.mask = wide ? ~0ull : UINT32_MAX;
    translation(cpu);
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

void cpu_pend(struct cpu *cpu, enum pending what, bool on) {
    if (!on) {
        cpu->boundary.pending &= ~(uint32_t)what;
        return;
    }
    cpu->boundary.pending |= what;
    cpu->attention |= ATTENTION_EVENT;
}

// --- faults ---

static bool has_error_code(enum exception_vector vector) {
    return BIT(vector) & (BIT(VECTOR_DF) | BIT(VECTOR_TS) | BIT(VECTOR_NP) | BIT(VECTOR_SS) | BIT(VECTOR_GP) |
                          BIT(VECTOR_PF) | BIT(VECTOR_AC) | BIT(VECTOR_CP));
}

enum outcome cpu_fault(struct cpu *cpu, enum exception_vector vector) {
    cpu->attempt.fault = (struct event){.vector = (uint8_t)vector, .type = EVENT_HARDWARE_EXCEPTION};
    return OUT_FAULT;
}

enum outcome cpu_fault_code(struct cpu *cpu, enum exception_vector vector, uint32_t code) {
    cpu->attempt.fault = (struct event){.vector = (uint8_t)vector,
                                        .type = EVENT_HARDWARE_EXCEPTION,
                                        .has_error_code = has_error_code(vector),
                                        .error_code = code};
    return OUT_FAULT;
}

enum outcome cpu_fault_page(struct cpu *cpu, uint64_t linear, uint32_t code) {
    cpu->attempt.fault = (struct event){.vector = VECTOR_PF,
                                        .type = EVENT_HARDWARE_EXCEPTION,
                                        .has_error_code = true,
                                        .error_code = code,
                                        .payload = linear};
    return OUT_FAULT;
}

// --- time ---

uint64_t cpu_steps(const struct cpu *cpu, const struct op *op) {
    uint64_t steps = cpu->attempt.step_limit - (uint64_t)cpu->budget;
    if (!op) return steps;
    if (!cpu->block) return steps - 1; // emptied the block cache: such an instruction stands alone
    return steps - cpu->block->count + (uint64_t)(op - cpu->block->ops);
}

uint64_t cpu_cycles(const struct cpu *cpu, const struct op *op) {
    return cpu_steps(cpu, op) + cpu->time.surplus_cycles;
}

uint64_t cpu_tsc(const struct cpu *cpu, const struct op *op) {
    uint64_t cycles = cpu_cycles(cpu, op);
    if (cpu->wire.latest_cycles && *cpu->wire.latest_cycles > cycles) cycles = *cpu->wire.latest_cycles;
    uint64_t tsc = cycles + cpu->time.tsc_base, multiplier = cpu->intercepts.tsc_multiplier;
    if (multiplier) tsc = (uint64_t)((unsigned __int128)tsc * multiplier >> 48);
    return tsc + cpu->intercepts.tsc_offset;
}

uint64_t cpu_tell_tsc(struct cpu *cpu, const struct op *op) {
    uint64_t cycles = cpu_cycles(cpu, op);
    if (cpu->wire.latest_cycles && *cpu->wire.latest_cycles < cycles) *cpu->wire.latest_cycles = cycles;
    return cpu_tsc(cpu, op);
}

// --- state ---

void cpu_canonicalise(struct cpu *cpu) {
    flags_set(&cpu->flags, flags_get(&cpu->flags));
    if (cpu->boundary.sti_shadow_step != cpu->time.steps) cpu->boundary.sti_shadow_step = ~0ull;
    if (cpu->boundary.mov_ss_shadow_step != cpu->time.steps) cpu->boundary.mov_ss_shadow_step = ~0ull;
    if (cpu->boundary.held_step != cpu->time.steps) cpu->boundary.held_step = ~0ull;
}

void cpu_drop_derived(struct cpu *cpu) {
    block_cache_clear(cpu);
    mwait_group_renew(cpu->wire.mwait_group);
}

void cpu_loaded(struct cpu *cpu) {
    cpu->attempt.step_limit = cpu->time.steps;
    cpu->budget = 0;
    cpu->attention |= ATTENTION_EVENT;
    cpu_update_space(cpu);
    cpu_drop_derived(cpu);
}

#define ONE(member) STATE_ONE(struct cpu, member)
#define ARRAY(member) STATE_ARRAY(struct cpu, member)
#define EACH(array, member) STATE_EACH(struct cpu, array, member)

static const struct state_field cpu_fields[] = {
    ARRAY(gpr),
    ONE(rip),
    ONE(flags.result),
    ONE(flags.carry),
    ONE(rflags),
    ARRAY(segment_base),
    EACH(segment, limit),
    EACH(segment, rights),
    EACH(segment, selector),
    ONE(gdtr.base),
    ONE(gdtr.limit),
    ONE(idtr.base),
    ONE(idtr.limit),
    ONE(control.cr0),
    ONE(control.cr2),
    ONE(control.cr3),
    ONE(control.cr4),
    ONE(control.xcr0),
    ARRAY(control.pdpte),
    ARRAY(control.dr),
    ONE(control.efer),
    ONE(msr.star),
    ONE(msr.lstar),
    ONE(msr.cstar),
    ONE(msr.sfmask),
    ONE(msr.kernel_gs_base),
    ONE(msr.tsc_aux),
    ONE(msr.sysenter_cs),
    ONE(msr.sysenter_esp),
    ONE(msr.sysenter_eip),
    ONE(msr.pat),
    ONE(msr.debugctl),
    ONE(msr.misc_enable),
    ONE(msr.power_ctl),
    ONE(msr.xss),
    ONE(msr.spec_ctrl),
    ONE(msr.tsc_adjust),
    ONE(msr.feature_control),
    ONE(control.pkru),
    ONE(msr.mtrr_def_type),
    ARRAY(msr.mtrr_fixed),
    ARRAY(msr.mtrr_base),
    ARRAY(msr.mtrr_mask),
    ONE(msr.mcg_status),
    ONE(msr.bios_sign_id),
    {"vector", offsetof(struct cpu, fpu.vector), 8, sizeof(((struct cpu *)0)->fpu.vector) / 8, 8},
    ARRAY(fpu.opmask),
    ONE(fpu.mxcsr),
    EACH(fpu.x87.r, significand),
    EACH(fpu.x87.r, sign_exponent),
    ONE(fpu.x87.ip),
    ONE(fpu.x87.dp),
    ONE(fpu.x87.cs),
    ONE(fpu.x87.ds),
    ONE(fpu.x87.control),
    ONE(fpu.x87.status),
    ONE(fpu.x87.opcode),
    ONE(fpu.x87.empty),
    ONE(boundary.activity),
    ONE(boundary.pending),
    ONE(boundary.pending_debug),
    ONE(boundary.sti_shadow_step),
    ONE(boundary.mov_ss_shadow_step),
    ONE(boundary.nmi_blocked),
    ONE(boundary.sipi_vector),
    ONE(boundary.held_step),
    ONE(time.steps),
    ONE(time.surplus_cycles),
    ONE(time.tsc_base),
    ONE(random_state),
    ONE(boundary.monitor_address),
    ONE(boundary.mwait),
    ONE(id),
    ONE(time.vmx_deadline_cycles),
    ONE(eptp),
    ONE(vpid),
};
const struct state_table cpu_state = STATE_TABLE("cpu", cpu_fields);

static const struct state_field count_fields[] = {
    ONE(time.unretired),
    ONE(time.idle_cycles),
};
const struct state_table cpu_count_state = STATE_COUNTS("counts", count_fields);

#undef ONE
#define TLB(member)                                                                                                    \
    { #member, offsetof(struct tlb, member), 8, sizeof(((struct tlb *)0)->member) / 8, 8 }
static const struct state_field tlb_fields[] = {
    TLB(bank),
    TLB(context),
    TLB(large),
    TLB(huge),
    STATE_ONE(struct tlb, next_generation),
    STATE_ONE(struct tlb, next_context),
    STATE_ONE(struct tlb, current),
};
const struct state_table cpu_tlb_state = STATE_TABLE("tlb", tlb_fields);

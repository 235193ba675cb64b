// The VMX capability MSRs, computed from the rows of control.def and the CPU model. SDM Vol. 3D, Appendix A.
// NOT IMPLEMENTED: dual-monitor treatment of SMM, tertiary controls, secondary VM-exit controls.
#include "vmx/vmcs/vmcs.h"
#include "cpu/counters/counters.h"
#include "cpu/watch/debug.h"
#include "cpu/event/control.h"

#define MODELLED FEATURE_BASE
#define NOT_MODELLED FEATURE_COUNT

static const struct {
    uint8_t group, bit;
    uint16_t support;
} controls[] = {
#define CONTROL(group, bit, name, support, text) {GROUP_##group, bit, support},
#include "vmx/vmcs/control.def"
#undef CONTROL
};

// The default1 class, A.2: what the MSRs that are not TRUE_ report as fixed to 1.
static const uint32_t default1[CONTROL_GROUPS] = {
    [GROUP_PIN] = BIT(1) | BIT(2) | BIT(4),
    [GROUP_PROC] = BIT(1) | BITS(6, 4) | BIT(8) | BITS(16, 13) | BIT(26),
    [GROUP_EXIT] = BITS(8, 0) | BIT(10) | BIT(11) | BIT(13) | BIT(14) | BIT(16) | BIT(17),
    [GROUP_ENTRY] = BITS(8, 0) | BIT(12),
};

static void compute_controls(const struct cpu_model *model, struct vmx_capability *c) {
    uint32_t named[CONTROL_GROUPS] = {0};
    for (unsigned g = 0; g < CONTROL_GROUPS; g++) c->allowed0[g] = c->allowed1[g] = 0;
    for (unsigned i = 0; i < sizeof controls / sizeof controls[0]; i++) {
        named[controls[i].group] |= (uint32_t)BIT(controls[i].bit);
        if (controls[i].support != NOT_MODELLED && cpu_model_has(model, controls[i].support))
            c->allowed1[controls[i].group] |= (uint32_t)BIT(controls[i].bit);
    }
    // Reserved controls of the default1 class have no name, no function and one setting: 1.
    for (unsigned g = 0; g < CONTROL_GROUPS; g++) {
        c->allowed0[g] = default1[g] & ~named[g];
        c->allowed1[g] |= default1[g];
    }
}

static uint64_t ept_vpid_capability(const struct cpu_model *model) {
    uint64_t ept = CAP_EXECUTE_ONLY | CAP_WALK_4 | CAP_UNCACHEABLE | CAP_WRITE_BACK | CAP_2M | CAP_INVEPT |
                   CAP_ACCESSED_DIRTY | CAP_ADVANCED_INFORMATION | CAP_INVEPT_SINGLE | CAP_INVEPT_ALL;
    if (cpu_model_has(model, FEATURE_PAGE1GB)) ept |= CAP_1G;
    return ept | CAP_INVVPID | CAP_INVVPID_ADDRESS | CAP_INVVPID_SINGLE | CAP_INVVPID_ALL | CAP_INVVPID_GLOBALS;
}

// Which fields exist: those whose control has a 1-setting.
static void compute_fields(struct vmx_capability *c) {
#define ALWAYS true
#define PIN(name) (c->allowed1[GROUP_PIN] >> PIN_##name & 1)
#define PROC(name) (c->allowed1[GROUP_PROC] >> PROC_##name & 1)
#define PROC2(name) (c->allowed1[GROUP_PROC2] >> PROC2_##name & 1)
#define EXIT(name) (c->allowed1[GROUP_EXIT] >> EXIT_##name & 1)
#define ENTRY(name) (c->allowed1[GROUP_ENTRY] >> ENTRY_##name & 1)
#define FIELD(encoding, name, exists_if, part, text) c->exists[FIELD_##name] = exists_if;
#include "vmx/vmcs/field.def"
#undef FIELD
}

void capability_compute(const struct cpu_model *model, struct vmx_capability *c) {
    compute_controls(model, c);
    c->cr0_fixed0 = CR0_PE | CR0_NE | CR0_PG;
    c->cr0_fixed1 = UINT32_MAX;
    c->cr4_fixed0 = CR4_VMXE;
    c->cr4_fixed1 = cr4_supported(model);
    c->ept_vpid = ept_vpid_capability(model);
    c->physical_reserved = ~(BIT(model->physical_bits) - 1);
    c->linear_bits = model->linear_bits;
    c->nx = cpu_model_has(model, FEATURE_NX);
    c->debugctl_bits = DEBUGCTL_LBR | DEBUGCTL_BTF | (cpu_model_has(model, FEATURE_PMU) ? DEBUGCTL_FREEZES : 0);
    c->perf_global_bits = performance_global_bits(model);
    compute_fields(c);
}

enum vmx_msr {
    MSR_FEATURE_CONTROL = 0x3a,
    MSR_VMX_BASIC = 0x480,
    MSR_VMX_PINBASED,
    MSR_VMX_PROCBASED,
    MSR_VMX_EXIT,
    MSR_VMX_ENTRY,
    MSR_VMX_MISC,
    MSR_VMX_CR0_FIXED0,
    MSR_VMX_CR0_FIXED1,
    MSR_VMX_CR4_FIXED0,
    MSR_VMX_CR4_FIXED1,
    MSR_VMX_VMCS_ENUM,
    MSR_VMX_PROCBASED2,
    MSR_VMX_EPT_VPID_CAP,
    MSR_VMX_TRUE_PINBASED,
    MSR_VMX_TRUE_PROCBASED,
    MSR_VMX_TRUE_EXIT,
    MSR_VMX_TRUE_ENTRY,
    MSR_VMX_VMFUNC,
};

// IA32_VMX_BASIC, A.1: write-back regions, information for INS and OUTS, TRUE_ MSRs.
static uint64_t basic(void) {
    enum { WRITE_BACK = 6 };
    return VMCS_REVISION | (uint64_t)VMCS_REGION_BYTES << 32 | (uint64_t)WRITE_BACK << 50 | BIT(54) | BIT(55);
}

// IA32_VMX_MISC, A.6: the rate of the VMX-preemption timer, IA32_EFER.LMA is stored, activity states HLT, shutdown and
// wait-for-SIPI, CR3 targets, VMWRITE to any field, injection with instruction length 0.
static uint64_t misc(const struct cpu_model *model) {
    return model->preemption_timer_rate | BIT(5) | BIT(6) | BIT(7) | BIT(8) | (uint64_t)CR3_TARGETS << 16 | BIT(29) |
           BIT(30);
}

static uint64_t true_controls(const struct vmx *vmx, enum control_group group) {
    return (uint64_t)vmx->capability.allowed1[group] << 32 | vmx->capability.allowed0[group];
}
static uint64_t plain_controls(const struct vmx *vmx, enum control_group group) {
    return true_controls(vmx, group) | default1[group];
}

bool capability_msr_read(struct cpu *cpu, uint32_t index, uint64_t *value) {
    const struct vmx *vmx = vmx_of(cpu);
    if (!cpu_model_has(cpu->wire.model, FEATURE_VMX)) return false;
    switch (index) {
    case MSR_FEATURE_CONTROL: *value = cpu->msr.feature_control; return true;
    case MSR_VMX_BASIC: *value = basic(); return true;
    case MSR_VMX_PINBASED: *value = plain_controls(vmx, GROUP_PIN); return true;
    case MSR_VMX_PROCBASED: *value = plain_controls(vmx, GROUP_PROC); return true;
    case MSR_VMX_EXIT: *value = plain_controls(vmx, GROUP_EXIT); return true;
    case MSR_VMX_ENTRY: *value = plain_controls(vmx, GROUP_ENTRY); return true;
    case MSR_VMX_MISC: *value = misc(cpu->wire.model); return true;
    case MSR_VMX_CR0_FIXED0: *value = vmx->capability.cr0_fixed0; return true;
    case MSR_VMX_CR0_FIXED1: *value = vmx->capability.cr0_fixed1; return true;
    case MSR_VMX_CR4_FIXED0: *value = vmx->capability.cr4_fixed0; return true;
    case MSR_VMX_CR4_FIXED1: *value = vmx->capability.cr4_fixed1; return true;
    case MSR_VMX_VMCS_ENUM: *value = (uint64_t)field_highest_index(vmx) << 1; return true;
    case MSR_VMX_PROCBASED2: *value = true_controls(vmx, GROUP_PROC2); return true;
    case MSR_VMX_EPT_VPID_CAP: *value = vmx->capability.ept_vpid; return true;
    case MSR_VMX_TRUE_PINBASED: *value = true_controls(vmx, GROUP_PIN); return true;
    case MSR_VMX_TRUE_PROCBASED: *value = true_controls(vmx, GROUP_PROC); return true;
    case MSR_VMX_TRUE_EXIT: *value = true_controls(vmx, GROUP_EXIT); return true;
    case MSR_VMX_TRUE_ENTRY: *value = true_controls(vmx, GROUP_ENTRY); return true;
    case MSR_VMX_VMFUNC: *value = VM_FUNCTIONS; return true;
    default: return false;
    }
}

// IA32_FEATURE_CONTROL: lock, and VMX outside SMX operation. Once locked it cannot be written. SDM Vol. 3C, 23.7.
#define FEATURE_CONTROL_LOCK BIT(0)
#define FEATURE_CONTROL_VMX BIT(2)

bool capability_msr_refuses(const struct cpu *cpu, uint32_t index, bool write, uint64_t value,
                            struct msr_refusal *out) {
    const uint64_t known = FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX;
    *out = (struct msr_refusal){.rule = "the processor has no such MSR"};
    if (!cpu_model_has(cpu->wire.model, FEATURE_VMX) || index > MSR_VMX_VMFUNC) return true;
    if (!write) return false;
    out->rule = "the MSR can only be read: it tells what the processor supports";
    if (index != MSR_FEATURE_CONTROL) return true;
    out->name = "IA32_FEATURE_CONTROL";
    out->rule = "the MSR is locked: its lock bit (bit 0) is 1 until a reset";
    if (cpu->msr.feature_control & FEATURE_CONTROL_LOCK) return true;
    out->rule = "reserved bits must be 0: the lock bit (0) and VMX outside SMX operation (2) are there";
    out->bits = value & ~known;
    return out->bits;
}

bool capability_msr_write(struct cpu *cpu, uint32_t index, uint64_t value) {
    struct msr_refusal refusal;
    if (capability_msr_refuses(cpu, index, true, value, &refusal)) return false;
    cpu->msr.feature_control = value;
    return true;
}

// SDM Vol. 3C, 23.8: bits of CR0 and CR4 are fixed in VMX operation; 25.6: PE and PG are not in an unrestricted guest.
uint64_t capability_cr_refused(const struct cpu *cpu, unsigned cr, uint64_t value) {
    const struct vmx *vmx = vmx_of(cpu);
    if (vmx->vmxon_pointer == VMCS_NONE) return 0;
    const struct vmx_capability *c = &vmx->capability;
    if (cr == 4) return (~value & c->cr4_fixed0) | (value & ~c->cr4_fixed1);
    if (cr != 0) return 0;
    uint64_t fixed0 = c->cr0_fixed0;
    if (vmx->non_root && cpu->intercepts.unrestricted) fixed0 &= ~(CR0_PE | CR0_PG);
    return (~value & fixed0) | (value & ~c->cr0_fixed1);
}

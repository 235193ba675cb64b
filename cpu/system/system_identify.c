// What software asks the processor: CPUID, time, MSRs, performance counters, XCR0, random numbers.
// SDM Vol. 2A and 2B, the instructions; Vol. 1, 7.3.17 (random numbers); Vol. 3B, 17.17 (TSC).
// Random numbers come from a generator of ours that the machine's configuration seeds: they always succeed.
#include "cpu/counters/counters.h"
#include "cpu/engine/body.h"
#include "cpu/state/intercept.h"
#include "cpu/state/model.h"
#include "cpu/system/msr.h"
#include "cpu/watch/observe.h"
#include "cpu/vector/xsave.h"
#include "cpu/memory/mode.h"

static void set_pair(struct cpu *cpu, uint64_t value) {
    cpu->gpr[RAX] = (uint32_t)value;
    cpu->gpr[RDX] = value >> 32;
}
static uint64_t get_pair(const struct cpu *cpu) { return (uint32_t)cpu->gpr[RAX] | cpu->gpr[RDX] << 32; }

// CPUID faulting (MSR_MISC_FEATURES_ENABLES) is not in the manual: "Virtualization Technology FlexMigration", Intel,
// 323850. A fault by the privilege level comes before the VM exit (Vol. 3C, 25.1.1).
// Leaf 1 also loads the microcode revision into IA32_BIOS_SIGN_ID, SDM Vol. 3A, 9.11.7.1.
BODY(cpuid) {
    BODY_UNUSED;
    if (unlikely(cpu->msr.misc_features_enables & MISC_FEATURES_CPUID_FAULT) && cpu_cpl(cpu)) return cpu_fault_gp0(cpu);
    TRY(intercept(cpu, op, ICEPT_CPUID, NO_OPERAND));
    uint32_t leaf = (uint32_t)cpu->gpr[RAX];
    struct cpuid_result r = cpuid(cpu, leaf, (uint32_t)cpu->gpr[RCX]);
    OBSERVE_TELL(cpu, op, CPUID, .number = leaf, .value = (uint64_t)r.eax << 32 | r.ebx,
                 .old = (uint64_t)r.ecx << 32 | r.edx, .information = (uint32_t)cpu->gpr[RCX]);
    if (leaf == 1) cpu->msr.bios_sign_id = (uint64_t)cpu->wire.model->microcode << 32;
    cpu->gpr[RAX] = r.eax;
    cpu->gpr[RBX] = r.ebx;
    cpu->gpr[RCX] = r.ecx;
    cpu->gpr[RDX] = r.edx;
    return OUT_OK;
}
INSTANTIATE(cpuid, END, FORMS_ONE_NONE)

// --- time ---

static enum outcome time_allowed(struct cpu *cpu) {
    return cpu->control.cr4 & CR4_TSD && cpu_cpl(cpu) ? cpu_fault_gp0(cpu) : OUT_OK;
}

BODY(rdtsc) {
    BODY_UNUSED;
    TRY(time_allowed(cpu));
    TRY(intercept(cpu, op, ICEPT_RDTSC, NO_OPERAND));
    set_pair(cpu, cpu_tell_tsc(cpu, op));
    return OUT_OK;
}
BODY(rdtscp) {
    BODY_UNUSED;
    TRY(intercept(cpu, op, ICEPT_RDTSCP, NO_OPERAND)); // the #UD of a control that is 0 comes first
    TRY(time_allowed(cpu));
    OBSERVE_TELL(cpu, op, IMPLICIT, .number = SIGHT_RDTSCP);
    set_pair(cpu, cpu_tell_tsc(cpu, op));
    cpu->gpr[RCX] = (uint32_t)cpu->msr.tsc_aux;
    return OUT_OK;
}
INSTANTIATE(rdtsc, END, FORMS_ONE_NONE)
INSTANTIATE(rdtscp, END, FORMS_ONE_NONE)

BODY(rdpid) {
    (void)F, (void)W;
    TRY(intercept(cpu, op, ICEPT_RDPID, NO_OPERAND));
    OBSERVE_TELL(cpu, op, IMPLICIT, .number = SIGHT_RDPID);
    set_reg64(cpu, op->dst, (uint32_t)cpu->msr.tsc_aux);
    return OUT_OK;
}
#define FORMS_ONE_R(X, n) X(n, R, 32)
INSTANTIATE(rdpid, NEXT, FORMS_ONE_R)

BODY(rdpmc) {
    BODY_UNUSED;
    if (!(cpu->control.cr4 & CR4_PCE) && cpu_cpl(cpu)) return cpu_fault_gp0(cpu);
    TRY(intercept(cpu, op, ICEPT_RDPMC, NO_OPERAND));
    uint64_t value;
    if (!performance_rdpmc(cpu, op, (uint32_t)cpu->gpr[RCX], &value)) return cpu_fault_gp0(cpu);
    set_pair(cpu, value);
    return OUT_OK;
}
INSTANTIATE(rdpmc, END, FORMS_ONE_NONE)

// --- MSRs ---

BODY(rdmsr) {
    BODY_UNUSED;
    uint32_t index = (uint32_t)cpu->gpr[RCX];
    uint64_t value = 0;
    TRY(intercept(cpu, op, ICEPT_RDMSR, OPERAND(.msr = {index, 0})));
    TRY(msr_read(cpu, op, index, &value));
    OBSERVE_TELL(cpu, op, MSR_READ, .number = index, .value = value);
    set_pair(cpu, value);
    return OUT_OK;
}
BODY(wrmsr) {
    BODY_UNUSED;
    uint32_t index = (uint32_t)cpu->gpr[RCX];
    uint64_t value = get_pair(cpu);
    TRY(intercept(cpu, op, ICEPT_WRMSR, OPERAND(.msr = {index, value})));
    uint64_t old = observed(cpu, OBSERVE_MSR_WRITE) ? msr_stored(cpu, index) : 0;
    TRY(msr_write(cpu, op, index, value));
    OBSERVE_TELL(cpu, op, MSR_WRITE, .number = index, .value = value, .old = old);
    return OUT_OK;
}
INSTANTIATE(rdmsr, END, FORMS_ONE_NONE)
INSTANTIATE(wrmsr, END, FORMS_ONE_NONE)

// --- XCR0 ---

BODY(xgetbv) {
    BODY_UNUSED;
    uint32_t index = (uint32_t)cpu->gpr[RCX];
    if (!(cpu->control.cr4 & CR4_OSXSAVE)) return cpu_fault_ud(cpu);
    if (index > 1 || (index == 1 && !cpu->wire.model->features[FEATURE_XGETBV1])) return cpu_fault_gp0(cpu);
    set_pair(cpu, index ? cpu->control.xcr0 & xsave_in_use_with_mxcsr(cpu) : cpu->control.xcr0);
    return OUT_OK;
}

static bool xcr0_valid(const struct cpu *cpu, uint64_t value) {
    if (value & ~cpu_model_xcr0(cpu->wire.model) || !(value & BIT(COMPONENT_X87))) return false;
    return !(value & BIT(COMPONENT_AVX)) || value & BIT(COMPONENT_SSE);
}

BODY(xsetbv) {
    BODY_UNUSED;
    uint64_t value = get_pair(cpu);
    if (!(cpu->control.cr4 & CR4_OSXSAVE)) return cpu_fault_ud(cpu);
    if (cpu_cpl(cpu)) return cpu_fault_gp0(cpu);
    TRY(intercept(cpu, op, ICEPT_XSETBV, NO_OPERAND));
    if ((uint32_t)cpu->gpr[RCX] || !xcr0_valid(cpu, value)) return cpu_fault_gp0(cpu);
    cpu->control.xcr0 = value;
    cpu_update_mode(cpu);
    return OUT_OK;
}
INSTANTIATE(xgetbv, NEXT, FORMS_ONE_NONE)
INSTANTIATE(xsetbv, END, FORMS_ONE_NONE)

// --- random numbers: xorshift64* (Marsaglia, Vigna) ---

static uint64_t random_next(struct cpu *cpu) {
    enum { FIRST = 0x2545f491 };
    uint64_t x = cpu->random_state ? cpu->random_state : FIRST;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    cpu->random_state = x;
    return x * 0x2545f4914f6cdd1dull;
}

static enum outcome random_to(struct cpu *cpu, const struct op *op, unsigned w, enum intercept what) {
    TRY(intercept(cpu, op, what, OPERAND(.random = {op->dst / 8u, (uint8_t)(w / 8)})));
    reg_set(cpu, op->dst, w, random_next(cpu));
    flags_set(&cpu->flags, FLAG_CF);
    return OUT_OK;
}
BODY(rdrand) {
    (void)F;
    return random_to(cpu, op, W, ICEPT_RDRAND);
}
BODY(rdseed) {
    (void)F;
    return random_to(cpu, op, W, ICEPT_RDSEED);
}
#define FORMS_RANDOM(X, n) WIDTHS_WORD(X, n, R)
INSTANTIATE(rdrand, END, FORMS_RANDOM)
INSTANTIATE(rdseed, END, FORMS_RANDOM)

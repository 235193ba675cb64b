// Writing control registers: which values are allowed, and what follows for paging and the TLB. SDM Vol. 3A, 2.5 (the
// bits), 4.1 (modes of paging), 4.10.4.1 (TLB), 9.8.5 (entering and leaving IA-32e mode).
#include "cpu/event/control.h"
#include "cpu/event/descriptor.h"
#include "cpu/memory/mode.h"
#include "cpu/memory/paging.h"
#include "cpu/memory/tlb.h"
#include "cpu/state/model.h"
#include "cpu/state/section.h"
#include <string.h>

#define CR0_DEFINED (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)
#define CR3_KEEP_TLB BIT(63)

// --- the rows of control.def ---

static bool tss16_loaded(const struct cpu *cpu) {
    const struct segment *tr = &cpu->segment[TR];
    return !(tr->rights & RIGHTS_UNUSABLE) && rights_system_type(tr->rights) == TYPE_TSS16_BUSY;
}

struct cr_write cr_write_of(const struct cpu *cpu) {
    return (struct cr_write){.cpu = cpu,
                             .cr0 = cpu->control.cr0,
                             .cr3 = cpu->control.cr3,
                             .cr4 = cpu->control.cr4,
                             .efer = cpu->control.efer,
                             .cr4_supported = cr4_supported(cpu->wire.model),
                             .code_l = cpu->segment[CS].rights & RIGHTS_L,
                             .tss_16 = tss16_loaded(cpu),
                             .in_long = cpu_long(cpu),
                             .in_64bit = cpu_64bit(cpu)};
}

static uint64_t vmx_refused(const struct cpu *cpu, unsigned cr, uint64_t value) {
    return cpu->wire.extension && cpu->wire.extension->cr_refused ? cpu->wire.extension->cr_refused(cpu, cr, value) : 0;
}

#define turns_on_paging() (value & CR0_PG && !(now->cr0 & CR0_PG))
#define turns_off_paging() (!(value & CR0_PG) && now->cr0 & CR0_PG)
#define long_enabled() (now->efer & EFER_LME)
#define refused_by_vmx(cr) vmx_refused(now->cpu, cr, value)
#define beyond_physical() (~BITS(now->cpu->wire.model->physical_bits - 1u, 0))

static const struct cr_rule rules[] = {
#define CR_RULE(cr, name, broken, bits, section, text) {cr, SECTION_##section, #name, text},
#include "cpu/event/control.def"
#undef CR_RULE
};
enum { RULES = sizeof rules / sizeof *rules };
enum {
#define CR_RULE(cr, name, broken, bits, section, text) RULE_##name,
#include "cpu/event/control.def"
#undef CR_RULE
};

const struct cr_rule *cr_rule(unsigned index) { return index < RULES ? &rules[index] : NULL; }

uint64_t cr_rule_bits(unsigned index, const struct cr_write *now, uint64_t value) {
    switch (index) {
#define CR_RULE(cr, name, broken, bits, section, text)                                                                 \
    case RULE_##name:                                                                                                  \
        return broken ? bits : 0;
#include "cpu/event/control.def"
#undef CR_RULE
    default: return 0;
    }
}

// Whether a row of this control register, which is constant, refuses the value.
ALWAYS_INLINE bool refused(const struct cr_write *now, unsigned wanted, uint64_t value) {
#define CR_RULE(cr, name, broken, bits, section, text)                                                                 \
    if (cr == wanted && (broken)) return true;
#include "cpu/event/control.def"
#undef CR_RULE
    return false;
}

// PAE paging, not 4-level: the four PDPTEs are registers of their own, loaded when these registers are written.
static bool pae_paging(uint64_t cr0, uint64_t cr4, uint64_t efer) {
    return cr0 & CR0_PG && cr4 & CR4_PAE && !(efer & EFER_LME);
}
static enum outcome pdptes_load(struct cpu *cpu, uint64_t cr3) {
    uint64_t pdpte[4];
    bool valid = true;
    TRY(paging_load_pdptes(cpu, cr3, pdpte, &valid));
    if (!valid) return cpu_fault_gp0(cpu);
    memcpy(cpu->control.pdpte, pdpte, sizeof pdpte);
    return OUT_OK;
}

// --- CR0 ---

enum outcome cr0_write(struct cpu *cpu, uint64_t value) {
    uint64_t mask = cpu->intercepts.cr0_mask;
    value = (cpu->control.cr0 & mask) | (value & ~mask);
    value = (value & (CR0_DEFINED | ~BITS(31, 0))) | CR0_ET;
    const struct cr_write now = cr_write_of(cpu);
    if (refused(&now, 0, value)) return cpu_fault_gp0(cpu);
    uint64_t changed = cpu->control.cr0 ^ value;
    if (pae_paging(value, cpu->control.cr4, cpu->control.efer) && changed & (CR0_PG | CR0_CD | CR0_NW))
        TRY(pdptes_load(cpu, cpu->control.cr3));
    cpu->control.cr0 = value;
    cpu->control.efer =
        value & CR0_PG && cpu->control.efer & EFER_LME ? cpu->control.efer | EFER_LMA : cpu->control.efer & ~EFER_LMA;
    if (changed & CR0_PG) {
        tlb_flush_vpid(cpu, cpu->vpid, true);
        tlb_select(cpu);
    }
    cpu_monitor_clear(cpu);
    cpu_update_mode(cpu);
    return OUT_OK;
}

// --- CR3 ---

enum outcome cr3_write(struct cpu *cpu, uint64_t value) {
    bool keep = cpu->control.cr4 & CR4_PCIDE && value & CR3_KEEP_TLB;
    if (cpu->control.cr4 & CR4_PCIDE) value &= ~CR3_KEEP_TLB;
    if (!cpu_long(cpu)) value &= BITS(31, 0);
    const struct cr_write now = {.cpu = cpu};
    if (refused(&now, 3, value)) return cpu_fault_gp0(cpu);
    if (pae_paging(cpu->control.cr0, cpu->control.cr4, cpu->control.efer)) TRY(pdptes_load(cpu, value));
    cpu->control.cr3 = value;
    cpu_monitor_clear(cpu);
    tlb_select(cpu);
    if (!keep) tlb_flush_context(cpu, cpu->vpid, cpu->control.cr4 & CR4_PCIDE ? (uint16_t)(value & BITS(11, 0)) : 0);
    return OUT_OK;
}

// --- CR4 ---

static const struct {
    uint64_t bit;
    uint16_t feature;
} cr4_bits[] = {
    {CR4_VME, FEATURE_VME},     {CR4_PVI, FEATURE_VME},        {CR4_TSD, FEATURE_TSC},
    {CR4_DE, FEATURE_DE},       {CR4_PSE, FEATURE_PSE},        {CR4_PAE, FEATURE_PAE},
    {CR4_MCE, FEATURE_MCE},     {CR4_PGE, FEATURE_PGE},        {CR4_PCE, FEATURE_MMX},
    {CR4_OSFXSR, FEATURE_FXSR}, {CR4_OSXMMEXCPT, FEATURE_SSE}, {CR4_UMIP, FEATURE_UMIP},
    {CR4_LA57, FEATURE_LA57},   {CR4_VMXE, FEATURE_VMX},       {CR4_FSGSBASE, FEATURE_FSGSBASE},
    {CR4_PCIDE, FEATURE_PCID},  {CR4_OSXSAVE, FEATURE_XSAVE},  {CR4_SMEP, FEATURE_SMEP},
    {CR4_SMAP, FEATURE_SMAP},   {CR4_PKE, FEATURE_PKU},
};

uint64_t cr4_supported(const struct cpu_model *model) {
    uint64_t bits = 0;
    for (unsigned i = 0; i < sizeof(cr4_bits) / sizeof(cr4_bits[0]); i++)
        if (model->features[cr4_bits[i].feature]) bits |= cr4_bits[i].bit;
    return bits;
}

// PGE changed or PCIDE cleared: everything goes, global translations too. PAE changed or SMEP set: the current PCID.
// A change of PSE or LA57 changes the meaning of entries: the same.
static void cr4_invalidate(struct cpu *cpu, uint64_t old, uint64_t value) {
    uint64_t changed = old ^ value;
    bool all = changed & (CR4_PGE | CR4_PAE | CR4_PSE | CR4_LA57) || (old & ~value & CR4_PCIDE);
    if (all)
        tlb_flush_vpid(cpu, cpu->vpid, true);
    else if (value & ~old & CR4_SMEP)
        tlb_flush_context(cpu, cpu->vpid, value & CR4_PCIDE ? (uint16_t)(cpu->control.cr3 & BITS(11, 0)) : 0);
    if (changed & CR4_PCIDE || all) tlb_select(cpu);
}

enum outcome cr4_write(struct cpu *cpu, uint64_t value) {
    uint64_t mask = cpu->intercepts.cr4_mask, old = cpu->control.cr4;
    value = (old & mask) | (value & ~mask);
    const struct cr_write now = cr_write_of(cpu);
    if (refused(&now, 4, value)) return cpu_fault_gp0(cpu);
    bool reload = (old ^ value) & (CR4_PGE | CR4_PSE | CR4_PAE | CR4_SMEP);
    if (reload && pae_paging(cpu->control.cr0, value, cpu->control.efer)) TRY(pdptes_load(cpu, cpu->control.cr3));
    cpu->control.cr4 = value;
    cr4_invalidate(cpu, old, value);
    cpu_monitor_clear(cpu);
    cpu_update_mode(cpu);
    return OUT_OK;
}

// Loading the guest's registers on VM entry. SDM Vol. 3C, 26.3.2.
#include "vmx/entry/entry.h"
#include "vmx/exit/exit.h"
#include "cpu/counters/counters.h"

#define DR7_FIXED_0 (BIT(12) | BITS(15, 14))
#define DR7_FIXED_1 BIT(10)

// Of an unusable register the manual leaves most undefined: it keeps what the fields hold, SS.B is 1, and the low bits
// of SS's base are 0.
static void load_segment(struct segment *segment, uint64_t *segment_base, const struct vmcs *vmcs, unsigned s) {
    uint32_t rights = (uint32_t)(vmcs->field[FIELD_GUEST_ES_RIGHTS + s] & RIGHTS_SAVED);
    uint64_t base = vmcs->field[FIELD_GUEST_ES_BASE + s];
    if (rights & RIGHTS_UNUSABLE && (s <= DS || s == LDTR)) base = (uint32_t)base;
    if (rights & RIGHTS_UNUSABLE && s == SS) {
        rights |= (uint32_t)RIGHTS_DB;
        base &= ~15ull;
    }
    segment[s] = (struct segment){.limit = (uint32_t)vmcs->field[FIELD_GUEST_ES_LIMIT + s],
                                  .rights = rights,
                                  .selector = (uint16_t)vmcs->field[FIELD_GUEST_ES_SELECTOR + s]};
    segment_base[s] = base;
}

static bool segment_saved(const struct cpu *cpu, const struct vmcs *vmcs, unsigned s) {
    return vmcs->field[FIELD_GUEST_ES_SELECTOR + s] == cpu->segment[s].selector &&
           vmcs->field[FIELD_GUEST_ES_LIMIT + s] == cpu->segment[s].limit &&
           vmcs->field[FIELD_GUEST_ES_RIGHTS + s] == (cpu->segment[s].rights & RIGHTS_SAVED) &&
           vmcs->field[FIELD_GUEST_ES_BASE + s] == cpu->segment_base[s];
}

// The image stands for the fields when a VM exit, with these registers, would save what the fields hold.
static void load_segments(struct cpu *cpu, struct vmx *vmx) {
    struct vmcs_derived *image = derived_of(vmx, vmx->vmcs);
    if (likely(!(image->since_image & PART_SEGMENT))) {
        memcpy(cpu->segment, image->segment, sizeof cpu->segment);
        memcpy(cpu->segment_base, image->segment_base, sizeof cpu->segment_base);
        return;
    }
    bool same = true;
    for (unsigned s = ES; s <= TR; s++) {
        load_segment(cpu->segment, cpu->segment_base, vmx->vmcs, s);
        same &= segment_saved(cpu, vmx->vmcs, s);
    }
    if (!same) return;
    memcpy(image->segment, cpu->segment, sizeof cpu->segment);
    memcpy(image->segment_base, cpu->segment_base, sizeof cpu->segment_base);
    image->since_image &= ~(uint32_t)PART_SEGMENT;
}

// Of CR0, DR7 and IA32_EFER bits stay that the hypervisor has.
static void load_control_registers(struct control_registers *c, struct model_specific_registers *m,
                                   const struct vmcs *vmcs) {
    c->cr0 = (vmcs_get(vmcs, GUEST_CR0) & ~CR0_UNCHANGED) | (c->cr0 & CR0_UNCHANGED);
    c->cr3 = vmcs_get(vmcs, GUEST_CR3);
    c->cr4 = vmcs_get(vmcs, GUEST_CR4);
    if (vmcs_on(vmcs, ENTRY, LOAD_DEBUG_CONTROLS)) {
        c->dr[7] = (vmcs_get(vmcs, GUEST_DR7) & ~DR7_FIXED_0) | DR7_FIXED_1;
        m->debugctl = vmcs_get(vmcs, GUEST_DEBUGCTL);
    }
    bool long_mode = vmcs_on(vmcs, ENTRY, IA32E_MODE_GUEST);
    if (vmcs_on(vmcs, ENTRY, LOAD_EFER)) {
        c->efer = vmcs_get(vmcs, GUEST_EFER);
    } else {
        c->efer = (c->efer & ~EFER_LMA) | (long_mode ? EFER_LMA : 0);
        if (c->cr0 & CR0_PG) c->efer = (c->efer & ~EFER_LME) | (long_mode ? EFER_LME : 0);
    }
    if (vmcs_on(vmcs, ENTRY, LOAD_PAT)) m->pat = vmcs_get(vmcs, GUEST_PAT);
    m->sysenter_cs = vmcs_get(vmcs, GUEST_SYSENTER_CS);
    m->sysenter_esp = vmcs_get(vmcs, GUEST_SYSENTER_ESP);
    m->sysenter_eip = vmcs_get(vmcs, GUEST_SYSENTER_EIP);
}

// 26.3.2.4. The second stage is not established yet: with EPT off, CR3 holds a physical address.
static void load_pdptes(struct control_registers *c, const struct ask *ask) {
    if (!pae_paging_of(c)) return;
    for (unsigned i = 0; i < 4; i++)
        c->pdpte[i] = vmcs_on(ask->vmcs, PROC2, ENABLE_EPT) ? ask->vmcs->field[FIELD_GUEST_PDPTE0 + i]
                                                            : ask_memory(ask, (c->cr3 & BITS(31, 5)) + 8 * i, 8);
}

static struct descriptor_table table(uint64_t base, uint64_t limit) {
    return (struct descriptor_table){base, (uint16_t)limit};
}

void load_guest_state(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    const struct vmcs *vmcs = vmx->vmcs;
    const struct ask ask = ask_of_processor(cpu);
    load_control_registers(&cpu->control, &cpu->msr, vmcs);
    if (vmcs_on(vmcs, ENTRY, LOAD_PERF_GLOBAL_CTRL))
        performance_load_global(cpu, vmcs_get(vmcs, GUEST_PERF_GLOBAL_CTRL));
    load_segments(cpu, vmx);
    cpu->gdtr = table(vmcs_get(vmcs, GUEST_GDTR_BASE), vmcs_get(vmcs, GUEST_GDTR_LIMIT));
    cpu->idtr = table(vmcs_get(vmcs, GUEST_IDTR_BASE), vmcs_get(vmcs, GUEST_IDTR_LIMIT));
    cpu->gpr[RSP] = vmcs_get(vmcs, GUEST_RSP);
    cpu->rip = vmcs_get(vmcs, GUEST_RIP);
    load_rflags(cpu, vmcs_get(vmcs, GUEST_RFLAGS));
    load_pdptes(&cpu->control, &ask);
}

void image_load(const struct ask *ask, struct cpu_image *image) {
    const struct vmcs *vmcs = ask->vmcs;
    *image = (struct cpu_image){.control = ask->cpu->control, .msr = ask->cpu->msr};
    load_control_registers(&image->control, &image->msr, vmcs);
    for (unsigned s = ES; s <= TR; s++) load_segment(image->segment, image->segment_base, vmcs, s);
    image->gdtr = table(vmcs_get(vmcs, GUEST_GDTR_BASE), vmcs_get(vmcs, GUEST_GDTR_LIMIT));
    image->idtr = table(vmcs_get(vmcs, GUEST_IDTR_BASE), vmcs_get(vmcs, GUEST_IDTR_LIMIT));
    image->rsp = vmcs_get(vmcs, GUEST_RSP);
    image->rip = vmcs_get(vmcs, GUEST_RIP);
    image->rflags = vmcs_get(vmcs, GUEST_RFLAGS);
    load_pdptes(&image->control, ask);
}

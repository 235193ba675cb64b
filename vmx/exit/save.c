// Saving guest state on VM exit. SDM Vol. 3C, 27.3.
#include "vmx/exit/exit.h"
#include "cpu/event/event.h"

static void save_segment(struct vmx *vmx, const struct cpu *cpu, unsigned s) {
    vmcs_put(vmx, FIELD_GUEST_ES_SELECTOR + s, cpu->segment[s].selector);
    vmcs_put(vmx, FIELD_GUEST_ES_LIMIT + s, cpu->segment[s].limit);
    vmcs_put(vmx, FIELD_GUEST_ES_RIGHTS + s, cpu->segment[s].rights & RIGHTS_SAVED);
    vmcs_put(vmx, FIELD_GUEST_ES_BASE + s, cpu->segment_base[s]);
}

// Where only the padding of segments differs, equal values are written once more.
static void save_segments(struct vmx *vmx, const struct cpu *cpu) {
    const struct vmcs_derived *image = derived_of(vmx, vmx->vmcs);
    bool same = !(image->since_image & PART_SEGMENT) &&
                // NOLINTNEXTLINE(bugprone-suspicious-memory-comparison)
                !memcmp(image->segment, cpu->segment, sizeof cpu->segment) &&
                !memcmp(image->segment_base, cpu->segment_base, sizeof cpu->segment_base);
    if (likely(same)) return;
    for (unsigned s = ES; s <= TR; s++) save_segment(vmx, cpu, s);
}

// For the checks arithmetic flags are nothing new.
static void save_rflags(struct vmx *vmx, uint64_t rflags) {
    struct vmcs *vmcs = vmx->vmcs;
    uint64_t changed = (vmcs_get(vmcs, GUEST_RFLAGS) ^ rflags) & ~FLAGS_ARITHMETIC;
    if (changed) vmcs_wrote(vmx, vmcs, changed & FLAG_VM ? PART_FLAGS : PART_FLAGS & ~PART_VM86);
    if (vmcs_get(vmcs, GUEST_RFLAGS) != rflags) vmcs_stamp(vmx, FIELD_GUEST_RFLAGS);
    vmcs_get(vmcs, GUEST_RFLAGS) = rflags;
}

static void save_registers(struct vmx *vmx, const struct cpu *cpu) {
    const struct vmcs *vmcs = vmx->vmcs;
    vmcs_set(vmx, GUEST_CR0, cpu->control.cr0);
    vmcs_set(vmx, GUEST_CR3, cpu->control.cr3);
    vmcs_set(vmx, GUEST_CR4, cpu->control.cr4);
    vmcs_set(vmx, GUEST_SYSENTER_CS, (uint32_t)cpu->msr.sysenter_cs);
    vmcs_set(vmx, GUEST_SYSENTER_ESP, cpu->msr.sysenter_esp);
    vmcs_set(vmx, GUEST_SYSENTER_EIP, cpu->msr.sysenter_eip);
    if (vmcs_on(vmcs, EXIT, SAVE_DEBUG_CONTROLS)) {
        vmcs_set(vmx, GUEST_DR7, cpu->control.dr[7]);
        vmcs_set(vmx, GUEST_DEBUGCTL, cpu->msr.debugctl);
    }
    if (vmcs_on(vmcs, EXIT, SAVE_PAT)) vmcs_set(vmx, GUEST_PAT, cpu->msr.pat);
    if (vmcs_on(vmcs, EXIT, SAVE_EFER)) vmcs_set(vmx, GUEST_EFER, cpu->control.efer);
    vmcs_set(vmx, GUEST_GDTR_BASE, cpu->gdtr.base);
    vmcs_set(vmx, GUEST_GDTR_LIMIT, cpu->gdtr.limit);
    vmcs_set(vmx, GUEST_IDTR_BASE, cpu->idtr.base);
    vmcs_set(vmx, GUEST_IDTR_LIMIT, cpu->idtr.limit);
    vmcs_set(vmx, GUEST_RSP, cpu->gpr[RSP]);
    vmcs_set(vmx, GUEST_RIP, cpu->rip);
    uint64_t rflags = cpu_rflags(cpu);
    if (vmx->exit.resume_flag == RF_CLEAR) rflags &= ~FLAG_RF;
    if (vmx->exit.resume_flag == RF_SET) rflags |= FLAG_RF;
    if (vmx->exit.resume_flag == RF_EVENT) rflags = event_rflags(cpu, &cpu->attempt.delivering);
    save_rflags(vmx, rflags);
}

// 27.3.4: VM exits that save what debug exceptions are pending. The others come after them.
static bool keeps_pending_debug(const struct exit_record *r, bool mov_ss) {
    uint32_t debug = VECTOR_DB | EVENT_HARDWARE_EXCEPTION << INTERRUPTION_TYPE_SHIFT;
    switch (r->reason) {
    case EXIT_INIT:
    case EXIT_MONITOR_TRAP_FLAG:
    case EXIT_TPR_BELOW_THRESHOLD:
    case EXIT_VIRTUALIZED_EOI:
    case EXIT_APIC_WRITE: return true;
    case EXIT_EXCEPTION_NMI: return mov_ss && (r->interruption & (INTERRUPTION_TYPE | INTERRUPTION_VECTOR)) != debug;
    default: return mov_ss;
    }
}

// 27.3.4. Blocking by STI and MOV SS is that of the instruction which was attempted, or of this boundary.
static void save_interruptibility(struct vmx *vmx, const struct cpu *cpu, bool delivering) {
    uint64_t step = cpu->time.steps - (vmx->exit.attempted ? 1 : 0), blocking = 0;
    if (!delivering && cpu->boundary.sti_shadow_step == step) blocking |= BLOCKING_BY_STI;
    if (!delivering && cpu->boundary.mov_ss_shadow_step == step) blocking |= BLOCKING_BY_MOV_SS;
    if (cpu->intercepts.virtual_nmis ? vmx->virtual_nmi_blocked : cpu->boundary.nmi_blocked)
        blocking |= BLOCKING_BY_NMI;
    vmcs_set(vmx, GUEST_INTERRUPTIBILITY, blocking);
    vmcs_set(vmx, GUEST_ACTIVITY,
             cpu->boundary.mwait ? ACTIVITY_ACTIVE : cpu->boundary.activity); // 24.4.2: MWAIT is never seen
    bool keeps = keeps_pending_debug(&vmx->exit, blocking & BLOCKING_BY_MOV_SS);
    uint64_t pending = keeps && cpu->boundary.pending & PENDING_DEBUG ? cpu->boundary.pending_debug : 0;
    if (pending & PENDING_DEBUG_B) pending |= PENDING_DEBUG_ENABLED;
    vmcs_set(vmx, GUEST_PENDING_DEBUG, pending & (PENDING_DEBUG_B | PENDING_DEBUG_ENABLED | PENDING_DEBUG_BS));
}

static void save_preemption_timer(struct vmx *vmx, struct cpu *cpu) {
    if (cpu->time.vmx_deadline_cycles == ~0ull) return;
    if (vmcs_on(vmx->vmcs, EXIT, SAVE_PREEMPTION_TIMER)) {
        uint64_t now = cpu_cycles_now(cpu), tsc = now + cpu->time.tsc_base,
                 end = cpu->time.vmx_deadline_cycles + cpu->time.tsc_base;
        unsigned rate = cpu->wire.model->preemption_timer_rate;
        uint64_t ticks = (end >> rate) - (tsc >> rate);
        vmcs_set(vmx, PREEMPTION_TIMER, cpu->time.vmx_deadline_cycles > now ? (uint32_t)ticks : 0);
    }
    cpu->time.vmx_deadline_cycles = ~0ull;
    cpu->attention |= ATTENTION_MACHINE;
}

void save_guest_state(struct cpu *cpu, bool delivering) {
    struct vmx *vmx = vmx_of(cpu);
    save_registers(vmx, cpu);
    save_segments(vmx, cpu);
    save_interruptibility(vmx, cpu, delivering);
    save_preemption_timer(vmx, cpu);
    if (vmcs_on(vmx->vmcs, PROC2, ENABLE_EPT) && pae_paging_of(&cpu->control))
        for (unsigned i = 0; i < 4; i++) vmcs_put(vmx, FIELD_GUEST_PDPTE0 + i, cpu->control.pdpte[i]);
    uint64_t entry = controls_ENTRY(vmx->vmcs) & ~BIT(ENTRY_IA32E_MODE_GUEST);
    vmcs_set(vmx, ENTRY_CONTROLS, entry | (cpu->control.efer & EFER_LMA ? BIT(ENTRY_IA32E_MODE_GUEST) : 0));
}

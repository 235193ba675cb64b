// Loading guest state on VM entry and saving it on VM exit. SDM Vol. 3C, 26.3.2, 26.7, 27.3.
#include "vmx/vmcs/vmcs.h"
#include "cpu/memory/paging.h"
#include "cpu/memory/mode.h"
#include "cpu/event/event.h"

// Fields of the segment registers stand in the order of enum segment_register.
_Static_assert(FIELD_GUEST_TR_SELECTOR - FIELD_GUEST_ES_SELECTOR == TR - ES, "selectors");
_Static_assert(FIELD_GUEST_TR_LIMIT - FIELD_GUEST_ES_LIMIT == TR - ES, "limits");
_Static_assert(FIELD_GUEST_TR_RIGHTS - FIELD_GUEST_ES_RIGHTS == TR - ES, "access rights");
_Static_assert(FIELD_GUEST_TR_BASE - FIELD_GUEST_ES_BASE == TR - ES, "bases");
_Static_assert(FIELD_GUEST_PDPTE3 - FIELD_GUEST_PDPTE0 == 3, "PDPTEs");
#define RIGHTS_DEFINED (BITS(7, 0) | BITS(16, 12))

// VM entry and VM exit never change these bits: 26.3.2.1, 27.5.1.
#define CR0_UNCHANGED (CR0_ET | CR0_NW | CR0_CD | BITS(15, 6) | BIT(17) | BITS(28, 19))
#define DR7_FIXED_0 (BIT(12) | BITS(15, 14))
#define DR7_FIXED_1 BIT(10)

// --- VM entry ---

// Of an unusable register the manual leaves most undefined: it keeps what the fields hold, SS.B is 1, and the low bits
// of SS's base are 0.
static void load_segment(struct cpu *cpu, const struct vmcs *vmcs, unsigned s) {
    uint32_t rights = (uint32_t)(vmcs->field[FIELD_GUEST_ES_RIGHTS + s] & RIGHTS_DEFINED);
    uint64_t base = vmcs->field[FIELD_GUEST_ES_BASE + s];
    if (rights & RIGHTS_UNUSABLE && (s <= DS || s == LDTR)) base = (uint32_t)base;
    if (rights & RIGHTS_UNUSABLE && s == SS) {
        rights |= (uint32_t)RIGHTS_DB;
        base &= ~15ull;
    }
    cpu->segment[s] = (struct segment){.limit = (uint32_t)vmcs->field[FIELD_GUEST_ES_LIMIT + s],
                                       .rights = rights,
                                       .selector = (uint16_t)vmcs->field[FIELD_GUEST_ES_SELECTOR + s]};
    cpu->segment_base[s] = base;
}

static bool segment_saved(const struct cpu *cpu, const struct vmcs *vmcs, unsigned s) {
    return vmcs->field[FIELD_GUEST_ES_SELECTOR + s] == cpu->segment[s].selector &&
           vmcs->field[FIELD_GUEST_ES_LIMIT + s] == cpu->segment[s].limit &&
           vmcs->field[FIELD_GUEST_ES_RIGHTS + s] == (cpu->segment[s].rights & RIGHTS_DEFINED) &&
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
        load_segment(cpu, vmx->vmcs, s);
        same &= segment_saved(cpu, vmx->vmcs, s);
    }
    if (!same) return;
    memcpy(image->segment, cpu->segment, sizeof cpu->segment);
    memcpy(image->segment_base, cpu->segment_base, sizeof cpu->segment_base);
    image->since_image &= ~(uint32_t)PART_SEGMENT;
}

static void load_control_registers(struct cpu *cpu, const struct vmcs *vmcs) {
    uint64_t cr0 = vmcs_get(vmcs, GUEST_CR0);
    cpu->control.cr0 = (cr0 & ~CR0_UNCHANGED) | (cpu->control.cr0 & CR0_UNCHANGED);
    cpu->control.cr3 = vmcs_get(vmcs, GUEST_CR3);
    cpu->control.cr4 = vmcs_get(vmcs, GUEST_CR4);
    if (vmcs_on(vmcs, ENTRY, LOAD_DEBUG_CONTROLS)) {
        cpu->control.dr[7] = (vmcs_get(vmcs, GUEST_DR7) & ~DR7_FIXED_0) | DR7_FIXED_1;
        cpu->msr.debugctl = vmcs_get(vmcs, GUEST_DEBUGCTL);
    }
    bool long_mode = vmcs_on(vmcs, ENTRY, IA32E_MODE_GUEST);
    if (vmcs_on(vmcs, ENTRY, LOAD_EFER)) {
        cpu->control.efer = vmcs_get(vmcs, GUEST_EFER);
    } else {
        cpu->control.efer = (cpu->control.efer & ~EFER_LMA) | (long_mode ? EFER_LMA : 0);
        if (cpu->control.cr0 & CR0_PG) cpu->control.efer = (cpu->control.efer & ~EFER_LME) | (long_mode ? EFER_LME : 0);
    }
    if (vmcs_on(vmcs, ENTRY, LOAD_PAT)) cpu->msr.pat = vmcs_get(vmcs, GUEST_PAT);
}

static bool pae_paging(const struct cpu *cpu) {
    return cpu->control.cr0 & CR0_PG && cpu->control.cr4 & CR4_PAE && !(cpu->control.efer & EFER_LMA);
}

// 26.3.2.4. The second stage is not established yet: with EPT off, CR3 holds a physical address.
static void load_pdptes(struct cpu *cpu, const struct vmcs *vmcs) {
    if (!pae_paging(cpu)) return;
    for (unsigned i = 0; i < 4; i++)
        cpu->control.pdpte[i] = vmcs_on(vmcs, PROC2, ENABLE_EPT)
                                    ? vmcs->field[FIELD_GUEST_PDPTE0 + i]
                                    : physical_load(cpu, (cpu->control.cr3 & BITS(31, 5)) + 8 * i, 64);
}

// What follows from VM and AC is left to the cpu_update_space that comes after.
void load_rflags(struct cpu *cpu, uint64_t image) {
    cpu->rflags = (cpu->rflags & ~(FLAG_VM | FLAG_AC)) | (image & (FLAG_VM | FLAG_AC));
    cpu_set_rflags(cpu, image);
}

void load_guest_state(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    const struct vmcs *vmcs = vmx->vmcs;
    load_control_registers(cpu, vmcs);
    cpu->msr.sysenter_cs = vmcs_get(vmcs, GUEST_SYSENTER_CS);
    cpu->msr.sysenter_esp = vmcs_get(vmcs, GUEST_SYSENTER_ESP);
    cpu->msr.sysenter_eip = vmcs_get(vmcs, GUEST_SYSENTER_EIP);
    load_segments(cpu, vmx);
    cpu->gdtr = (struct descriptor_table){vmcs_get(vmcs, GUEST_GDTR_BASE), (uint16_t)vmcs_get(vmcs, GUEST_GDTR_LIMIT)};
    cpu->idtr = (struct descriptor_table){vmcs_get(vmcs, GUEST_IDTR_BASE), (uint16_t)vmcs_get(vmcs, GUEST_IDTR_LIMIT)};
    cpu->gpr[RSP] = vmcs_get(vmcs, GUEST_RSP);
    cpu->rip = vmcs_get(vmcs, GUEST_RIP);
    load_rflags(cpu, vmcs_get(vmcs, GUEST_RFLAGS));
    load_pdptes(cpu, vmcs);
}

// 26.7.4
static void start_preemption_timer(struct cpu *cpu, const struct vmcs *vmcs) {
    if (!vmcs_on(vmcs, PIN, PREEMPTION_TIMER)) return;
    uint64_t now = cpu_cycles_now(cpu), tsc = now + cpu->time.tsc_base;
    uint64_t end = ((tsc >> PREEMPTION_TIMER_SHIFT) + vmcs_get(vmcs, PREEMPTION_TIMER)) << PREEMPTION_TIMER_SHIFT;
    cpu->time.vmx_deadline_cycles = end > tsc ? end - cpu->time.tsc_base : now;
    cpu->attention |= ATTENTION_MACHINE;
}

// 26.7.3: the pending debug exceptions of a VM entry that is not vectoring.
static void load_pending_debug(struct cpu *cpu, const struct vmcs *vmcs) {
    uint64_t pending = vmcs_get(vmcs, GUEST_PENDING_DEBUG);
    bool valid = pending & (PENDING_DEBUG_BS | PENDING_DEBUG_ENABLED) && cpu->boundary.activity <= ACTIVITY_HLT;
    cpu->boundary.pending_debug = valid ? pending & (PENDING_DEBUG_B | PENDING_DEBUG_BS) : 0;
    cpu_pend(cpu, PENDING_DEBUG, valid);
}

// 26.7.1, 26.7.2. A VM entry that injects a vectored event ends active and unblocked. Pending debug exceptions stay
// only when the instruction of an injected software interrupt or exception would have come after a MOV SS. 26.7.3
void load_non_register_state(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    const struct vmcs *vmcs = vmx->vmcs;
    uint64_t blocking = vmcs_get(vmcs, GUEST_INTERRUPTIBILITY), event = vmcs_get(vmcs, ENTRY_INTERRUPTION);
    uint64_t type = (event & INTERRUPTION_TYPE) >> INTERRUPTION_TYPE_SHIFT;
    bool vectoring = event & INTERRUPTION_VALID && type != EVENT_OTHER;
    bool nmi = vectoring && type == EVENT_NMI;
    vmx->trap_flag_step = cpu->time.steps;
    vmx->trap_flag_pending = 0;
    cpu->boundary.sti_shadow_step = !vectoring && blocking & BLOCKING_BY_STI ? cpu->time.steps : ~0ull;
    cpu->boundary.mov_ss_shadow_step = !vectoring && blocking & BLOCKING_BY_MOV_SS ? cpu->time.steps : ~0ull;
    cpu->boundary.activity = vectoring ? ACTIVITY_ACTIVE : (uint32_t)vmcs_get(vmcs, GUEST_ACTIVITY);
    vmx->virtual_nmi_blocked = cpu->intercepts.virtual_nmis && (blocking & BLOCKING_BY_NMI || nmi);
    cpu->boundary.nmi_blocked = !cpu->intercepts.virtual_nmis && (blocking & BLOCKING_BY_NMI || nmi);
    cpu_monitor_clear(cpu);
    vmx->ple_last = 0;
    bool software = type == EVENT_SOFTWARE_INTERRUPT || type == EVENT_SOFTWARE_EXCEPTION;
    if (vectoring && !(software && blocking & BLOCKING_BY_MOV_SS)) {
        cpu->boundary.pending_debug = 0;
        cpu_pend(cpu, PENDING_DEBUG, false);
    } else {
        load_pending_debug(cpu, vmcs);
    }
    start_preemption_timer(cpu, vmcs);
    bool window = controls_PROC(vmcs) &
                  (BIT(PROC_INTERRUPT_WINDOW_EXITING) | BIT(PROC_NMI_WINDOW_EXITING) | BIT(PROC_MONITOR_TRAP_FLAG));
    cpu_pend(cpu, PENDING_VMX, window || cpu->time.vmx_deadline_cycles <= cpu_cycles_now(cpu));
}

// --- VM exit ---

static void save_segment(struct vmx *vmx, const struct cpu *cpu, unsigned s) {
    vmcs_put(vmx, FIELD_GUEST_ES_SELECTOR + s, cpu->segment[s].selector);
    vmcs_put(vmx, FIELD_GUEST_ES_LIMIT + s, cpu->segment[s].limit);
    vmcs_put(vmx, FIELD_GUEST_ES_RIGHTS + s, cpu->segment[s].rights & RIGHTS_DEFINED);
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
        uint64_t tsc = cpu_cycles_now(cpu) + cpu->time.tsc_base,
                 end = cpu->time.vmx_deadline_cycles + cpu->time.tsc_base;
        uint64_t left = end > tsc ? (end >> PREEMPTION_TIMER_SHIFT) - (tsc >> PREEMPTION_TIMER_SHIFT) : 0;
        vmcs_set(vmx, PREEMPTION_TIMER, (uint32_t)left);
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
    if (vmcs_on(vmx->vmcs, PROC2, ENABLE_EPT) && pae_paging(cpu))
        for (unsigned i = 0; i < 4; i++) vmcs_put(vmx, FIELD_GUEST_PDPTE0 + i, cpu->control.pdpte[i]);
    uint64_t entry = controls_ENTRY(vmx->vmcs) & ~BIT(ENTRY_IA32E_MODE_GUEST);
    vmcs_set(vmx, ENTRY_CONTROLS, entry | (cpu->control.efer & EFER_LMA ? BIT(ENTRY_IA32E_MODE_GUEST) : 0));
}

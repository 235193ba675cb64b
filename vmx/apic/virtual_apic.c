// The virtual APIC: accesses to the TPR through CR8, to the APIC-access page and to the x2APIC MSRs; what follows from
// them; virtual interrupts and posted interrupts. SDM Vol. 3C, chapter 29.
//
// Choices where the manual leaves one: an APIC-access page within a larger page is an APIC-access page too; the
// processor's own accesses to the paging structures, MSR bitmaps and so on (29.4.6.2) are not looked at.
#include "vmx/vmcs/vmcs.h"
#include "cpu/engine/block.h"
#include "cpu/event/event.h"
#include "cpu/memory/tlb.h"

enum register_offset {
    OFFSET_ID = 0x020,
    OFFSET_VERSION = 0x030,
    OFFSET_TPR = 0x080,
    OFFSET_PPR = 0x0a0,
    OFFSET_EOI = 0x0b0,
    OFFSET_LDR = 0x0d0,
    OFFSET_DFR = 0x0e0,
    OFFSET_SVR = 0x0f0,
    OFFSET_ISR = 0x100,
    OFFSET_IRR = 0x200,
    OFFSET_ESR = 0x280,
    OFFSET_ICR = 0x300,
    OFFSET_ICR_HIGH = 0x310,
    OFFSET_LVT_TIMER = 0x320,
    OFFSET_INITIAL_COUNT = 0x380,
    OFFSET_DIVIDE = 0x3e0,
    OFFSET_SELF_IPI = 0x3f0,
    OFFSET_END = 0x400,
};
enum { VECTORS = 256, NO_VECTOR = -1 };

static uint32_t get(struct cpu *cpu, unsigned offset) {
    return (uint32_t)physical_load(cpu, vmcs_get(vmx_of(cpu)->vmcs, VIRTUAL_APIC_ADDRESS) + offset, 32);
}
static void set(struct cpu *cpu, unsigned offset, uint32_t value) {
    physical_store(cpu, vmcs_get(vmx_of(cpu)->vmcs, VIRTUAL_APIC_ADDRESS) + offset, 32, value);
}

// VISR and VIRR: 32 vectors in every 16 bytes. 29.1.1
static void vector_put(struct cpu *cpu, unsigned table, unsigned vector, bool on) {
    unsigned offset = table | vector / 32 * 16;
    uint32_t bit = 1u << vector % 32, old = get(cpu, offset);
    set(cpu, offset, on ? old | bit : old & ~bit);
}
static unsigned vector_highest(struct cpu *cpu, unsigned table) {
    for (unsigned i = VECTORS / 32; i-- > 0;) {
        uint32_t bits = get(cpu, table | i * 16);
        if (bits) return i * 32 + 31 - (unsigned)__builtin_clz(bits);
    }
    return 0;
}

// Guest interrupt status, 24.4.2
static uint8_t rvi(const struct vmx *vmx) { return (uint8_t)vmcs_get(vmx->vmcs, GUEST_INTERRUPT_STATUS); }
static uint8_t svi(const struct vmx *vmx) { return (uint8_t)(vmcs_get(vmx->vmcs, GUEST_INTERRUPT_STATUS) >> 8); }
static void set_status(struct vmx *vmx, unsigned requesting, unsigned servicing) {
    vmcs_set(vmx, GUEST_INTERRUPT_STATUS, requesting | servicing << 8);
}

static bool delivers(const struct vmx *vmx) { return vmcs_on(vmx->vmcs, PROC2, VIRTUAL_INTERRUPTS); }

// --- 29.1, 29.2.1 ---

static void ppr_virtualization(struct cpu *cpu) {
    uint32_t tpr = get(cpu, OFFSET_TPR), servicing = svi(vmx_of(cpu));
    set(cpu, OFFSET_PPR, (tpr & 0xf0) >= (servicing & 0xf0) ? tpr & 0xff : servicing & 0xf0);
}

static void evaluate(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    vmx->virtual_interrupt =
        !vmcs_on(vmx->vmcs, PROC, INTERRUPT_WINDOW_EXITING) && (rvi(vmx) & 0xf0u) > (get(cpu, OFFSET_PPR) & 0xf0);
    if (vmx->virtual_interrupt) cpu_pend(cpu, PENDING_VMX, true);
}

static void exit_after(struct cpu *cpu, enum exit_reason reason, uint64_t qualification) {
    struct vmx *vmx = vmx_of(cpu);
    vmx->trap_exit = reason;
    vmx->trap_qualification = qualification;
    cpu_pend(cpu, PENDING_VMX, true);
}

static bool below_threshold(struct cpu *cpu) {
    return (get(cpu, OFFSET_TPR) >> 4 & 15) < (vmcs_get(vmx_of(cpu)->vmcs, TPR_THRESHOLD) & 15);
}

static void tpr_virtualization(struct cpu *cpu) {
    if (delivers(vmx_of(cpu))) {
        ppr_virtualization(cpu);
        evaluate(cpu);
    } else if (below_threshold(cpu)) {
        exit_after(cpu, EXIT_TPR_BELOW_THRESHOLD, 0);
    }
}

static void eoi_virtualization(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    unsigned vector = svi(vmx);
    vector_put(cpu, OFFSET_ISR, vector, false);
    set_status(vmx, rvi(vmx), vector_highest(cpu, OFFSET_ISR));
    ppr_virtualization(cpu);
    if (vmx->vmcs->field[FIELD_EOI_EXIT_BITMAP0 + vector / 64] >> vector % 64 & 1)
        exit_after(cpu, EXIT_VIRTUALIZED_EOI, vector);
    else
        evaluate(cpu);
}

static void self_ipi_virtualization(struct cpu *cpu, unsigned vector) {
    struct vmx *vmx = vmx_of(cpu);
    vector_put(cpu, OFFSET_IRR, vector, true);
    set_status(vmx, rvi(vmx) > vector ? rvi(vmx) : vector, svi(vmx));
    evaluate(cpu);
}

// --- CR8, 29.3 ---

enum outcome virtual_apic_cr8(struct cpu *cpu, uint64_t a, uint64_t value) {
    enum { WRITE = 1 << 8 };
    if (!vmcs_on(vmx_of(cpu)->vmcs, PROC, TPR_SHADOW)) return OUT_OK;
    if (!(a & WRITE)) {
        cpu->gpr[a & 15] = get(cpu, OFFSET_TPR) >> 4 & 15;
        return OUT_LEAVE;
    }
    if (value & ~15ull) return cpu_fault_gp0(cpu);
    set(cpu, OFFSET_TPR, (uint32_t)value << 4);
    tpr_virtualization(cpu);
    return OUT_LEAVE;
}

// --- MSRs, 29.5 ---

enum { X2APIC_FIRST = 0x800, X2APIC_LAST = 0x8ff, X2APIC_TPR = 0x808, X2APIC_EOI = 0x80b, X2APIC_SELF_IPI = 0x83f };
static bool x2apic(const struct vmx *vmx, uint64_t index) {
    return index >= X2APIC_FIRST && index <= X2APIC_LAST && vmcs_on(vmx->vmcs, PROC2, VIRTUALIZE_X2APIC);
}
static unsigned x2apic_offset(uint64_t index) { return (unsigned)(index & 0xff) << 4; }

enum outcome virtual_apic_rdmsr(struct cpu *cpu, uint64_t index) {
    const struct vmx *vmx = vmx_of(cpu);
    if (!x2apic(vmx, index)) return OUT_OK;
    if (!vmcs_on(vmx->vmcs, PROC2, APIC_REGISTERS) && index != X2APIC_TPR) return OUT_OK;
    cpu->gpr[RAX] = get(cpu, x2apic_offset(index));
    cpu->gpr[RDX] = get(cpu, x2apic_offset(index) + 4);
    return OUT_LEAVE;
}

enum outcome virtual_apic_wrmsr(struct cpu *cpu, uint64_t index, uint64_t value) {
    const struct vmx *vmx = vmx_of(cpu);
    bool special = index == X2APIC_TPR || (delivers(vmx) && (index == X2APIC_EOI || index == X2APIC_SELF_IPI));
    if (!special || !x2apic(vmx, index)) return OUT_OK;
    if (value & (index == X2APIC_EOI ? ~0ull : ~0xffull)) return cpu_fault_gp0(cpu);
    set(cpu, x2apic_offset(index), (uint32_t)value);
    set(cpu, x2apic_offset(index) + 4, 0);
    switch (index) {
    case X2APIC_TPR: tpr_virtualization(cpu); break;
    case X2APIC_EOI: eoi_virtualization(cpu); break;
    default:
        if (value & 0xf0)
            self_ipi_virtualization(cpu, (unsigned)value);
        else
            exit_after(cpu, EXIT_APIC_WRITE, OFFSET_SELF_IPI);
    }
    return OUT_LEAVE;
}

// --- the APIC-access page, 29.4 ---

static bool readable(unsigned r) {
    return r == OFFSET_ID || r == OFFSET_VERSION || r == OFFSET_TPR || r == OFFSET_EOI ||
           (r >= OFFSET_LDR && r <= OFFSET_ESR) || (r >= OFFSET_ICR && r <= OFFSET_INITIAL_COUNT) || r == OFFSET_DIVIDE;
}
static bool writable(unsigned r) { return r != OFFSET_VERSION && readable(r) && !(r >= OFFSET_ISR && r < OFFSET_ESR); }

static bool virtualized(const struct vmx *vmx, unsigned offset, unsigned size, bool write) {
    unsigned reg = offset & ~15u;
    if (!vmcs_on(vmx->vmcs, PROC, TPR_SHADOW)) return false;
    if (size > 4 || offset + size > reg + 4) return false;
    if (vmx->apic_write && (!write || vmx->apic_write != (offset | size << 12))) return false;
    if (vmcs_on(vmx->vmcs, PROC2, APIC_REGISTERS)) return write ? writable(reg) : readable(reg);
    return offset == OFFSET_TPR || (delivers(vmx) && (offset == OFFSET_EOI || offset == OFFSET_ICR));
}

// Table 27-6
static enum outcome access_exit(struct cpu *cpu, uint64_t qualification, bool fetch) {
    // Such an instruction runs alone: its length is known, unless it is an event's delivery or a fetch that exits.
    bool executing = !cpu->attempt.delivering_valid && !fetch && cpu->block && cpu->block->count == 1;
    exit_begin_access(cpu, executing ? cpu->block->ops : NULL, EXIT_APIC_ACCESS);
    vmx_of(cpu)->exit.qualification = qualification;
    return OUT_VMEXIT;
}

enum outcome virtual_apic_access(struct cpu *cpu, uint64_t linear, unsigned size, enum apic_access access,
                                 uint64_t *page) {
    enum { TYPE_SHIFT = 12, TYPE_EVENT = 3 };
    struct vmx *vmx = vmx_of(cpu);
    unsigned offset = (unsigned)(linear & (PAGE_BYTES - 1));
    if (((*page & TLB_PAGE_MASK) | 1) != cpu->intercepts.apic_access) return OUT_OK; // a mapping older than the control
    if (access == APIC_FETCH || !virtualized(vmx, offset, size, access == APIC_WRITE)) {
        uint64_t type = cpu->attempt.delivering_valid ? TYPE_EVENT : (uint64_t)access;
        return access_exit(cpu, offset | type << TYPE_SHIFT, access == APIC_FETCH);
    }
    *page = (*page & ~TLB_PAGE_MASK) | vmcs_get(vmx->vmcs, VIRTUAL_APIC_ADDRESS);
    if (access == APIC_WRITE) {
        vmx->apic_write = offset | size << 12;
        cpu_pend(cpu, PENDING_VMX, true);
    }
    return OUT_OK;
}

// 29.4.3.2
static bool self_ipi(uint32_t icr) {
    const uint32_t reserved = (uint32_t)(BITS(31, 20) | BITS(17, 16) | BIT(13) | BIT(12));
    const uint32_t shorthand = (uint32_t)BITS(19, 18), self = 1u << 18, other = (uint32_t)(BIT(15) | BITS(10, 8));
    return !(icr & (reserved | other)) && (icr & shorthand) == self && icr & 0xf0;
}

static void write_emulation(struct cpu *cpu, unsigned offset) {
    const struct vmx *vmx = vmx_of(cpu);
    switch (offset) {
    case OFFSET_TPR:
        set(cpu, OFFSET_TPR, get(cpu, OFFSET_TPR) & 0xff);
        tpr_virtualization(cpu);
        return;
    case OFFSET_EOI:
        if (!delivers(vmx)) break;
        set(cpu, OFFSET_EOI, 0);
        eoi_virtualization(cpu);
        return;
    case OFFSET_ICR:
        if (!delivers(vmx) || !self_ipi(get(cpu, OFFSET_ICR))) break;
        self_ipi_virtualization(cpu, get(cpu, OFFSET_ICR) & 0xff);
        return;
    case OFFSET_ICR_HIGH:
    case OFFSET_ICR_HIGH + 1:
    case OFFSET_ICR_HIGH + 2:
    case OFFSET_ICR_HIGH + 3: set(cpu, OFFSET_ICR_HIGH, get(cpu, OFFSET_ICR_HIGH) & 0xff000000u); return;
    default: break;
    }
    exit_after(cpu, EXIT_APIC_WRITE, offset);
}

enum outcome virtual_apic_poll(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    uint64_t write = vmx->apic_write;
    vmx->apic_write = 0;
    if (write) write_emulation(cpu, (unsigned)write & (PAGE_BYTES - 1));
    if (!vmx->trap_exit) return OUT_OK;
    // A VM entry to an inactive state that is not HLT keeps it for later. 26.7.7
    if (vmx->trap_exit == EXIT_TPR_BELOW_THRESHOLD && cpu->boundary.activity > ACTIVITY_HLT) return OUT_OK;
    enum exit_reason reason = (enum exit_reason)vmx->trap_exit;
    vmx->trap_exit = 0;
    return boundary_exit(cpu, reason, vmx->trap_qualification);
}

// --- VM entry, 26.3.2.5, 26.7.7 ---

void virtual_apic_enter(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    vmx->apic_write = vmx->trap_exit = vmx->virtual_interrupt = 0;
    if (delivers(vmx)) {
        ppr_virtualization(cpu);
        evaluate(cpu);
    } else if (vmcs_on(vmx->vmcs, PROC, TPR_SHADOW) && vmcs_on(vmx->vmcs, PROC2, VIRTUALIZE_APIC_ACCESSES) &&
               below_threshold(cpu)) {
        exit_after(cpu, EXIT_TPR_BELOW_THRESHOLD, 0);
    }
}

// --- virtual-interrupt delivery, 29.2.2 ---

enum outcome virtual_apic_deliver(struct cpu *cpu) {
    struct vmx *vmx = vmx_of(cpu);
    unsigned vector = rvi(vmx);
    vmx->virtual_interrupt = 0;
    vector_put(cpu, OFFSET_ISR, vector, true);
    set(cpu, OFFSET_PPR, vector & 0xf0);
    vector_put(cpu, OFFSET_IRR, vector, false);
    set_status(vmx, vector_highest(cpu, OFFSET_IRR), vector);
    struct event event = {.vector = (uint8_t)vector, .type = EVENT_EXTERNAL};
    cpu->boundary.activity = ACTIVITY_ACTIVE;
    return event_deliver(cpu, &event);
}

// --- posted interrupts, 29.6 ---

// Zero to the EOI register of the local APIC, in the mode that it is in.
static void end_of_interrupt(struct cpu *cpu) {
    enum { APIC_BASE = 0x1b };
    const struct platform *p = cpu->wire.platform;
    uint64_t base = 0;
    if (!p->msr_read || !p->msr_read(p->machine, cpu, APIC_BASE, &base)) return;
    if (base & BIT(10))
        p->msr_write(p->machine, cpu, X2APIC_EOI, 0);
    else
        p->mmio_write(p->machine, cpu, (base & BITS(51, 12)) + OFFSET_EOI, 4, 0);
}

void virtual_apic_posted(struct cpu *cpu) {
    enum { OUTSTANDING_OFFSET = 32 };
    struct vmx *vmx = vmx_of(cpu);
    uint64_t descriptor = vmcs_get(vmx->vmcs, POSTED_DESCRIPTOR);
    uint64_t control = physical_load(cpu, descriptor + OUTSTANDING_OFFSET, 64);
    physical_store(cpu, descriptor + OUTSTANDING_OFFSET, 64, control & ~1ull);
    end_of_interrupt(cpu);
    int highest = NO_VECTOR;
    for (unsigned i = 0; i < VECTORS / 32; i++) {
        uint32_t requests = (uint32_t)physical_load(cpu, descriptor + 4 * i, 32);
        if (!requests) continue;
        physical_store(cpu, descriptor + 4 * i, 32, 0);
        set(cpu, OFFSET_IRR | i * 16, get(cpu, OFFSET_IRR | i * 16) | requests);
        highest = (int)(i * 32 + 31 - (unsigned)__builtin_clz(requests));
    }
    if (cpu->boundary.mwait) cpu->boundary.activity = ACTIVITY_ACTIVE;
    cpu_monitor_clear(cpu);
    if (highest > rvi(vmx)) set_status(vmx, (unsigned)highest, svi(vmx));
    evaluate(cpu);
}

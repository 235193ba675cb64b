// Accesses to the APIC-access page. SDM Vol. 3C, 29.4.
//
// Choices where the manual leaves one: an APIC-access page within a larger page is an APIC-access page too; the
// processor's own accesses to the paging structures, MSR bitmaps and so on (29.4.6.2) are not looked at.
#include "vmx/apic/vapic.h"
#include "vmx/ask/qualification.h"

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
    return offset == OFFSET_TPR || (vapic_delivers(vmx) && (offset == OFFSET_EOI || offset == OFFSET_ICR));
}

// Table 27-6
static enum outcome access_exit(struct cpu *cpu, uint64_t qualification) {
    exit_begin_access(cpu, EXIT_APIC_ACCESS);
    vmx_of(cpu)->exit.qualification = qualification;
    return OUT_VMEXIT;
}

enum outcome virtual_apic_access(struct cpu *cpu, uint64_t linear, unsigned size, enum apic_access access,
                                 uint64_t *page) {
    struct vmx *vmx = vmx_of(cpu);
    unsigned offset = (unsigned)(linear & (PAGE_BYTES - 1));
    if (((*page & TLB_PAGE_MASK) | 1) != cpu->intercepts.apic_access) return OUT_OK; // a mapping older than the control
    if (access == APIC_FETCH || !virtualized(vmx, offset, size, access == APIC_WRITE)) {
        uint64_t type = cpu->attempt.delivering_valid ? APIC_EVENT : (uint64_t)access;
        return access_exit(cpu, part(APIC_ACCESS, OFFSET, offset) | part(APIC_ACCESS, TYPE, type));
    }
    *page = (*page & ~TLB_PAGE_MASK) | vmcs_get(vmx->vmcs, VIRTUAL_APIC_ADDRESS);
    if (access == APIC_WRITE) {
        vmx->apic_write = offset | size << 12;
        cpu_pend(cpu, PENDING_VMX, true);
    }
    return OUT_OK;
}

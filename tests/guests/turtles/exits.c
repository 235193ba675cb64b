// What becomes of the guest's VM exits: each handler does what the instruction would have done, then steps over it.
// They work on the current VMCS and serve L1, and L2 where L1 leaves it to us.
// NOT IMPLEMENTED: string I/O; MSRs beyond what the guests here use (they get #GP); XSAVE, MONITOR, performance
// counters.
#include "bug.h"
#include "guest.h"
#include "interrupt.h"

// --- CPUID: the real processor, less what we do not pass on, and our signature ---
enum { HYPERVISOR_LEAF = 0x40000000 };
enum { ECX_MONITOR = 1 << 3, ECX_VMX = 1 << 5, ECX_XSAVE = 1 << 26, ECX_OSXSAVE = 1 << 27, ECX_AVX = 1 << 28 };
#define ECX_HYPERVISOR (1u << 31)

static void exit_cpuid(void) {
    uint32_t leaf = (uint32_t)guest.gpr[RAX];
    struct cpuid c = cpuid(leaf, (uint32_t)guest.gpr[RCX]);
    if (leaf == 1) {
        c.ecx &= ~(uint32_t)(ECX_MONITOR | ECX_XSAVE | ECX_OSXSAVE | ECX_AVX);
        c.ecx |= ECX_HYPERVISOR;
    } else if (leaf == 0xd) {
        c = (struct cpuid){0};
    } else if (leaf == HYPERVISOR_LEAF) {
        c.eax = leaf;
        memcpy(&c.ebx, "Turt", 4), memcpy(&c.ecx, "lesT", 4), memcpy(&c.edx, "urtl", 4);
    }
    guest.gpr[RAX] = c.eax, guest.gpr[RBX] = c.ebx, guest.gpr[RCX] = c.ecx, guest.gpr[RDX] = c.edx;
    instruction_skip();
}

// --- HLT: the processor halts for the guest, in activity state HLT; an interrupt ends that with a VM exit ---
static void exit_hlt(void) {
    instruction_skip();
    if (guest.in_l2 || !interrupt_is_pending()) vmwrite(FIELD_GUEST_ACTIVITY, ACTIVITY_HLT);
}

// --- VMCALL: the only hypercall tells which level answers ---
static void exit_vmcall(void) {
    guest.gpr[RAX] = our_level;
    instruction_skip();
}

// --- control registers: only writes that would change NE or VMXE come here (24.6.6) ---
static void write_cr0(uint64_t value) {
    if (value & CR0_PG && !(vmread(FIELD_GUEST_CR0) & CR0_PG) && vmread(FIELD_GUEST_EFER) & EFER_LME) {
        vmwrite(FIELD_GUEST_EFER, vmread(FIELD_GUEST_EFER) | EFER_LMA); // SDM Vol. 3A, 9.8.5: this enters long mode
        vmwrite(FIELD_ENTRY_CONTROLS, vmread(FIELD_ENTRY_CONTROLS) | ENTRY_IA32E);
    }
    vmwrite(FIELD_GUEST_CR0, value | CR0_NE);
    vmwrite(FIELD_CR0_SHADOW, value);
}

static void write_cr4(uint64_t value) {
    vmwrite(FIELD_GUEST_CR4, value | CR4_VMXE);
    vmwrite(FIELD_CR4_SHADOW, value);
}

static void exit_cr_access(void) {
    uint64_t qualification = vmread(FIELD_EXIT_QUALIFICATION);
    unsigned cr = qualification & 15, type = qualification >> 4 & 3;
    uint64_t value = gpr_get(qualification >> 8 & 15);
    bool in_operation = guest.vmxon_pointer != POINTER_NONE && !guest.in_l2;
    if (type != 0 || (cr != 0 && cr != 4)) panic("CR access %lx", qualification);
    if (in_operation && !(value & (cr ? CR4_VMXE : CR0_NE))) {
        inject_exception(VECTOR_GP, true); // 23.8: fixed in VMX operation
        return;
    }
    if (cr == 0)
        write_cr0(value);
    else
        write_cr4(value);
    instruction_skip();
}

// --- ports: the guest's accesses are repeated on our own machine, except for those that would end it ---
static void port_write(uint16_t port, unsigned size, uint32_t value) {
    if (port == PORT_PM_CONTROL && (value & PM_POWER_OFF) == PM_POWER_OFF) {
        account_print();
        machine_end(true);
    } else if (port == PORT_DEBUG_EXIT) {
        account_print();
        print("the guest says that something went wrong: %u\n", value);
        machine_end(false);
    }
    if (size == 1)
        out8(port, (uint8_t)value);
    else if (size == 2)
        out16(port, (uint16_t)value);
    else
        out32(port, value);
}

static void exit_io(void) {
    enum { QUALIFICATION_IN = 1 << 3, QUALIFICATION_STRING = 1 << 4 };
    uint64_t q = vmread(FIELD_EXIT_QUALIFICATION), *rax = &guest.gpr[RAX]; // Table 27-5
    unsigned size = (q & 7) + 1;
    uint16_t port = (uint16_t)(q >> 16);
    if (q & QUALIFICATION_STRING) panic("string I/O at port %x", port);
    if (!(q & QUALIFICATION_IN))
        port_write(port, size, (uint32_t)*rax);
    else if (size == 1)
        *rax = (*rax & ~0xffull) | in8(port);
    else if (size == 2)
        *rax = (*rax & ~0xffffull) | in16(port);
    else
        *rax = in32(port);
    instruction_skip();
}

// --- MSRs ---
bool msr_read(uint32_t index, uint64_t *value) {
    switch (index) {
    case MSR_EFER: *value = vmread(FIELD_GUEST_EFER); return true;
    case MSR_FS_BASE: *value = vmread(FIELD_GUEST_FS_BASE); return true;
    case MSR_GS_BASE: *value = vmread(FIELD_GUEST_GS_BASE); return true;
    case MSR_TSC:
    case MSR_APIC_BASE: *value = rdmsr(index); return true;
    default: break;
    }
    if (index >> 8 == MSR_X2APIC >> 8) { // the guest has the local APIC to itself
        *value = rdmsr(index);
        return true;
    }
    return capability_read(index, value);
}

bool msr_write(uint32_t index, uint64_t value) {
    switch (index) {
    case MSR_EFER: vmwrite(FIELD_GUEST_EFER, (value & ~EFER_LMA) | (vmread(FIELD_GUEST_EFER) & EFER_LMA)); return true;
    case MSR_FS_BASE: vmwrite(FIELD_GUEST_FS_BASE, value); return true;
    case MSR_GS_BASE: vmwrite(FIELD_GUEST_GS_BASE, value); return true;
    case MSR_APIC_BASE: wrmsr(index, value); return true;
    default: break;
    }
    if (index >> 8 != MSR_X2APIC >> 8) return false;
    if (index == MSR_X2APIC_EOI && bug_end_interrupt(value)) return true;
    wrmsr(index, value);
    return true;
}

static void exit_rdmsr(void) {
    uint64_t value = 0;
    if (!msr_read((uint32_t)guest.gpr[RCX], &value)) {
        inject_exception(VECTOR_GP, true);
        return;
    }
    guest.gpr[RAX] = (uint32_t)value;
    guest.gpr[RDX] = value >> 32;
    instruction_skip();
}

static void exit_wrmsr(void) {
    uint64_t value = guest.gpr[RDX] << 32 | (uint32_t)guest.gpr[RAX];
    if (!msr_write((uint32_t)guest.gpr[RCX], value))
        inject_exception(VECTOR_GP, true);
    else
        instruction_skip();
}

void exit_handle(enum exit_reason reason) {
    switch (reason) {
    case REASON_EXTERNAL_INTERRUPT: interrupt_pend(vmread(FIELD_EXIT_INTERRUPTION) & EVENT_VECTOR); return;
    case REASON_INTERRUPT_WINDOW: return;  // interrupts_offer() does what is to be done
    case REASON_MONITOR_TRAP_FLAG: return; // of a planted mistake
    case REASON_CPUID: exit_cpuid(); return;
    case REASON_HLT: exit_hlt(); return;
    case REASON_VMCALL: exit_vmcall(); return;
    case REASON_CR_ACCESS: exit_cr_access(); return;
    case REASON_IO_INSTRUCTION: exit_io(); return;
    case REASON_RDMSR: exit_rdmsr(); return;
    case REASON_WRMSR: exit_wrmsr(); return;
    case REASON_EPT_VIOLATION: ept_violation(); return;
    case REASON_XSETBV: inject_exception(VECTOR_UD, false); return;
    case REASON_TRIPLE_FAULT: panic("the guest died of a triple fault at RIP %lx", vmread(FIELD_GUEST_RIP));
    default: break;
    }
    if (!vmx_instruction(reason))
        panic("VM exit of reason %u at RIP %lx, qualification %lx", reason, vmread(FIELD_GUEST_RIP),
              vmread(FIELD_EXIT_QUALIFICATION));
}

// Lab 2, solved.
#include "lab.h"

static struct guest guest; // its general-purpose registers; guest_enter() loads and stores them

// The guest: an instruction that always makes a VM exit; then one that makes it because a control says so.
void guest_code(void) {
    vmcall();
    __asm__ volatile("hlt");
}

// Exercise 1: a VMCS that is active and current. VMCLEAR begins its launch state.
static void make_vmcs(void) {
    guest.vmcs = (uint64_t)page_new();
    *(uint32_t *)guest.vmcs = (uint32_t)rdmsr(MSR_VMX_BASIC) & 0x7fffffff;
    if (!vmclear(guest.vmcs)) say("VMCLEAR failed\n");
    if (!vmptrld(guest.vmcs)) say("VMPTRLD failed\n");
}

// Exercise 2: controls. Bits that this processor does not know must be as it wants them.
static void write_controls(void) {
    vmwrite(PIN_CONTROLS, control(MSR_VMX_TRUE_PIN, 0));
    vmwrite(PROC_CONTROLS, control(MSR_VMX_TRUE_PROC, BIT(PROC_HLT_EXITING)));
    vmwrite(EXIT_CONTROLS, control(MSR_VMX_TRUE_EXIT, BIT(EXIT_HOST_ADDRESS_SPACE_SIZE)));
    vmwrite(ENTRY_CONTROLS, control(MSR_VMX_TRUE_ENTRY, BIT(ENTRY_IA32E_MODE_GUEST)));
}

// Exercise 3: where the guest begins, in 64-bit mode. vmcs_host() and vmcs_guest() write the rest: read them.
static void write_guest(void) {
    vmcs_host();
    vmcs_guest(guest_code, (uint8_t *)page_new() + PAGE);
}

void lab(void) {
    vmx_begin();
    make_vmcs();
    write_controls();
    write_guest();
    if (guest_enter(&guest)) return;
    // guest_enter() has set guest.launched: the second time it is VMRESUME.
    vmwrite(GUEST_RIP, vmread(GUEST_RIP) + vmread(EXIT_INSTRUCTION_LENGTH));
    guest_enter(&guest);
}

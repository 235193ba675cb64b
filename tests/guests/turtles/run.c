// The loop that a hypervisor is: enter the guest, see why it came back, deal with it. And external interrupts, which
// reach us instead of the guest and are handed on: SDM Vol. 3C, 24.6.1, 27.2.2.
#include "bug.h"
#include "guest.h"

void interrupt_pend(unsigned vector) {
    if (bug != BUG_DROP) guest.interrupts[vector / 64] |= BIT(vector % 64);
}

bool interrupt_is_pending(void) {
    return guest.interrupts[0] | guest.interrupts[1] | guest.interrupts[2] | guest.interrupts[3];
}

int interrupt_take(void) {
    for (int vector = 255; vector >= 0; vector--) {
        if (!(guest.interrupts[vector / 64] >> vector % 64 & 1)) continue;
        guest.interrupts[vector / 64] &= ~BIT(vector % 64);
        return vector;
    }
    return -1;
}

static bool l1_takes_interrupts(void) {
    return (vmread(FIELD_GUEST_RFLAGS) & RFLAGS_IF || bug == BUG_IF) &&
           !(vmread(FIELD_GUEST_INTERRUPTIBILITY) & BLOCKING_BY_STI_OR_MOV_SS) &&
           !(vmread(FIELD_ENTRY_INTERRUPTION) & EVENT_VALID);
}

// vmcs01 is current. What L1 cannot take now waits for the VM exit that tells of its "interrupt window".
static void interrupts_offer(void) {
    bool pending = interrupt_is_pending();
    if (pending && l1_takes_interrupts()) {
        vmwrite(FIELD_ENTRY_INTERRUPTION, EVENT_VALID | EVENT_EXTERNAL | (unsigned)interrupt_take());
        pending = interrupt_is_pending();
    }
    if (pending == guest.window) return;
    vmwrite(FIELD_PROC_CONTROLS, vmread(FIELD_PROC_CONTROLS) ^ PROC_INTERRUPT_WINDOW);
    guest.window = pending;
}

// An event whose delivery to the guest was interrupted by this exit must be given to it again: 27.2.4.
void event_requeue(void) {
    uint64_t event = vmread(FIELD_IDT_VECTORING);
    if (!(event & EVENT_VALID) || bug_requeue(event)) return;
    vmwrite(FIELD_ENTRY_INTERRUPTION, event & ~BIT(12)); // bit 12 is reserved there
    if (event & EVENT_ERROR_CODE) vmwrite(FIELD_ENTRY_ERROR_CODE, vmread(FIELD_IDT_VECTORING_ERROR_CODE));
    vmwrite(FIELD_ENTRY_INSTRUCTION_LENGTH, vmread(FIELD_EXIT_INSTRUCTION_LENGTH));
}

static void l1_exit(uint32_t reason) {
    if (reason & REASON_ENTRY_FAILED)
        panic("entry to the guest failed: reason %u, qualification %lx", reason & 0xffff,
              vmread(FIELD_EXIT_QUALIFICATION));
    account_exit(false, reason);
    bug_use_region(guest.vmcs01);
    bug_change_guest();
    event_requeue();
    exit_handle(reason);
}

void guest_run(void) {
    for (;;) {
        if (!guest.in_l2) interrupts_offer();
        bool *launched = guest.in_l2 ? &guest.launched02 : &guest.launched01;
        if (bug == BUG_LAUNCH && *launched && !guest.in_l2) (void)enter_guest(guest.gpr, false);
        unsigned failed = enter_guest(guest.gpr, *launched);
        if (failed && !guest.in_l2) panic("entry to the guest failed: error %lu", vmread(FIELD_INSTRUCTION_ERROR));
        if (failed) {
            nested_entry_failed();
            continue;
        }
        uint32_t reason = (uint32_t)vmread(FIELD_EXIT_REASON);
        if (!(reason & REASON_ENTRY_FAILED)) *launched = true;
        if (guest.in_l2)
            nested_exit(reason);
        else
            l1_exit(reason);
    }
}

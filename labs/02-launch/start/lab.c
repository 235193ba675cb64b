// Lab 2: a VMCS, and the first guest. README.md has the exercises.
#include "lab.h"

static struct guest guest; // its general-purpose registers; guest_enter() loads and stores them

// The guest: an instruction that always makes a VM exit.
void guest_code(void) { vmcall(); }

// Exercise 1: a VMCS that is active and current.
static void make_vmcs(void) {
    guest.vmcs = (uint64_t)page_new();
    vmptrld(guest.vmcs);
}

// Exercise 2: controls. Bits that this processor does not know must be as it wants them.
static void write_controls(void) {
    vmwrite(PIN_CONTROLS, 0);
    vmwrite(PROC_CONTROLS, 0);
    vmwrite(EXIT_CONTROLS, 0);
    vmwrite(ENTRY_CONTROLS, 0);
}

// Exercise 3: where the guest begins, in 64-bit mode. vmcs_host() and vmcs_guest() write the rest: read them.
static void write_guest(void) {
    vmcs_host();
    vmcs_guest(NULL, page_new());
}

void lab(void) {
    vmx_begin();
    make_vmcs();
    write_controls();
    write_guest();
    // Exercise 4: the entry; exercise 5: and once more, over the VMCALL, to the HLT that follows here.
    guest_enter(&guest);
}

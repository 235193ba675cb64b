// Lab 8: bitmaps for ports and MSRs. README.md has the exercises.
#include "given.h"

static struct guest guest;

// Exercises 1 and 2: of all ports 80H and 8900H exit.
static void make_io_bitmaps(void) {
    vmwrite(PROC_CONTROLS, vmread(PROC_CONTROLS) | BIT(PROC_UNCONDITIONAL_IO_EXITING));
}

// Exercises 3 and 4: of all MSRs WRMSR of IA32_LSTAR (C0000082H) and RDMSR of IA32_FEATURE_CONTROL (3AH) exit.
static void make_msr_bitmaps(void) {}

// Exercise 4: the guest reads that VMX is locked, and not allowed.
static void emulate_rdmsr(void) {}

void lab(void) {
    vmx_begin();
    guest_new(&guest, guest_code);
    make_io_bitmaps();
    make_msr_bitmaps();
    while (!guest_enter(&guest)) {
        switch (vmread(EXIT_REASON)) {
        case EXIT_IO_INSTRUCTION: break; // there is no such device
        case EXIT_WRMSR: wrmsr(guest.gpr[RCX], guest.gpr[RDX] << 32 | (uint32_t)guest.gpr[RAX]); break;
        case EXIT_RDMSR: emulate_rdmsr(); break;
        default: return;
        }
        guest_skip();
    }
}

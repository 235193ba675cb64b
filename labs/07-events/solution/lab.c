// Lab 7, solved.
#include "given.h"

static struct guest guest;
static uint64_t *ept;

#define VALID BIT(31)
#define ERROR_CODE BIT(11)
enum { EXTERNAL = 0 << 8, EXCEPTION = 3 << 8 };

static void inject(uint64_t information) { vmwrite(ENTRY_INTERRUPTION, information | VALID); }

static void window_exiting(bool on) {
    const uint64_t controls = vmread(PROC_CONTROLS) & ~BIT(PROC_INTERRUPT_WINDOW_EXITING);
    vmwrite(PROC_CONTROLS, controls | (on ? BIT(PROC_INTERRUPT_WINDOW_EXITING) : 0));
}

static void asked(uint64_t what) {
    switch (what) {
    case WANTS_GP:
        vmwrite(ENTRY_ERROR_CODE, 0x123);
        inject(13 | EXCEPTION | ERROR_CODE);
        break;
    case WANTS_40: window_exiting(true); break; // when it can take it
    case WANTS_41: inject(0x41 | EXTERNAL); break;
    }
    guest_skip();
}

// Exercise 2: the guest can take an interrupt now.
static void window(void) {
    window_exiting(false);
    inject(0x40 | EXTERNAL);
}

// Exercise 3: a page of the guest comes when it is touched; an event whose delivery touched it is given once more.
static void violation(void) {
    const uint64_t vectoring = vmread(IDT_VECTORING);
    if (vectoring & VALID) vmwrite(ENTRY_INTERRUPTION, vectoring);
    ept_map(ept, vmread(GUEST_PHYSICAL_ADDRESS) & ~(PAGE - 1), (uint64_t)page_new(), EPT_ALL);
}

void lab(void) {
    vmx_begin();
    guest_new(&guest, guest_code);
    ept = ept_identity();
    vmcs_ept(ept);
    while (!guest_enter(&guest)) {
        switch (vmread(EXIT_REASON)) {
        case EXIT_VMCALL: asked(guest.gpr[RAX]); break;
        case EXIT_INTERRUPT_WINDOW: window(); break;
        case EXIT_EPT_VIOLATION: violation(); break;
        default: return;
        }
    }
}

// Lab 7: events. README.md has the exercises.
#include "given.h"

static struct guest guest;
static uint64_t *ept;

#define VALID BIT(31)
#define ERROR_CODE BIT(11)
enum { EXTERNAL = 0 << 8, EXCEPTION = 3 << 8 };

static void inject(uint64_t information) { vmwrite(ENTRY_INTERRUPTION, information | VALID); }

static void asked(uint64_t what) {
    switch (what) {
    case WANTS_GP: inject(13 | EXCEPTION); break;  // exercise 1
    case WANTS_40: inject(0x40 | EXTERNAL); break; // exercise 2
    case WANTS_41: inject(0x41 | EXTERNAL); break; // exercise 3
    }
    guest_skip();
}

// Exercise 2: the guest can take an interrupt now.
static void window(void) {}

// Exercise 3: a page of the guest comes when it is touched.
static void violation(void) {
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

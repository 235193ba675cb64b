// Lab 3: five guests, and not one of them can be entered. In each exercise_N() something that is written to the VMCS is
// wrong, and there only: find it and mend it. README.md says how; `make check` says what is still wrong.
#include "lab.h"

// The guests. Each leaves by HLT.
void guest_1(void) { __asm__("hlt"); }
void guest_2(void) { __asm__("hlt"); }
void guest_3(void) { __asm__("mov %%cr4, %%rax; hlt" : : : "rax"); } // it must not see that VMXE is 1
void guest_4(void) { __asm__("hlt"); }
void guest_5(void) { __asm__("hlt"); }

static struct guest guest;

static void enter(const char *name) {
    unsigned failed = guest_enter(&guest);
    say("%s: %s, exit reason %lx, error %lu\n", name, failed ? "failed" : "left", vmread(EXIT_REASON),
        vmread(INSTRUCTION_ERROR));
}

// HLT exits.
static void exercise_1(void) {
    guest_new(&guest, guest_1);
    vmwrite(PROC_CONTROLS, BIT(PROC_HLT_EXITING));
    enter("guest 1");
}

// A host without a task: it never uses one.
static void exercise_2(void) {
    guest_new(&guest, guest_2);
    vmwrite(HOST_TR_SELECTOR, 0);
    enter("guest 2");
}

// The guest must not see that VMX is on: CR4.VMXE (bit 13) reads as 0.
static void exercise_3(void) {
    guest_new(&guest, guest_3);
    vmwrite(GUEST_CR4, cr4_read() & ~CR4_VMXE);
    enter("guest 3");
}

// The guest's task, as its descriptor has it: a 64-bit TSS, available, present.
static void exercise_4(void) {
    guest_new(&guest, guest_4);
    vmwrite(GUEST_TR_RIGHTS, 0x89);
    enter("guest 4");
}

// There is no other VMCS that this one is linked to.
static void exercise_5(void) {
    guest_new(&guest, guest_5);
    vmwrite(VMCS_LINK_POINTER, 0);
    enter("guest 5");
}

void lab(void) {
    vmx_begin();
    exercise_1();
    exercise_2();
    exercise_3();
    exercise_4();
    exercise_5();
}

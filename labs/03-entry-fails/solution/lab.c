// Lab 3, solved.
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
    vmwrite(PROC_CONTROLS, control(MSR_VMX_TRUE_PROC, BIT(PROC_HLT_EXITING)));
    enter("guest 1");
}

// VM exits load TR: it must be one that the processor could use.
static void exercise_2(void) {
    guest_new(&guest, guest_2);
    vmwrite(HOST_TR_SELECTOR, 0x18);
    enter("guest 2");
}

// The guest must not see that VMX is on: CR4.VMXE (bit 13) reads as 0.
static void exercise_3(void) {
    guest_new(&guest, guest_3);
    vmwrite(GUEST_CR4, cr4_read());
    vmwrite(CR4_MASK, CR4_VMXE); // what the guest reads of this bit is the shadow's
    vmwrite(CR4_SHADOW, cr4_read() & ~CR4_VMXE);
    enter("guest 3");
}

// The guest's task, as its descriptor has it: a 64-bit TSS, busy, present: what TR holds is in use.
static void exercise_4(void) {
    guest_new(&guest, guest_4);
    vmwrite(GUEST_TR_RIGHTS, 0x8b);
    enter("guest 4");
}

// There is no other VMCS that this one is linked to.
static void exercise_5(void) {
    guest_new(&guest, guest_5);
    vmwrite(VMCS_LINK_POINTER, ~0ull);
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

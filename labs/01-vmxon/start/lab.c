// Lab 1: is there VT-x, and how is it turned on? README.md has the exercises.
#include "lab.h"

// Exercise 1: whether this processor has VMX.
static bool has_vmx(void) { return true; }

// Exercise 2: what firmware does, where there is one.
static void allow_vmx(void) {}

// Exercise 3: what the processor's control registers must have.
static void prepare(void) {}

// Exercise 4: VMX operation begins.
static bool begin_vmx(void) {
    static uint8_t region[PAGE];
    return vmxon(region);
}

// Exercise 5: and ends.
static void end_vmx(void) {}

void lab(void) {
    if (!has_vmx()) return;
    allow_vmx();
    prepare();
    if (!begin_vmx()) return;
    say("in VMX operation\n");
    end_vmx();
}

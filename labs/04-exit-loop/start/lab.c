// Lab 4: the loop that handles VM exits. README.md has the exercises.
#include "given.h"

static struct guest guest;

// Exercise 1: enter, look at EXIT_REASON, do what it asks for, and again; until the guest halts.
void lab(void) {
    vmx_begin();
    guest_new(&guest, guest_code);
    while (!guest_enter(&guest)) {
        switch (vmread(EXIT_REASON)) {
        case EXIT_HLT:
            return;
            // Exercise 2: CPUID, with the processor's answer. Exercise 3: leaf 40000000H, and bit 31 of ECX in leaf 1.
            // Exercise 4: RDMSR. Exercise 5: VMCALL with RAX = 1 gives RBX + RCX in RAX.
        }
    }
}

// Lab 1, solved.
#include "lab.h"

// Exercise 1: whether this processor has VMX.
static bool has_vmx(void) { return cpuid(1, 0).ecx & CPUID_VMX; }

// Exercise 2: what firmware does, where there is one. Once it is locked it stays so until a reset.
static void allow_vmx(void) {
    if (!(rdmsr(MSR_FEATURE_CONTROL) & FEATURE_CONTROL_LOCK))
        wrmsr(MSR_FEATURE_CONTROL, FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX);
}

// Exercise 3: what the processor's control registers must have.
static void prepare(void) {
    cr0_write(cr0_read() | CR0_NE);
    cr4_write(cr4_read() | CR4_VMXE);
}

// Exercise 4: VMX operation begins.
static bool begin_vmx(void) {
    static uint8_t region[PAGE] __attribute__((aligned(PAGE)));
    *(uint32_t *)region = (uint32_t)rdmsr(MSR_VMX_BASIC) & 0x7fffffff;
    return vmxon(region);
}

// Exercise 5: and ends.
static void end_vmx(void) {
    vmxoff();
    cr4_write(cr4_read() & ~CR4_VMXE);
}

void lab(void) {
    if (!has_vmx()) return;
    allow_vmx();
    prepare();
    if (!begin_vmx()) return;
    say("in VMX operation\n");
    end_vmx();
}

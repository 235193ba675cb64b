// Lab 4: the guest. It asks who it is, reads an MSR, asks its hypervisor for a sum, and halts.
#include "lab.h"

struct seen {
    struct cpuid vendor, features, hypervisor;
    uint64_t efer, sum;
} guest_saw;

void guest_code(void) {
    guest_saw.vendor = cpuid(0, 0);
    guest_saw.features = cpuid(1, 0);
    guest_saw.hypervisor = cpuid(0x40000000, 0);
    guest_saw.efer = rdmsr(MSR_EFER);
    __asm__ volatile("vmcall" : "=a"(guest_saw.sum) : "a"(1), "b"(20ull), "c"(22ull) : "memory");
    __asm__ volatile("hlt");
}

// Lab 10: the guest. It reads the TSC; then it works without end, and asks for nothing but CPUID now and then.
#include "given.h"

void guest_code(void) {
    __asm__ volatile("vmcall" : : "a"(rdtsc()) : "memory");
    for (volatile uint64_t i = 1;; i++)
        if (i % 4096 == 0) (void)cpuid(0, 0);
}

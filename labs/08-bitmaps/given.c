// Lab 8: the guest. It writes to ports and reads and writes MSRs; few of these are its hypervisor's business.
#include "given.h"

uint64_t guest_read[3];

void guest_code(void) {
    out8(0x80, 1);
    out8(0x3f8, 'g');
    out8(0x8900, 2);
    out8(0x81, 3);
    guest_read[0] = rdmsr(MSR_EFER);
    wrmsr(MSR_LSTAR, 0x1234);
    guest_read[1] = rdmsr(MSR_LSTAR);
    guest_read[2] = rdmsr(MSR_FEATURE_CONTROL);
    __asm__ volatile("hlt");
}

// Lab 4, solved.
#include "given.h"

static struct guest guest;

// What CPUID writes has 32 bits: the upper halves of the registers become 0.
static void emulate_cpuid(void) {
    const uint32_t leaf = (uint32_t)guest.gpr[RAX];
    struct cpuid c = cpuid(leaf, guest.gpr[RCX]);
    if (leaf == 1) c.ecx |= 1u << 31;
    if (leaf == 0x40000000) c = (struct cpuid){leaf, 'L' | 'a' << 8 | 'b' << 16 | ' ' << 24, 0x6162614c, 0x6162614c};
    guest.gpr[RAX] = c.eax;
    guest.gpr[RBX] = c.ebx;
    guest.gpr[RCX] = c.ecx;
    guest.gpr[RDX] = c.edx;
}

static void emulate_rdmsr(void) {
    const uint64_t value = rdmsr(guest.gpr[RCX]);
    guest.gpr[RAX] = (uint32_t)value;
    guest.gpr[RDX] = value >> 32;
}

static void hypercall(void) {
    if (guest.gpr[RAX] == 1) guest.gpr[RAX] = guest.gpr[RBX] + guest.gpr[RCX];
}

void lab(void) {
    vmx_begin();
    guest_new(&guest, guest_code);
    while (!guest_enter(&guest)) {
        switch (vmread(EXIT_REASON)) {
        case EXIT_CPUID: emulate_cpuid(); break;
        case EXIT_RDMSR: emulate_rdmsr(); break;
        case EXIT_VMCALL: hypercall(); break;
        case EXIT_HLT: return;
        default: say("exit reason %lu: nobody handles it\n", vmread(EXIT_REASON)); return;
        }
        guest_skip();
    }
}

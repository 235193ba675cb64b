// Lab 15: a hypervisor below a system. README.md has the exercises.
#include "given.h"

static struct guest guest;

// Exercise 1: the guest reads CR0 and CR4 as they were before VMX operation.
static void hide_registers(uint64_t cr0, uint64_t cr4) { (void)cr0, (void)cr4; }

static void emulate_cpuid(void) {
    const uint32_t leaf = (uint32_t)guest.gpr[RAX];
    struct cpuid c = cpuid(leaf, guest.gpr[RCX]);
    if (leaf == 1) c.ecx |= 1u << 31; // as lab 4 wanted it: polite, and no way to hide
    if (leaf == 0x40000000) c.ebx = 0x2062614c;
    guest.gpr[RAX] = c.eax;
    guest.gpr[RBX] = c.ebx;
    guest.gpr[RCX] = c.ecx;
    guest.gpr[RDX] = c.edx;
}

// Exercise 2: an EPT in which the hypervisor's memory is the blank page.
static void hide_memory(void) {}

// Exercise 3: the guest's TSC does not count what a VM exit took.
static void hide_time(uint64_t cycles) { (void)cycles; }

// Exercises 4 and 5: on the other side now. Is there a hypervisor below?
bool found_by_clock(void) { return false; }
bool found_by_memory(void) { return false; }

void lab(void) {
    const uint64_t cr0 = cr0_read(), cr4 = cr4_read();
    system_boot();
    vmx_begin();
    system_new(&guest);
    hide_registers(cr0, cr4);
    hide_memory();
    while (!guest_enter(&guest)) {
        const uint64_t from = rdtsc();
        if (vmread(EXIT_REASON) != EXIT_CPUID) return;
        emulate_cpuid();
        guest_skip();
        hide_time(rdtsc() - from);
    }
}

// Lab 15, solved.
#include "given.h"

static struct guest guest;

// Exercise 1: what the processor says, and no more; the guest reads CR0 and CR4 as they were before VMX operation.
static void hide_registers(uint64_t cr0, uint64_t cr4) {
    vmwrite(CR0_MASK, CR0_NE);
    vmwrite(CR0_SHADOW, cr0);
    vmwrite(CR4_MASK, CR4_VMXE);
    vmwrite(CR4_SHADOW, cr4);
}

static void emulate_cpuid(void) {
    const struct cpuid c = cpuid(guest.gpr[RAX], guest.gpr[RCX]);
    guest.gpr[RAX] = c.eax;
    guest.gpr[RBX] = c.ebx;
    guest.gpr[RCX] = c.ecx;
    guest.gpr[RDX] = c.edx;
}

// Exercise 2: all that page_new() has given, the tables of the EPT too, is the blank page for the guest.
static void hide_memory(void) {
    uint64_t *root = ept_identity();
    vmcs_ept(root);
    const uint64_t end = (uint64_t)page_new();
    for (uint64_t page = (uint64_t)end_of_lab; page <= end; page += PAGE) ept_map(root, page, (uint64_t)blank, EPT_ALL);
}

// Exercise 3: the guest's TSC does not count what we take, nor what a VM exit and a VM entry take.
static void hide_time(uint64_t cycles) {
    enum { EXIT_AND_ENTRY = 730 };
    vmwrite(TSC_OFFSET, vmread(TSC_OFFSET) - cycles - EXIT_AND_ENTRY);
}

// Exercise 4: two clocks. A tick is so many cycles of the TSC; CPUIDs take ticks that the TSC knows nothing of.
static unsigned ticks_since(unsigned from) { return (from - ticks()) & 0xffff; }

static uint64_t cycles_of_ticks(unsigned wanted) {
    const unsigned from = ticks();
    const uint64_t tsc = rdtsc();
    while (ticks_since(from) < wanted) continue;
    return rdtsc() - tsc;
}

bool found_by_clock(void) {
    enum { SAMPLE = 64, TRIES = 200 };
    const uint64_t sample = cycles_of_ticks(SAMPLE);
    const unsigned from = ticks();
    const uint64_t tsc = rdtsc();
    for (unsigned i = 0; i < TRIES; i++) (void)cpuid(0, 0);
    const uint64_t cycles = rdtsc() - tsc;
    return ticks_since(from) * sample > 2 * SAMPLE * (cycles + sample / 8);
}

// Exercise 5: pages that are one and the same.
bool found_by_memory(void) {
    enum { PAGES = 64 };
    bool found = false;
    for (unsigned i = 0; i < PAGES; i++) {
        volatile uint64_t *a = (uint64_t *)(end_of_lab + i * PAGE), *b = (uint64_t *)(end_of_lab + (i + 1) * PAGE);
        const uint64_t was_a = *a, was_b = *b;
        *a = 1;
        *b = 2;
        found |= *a != 1;
        *b = was_b;
        *a = was_a;
    }
    return found;
}

void lab(void) {
    const uint64_t cr0 = cr0_read(), cr4 = cr4_read();
    system_boot();
    vmx_begin();
    system_new(&guest);
    hide_registers(cr0, cr4);
    hide_memory();
    vmwrite(PROC_CONTROLS, vmread(PROC_CONTROLS) | BIT(PROC_TSC_OFFSETTING));
    while (!guest_enter(&guest)) {
        const uint64_t from = rdtsc();
        if (vmread(EXIT_REASON) != EXIT_CPUID) return;
        emulate_cpuid();
        guest_skip();
        hide_time(rdtsc() - from);
    }
}

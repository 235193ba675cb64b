// Lab 15: the system that a hypervisor slips below. It looks around twice: on the bare machine, and when it runs as a
// guest. What it sees must be the same; whoever looks closer sees that it is not.
#include "given.h"

enum { CPUID_1, LEAF_40000000, SEEN_CR0, SEEN_CR4, TRACES, COST, BY_CLOCK, BY_MEMORY, SEEN };
uint64_t bare[SEEN], below[SEEN];
uint64_t blank[PAGE / 8] __attribute__((aligned(PAGE)));
static uint8_t system_stack[4 * PAGE] __attribute__((aligned(16)));

// --- the 8254 timer: SDM does not have it; ports 40H, 43H ---
enum { PIT_COUNTER = 0x40, PIT_CONTROL = 0x43, RATE_GENERATOR = 0x34, LATCH = 0x00 };
static void ticks_begin(void) {
    out8(PIT_CONTROL, RATE_GENERATOR);
    out8(PIT_COUNTER, 0);
    out8(PIT_COUNTER, 0);
}

unsigned ticks(void) {
    out8(PIT_CONTROL, LATCH);
    const unsigned low = in8(PIT_COUNTER);
    return low | (unsigned)in8(PIT_COUNTER) << 8;
}

// --- what a system sees ---

// The fewest cycles of a few tries: what disturbs makes it more.
static uint64_t cpuid_cost(void) {
    uint64_t least = ~0ull;
    for (unsigned i = 0; i < 8; i++) {
        const uint64_t from = rdtsc();
        (void)cpuid(0, 0);
        const uint64_t cycles = rdtsc() - from;
        if (cycles < least) least = cycles;
    }
    return least;
}

// Pages that begin with the revision identifier of a VMCS.
static uint64_t traces(void) {
    const uint32_t revision = (uint32_t)rdmsr(MSR_VMX_BASIC) & 0x7fffffff;
    uint64_t found = 0;
    for (const uint8_t *page = end_of_lab; page < (uint8_t *)(16ull << 20); page += PAGE)
        found += *(const volatile uint32_t *)page == revision;
    return found;
}

static void look(uint64_t *seen) {
    seen[CPUID_1] = cpuid(1, 0).ecx;
    seen[LEAF_40000000] = cpuid(0x40000000, 0).ebx;
    seen[SEEN_CR0] = cr0_read();
    seen[SEEN_CR4] = cr4_read();
    seen[TRACES] = traces();
    seen[COST] = cpuid_cost();
    seen[BY_CLOCK] = found_by_clock();
    seen[BY_MEMORY] = found_by_memory();
}

static void system_runs(void) {
    look(below);
    vmcall(); // so that this lab has an end
}

void system_boot(void) {
    ticks_begin();
    look(bare);
}

void system_new(struct guest *guest) {
    guest_new(guest, system_runs);
    vmwrite(GUEST_RSP, system_stack + sizeof system_stack - 8);
    vmwrite(MSR_BITMAPS, page_new());
    vmwrite(PROC_CONTROLS, vmread(PROC_CONTROLS) | BIT(PROC_USE_MSR_BITMAPS));
}

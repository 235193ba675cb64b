// Lab 11: a virtual APIC, and posted interrupts. README.md has the exercises.
#include "given.h"

static struct guest guest;

// The hypervisor's own APIC, in x2APIC mode: it sends itself an interrupt.
static void send_to_myself(unsigned vector) {
    wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | BIT(10));
    wrmsr(MSR_X2APIC_SPURIOUS, 0x1ff);
    wrmsr(MSR_X2APIC_SELF_IPI, vector);
}

// Exercise 1: the guest has a virtual APIC, in x2APIC mode, and interrupts are delivered from it.
static void make_apic(void) {}

// Exercise 2: the end of interrupt LEVEL makes a VM exit.
static void watch_end_of_level(void) {}

// Exercise 3: interrupts are posted while the guest runs.
static void make_descriptor(void) {}

static void request(uint8_t vector) { vmwrite(ENTRY_INTERRUPTION, vector | BIT(31)); } // without the virtual APIC

static void post(uint8_t vector) { request(vector); }

void lab(void) {
    vmx_begin();
    guest_new(&guest, guest_code);
    make_apic();
    watch_end_of_level();
    make_descriptor();
    while (!guest_enter(&guest)) {
        switch (vmread(EXIT_REASON)) {
        case EXIT_VMCALL:
            if (guest.gpr[RAX] == 1) request(FIRST);
            if (guest.gpr[RAX] == 2) request(LEVEL);
            if (guest.gpr[RAX] == 3) post(POSTED);
            guest_skip();
            break;
        case EXIT_VIRTUALIZED_EOI: say("the device is served\n"); break;
        default: return;
        }
    }
}

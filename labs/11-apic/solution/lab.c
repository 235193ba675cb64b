// Lab 11, solved.
#include "given.h"

static struct guest guest;
static uint32_t *apic_page;
static uint64_t *descriptor;
enum { IRR = 0x200 }; // of the virtual-APIC page: 32 vectors in the first 4 of each 16 bytes

// The hypervisor's own APIC, in x2APIC mode: it sends itself an interrupt.
static void send_to_myself(unsigned vector) {
    wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | BIT(10));
    wrmsr(MSR_X2APIC_SPURIOUS, 0x1ff);
    wrmsr(MSR_X2APIC_SELF_IPI, vector);
}

// Exercise 1: the guest has a virtual APIC, in x2APIC mode, and interrupts are delivered from it.
static void make_apic(void) {
    apic_page = page_new();
    vmwrite(VIRTUAL_APIC_ADDRESS, apic_page);
    vmwrite(TPR_THRESHOLD, 0);
    vmwrite(MSR_BITMAPS, page_new()); // the guest's RDMSR and WRMSR go to its virtual APIC
    vmwrite(PIN_CONTROLS, vmread(PIN_CONTROLS) | BIT(PIN_EXTERNAL_INTERRUPT_EXITING));
    vmwrite(PROC_CONTROLS, vmread(PROC_CONTROLS) | BIT(PROC_TPR_SHADOW) | BIT(PROC_USE_MSR_BITMAPS));
    vmwrite(PROC2_CONTROLS, vmread(PROC2_CONTROLS) | BIT(PROC2_VIRTUALIZE_X2APIC) | BIT(PROC2_APIC_REGISTERS) |
                                BIT(PROC2_VIRTUAL_INTERRUPTS));
    vmwrite(GUEST_INTERRUPT_STATUS, 0);
    vmwrite(EOI_EXIT_BITMAP0, 0);
    vmwrite(EOI_EXIT_BITMAP2, 0);
    vmwrite(EOI_EXIT_BITMAP3, 0);
}

// Exercise 2: the end of interrupt LEVEL makes a VM exit.
static void watch_end_of_level(void) {
    vmwrite(EOI_EXIT_BITMAP1, BIT(LEVEL % 64)); // vectors 64 to 127
}

// Exercise 3: interrupts are posted while the guest runs.
static void make_descriptor(void) {
    descriptor = page_new(); // a bit for each vector, then outstanding notification
    vmwrite(POSTED_DESCRIPTOR, descriptor);
    vmwrite(POSTED_VECTOR, NOTIFICATION);
    vmwrite(EXIT_CONTROLS, vmread(EXIT_CONTROLS) | BIT(EXIT_ACKNOWLEDGE_INTERRUPT));
    vmwrite(PIN_CONTROLS, vmread(PIN_CONTROLS) | BIT(PIN_POSTED_INTERRUPTS));
}

// RVI, in the low byte of the status, is the highest vector that the IRR has.
static void request(uint8_t vector) {
    const uint64_t status = vmread(GUEST_INTERRUPT_STATUS);
    apic_page[(IRR + vector / 32 * 16) / 4] |= 1u << vector % 32;
    if ((status & 0xff) < vector) vmwrite(GUEST_INTERRUPT_STATUS, (status & ~0xffull) | vector);
}

static void post(uint8_t vector) {
    enum { OUTSTANDING = 4 }; // of the words of 64 bits
    descriptor[vector / 64] |= BIT(vector % 64);
    descriptor[OUTSTANDING] |= 1;
    send_to_myself(NOTIFICATION);
}

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

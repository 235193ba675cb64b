// The I/O APIC. Intel 82093AA data sheet; the EOI register of later versions (20H).
#ifndef DEVICES_IOAPIC_H
#define DEVICES_IOAPIC_H
#include "devices/bus/bus.h"
#include "devices/irq/lapic.h"

#define IOAPIC_BASE 0xfec00000ull
enum { IOAPIC_PINS = 24 };

struct ioapic {
    uint64_t redirection[IOAPIC_PINS];
    uint32_t lines;   // levels of the pins
    uint32_t waiting; // pins whose message no local APIC has taken yet
    uint8_t id;
    uint8_t select;
    // wiring
    struct apic_bus *bus;
};
extern const struct device ioapic_device;

void ioapic_set(struct ioapic *ioapic, unsigned pin, bool level);
void ioapic_eoi(struct ioapic *ioapic, uint8_t vector);
// Whether some pin may send an NMI or INIT: what could wake a processor whose interrupts are off.
bool ioapic_has_nmi(const struct ioapic *ioapic);
bool ioapic_lets_through(const struct ioapic *ioapic); // whether any input is not masked

#endif

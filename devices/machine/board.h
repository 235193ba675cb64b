// The motherboard: chips, buses, memory, and the wires between them. Private to devices/; front ends see machine.h.
#ifndef DEVICES_BOARD_H
#define DEVICES_BOARD_H
#include "cpu/state/cpu.h"
#include "devices/bus/bus.h"
#include "devices/timer/clock.h"
#include "devices/char/debug_ports.h"
#include "devices/firmware/fw_cfg.h"
#include "devices/timer/hpet.h"
#include "devices/irq/ioapic.h"
#include "devices/irq/lapic.h"
#include "devices/machine/machine.h"
#include "devices/bus/memory.h"
#include "devices/pci/pci.h"
#include "devices/irq/pic.h"
#include "devices/timer/pit.h"
#include "devices/timer/pm.h"
#include "devices/char/ps2.h"
#include "devices/timer/rtc.h"
#include "devices/machine/system_ports.h"
#include "devices/char/uart.h"

// Who drives an interrupt input: inputs are wired-or.
enum interrupt_source {
    SOURCE_PIT,
    SOURCE_PS2,
    SOURCE_COM1,
    SOURCE_COM2,
    SOURCE_COM3,
    SOURCE_COM4,
    SOURCE_RTC,
    SOURCE_PM,
    SOURCE_HPET,
    SOURCE_TESTDEV,
};
enum { INTERRUPT_INPUTS = 24 };

struct board {
    // architectural
    uint32_t sources[INTERRUPT_INPUTS]; // bit (1 << enum interrupt_source): that source asserts the input
    uint8_t hpet_legacy;                // legacy replacement: the 8254 and the RTC are cut off
    // chips
    struct clock clock;
    struct pic pic;
    struct pit pit;
    struct rtc rtc;
    struct hpet hpet;
    struct pm pm;
    struct ps2 ps2;
    struct uart uart[MACHINE_SERIAL_PORTS];
    struct system_ports system;
    struct pci pci;
    struct pci_testdev pci_testdev;
    struct debug_ports debug;
    struct fw_cfg fw_cfg;
    struct ioapic ioapic;
    struct lapic lapic[MACHINE_CPUS];
    // wiring
    struct bus bus;
    struct apic_bus apics;
    struct memory *memory;
    void (*stop)(void *owner, enum machine_stop why);
    void *owner;
};
extern const struct state_table board_state;

// The processors' local APICs are joined by board_add_cpu, in the order of their APIC IDs.
void board_init(struct board *board, const struct machine_config *config, struct memory *memory);
void board_add_cpu(struct board *board, struct cpu *cpu);
void board_reset(struct board *board);
// The chips with their state tables, in order; false past the last one.
bool board_part(struct board *board, unsigned index, struct machine_part *out);
void board_loaded(struct board *board); // after its parts were loaded

uint64_t board_mmio_read(struct board *board, const struct cpu *cpu, uint64_t physical, unsigned size);
void board_mmio_write(struct board *board, const struct cpu *cpu, uint64_t physical, unsigned size, uint64_t value);

#endif

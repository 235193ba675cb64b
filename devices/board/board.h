// The motherboard: chips, buses, memory, and the wires between them. Private to devices/; front ends see machine.h.
#ifndef DEVICES_BOARD_H
#define DEVICES_BOARD_H
#include "cpu/state/cpu.h"
#include "devices/bus/bus.h"
#include "devices/bus/slot.h"
#include "devices/timer/clock.h"
#include "devices/char/debug_console.h"
#include "devices/firmware/acpi.h"
#include "devices/firmware/bios_data.h"
#include "devices/firmware/fw_cfg.h"
#include "devices/timer/hpet.h"
#include "devices/irq/ioapic.h"
#include "devices/irq/lapic.h"
#include "devices/board/attach.h"
#include "devices/board/boot_order.h"
#include "devices/board/config.h"
#include "devices/chipset/chipset.h"
#include "devices/board/part.h"
#include "devices/board/stop.h"
#include "devices/bus/memory.h"
#include "devices/pci/pci.h"
#include "devices/irq/pic.h"
#include "devices/timer/pit.h"
#include "devices/timer/pm.h"
#include "devices/input/ps2.h"
#include "devices/timer/rtc.h"
#include "devices/board/system_ports.h"
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
    SOURCE_MOUSE,
    SOURCE_HPET,
    SOURCE_DEVICES,    // of -device and of the chipset: one for each
    SOURCE_PIRQS = 31, // the pins of PCI functions, as the chipset routes them
};
enum { INTERRUPT_INPUTS = 24 };
_Static_assert((int)SOURCE_DEVICES + BOARD_NUMBERS <= (int)SOURCE_PIRQS, "a bit of struct board's sources for each");

// Derived from the map: the piece of memory that was accessed last, for nearly every page is in the same; and the page
// that was last found to be no memory, for a driver asks for the same registers again and again.
struct seen_memory {
    uint64_t first, bytes, shows;
    uint64_t other; // its last byte's address; 0: none
};

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
    struct debug_console debug;
    struct fw_cfg fw_cfg;
    struct ioapic ioapic;
    struct lapic lapic[MACHINE_CPUS];
    // what -device made
    struct chipset chipset; // all zeros on the plain board
    struct attached attached[BOARD_DEVICES];
    unsigned attachments;
    uint32_t exit_code; // of the last device_exit: of the run, no state
    struct drive drive[MACHINE_DRIVES];
    unsigned drives;
    char host_error[400]; // the host failed: no state, but the run goes no further. Empty: it did not
    // wiring
    struct bus bus;
    struct seen_memory seen;
    unsigned lapic_page;     // the range of the bus's memory that is the local APIC's
    struct boot_order boot;  // of firmware
    struct slots slots;      // of drives on their controllers
    struct device_host host; // what is offered to each device
    void (*message)(void *owner, uint16_t requester, uint64_t address, uint32_t data); // the door of messages
    struct apic_bus apics;
    struct memory *memory;
    const struct machine_config *config; // while the board is made
    void (*stop)(void *owner, enum machine_stop why);
    void *owner;
};
extern const struct state_table board_state;

// The processors' local APICs are joined by board_add_cpu, in the order of their APIC IDs.
// Chips and devices. False: one line in `error` says why. The clock must be initialised before.
bool board_init(struct board *board, const struct machine_config *config, struct memory *memory, char *error,
                size_t error_size);
void board_free(struct board *board);
void board_add_cpu(struct board *board, struct cpu *cpu);
void board_reset(struct board *board);
// The chips with their state tables, in order; false past the last one.
bool board_part(struct board *board, unsigned index, struct machine_part *out);
void board_loaded(struct board *board); // after its parts were loaded
// What the chips and devices say of themselves in ACPI's name space, under the board, its ISA bridge and its PCI bus.
void board_describe(const void *board, enum acpi_scope scope, struct aml *aml);

// A page of memory as processors see it; no area: something else is there, or nothing.
// Whether any interrupt could still come to the local APIC of a processor: of its own timer, or through an I/O APIC or
// 8259 that lets one through. Else a processor that is halted stays so, whatever timers tick.
bool board_can_interrupt(const struct board *board, unsigned processor);
struct page_frame board_find_page(struct board *board, uint64_t physical);
static inline struct page_frame board_page(struct board *board, uint64_t physical) {
    const struct seen_memory *seen = &board->seen;
    if (unlikely(physical - seen->first >= seen->bytes)) {
        if ((physical | (MEMORY_PAGE - 1)) == seen->other) return (struct page_frame){NULL, 0};
        return board_find_page(board, physical);
    }
    return memory_frame(board->memory, physical - seen->first + seen->shows);
}
// Where struct memory has what processors see from a physical address on, when all of it is memory in one piece; else
// the address itself: of the RAM that is behind what they see.
uint64_t board_shown(const struct board *board, uint64_t physical, uint64_t bytes);
uint64_t board_mmio_read(struct board *board, const struct cpu *cpu, uint64_t physical, unsigned size);
void board_mmio_write(struct board *board, const struct cpu *cpu, uint64_t physical, unsigned size, uint64_t value);

#endif

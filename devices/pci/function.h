// One function on a PCI bus: its configuration space, made from what its device says of it, its base address registers,
// which place its registers or memory on the bus, and its interrupts. PCI Local Bus specification 3.0, 6.1, 6.2.5, 6.7,
// 6.8.
#ifndef DEVICES_PCI_FUNCTION_H
#define DEVICES_PCI_FUNCTION_H
#include "devices/bus/bus.h"

// PCI_ROM: the expansion ROM's base address register, beside the six. PCI_VECTORS: of MSI-X, at most.
enum { PCI_CONFIG = 256, PCI_BARS = 6, PCI_ROM = PCI_BARS, PCI_VECTORS = 64 };
enum { PCI_BUS_MASTER = 4 }; // in COMMAND
// Registers of the header that functions look at.
enum { PCI_SECONDARY = 0x19, PCI_SUBORDINATE = 0x1a, PCI_BRIDGE_CONTROL = 0x3e }; // of bridges
enum { PCI_COMMAND = 0x04, PCI_STATUS = 0x06, PCI_INTERFACE = 0x09, PCI_BAR_0 = 0x10, PCI_INTERRUPT_LINE = 0x3c };

// The lower bits of a base address register.
enum pci_bar_kind { PCI_MEMORY = 0, PCI_PORTS = 1, PCI_MEMORY_64 = 4, PCI_PREFETCHABLE = 8 };

struct area;
struct pci_bar {
    uint32_t bytes;            // a power of two: memory from 16 bytes on, ports from 4; 0: there is no such register
    uint8_t widths;            // enum bus_width, or-ed: of the registers there, which are space BAR_NUMBER of the chip
    uint8_t kind;              // enum pci_bar_kind, or-ed. One of 64 bits takes the next number too, which stays empty
    const struct area *memory; // it shows this area (of whole pages) instead of registers
};

// A capability, behind the others in the list. Its ID and the pointer to the next one are not part of the bytes.
struct pci_capability {
    uint8_t id, bytes;
    const uint8_t *initial, *writable; // what a reset sets, and which bits can be written
    uint8_t at;                        // where it is; 0: behind the one before
};

// Registers of a device's own that are not a store of any value, which those from 40H on are: what a reset sets, which
// bits can be written, and which are cleared by writing 1.
struct pci_register {
    uint8_t at, bytes;
    uint32_t initial, writable, clears;
};

// Interrupts as messages. vectors 0: none. MSI has one of 1, 2, 4, ... 32; of MSI-X the table and the pending bits lie
// in a base address register, over what else is there; the device need not know them.
struct pci_msi {
    uint8_t vectors, at; // at: the place of its capability; 0: behind the others
};
struct pci_msix {
    uint8_t vectors, at, bar;
    uint32_t table, pending; // offsets in it, multiples of 8
};

struct pci_identity {
    uint16_t vendor, device;
    uint8_t revision, class, subclass, interface;
    uint16_t command, status; // after a reset
    uint16_t subsystem_vendor, subsystem;
    uint8_t pin;    // 1 to 4: INTA to INTD; 0: it uses none
    uint8_t header; // header type: PCI_HEADER_MANY: the device has other functions
    bool express;
    struct pci_bar bar[PCI_BARS + 1];
    const struct pci_capability *capability;
    unsigned capabilities;
    const struct pci_register *registers;
    unsigned register_count;
    struct pci_msi msi;
    struct pci_msix msix;
    void (*config_written)(void *chip, unsigned first, unsigned size); // after a write, after a reset and after loading
};
enum { PCI_HEADER_MANY = 0x80, PCI_HEADER_BRIDGE = 1 };

// A vector of MSI-X: its entry in the table.
struct pci_vector {
    uint64_t address;
    uint32_t data, control;
};
struct pci_interrupts {
    struct pci_vector vector[PCI_VECTORS];
    uint64_t levels, pending; // a bit for each vector: the device asserts it; it waits for its mask to go
};

struct pci_function {
    uint8_t *config;                   // its PCI_CONFIG bytes of state
    struct pci_interrupts *interrupts; // state; NULL: it has none
    // wiring
    const struct pci_identity *identity;
    void *chip;
    const char *name, *id; // of its device, for people; NULL: a part of the plain board
    uint8_t place;                   // device number << 3 | function number
    uint8_t on_bus;                  // of struct pci
    uint16_t requester;              // bus << 8 | place
    uint32_t firmware[PCI_BARS + 1]; // the addresses that base address registers have after a reset
    unsigned region[PCI_BARS + 1];   // in the bus's maps
    unsigned msix_table, msix_pending;
    struct bus *bus;
    struct line intx; // its interrupt pin
    void (*message)(void *owner, uint16_t requester, uint64_t address, uint32_t data);
    void *owner;
    uint8_t msi_at, msix_at;      // of the capabilities; 0: none
    uint8_t writable[PCI_CONFIG]; // of what is owned
    uint8_t clears[PCI_CONFIG];
    uint8_t owned[PCI_CONFIG]; // the byte belongs to a capability or a register
};

// Puts the function's registers on the bus, switched off. `firmware` has the addresses for its base address registers.
void pci_function_init(struct pci_function *function, const struct device *device, void *chip);
void pci_function_reset(struct pci_function *function);
void pci_function_loaded(struct pci_function *function); // after its configuration space was loaded
void pci_function_write(struct pci_function *function, unsigned first, unsigned size, uint64_t value);
uint32_t pci_function_read(const struct pci_function *function, unsigned first, unsigned size);
// Where a base address register points; with PCI_ROM, the expansion ROM's.
uint64_t pci_function_base(const struct pci_function *function, unsigned number);
bool pci_function_answers(const struct pci_function *function, unsigned number); // whether its range does
void pci_function_set(struct pci_function *function, unsigned first, unsigned size, uint32_t value); // by the device

// pci_interrupt.c: the level of one of the function's interrupts. With MSI-X or MSI it is a message when it rises (of
// MSI the vector modulo what is granted), else the pin is asserted as long as any is.
void pci_interrupt(struct pci_function *function, unsigned vector, bool level);
bool pci_uses_messages(const struct pci_function *function); // MSI-X or MSI is switched on
bool pci_uses_msix(const struct pci_function *function);
// For function.c: capabilities, table and pending bits; what a write to configuration space changes.
void pci_interrupt_changed(struct pci_function *function);
void pci_interrupt_init(struct pci_function *function);
void pci_interrupt_place(struct pci_function *function, bool memory_on);
void pci_interrupt_reset(struct pci_function *function);

#endif

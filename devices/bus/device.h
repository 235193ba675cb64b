// A device is one file with one row. The row says how its registers are read and written, what its state is, how ACPI
// describes it, and for a kind that is made by `-device NAME,key=value` also its options, its function on PCI and what
// it claims. docs/internals/devices.md has the recipe.
#ifndef DEVICES_DEVICE_H
#define DEVICES_DEVICE_H
#include "cpu/state/state.h"
#include "devices/bus/dma.h"
#include "devices/bus/line.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aml;
struct area;
struct bus;
struct chipset;
struct clock;
struct device_host;
struct drive;
struct machine_file;
struct pci_function;
struct pci_identity;
struct picture;
struct slots;

// One option: `key=value` sets a member of the device's struct. What is typed wrongly is answered with "KEY is HELP".
enum device_option_type {
    OPTION_NUMBER, // decimal, or hexadecimal after 0x
    OPTION_POWER,  // a number that is a power of two
    OPTION_SIZE,   // a number with k, M or G for 2^10, 2^20, 2^30
    OPTION_SWITCH, // on or off
    OPTION_TEXT,   // an array of char; `most` is its longest text
};
struct device_option {
    const char *key, *value; // the value's name in help: PORT, BYTES
    uint8_t type;            // enum device_option_type
    uint32_t offset, bytes;  // of the member
    uint64_t standard, least, most;
    const char *help;
};
#define DEVICE_OPTION(type, member, value, kind, standard, least, most, help)                                          \
    { #member, value, OPTION_##kind, offsetof(type, member), sizeof(((type *)0)->member), standard, least, most, help }

struct device {
    const char *name;
    // `space` tells register blocks apart; offsets count from the block's start; size is in bytes and one of the widths
    // that the region allows, and offsets are aligned to it.
    uint64_t (*read)(void *chip, unsigned space, uint64_t offset, unsigned size);
    void (*write)(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value);
    void (*reset)(void *chip); // hardware reset
    const struct state_table *state;
    void (*describe)(const void *chip, struct aml *aml); // its objects in ACPI's name space; NULL: none
    // --- of a kind that -device makes ---
    const char *help;                   // what it is for, in a few words
    const char *alias;                  // another name for it; NULL: none
    bool fixed;                         // a part of a chipset: not by -device
    size_t bytes;                       // of its struct, which begins as zeros and with its options set
    const struct device_option *option; // rows
    unsigned options;
    const struct pci_identity *function; // NULL: it is on the ISA bus
    // Leaves it as firmware would, after a reset of a machine in which none runs; after its state was loaded.
    void (*firmware)(void *chip);
    void (*loaded)(void *chip);                    // the map and other wiring that follow from its state
    const struct area *(*shown)(const void *chip); // of a display: its memory
    // What a display shows at a cycle of the clock; NULL: it is none.
    bool (*picture)(const void *chip, uint64_t cycle, struct picture *picture);
    // Claims what it needs of the host. NULL: done; else what is wrong, in a few words.
    const char *(*create)(void *chip, struct device_host *host);
};

// The row of a device that -device makes. The build finds it by its beginning at the start of a line.
#define DEVICE(symbol)                                                                                                 \
    extern const struct device symbol##_device;                                                                        \
    const struct device symbol##_device

// What the board offers to one device that it makes. It stays as long as the device.
struct device_host {
    const struct device *device;
    void *chip;
    unsigned number;     // 0, 1, ... in the order of their making
    struct slots *slots; // what it can be plugged into, or offers to others: devices/bus/slot.h
    struct bus *bus;
    struct clock *clock;
    struct bus_master master; // for its DMA
    uint64_t seed;            // of what is random
    // Of a function on PCI: its identity, a copy that `create` may still change (sizes, memory that base address
    // registers show, numbers of vectors), and its configuration space (devices/pci/function.h).
    struct pci_identity *identity;
    struct pci_function *function;
    const struct device_place *place;
    struct chipset *chipset; // for its chips; NULL: the plain board has none
    unsigned intx;           // on the plain board: the interrupt input that its pin goes to
    void (*interrupt)(struct device_host *host, unsigned vector, bool level);
    bool (*add_bus)(struct device_host *host, bool single); // behind a bridge, named after its id
    void (*bus_numbers)(struct device_host *host);          // of buses have changed
    void (*set_line)(void *owner, unsigned input, bool level);
    void (*exit)(void *owner, uint32_t code);
    const struct machine_file *(*file)(void *owner, const char *name);
    const char *(*offer_file)(void *owner, const char *name, uint8_t *bytes, uint32_t count);
    struct drive *(*drive)(void *owner, const char *id, unsigned interface, unsigned index);
    bool (*boots)(void *owner, const struct pci_function *controller, uint32_t index, const char *path);
    void *owner;
};

void device_ports(struct device_host *host, unsigned space, uint16_t first, uint16_t count, unsigned widths);
unsigned device_registers(struct device_host *host, unsigned space, uint64_t base, uint64_t bytes, unsigned widths);
// An interrupt output that drives an input of the board: 0 to 15 are ISA IRQs, 16 to 23 pins of the I/O APIC alone.
// Several outputs to one input are or-ed, also those of other devices.
struct line device_line(struct device_host *host, unsigned input);
// The level of one of the interrupts of a function on PCI: MSI-X or MSI sends its message when it rises, else the pin
// is asserted as long as one of them is. What is an event and no level is a pulse: raised and taken back.
void device_interrupt(struct device_host *host, unsigned vector, bool level);
// Memory of its own, of zeros, which is state: hashed, and saved in checkpoints, snapshots and recordings. Its name is
// the device's own, or has the device's number or id in it: no two are alike. What read_only says holds for processors;
// where it is shown, their stores go to `space` of the chip. NULL: memory is short, or there are too many.
struct area *device_area(struct device_host *host, const char *name, uint64_t bytes, bool read_only);
// Before a store of `bytes` at `offset` of an area: where. NULL: it does not reach so far.
uint8_t *device_area_store(struct device_host *host, const struct area *area, uint64_t offset, uint64_t bytes);
// Shows whole pages of an area to processors from `base` on; then map_place of bus->memory moves them, and switches
// them off and on. The range's number. `priority`: enum map_priority.
struct area_view {
    uint64_t base, bytes, offset;
    uint8_t priority, space, widths; // of stores to what is read-only; no widths: they are lost
    bool off;
};
unsigned device_show(struct device_host *host, const struct area *area, const struct area_view *view);
// A file of the configuration (devices/board/config.h); NULL: it has none of this name.
const struct machine_file *device_file(struct device_host *host, const char *name);
// A file of the firmware configuration device that the guest may write: its bytes are the chip's state. NULL, or what
// is wrong.
const char *device_offers(struct device_host *host, const char *name, uint8_t *bytes, uint32_t count);
void device_exit(struct device_host *host, uint32_t code); // ends the run: machine_exit_code

// The drive of that name (-device ...,drive=ID), or the one that the configuration has at a place of an interface (enum
// drive_interface; -hda is place 0 of IDE), and it is the device's from now on. NULL: there is none, or another device
// has it (DEVICE_NO_DRIVE is what to say). See devices/disk/drive.h.
struct drive *device_drive(struct device_host *host, const char *id);
struct drive *device_drive_at(struct device_host *host, unsigned interface, unsigned index);
#define DEVICE_NO_DRIVE "drive is the id of a -drive that no other device has"

// Firmware is to try the device at this place of the order, and finds it by a path (OpenFirmware's, as QEMU has it)
// behind its controller's. NULL: done, or the option was not given; else what is wrong.
enum { DEVICE_BOOT_PATH = 32 };
const char *device_boots(struct device_host *host, const struct pci_function *controller, uint32_t bootindex,
                         const char *path);
#define DEVICE_NO_BOOTINDEX UINT32_MAX
#define DEVICE_BOOTINDEX(type)                                                                                         \
    DEVICE_OPTION(type, bootindex, "N", NUMBER, DEVICE_NO_BOOTINDEX, 0, INT32_MAX, "a number that no other device has")

// What every device can be told: its name, and of one on PCI where it is.
enum { DEVICE_NO_PLACE = 256, DEVICE_NAME = 32 };
struct device_place {
    char id[DEVICE_NAME];  // id=NAME
    char bus[DEVICE_NAME]; // bus=NAME; empty: the root's
    unsigned place;        // addr=DEVICE[.FUNCTION], hexadecimal: device number << 3 | function; DEVICE_NO_PLACE
    bool many;             // multifunction=on
};

bool device_has_option(const struct device *device, const char *key); // its own, or one that every device has
// Sets every option to its standard, then to what the text (key=value,key=value) says; a key may have no value: on.
// False, with one line in `error`: the text says something that cannot be had.
bool device_set_options(const struct device *device, void *chip, const char *text, struct device_place *place,
                        char *error, size_t error_size);

#endif

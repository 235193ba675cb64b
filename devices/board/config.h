// What a machine is made of: processors, memory, devices, and where what the guest sends goes. Plain data: a front end
// fills it.
#ifndef DEVICES_CONFIG_H
#define DEVICES_CONFIG_H
#include "cpu/state/model.h"
#include "devices/disk/drive.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MACHINE_SERIAL_PORTS = 4,
    MACHINE_CPUS = 64,    // at most
    MACHINE_DEVICES = 16, // at most
    MACHINE_DEVICE_TEXT = 256,
    MACHINE_DRIVES = 16, // at most
};

#define MACHINE_DRIVE_BYTES (8ull << 40) // of one image, at most
// The board: without a chipset of its own (a host bridge and an ISA bridge that do nothing), or as QEMU's machines of
// these names.
enum machine_kind { MACHINE_PLAIN, MACHINE_PC, MACHINE_Q35, MACHINE_KINDS };

struct machine_config {
    struct cpu_model model; // see cpu_model_parse
    uint64_t ram_bytes;     // a multiple of 4096, 1 MByte at least; what does not fit below 3 GBytes is above 4 GBytes
    uint32_t cpus;          // 1 to MACHINE_CPUS, taking turns in a fixed order
    uint32_t serial_ports;  // 0..4: COM1 (3F8H, IRQ 4), COM2 (2F8H, 3), COM3 (3E8H, 4), COM4 (2E8H, 3)
    uint64_t rtc_epoch;     // seconds since 1970-01-01 00:00 UTC at step 0
    uint64_t seed;          // of everything random (RDRAND, RDSEED)
    uint8_t machine;        // enum machine_kind
    uint32_t timing;        // what a step costs: 0 one cycle; else 1 + the index of a model (cpu/timing/model.h)
    uint16_t boot_order, boot_once; // of firmware: a nibble for each drive that it tries; boot_once: the first time
    bool boot_menu;                 // it asks
    bool bios_tick;                 // 8259s and 8254 as a BIOS leaves them, for programs that go to real mode
    // What is there beside the board's chips: "NAME,key=value,..." each, by machine_config_device.
    uint32_t devices;
    char device[MACHINE_DEVICES][MACHINE_DEVICE_TEXT];
    // Images for the disk controllers among them, and for the board's, by machine_config_drive.
    uint32_t drives;
    struct drive_config drive[MACHINE_DRIVES];
    // Files for the guest's firmware, which finds them by name (fw_cfg); those whose names begin with
    // MACHINE_BOARD_FILE are the board's own: images of firmware (devices/firmware/flash.h), texts for its tables. The
    // bytes are copied when a machine is made; the caller keeps them as long as the machine may be saved
    // (devices/snapshot).
    const struct machine_file *file;
    uint32_t files;
    // What the guest sends goes here.
    struct character_back serial[MACHINE_SERIAL_PORTS]; // of COM1..COM4
    struct character_back debug_console;                // written to port E9H or 402H
};

// Where RAM below 4 GBytes ends at most, and where below 4 GBytes devices may be.
uint64_t machine_config_low_limit(const struct machine_config *config);
uint64_t machine_config_window(const struct machine_config *config);
#define MACHINE_BOARD_FILE "board/"
// NULL: there is none of this name.
const struct machine_file *machine_config_file(const struct machine_config *config, const char *name);
// Whether the machine begins in firmware of its own, and not in what a loader puts into memory.
bool machine_config_has_firmware(const struct machine_config *config);

// One processor, 128 MBytes, one serial port, 2024-01-01 00:00 UTC. The model is left empty: fill it.
void machine_config_default(struct machine_config *config);

// Adds a device, as -device names it. False, with one line in `error`: there is none of this name, or an option is
// wrong.
bool machine_config_device(struct machine_config *config, const char *text, char *error, size_t error_size);
// Adds a drive. False, with one line in `error`: its name or its place is taken, or it cannot be had.
bool machine_config_drive(struct machine_config *config, const struct drive_config *drive, char *error,
                          size_t error_size);
// The rows of the kinds of devices that can be added; NULL past the last one.
struct device;
const struct device *machine_device_kind(unsigned index);

#endif

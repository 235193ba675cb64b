// One ATA or ATAPI device: its registers, its commands and its data, whatever controller it hangs on. ATA8-ACS
// (T13/1699-D revision 6a), ATA8-AAM for resets, SATA 3.0 for queued commands; the packets are MMC-6's.
//
// A controller writes the registers, gives commands, and does what a device asks of it through struct ata_link.
#ifndef DEVICES_ATA_H
#define DEVICES_ATA_H
#include "cpu/state/outcome.h"
#include "cpu/state/state.h"
#include "devices/disk/drive.h"
#include "devices/timer/clock.h"
#include <stdbool.h>
#include <stdint.h>

enum {
    ATA_SECTOR = 512,
    ATA_MULTIPLE = 16, // sectors of a DRQ data block, at most
    ATA_BUFFER = ATA_MULTIPLE * ATA_SECTOR,
    ATA_CHUNK = 128 << 10, // bytes that move by DMA at one moment, at most
    ATA_TAGS = 32,
    ATA_PACKET_BYTES = 12,
};

// The registers of the Command block: 1F0H to 1F7H on a PC. Features reads as Error, Command as Status.
enum ata_register {
    ATA_DATA,
    ATA_FEATURES,
    ATA_COUNT,
    ATA_LBA_LOW,
    ATA_LBA_MID,
    ATA_LBA_HIGH,
    ATA_DEVICE,
    ATA_COMMAND
};

#define ATA_ERR BIT(0) // Status
#define ATA_DRQ BIT(3)
#define ATA_SEEK BIT(4)
#define ATA_DF BIT(5)
#define ATA_DRDY BIT(6)
#define ATA_BSY BIT(7)
#define ATA_ABRT BIT(2) // Error
#define ATA_IDNF BIT(4)
#define ATA_UNC BIT(6)
#define ATA_DEVICE_ONE BIT(4) // Device
#define ATA_DEVICE_LBA BIT(6)
#define ATA_NIEN BIT(1) // Device Control
#define ATA_SRST BIT(2)
#define ATA_HOB BIT(7)

enum ata_phase {
    ATA_IDLE,
    ATA_WORKING,   // BSY: the timer runs until data are there or stored
    ATA_BLOCK_IN,  // DRQ: the host takes the buffer
    ATA_BLOCK_OUT, // DRQ: the host fills it
    ATA_PACKET,    // DRQ: the host sends the packet
    ATA_DMA,       // DRQ: the controller's DMA has not moved what it should
    ATA_ENDING,    // BSY: the timer runs until the command is done
    ATA_PHASES
};
enum ata_source {
    ATA_OF_BUFFER,
    ATA_OF_DRIVE,
    ATA_OF_DISC /* sectors of 2352 bytes, made from the drive's */,
    ATA_SOURCES
};

struct ata;

// What a controller does for a device.
struct ata_link {
    void *owner;
    // A block of data, or a packet, can be moved: ata_take, ata_give. `interrupt`: the device asks for one.
    void (*block)(void *owner, bool interrupt);
    void (*done)(void *owner, bool interrupt); // the command has ended, as Status says
    // Moves bytes between `data` and memory; how many were moved. Fewer than asked for: it cannot go on now, and calls
    // ata_resume when it can.
    uint32_t (*dma)(void *owner, unsigned tag, bool to_memory, void *data, uint32_t bytes);
    void (*queued)(void *owner, uint32_t done); // queued commands have ended: a bit for each tag; or, with ATA_ERR, one
};

struct ata_queued {
    uint64_t at;
    uint32_t left;
    uint8_t write;
};

struct ata {
    // architectural
    uint8_t reg[ATA_COMMAND], previous[ATA_COMMAND]; // by enum ata_register; Features is what was written
    uint8_t status, error, control;
    uint8_t interrupt; // INTRQ, not yet gated by nIEN
    uint8_t command;   // the last one
    uint8_t phase, source;
    uint8_t dma, write; // of the transfer
    uint64_t at, left;  // the next byte on the drive (or of the disc), and how many are to come
    uint32_t block;     // bytes of a DRQ data block, at most
    uint64_t ahead_at;  // the cycle at which the drive has read the block behind the one that the host takes
    uint32_t buffer_at, buffer_bytes;
    uint8_t buffer[ATA_BUFFER];
    // settings
    uint8_t multiple, write_cache, smart, transfer_mode, standby;
    uint8_t heads, sectors; // of the current translation
    // queued commands: SATA 3.0, 13.6
    struct ata_queued queue[ATA_TAGS];
    uint8_t order[ATA_TAGS], queued;        // tags in the order of their work, and how many
    uint8_t queue_failed;                   // none is taken before the log has been read, or a reset
    uint8_t log_tag, log_status, log_error; // NCQ Command Error log
    uint64_t log_sector;
    // of a packet device
    uint8_t packet[ATA_PACKET_BYTES];
    uint8_t sense_key, sense_code, sense_qualifier;
    uint8_t tray_open, locked, media_event, attention;
    // wiring
    bool packet_device, sata;
    char serial[21], model[41], version[9];
    struct ata_link link;
    struct drive *drive;
    struct clock *clock;
    unsigned timer;
    uint8_t bounce[ATA_CHUNK];
};
extern const struct state_table ata_state;

// --- for controllers ---
// Writes a register of the Command block (but Data and Command); the old value is kept for 48-bit commands.
void ata_write(struct ata *ata, unsigned reg, uint8_t value);
uint8_t ata_read(const struct ata *ata, unsigned reg); // but Data; what reading Status does besides is the controller's
void ata_control(struct ata *ata, uint8_t value);      // Device Control: SRST, HOB, nIEN
void ata_begin(struct ata *ata, uint8_t command);      // a command: it ends what runs
void ata_reset(struct ata *ata, bool power_on);        // SRST and COMRESET; power_on: the settings too
void ata_take(struct ata *ata, void *to, uint32_t bytes);         // from the block; zeros behind its end
void ata_give(struct ata *ata, const void *from, uint32_t bytes); // to it; what is behind its end is lost
uint32_t ata_room(const struct ata *ata);                         // bytes of the block that are still to be moved
void ata_resume(struct ata *ata);                                 // DMA can go on
static inline bool ata_asks(const struct ata *ata) { return ata->interrupt && !(ata->control & ATA_NIEN); }

// --- for devices ---
// Names and wiring. The drive may be NULL: an empty tray.
void ata_init(struct ata *ata, struct clock *clock, struct drive *drive, bool packet_device);

#endif

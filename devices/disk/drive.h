// A drive: an image of the host with what the guest wrote over it, as disk controllers see it. It has no registers: a
// controller asks for it by its name (-device ...,drive=ID) or by its place (-hda), says at a request what it will
// want, and moves the bytes when the time of the request's completion has come.
//
//     accept a request:  drive_want(d, at, bytes); clock_arm(clock, timer, clock_now(clock) + drive_cycles(...));
//     the timer fires:   drive_read(d, at, bytes, buffer); dma_write(...); the interrupt
//
// The times are a function of the request alone. What the host does may delay the run, and never decides it; when the
// host fails, the run ends with MACHINE_HOST_ERROR, and nothing that the controller does then is seen by anybody.
#ifndef DEVICES_DRIVE_H
#define DEVICES_DRIVE_H
#include "devices/bus/back_end.h"
#include "devices/disk/overlay.h"

enum { DRIVE_ID = 32, DRIVE_SERIAL = 21, DRIVE_IMAGE = 512, DRIVE_SECTOR = 512, DRIVE_CD_SECTOR = 2048 };

// Who takes the drive: the device that names it, or the board's controller of that kind.
enum drive_interface { DRIVE_NONE, DRIVE_IDE, DRIVE_VIRTIO, DRIVE_PFLASH, DRIVE_INTERFACES };

// A drive as the configuration has it.
struct drive_config {
    char id[DRIVE_ID];         // no other drive has it
    char serial[DRIVE_SERIAL]; // empty: the controller's own default
    char image[DRIVE_IMAGE];   // the file's name, to be told and found again
    uint8_t interface;         // enum drive_interface
    uint8_t index;             // its place there: of IDE bus * 2 + unit
    bool cdrom, read_only;
    uint64_t bytes;    // of the image's file
    uint64_t identity; // of its contents, as the front end makes it: another image is not taken for it
    struct block_back back;
};

// What lies in a CD-ROM drive: the configuration's image, another one, or nothing.
enum { DRIVE_MEDIA = 16, DRIVE_EMPTY = 255 };
#define DRIVE_MEDIUM_BYTES (1ull << 43) // at most
struct drive_medium {
    uint8_t number;           // 0: the configuration's; 1 to DRIVE_MEDIA: another one; DRIVE_EMPTY: none
    uint64_t bytes, identity; // of another one: whole sectors; as struct drive_config has it
    char name[DRIVE_IMAGE];   // of its file
};

// How its tray is told what somebody does in front of the machine.
enum drive_hand { DRIVE_OPENED /* and the disc taken out */, DRIVE_LOADED /* a disc, and closed */, DRIVE_PRESSED };
struct drive_tray {
    void *owner;
    bool (*locked)(const void *owner);
    void (*changed)(void *owner, enum drive_hand what);
};

struct drive {
    // architectural
    struct drive_medium medium;
    // counts, not hashed
    uint64_t reads, read_bytes, writes, written_bytes, flushes;
    // wiring
    struct drive_config config;
    uint64_t bytes; // of the configuration's image: whole sectors
    bool taken;     // a controller has it
    uint64_t hz;    // cycles a second
    struct overlay overlay;
    struct drive_tray tray; // of the device that has it, if its medium can be changed
    void (*fail)(void *owner, const char *text);
    void *owner;
};
extern const struct state_table drive_state;  // the counts
extern const struct state_table medium_state; // of a CD-ROM drive

// What controllers may ask.
static inline uint64_t drive_bytes(const struct drive *d) { return d->medium.number ? d->medium.bytes : d->bytes; }
static inline bool drive_read_only(const struct drive *d) { return d->config.read_only; }
static inline bool drive_removable(const struct drive *d) { return d->config.cdrom; } // a CD-ROM
static inline const char *drive_serial(const struct drive *d) { return d->config.serial; }
static inline const char *drive_id(const struct drive *d) { return d->config.id; }
static inline bool drive_has(const struct drive *d, uint64_t at, uint64_t bytes) {
    return at <= drive_bytes(d) && bytes <= drive_bytes(d) - at;
}

// Whole sectors of 512 bytes, all of them there (drive_has): else nothing is moved, and they are false. False as well
// when the host failed.
void drive_want(struct drive *drive, uint64_t at, uint64_t bytes);
bool drive_read(struct drive *drive, uint64_t at, uint64_t bytes, void *to);
bool drive_write(struct drive *drive, uint64_t at, uint64_t bytes, const void *from);
bool drive_zero(struct drive *drive, uint64_t at, uint64_t bytes);
bool drive_flush(struct drive *drive);

// How long a request takes, in cycles (drive_time.c has the formula). Controllers that work on several requests at once
// begin each when the one before is done.
enum drive_work { DRIVE_READS, DRIVE_WRITES, DRIVE_FLUSHES };
uint64_t drive_cycles(const struct drive *drive, enum drive_work work, uint64_t bytes);

// --- medium.c: who stands in front of the drive. False: its medium cannot be changed. ---
bool drive_is_locked(const struct drive *drive);                           // the guest does not let the tray be opened
bool drive_change(struct drive *drive, const struct drive_medium *medium); // locked or not
bool drive_press(struct drive *drive); // the button: the guest is told of it, and may open the tray
// As the data of an input, and how many bytes; false: nothing that could lie in a drive.
enum { DRIVE_MEDIUM_DATA = 16 + DRIVE_IMAGE, DRIVE_BUTTON = 256 /* instead of a number: it is pressed */ };
unsigned drive_medium_put(const struct drive_medium *medium, uint8_t data[DRIVE_MEDIUM_DATA]);
bool drive_medium_take(struct drive_medium *medium, uint64_t number, const uint8_t *data, uint32_t bytes);

// --- for the board ---
// False: memory is short.
bool drive_init(struct drive *drive, const struct drive_config *config, struct memory *memory, uint64_t hz);
void drive_free(struct drive *drive);

#endif

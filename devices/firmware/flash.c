// Flash memory with the basic (Intel) command set, as QEMU's cfi.pflash01 has it: JEDEC JEP137 (0001H), JESD68 (common
// flash interface), Intel 28F320 data sheet. Its array is an area, which processors read at memory's speed as long as
// the chip is in read-array mode; a store is a command, and switches to registers until the next Read Array.
// Programming and erasing are done at once: the status is always ready. Where a real chip and QEMU's differ it is as
// QEMU's: programming stores the value, although a cell can only be cleared; block locks are accepted and do not lock;
// identifier codes are 0. NOT IMPLEMENTED: several chips side by side; suspending; protection registers.
#include "devices/firmware/flash.h"
#include "devices/bus/memory.h"
#include "devices/disk/drive.h"
#include "cpu/state/outcome.h"
#include <stdio.h>
#include <string.h>

enum flash_command {
    READ_ARRAY = 0xff,
    READ_IDENTIFIER = 0x90,
    READ_QUERY = 0x98,
    READ_STATUS = 0x70,
    CLEAR_STATUS = 0x50,
    PROGRAM = 0x40,
    PROGRAM_ALTERNATE = 0x10,
    ERASE_BLOCK = 0x20,
    WRITE_BUFFER = 0xe8,
    LOCK = 0x60,
    CONFIRM = 0xd0,
    SET_LOCK = 0x01,
};
enum { READY = 0x80, ERASE_FAILED = 0x20, PROGRAM_FAILED = 0x10 };
enum flash_cycle { FIRST, SECOND, DATA, LAST }; // of a command's bus cycles: which comes next
enum { BLOCK_BYTES = 4096, BUFFER_BYTES = 256, LOG_BUFFER = 8, QUERY_BYTES = 0x52, UNITS = 2 };
enum { SPACE_ARRAY, SPACE_REGISTERS };
#define TOP 0x100000000ull // where the first unit ends

struct flash {
    uint8_t command, cycle, status;
    uint16_t left; // words of a buffered write that are still to come
    // wiring
    uint8_t unit;
    struct drive *drive; // the image, which follows what the array becomes
    struct area *area;
    uint64_t base;
    unsigned array, registers; // ranges of the map, one of which is on
    struct device_host *host;
};

static bool possible(const void *chip) {
    const struct flash *f = chip;
    return f->cycle <= LAST;
}
static const struct state_field fields[] = {STATE_ONE(struct flash, command), STATE_ONE(struct flash, cycle),
                                            STATE_ONE(struct flash, status), STATE_ONE(struct flash, left)};
static const struct state_table flash_state = STATE_TABLE("flash", fields, possible);

static const struct device_option options[] = {
    DEVICE_OPTION(struct flash, unit, "N", NUMBER, 0, 0, UNITS - 1, "0, below 4 GBytes, or 1, below that"),
};

// --- the common flash interface's answers ---

// One region of equal blocks; times and voltages are those of a chip that never waits.
static uint8_t query(const struct flash *f, uint64_t at) {
    const uint32_t blocks = (uint32_t)(f->area->bytes / BLOCK_BYTES) - 1;
    const uint8_t table[QUERY_BYTES] = {
        [0x10] = 'Q',
        'R',
        'Y',
        1,
        0,
        0x31,
        0, // the command set; where its own table begins
        [0x1b] = 0x45,
        0x55,
        0,
        0,
        7,
        7,
        10,
        0,
        4,
        4,
        4,
        0,
        [0x27] = (uint8_t)(63 - __builtin_clzll(f->area->bytes)),
        [0x28] = 2,
        0,
        LOG_BUFFER,
        0,
        [0x2c] = 1,
        (uint8_t)blocks,
        (uint8_t)(blocks >> 8),
        (uint8_t)(BLOCK_BYTES >> 8),
        BLOCK_BYTES >> 16,
        [0x31] = 'P',
        'R',
        'I',
        '1',
        '0',
        [0x3f] = 1, // protection fields
    };
    return at < QUERY_BYTES ? table[at] : 0;
}

// --- reading ---

static uint64_t from_array(const struct flash *f, uint64_t offset, unsigned size) {
    uint64_t value = 0;
    memcpy(&value, f->area->data + offset, size);
    return value;
}

static uint64_t flash_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    const struct flash *f = chip;
    (void)space;
    switch (f->command) {
    case READ_ARRAY: return from_array(f, offset, size);
    case READ_IDENTIFIER: return 0;
    case READ_QUERY: return query(f, offset & 0xff);
    default: return f->status;
    }
}

// --- modes ---

static void show(struct flash *f) {
    bool array = f->command == READ_ARRAY;
    map_place(&f->host->bus->memory, f->array, f->base, array);
    map_place(&f->host->bus->memory, f->registers, f->base, !array);
}

static void read_array(struct flash *f) {
    f->command = READ_ARRAY;
    f->cycle = FIRST;
}

// --- storing ---

// The array has changed: so does the image, in whole sectors.
static void stored(struct flash *f, uint64_t offset, uint64_t bytes) {
    uint64_t first = offset & ~(uint64_t)(DRIVE_SECTOR - 1), end = offset + bytes + DRIVE_SECTOR - 1;
    end &= ~(uint64_t)(DRIVE_SECTOR - 1);
    (void)drive_write(f->drive, first, end - first, f->area->data + first);
}

static void program(struct flash *f, uint64_t offset, unsigned size, uint64_t value) {
    if (drive_read_only(f->drive)) {
        f->status |= PROGRAM_FAILED;
        return;
    }
    memcpy(device_area_store(f->host, f->area, offset, size), &value, size);
    stored(f, offset, size);
}

static void erase(struct flash *f, uint64_t offset) {
    uint64_t block = offset & ~(uint64_t)(BLOCK_BYTES - 1);
    f->status |= READY;
    if (drive_read_only(f->drive)) {
        f->status |= ERASE_FAILED;
        return;
    }
    memset(device_area_store(f->host, f->area, block, BLOCK_BYTES), 0xff, BLOCK_BYTES);
    stored(f, block, BLOCK_BYTES);
}

// --- commands ---

static void first_cycle(struct flash *f, uint64_t offset, uint8_t command) {
    f->command = command;
    switch (command) {
    case PROGRAM:
    case PROGRAM_ALTERNATE:
    case LOCK: f->cycle = SECOND; return;
    case ERASE_BLOCK:
        erase(f, offset);
        f->cycle = SECOND;
        return;
    case WRITE_BUFFER:
        f->status |= READY;
        f->cycle = SECOND;
        return;
    case READ_STATUS:
    case READ_IDENTIFIER:
    case READ_QUERY: return;
    case CLEAR_STATUS: f->status = 0; break;
    default: break;
    }
    read_array(f);
}

// What follows Erase Block and Lock: the confirmation, or something wrong.
static void confirm(struct flash *f, bool good) {
    if (good) {
        f->cycle = FIRST;
        f->status |= READY;
    } else {
        read_array(f);
    }
}

static void second_cycle(struct flash *f, uint64_t offset, unsigned size, uint64_t value) {
    uint8_t byte = (uint8_t)value;
    switch (f->command) {
    case ERASE_BLOCK: confirm(f, byte == CONFIRM); break;
    case LOCK: confirm(f, byte == CONFIRM || byte == SET_LOCK); break;
    case WRITE_BUFFER:
        f->left = (uint16_t)(value % BUFFER_BYTES);
        f->cycle = DATA;
        break;
    default:
        program(f, offset, size, value);
        f->status |= READY;
        f->cycle = FIRST;
        break;
    }
}

static void flash_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    struct flash *f = chip;
    (void)space;
    switch (f->cycle) {
    case FIRST: first_cycle(f, offset, (uint8_t)value); break;
    case SECOND: second_cycle(f, offset, size, value); break;
    case DATA:
        program(f, offset, size, value);
        f->status |= READY;
        if (!f->left--) f->cycle = LAST;
        break;
    default: confirm(f, (uint8_t)value == CONFIRM); break;
    }
    show(f);
}

// --- life ---

static void flash_reset(void *chip) {
    struct flash *f = chip;
    read_array(f);
    f->status = 0;
    f->left = 0;
    show(f);
}

static void flash_loaded(void *chip) { show(chip); }

// Below 4 GBytes; the second unit below the first, which is made before it. 0: it is not there.
static uint64_t place_of(const struct flash *f, const struct memory *memory) {
    if (!f->unit) return TOP - f->area->bytes;
    const struct area *first = memory_area(memory, FLASH_AREA_0);
    return first ? TOP - first->bytes - f->area->bytes : 0;
}

static void put_on_map(struct flash *f, struct device_host *host) {
    const struct area_view view = {.base = f->base,
                                   .bytes = f->area->bytes,
                                   .priority = PRIORITY_CHIP,
                                   .space = SPACE_ARRAY,
                                   .widths = WIDTH_1 | WIDTH_2 | WIDTH_4};
    f->array = device_show(host, f->area, &view);
    f->registers = device_registers(host, SPACE_REGISTERS, f->base, f->area->bytes, WIDTH_1 | WIDTH_2 | WIDTH_4);
}

static const char *flash_create(void *chip, struct device_host *host) {
    enum { MOST_BYTES = 8 << 20 };
    struct flash *f = chip;
    const char *why;
    f->host = host;
    f->drive = device_drive_at(host, DRIVE_PFLASH, f->unit);
    if (!f->drive) return "it needs an image; give it with -drive if=pflash,format=raw,file=FILE";
    uint64_t bytes = f->drive->config.bytes;
    if (!bytes || bytes % BLOCK_BYTES || bytes > MOST_BYTES)
        return "the image must be a multiple of 4096 bytes, and at most 8 MBytes";
    f->area = device_area(host, f->unit ? FLASH_AREA_1 : FLASH_AREA_0, bytes, true);
    if (!f->area) return "there is one at this unit already, or memory is short";
    const struct block_back *back = &f->drive->config.back;
    why = back->read(back->context, 0, bytes, device_area_store(host, f->area, 0, bytes));
    if (why) return why;
    if (!(f->base = place_of(f, host->master.memory))) return "there is no flash at unit 0";
    put_on_map(f, host);
    if (!f->unit) rom_show_low(host, f->area);
    return NULL;
}

DEVICE(flash) = {.name = "cfi.pflash01",
                 .help = "flash memory for firmware; made by -drive if=pflash",
                 .read = flash_read,
                 .write = flash_write,
                 .reset = flash_reset,
                 .loaded = flash_loaded,
                 .state = &flash_state,
                 .bytes = sizeof(struct flash),
                 .option = options,
                 .options = sizeof options / sizeof *options,
                 .create = flash_create};

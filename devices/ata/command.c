// The bodies of ATA commands: ATA8-ACS clause 7. What SMART and the logs say is smart.c, IDENTIFY identify.c.
//
// NOT IMPLEMENTED: security, host protected area (but READ NATIVE MAX ADDRESS), streams, microcode. SLEEP is STANDBY:
// the next command wakes the drive. What is trimmed keeps its contents.
#include "devices/ata/command.h"
#include "devices/ata/ata_private.h"
#include <string.h>

// --- addresses ---
uint64_t ata_sector_48(const struct ata *a) {
    const uint8_t *r = a->reg, *p = a->previous;
    uint64_t high = (uint64_t)p[ATA_LBA_HIGH] << 16 | (uint64_t)p[ATA_LBA_MID] << 8 | p[ATA_LBA_LOW];
    return high << 24 | (uint64_t)r[ATA_LBA_HIGH] << 16 | (uint64_t)r[ATA_LBA_MID] << 8 | r[ATA_LBA_LOW];
}

// Cylinder, head and sector: ATA-5, 6.2. Sector 0 there is none.
static uint64_t sector_of_place(const struct ata *a) {
    unsigned cylinder = a->reg[ATA_LBA_HIGH] << 8 | a->reg[ATA_LBA_MID], head = a->reg[ATA_DEVICE] & 15;
    unsigned sector = a->reg[ATA_LBA_LOW];
    if (!sector || sector > a->sectors || head >= a->heads) return ~0ull;
    return ((uint64_t)cylinder * a->heads + head) * a->sectors + sector - 1;
}

static uint64_t sector_28(const struct ata *a) {
    if (!(a->reg[ATA_DEVICE] & ATA_DEVICE_LBA)) return sector_of_place(a);
    return (uint64_t)(a->reg[ATA_DEVICE] & 15) << 24 | (uint64_t)a->reg[ATA_LBA_HIGH] << 16 |
           (uint64_t)a->reg[ATA_LBA_MID] << 8 | a->reg[ATA_LBA_LOW];
}

static uint64_t first_sector(const struct ata *a, const struct ata_row *row) {
    return row->protocol & BITS_48 ? ata_sector_48(a) : sector_28(a);
}

static uint32_t sector_count(const struct ata *a, const struct ata_row *row) {
    uint32_t count = a->reg[ATA_COUNT];
    if (!(row->protocol & BITS_48)) return count ? count : 0x100;
    count |= (uint32_t)a->previous[ATA_COUNT] << 8;
    return count ? count : 0x10000;
}

static void put_sector(struct ata *a, uint64_t sector, bool bits_48) {
    uint8_t *r = a->reg, *p = a->previous;
    for (unsigned i = 0; i < 3; i++) {
        r[ATA_LBA_LOW + i] = (uint8_t)(sector >> 8 * i);
        p[ATA_LBA_LOW + i] = (uint8_t)(bits_48 ? sector >> (24 + 8 * i) : 0);
    }
    if (!bits_48) r[ATA_DEVICE] = (uint8_t)((r[ATA_DEVICE] & 0xf0) | (unsigned)(sector >> 24 & 15));
}

uint64_t ata_sectors(const struct ata *a) { return drive_bytes(a->drive) / ATA_SECTOR; }

static bool there(const struct ata *a, uint64_t sector, uint64_t count) {
    return sector < ata_sectors(a) && count <= ata_sectors(a) - sector;
}

// A command for a disk that a packet device has as well, to say what it is: 7.18 for READ SECTOR(S).
static bool refused(struct ata *a) {
    if (!a->packet_device) return false;
    ata_signature(a);
    ata_fail(a, ATA_ABRT);
    return true;
}

// --- data ---
void command_transfer(struct ata *a, const struct ata_row *row) {
    uint64_t sector;
    uint32_t count = sector_count(a, row), block = row->protocol & BLOCKS ? a->multiple : 1;
    unsigned protocol = row->protocol & PROTOCOLS;
    bool write = protocol == PIO_OUT || protocol == DMA_OUT;
    if (refused(a)) return;
    sector = first_sector(a, row);
    if (!block || (write && drive_read_only(a->drive)))
        ata_fail(a, ATA_ABRT);
    else if (!there(a, sector, count))
        ata_fail(a, ATA_IDNF);
    else
        ata_move(a, ATA_OF_DRIVE, write, sector * ATA_SECTOR, (uint64_t)count * ATA_SECTOR, block * ATA_SECTOR);
}

void command_verify(struct ata *a, const struct ata_row *row) {
    uint32_t count = sector_count(a, row);
    if (there(a, first_sector(a, row), count))
        ata_end_after(a, drive_cycles(a->drive, DRIVE_READS, (uint64_t)count * ATA_SECTOR));
    else
        ata_fail(a, ATA_IDNF);
}

void command_flush(struct ata *a, const struct ata_row *row) {
    (void)row;
    if (!a->drive) {
        ata_done(a);
        return;
    }
    a->write = 1; // what the end does: transfer.c
    ata_end_after(a, drive_cycles(a->drive, DRIVE_FLUSHES, 0));
}

// Ranges of sectors that need not be kept, each 48 bits of address and 16 of count: 7.5.
enum { TRIM = 1, TRIM_BLOCKS = 8 };
void command_data_set_management(struct ata *a, const struct ata_row *row) {
    uint32_t blocks = sector_count(a, row);
    if (a->reg[ATA_FEATURES] != TRIM || blocks > TRIM_BLOCKS || drive_read_only(a->drive))
        ata_fail(a, ATA_ABRT);
    else
        ata_receive(a, blocks * ATA_SECTOR);
}

static void trim(struct ata *a) {
    for (uint32_t i = 0; i < a->buffer_bytes; i += 8) {
        uint64_t range;
        memcpy(&range, a->buffer + i, sizeof range);
        if (range >> 48 && !there(a, range & BITS(47, 0), range >> 48)) {
            ata_fail(a, ATA_IDNF);
            return;
        }
    }
    ata_done(a);
}

void ata_received(struct ata *a) {
    if (a->command == COMMAND_PACKET)
        packet_received(a);
    else
        trim(a);
}

// --- what the device is ---
void command_identify(struct ata *a, const struct ata_row *row) {
    enum { IDENTIFY_DEVICE = 0xec };
    (void)row;
    if (a->command == IDENTIFY_DEVICE && refused(a)) return;
    memset(a->buffer, 0, ATA_SECTOR);
    ata_identify(a, a->buffer);
    ata_send(a, ATA_SECTOR, ATA_SECTOR);
}

void command_read_native_max(struct ata *a, const struct ata_row *row) {
    bool bits_48 = row->protocol & BITS_48;
    uint64_t last = ata_sectors(a) - 1;
    put_sector(a, bits_48 || last <= BITS(27, 0) ? last : BITS(27, 0), bits_48);
    ata_done(a);
}

void command_read_log(struct ata *a, const struct ata_row *row) {
    unsigned page = a->reg[ATA_LBA_MID] | a->previous[ATA_LBA_MID] << 8, count = sector_count(a, row);
    memset(a->buffer, 0, ATA_SECTOR);
    if (count == 1 && ata_log_page(a, a->reg[ATA_LBA_LOW], page, a->buffer))
        ata_send(a, ATA_SECTOR, ATA_SECTOR);
    else
        ata_fail(a, ATA_ABRT);
}

// --- settings ---
void command_set_multiple(struct ata *a, const struct ata_row *row) {
    unsigned n = a->reg[ATA_COUNT];
    (void)row;
    if (n > ATA_MULTIPLE || (n & (n - 1))) {
        ata_fail(a, ATA_ABRT);
        return;
    }
    a->multiple = (uint8_t)n;
    ata_done(a);
}

void command_device_parameters(struct ata *a, const struct ata_row *row) {
    (void)row;
    a->heads = (uint8_t)((a->reg[ATA_DEVICE] & 15) + 1);
    a->sectors = a->reg[ATA_COUNT];
    ata_done(a);
}

// Table 60: the features that QEMU's disk has, most of which change nothing here.
void command_set_features(struct ata *a, const struct ata_row *row) {
    enum { WRITE_CACHE_ON = 0x02, TRANSFER_MODE = 0x03, WRITE_CACHE_OFF = 0x82 };
    static const uint8_t accepted[] = {WRITE_CACHE_ON,  TRANSFER_MODE, 0x05, 0x42, 0x55, 0x66,
                                       WRITE_CACHE_OFF, 0x85,          0xaa, 0xc2, 0xcc};
    uint8_t feature = a->reg[ATA_FEATURES], mode = a->reg[ATA_COUNT];
    (void)row;
    bool good = memchr(accepted, feature, sizeof accepted) && (feature != TRANSFER_MODE || ata_has_mode(mode));
    if (!good || (a->packet_device && feature != TRANSFER_MODE)) {
        ata_fail(a, ATA_ABRT);
        return;
    }
    if (feature == TRANSFER_MODE && mode >> 3 >= 4) a->transfer_mode = mode;
    if (feature == WRITE_CACHE_ON || feature == WRITE_CACHE_OFF) a->write_cache = feature == WRITE_CACHE_ON;
    ata_done(a);
}

// --- power ---
void command_standby(struct ata *a, const struct ata_row *row) {
    (void)row;
    a->standby = 1;
    ata_done(a);
}

void command_wake(struct ata *a, const struct ata_row *row) {
    (void)row;
    a->standby = 0;
    ata_done(a);
}

void command_check_power(struct ata *a, const struct ata_row *row) {
    (void)row;
    a->reg[ATA_COUNT] = a->standby ? 0 : 0xff;
    ata_done(a);
}

// --- the others ---
void command_nop(struct ata *a, const struct ata_row *row) {
    (void)row;
    ata_fail(a, ATA_ABRT); // 7.24: always
}

void command_nothing(struct ata *a, const struct ata_row *row) {
    (void)row;
    ata_done(a);
}

void command_diagnostic(struct ata *a, const struct ata_row *row) {
    (void)row;
    a->reg[ATA_DEVICE] = 0;
    ata_done(a);
    ata_signature(a);
}

// It ends what runs, and its own end is told by no interrupt: 7.6.
void command_device_reset(struct ata *a, const struct ata_row *row) {
    (void)row;
    uint8_t device = a->reg[ATA_DEVICE] & ATA_DEVICE_ONE;
    ata_idle(a);
    ata_signature(a);
    a->reg[ATA_DEVICE] = device;
    a->link.done(a->link.owner, false);
}

void command_packet(struct ata *a, const struct ata_row *row) {
    (void)row;
    packet_begin(a);
}

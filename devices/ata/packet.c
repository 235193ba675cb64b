// Packets: how they come, what keeps one from being done, and the commands that read the disc. ATA8-ACS 7.18 and 7.19,
// ATA8-APT 11.9; MMC-6. The replies that are made up are packet_reply.c.
//
// NOT IMPLEMENTED: audio, multi-session discs, writing, DVD structures; of READ CD, sectors in parts (the data alone,
// or all 2352 bytes, without error correction codes). A DRQ data block of fewer than 512 bytes of a disc is refused.
#include "devices/ata/packet.h"
#include "devices/ata/command.h"
#include <string.h>

static const struct packet_row {
    void (*body)(struct ata *ata);
    uint8_t flags;
} rows[256] = {
#define PACKET_ROW(code, name, flags, body) [code] = {packet_##body, flags},
#include "devices/ata/packet.def"
};

// In the registers when a packet device asks or ends: Interrupt Reason.
enum { REASON_PACKET = 1, REASON_TO_HOST = 2, REASON_DONE = 3 };

void packet_power_on(struct ata *a) {
    memset(a->packet, 0, sizeof a->packet);
    a->sense_key = a->sense_code = a->sense_qualifier = 0;
    a->tray_open = a->locked = a->media_event = a->attention = 0;
}

// --- ends ---
void packet_end(struct ata *a) {
    a->reg[ATA_COUNT] = REASON_DONE;
    ata_done(a);
}

static void set_sense(struct ata *a, unsigned key, unsigned sense) {
    a->sense_key = (uint8_t)key;
    a->sense_code = (uint8_t)(sense >> 8);
    a->sense_qualifier = (uint8_t)sense;
}

void packet_fail(struct ata *a, unsigned key, enum sense sense) {
    set_sense(a, key, sense);
    a->reg[ATA_COUNT] = REASON_DONE;
    ata_fail(a, (uint8_t)(key << 4));
}

// --- data ---
void packet_block(struct ata *a) {
    a->reg[ATA_COUNT] = a->phase == ATA_BLOCK_IN ? REASON_TO_HOST : 0;
    ata_put16(&a->reg[ATA_LBA_MID], a->buffer_bytes);
}

// The byte count limit: of an odd one, one byte less, unless everything fits.
static uint32_t limit(const struct ata *a, uint64_t bytes) {
    uint32_t l = a->reg[ATA_LBA_MID] | (uint32_t)a->reg[ATA_LBA_HIGH] << 8;
    if (l == 0xffff) l--;
    if (l > ATA_BUFFER) l = ATA_BUFFER;
    return bytes <= l ? l : l & ~1u;
}

void packet_reply(struct ata *a, uint32_t bytes, uint32_t allowed) {
    if (bytes > allowed) bytes = allowed;
    if (!bytes)
        packet_end(a);
    else if (a->dma || limit(a, bytes))
        ata_send(a, bytes, limit(a, bytes));
    else
        packet_fail(a, ILLEGAL_REQUEST, INVALID_FIELD);
}

bool packet_has_disc(const struct ata *a) { return a->drive && !a->tray_open && drive_bytes(a->drive) >= DISC_SECTOR; }

uint32_t packet_disc_sectors(const struct ata *a) {
    uint64_t n = packet_has_disc(a) ? drive_bytes(a->drive) / DISC_SECTOR : 0;
    return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static void move(struct ata *a, uint64_t sector, uint64_t count, bool raw) {
    uint64_t each = raw ? DISC_RAW : DISC_SECTOR;
    uint32_t block = limit(a, count * each);
    if (!raw) block &= ~(uint32_t)(ATA_SECTOR - 1);
    if (sector > packet_disc_sectors(a) || count > packet_disc_sectors(a) - sector)
        packet_fail(a, ILLEGAL_REQUEST, BLOCK_OUT_OF_RANGE);
    else if (!count)
        packet_end(a);
    else if (!a->dma && !block)
        packet_fail(a, ILLEGAL_REQUEST, INVALID_FIELD);
    else
        ata_move(a, raw ? ATA_OF_DISC : ATA_OF_DRIVE, false, sector * each, count * each, block);
}

// A sector of 2352 bytes, mode 1: synchronisation, its place, the mode, the data; what corrects errors is left zero.
static void raw_sector(struct ata *a, uint32_t sector, uint8_t *to) {
    memset(to, 0, DISC_RAW);
    memset(to + 1, 0xff, 10);
    packet_put_msf(to + 12, sector + DISC_LEAD_IN);
    to[15] = 1;
    (void)drive_read(a->drive, (uint64_t)sector * DISC_SECTOR, DISC_SECTOR, to + 16);
}

void packet_fill(struct ata *a, uint8_t *to, uint32_t bytes) {
    uint8_t sector[DISC_RAW];
    for (uint64_t at = a->at; bytes;) {
        uint32_t offset = (uint32_t)(at % DISC_RAW), n = DISC_RAW - offset;
        if (n > bytes) n = bytes;
        raw_sector(a, (uint32_t)(at / DISC_RAW), sector);
        memcpy(to, sector + offset, n);
        to += n, at += n, bytes -= n;
    }
}

// --- a packet ---
void packet_begin(struct ata *a) {
    enum { FEATURE_DMA = 1, FEATURE_OVERLAPPED = 2 };
    if (a->reg[ATA_FEATURES] & FEATURE_OVERLAPPED) {
        ata_fail(a, ATA_ABRT);
        return;
    }
    a->dma = a->reg[ATA_FEATURES] & FEATURE_DMA;
    a->reg[ATA_COUNT] = REASON_PACKET;
    ata_ask_packet(a);
}

static bool hindered(struct ata *a, const struct packet_row *r) {
    if (r->flags & ALWAYS) return false;
    if (a->attention) {
        a->attention = 0;
        packet_fail(a, UNIT_ATTENTION, MEDIUM_CHANGED);
    } else if (r->flags & DISC && !packet_has_disc(a)) {
        packet_fail(a, NOT_READY, a->tray_open ? NO_MEDIUM_TRAY_OPEN : NO_MEDIUM_TRAY_CLOSED);
    } else {
        return false;
    }
    return true;
}

// With the packet, or when the data that it wanted of the host are there: nothing of MODE SELECT's can be changed.
void packet_received(struct ata *a) {
    enum { REQUEST_SENSE = 3 };
    const struct packet_row *r = &rows[a->packet[0]];
    if (a->phase != ATA_PACKET) {
        packet_end(a);
        return;
    }
    a->buffer_at = a->buffer_bytes = 0;
    if (a->packet[0] != REQUEST_SENSE) set_sense(a, 0, 0);
    if (!r->body)
        packet_fail(a, ILLEGAL_REQUEST, INVALID_OPERATION_CODE);
    else if (!hindered(a, r))
        r->body(a);
}

void packet_nothing(struct ata *a) { packet_end(a); }

// --- what reads the disc ---
void packet_read(struct ata *a) {
    bool long_count = a->packet[0] == 0xa8;
    move(a, ata_get_big(a->packet + 2, 4), ata_get_big(a->packet + (long_count ? 6 : 7), long_count ? 4 : 2), false);
}

void packet_seek(struct ata *a) { move(a, ata_get_big(a->packet + 2, 4), 0, false); }

static void read_cd(struct ata *a, uint64_t sector, uint64_t count) {
    enum { NOTHING = 0, USER_DATA = 0x10, ALL = 0xf8 };
    unsigned parts = a->packet[9] & 0xf8;
    if (parts == NOTHING || parts == USER_DATA || parts == ALL)
        move(a, sector, parts == NOTHING ? 0 : count, parts == ALL);
    else
        packet_fail(a, ILLEGAL_REQUEST, INVALID_FIELD);
}

void packet_read_cd(struct ata *a) { read_cd(a, ata_get_big(a->packet + 2, 4), ata_get_big(a->packet + 6, 3)); }

// From one minute, second and frame to another, which is not read.
void packet_read_cd_msf(struct ata *a) {
    const uint8_t *p = a->packet;
    int64_t from = (p[3] * 60 + p[4]) * 75 + p[5] - DISC_LEAD_IN, to = (p[6] * 60 + p[7]) * 75 + p[8] - DISC_LEAD_IN;
    if (from < 0 || to < from)
        packet_fail(a, ILLEGAL_REQUEST, BLOCK_OUT_OF_RANGE);
    else
        read_cd(a, (uint64_t)from, (uint64_t)(to - from));
}

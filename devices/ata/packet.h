// Packet devices: what the rows of packet.def need.
#ifndef DEVICES_PACKET_H
#define DEVICES_PACKET_H
#include "devices/ata/ata_private.h"

enum packet_flags { DISC = 1, ALWAYS = 2 };
enum { DISC_SECTOR = 2048, DISC_RAW = 2352, DISC_LEAD_IN = 150 /* sectors before the first one */ };

// Sense keys, and additional sense codes with their qualifiers: MMC-6 Annex F.
enum { NOT_READY = 2, ILLEGAL_REQUEST = 5, UNIT_ATTENTION = 6 };
enum sense {
    INVALID_OPERATION_CODE = 0x2000,
    BLOCK_OUT_OF_RANGE = 0x2100,
    INVALID_FIELD = 0x2400,
    MEDIUM_CHANGED = 0x2800,
    SAVING_NOT_SUPPORTED = 0x3900,
    NO_MEDIUM_TRAY_CLOSED = 0x3a01,
    NO_MEDIUM_TRAY_OPEN = 0x3a02,
    REMOVAL_PREVENTED = 0x5302,
};
void packet_fail(struct ata *ata, unsigned key, enum sense sense);
// Sends the first `bytes` of the buffer, or as many as are allowed.
void packet_reply(struct ata *ata, uint32_t bytes, uint32_t allowed);
bool packet_has_disc(const struct ata *ata);
uint32_t packet_disc_sectors(const struct ata *ata);
void packet_put_msf(uint8_t *to, uint32_t sector); // minute, second, frame

#define PACKET_ROW(code, name, flags, body) void packet_##body(struct ata *ata);
#include "devices/ata/packet.def"

#endif

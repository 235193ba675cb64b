// What a CD-ROM drive says of itself and of its disc: MMC-6 clauses 6 and 7. One session, one data track.
#include "devices/ata/packet.h"
#include <string.h>

enum { LEAD_OUT = 0xaa, DATA_TRACK = 0x14 /* ADR 1, control: data, not to be copied */ };
enum { CD_SECTORS = 80 * 60 * 75 }; // what does not fit on a CD is a DVD
enum { PROFILE_CD = 8, PROFILE_DVD = 0x10 };

void packet_put_msf(uint8_t *to, uint32_t sector) {
    to[0] = (uint8_t)(sector / 75 / 60);
    to[1] = (uint8_t)(sector / 75 % 60);
    to[2] = (uint8_t)(sector % 75);
}

static uint8_t *cleared(struct ata *a) { return memset(a->buffer, 0, ATA_BUFFER); }
static uint32_t allowed(const struct ata *a, unsigned at, unsigned bytes) {
    return (uint32_t)ata_get_big(a->packet + at, bytes);
}

// --- of every device ---
void packet_request_sense(struct ata *a) {
    uint8_t *to = cleared(a);
    to[0] = 0x70;
    to[2] = a->sense_key;
    to[7] = 10;
    to[12] = a->sense_code;
    to[13] = a->sense_qualifier;
    a->sense_key = a->sense_code = a->sense_qualifier = 0;
    packet_reply(a, 18, allowed(a, 4, 1));
}

static uint32_t vital_page(const struct ata *a, unsigned page, uint8_t *to) {
    enum { PAGES = 0, SERIAL = 0x80 };
    uint32_t bytes = page == SERIAL ? (uint32_t)strlen(a->serial) : 2;
    if (page != PAGES && page != SERIAL) return 0;
    to[0] = 5;
    to[1] = (uint8_t)page;
    to[3] = (uint8_t)bytes;
    if (page == SERIAL)
        memcpy(to + 4, a->serial, bytes);
    else
        to[5] = SERIAL;
    return bytes + 4;
}

static void padded(uint8_t *to, const char *from, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++) to[i] = (uint8_t)(*from ? *from++ : ' ');
}

static uint32_t standard_inquiry(const struct ata *a, uint8_t *to) {
    to[0] = 5;    // a CD-ROM drive
    to[1] = 0x80; // its medium can be taken out
    to[2] = 5;    // SPC-3
    to[3] = 0x21; // ATAPI-2
    to[4] = 31;
    padded(to + 8, "QEMU", 8);
    padded(to + 16, a->model, 16);
    padded(to + 32, a->version, 4);
    return 36;
}

void packet_inquiry(struct ata *a) {
    bool vital = a->packet[1] & 1;
    uint8_t *to = cleared(a);
    uint32_t bytes = vital ? vital_page(a, a->packet[2], to) : a->packet[2] ? 0 : standard_inquiry(a, to);
    if (bytes)
        packet_reply(a, bytes, allowed(a, 3, 2));
    else
        packet_fail(a, ILLEGAL_REQUEST, INVALID_FIELD);
}

// --- the tray ---
enum { EVENT_EJECT_REQUEST = 1, EVENT_NEW_MEDIA = 2, EVENT_REMOVED = 3 };

static void tell_tray(struct ata *a) {
    a->media_event = a->tray_open ? EVENT_REMOVED : EVENT_NEW_MEDIA;
    a->attention = !a->tray_open;
}

bool packet_is_locked(const void *device) {
    const struct ata *a = device;
    return a->locked && !a->tray_open;
}

// Somebody is in front of the drive. What reads the disc that was there ends with an error; the command that waits for
// its packet does not.
void packet_hand(void *device, enum drive_hand what) {
    struct ata *a = device;
    bool reads = a->phase != ATA_IDLE && a->phase != ATA_PACKET && a->source != ATA_OF_BUFFER;
    if (what == DRIVE_PRESSED) {
        a->media_event = EVENT_EJECT_REQUEST;
        return;
    }
    a->tray_open = what == DRIVE_OPENED;
    tell_tray(a);
    if (!reads) return;
    a->attention = 0; // it is told with the command that reads
    packet_fail(a, a->tray_open ? NOT_READY : UNIT_ATTENTION, a->tray_open ? NO_MEDIUM_TRAY_OPEN : MEDIUM_CHANGED);
}

void packet_start_stop(struct ata *a) {
    bool load_eject = a->packet[4] & 2, start = a->packet[4] & 1, was_open = a->tray_open;
    if (load_eject && !start && a->locked && !was_open) {
        packet_fail(a, ILLEGAL_REQUEST, REMOVAL_PREVENTED);
        return;
    }
    if (load_eject) a->tray_open = !start;
    if (was_open != a->tray_open && a->drive && drive_bytes(a->drive)) tell_tray(a);
    packet_end(a);
}

void packet_prevent_allow(struct ata *a) {
    a->locked = a->packet[4] & 1;
    packet_end(a);
}

// Only media events are told, and only when asked for at once.
void packet_get_event(struct ata *a) {
    enum { MEDIA = 4, NONE = 0x80 };
    uint8_t *to = cleared(a);
    if (!(a->packet[1] & 1)) {
        packet_fail(a, ILLEGAL_REQUEST, INVALID_FIELD);
        return;
    }
    to[3] = 1 << MEDIA;
    if (!(a->packet[4] & 1 << MEDIA)) {
        to[1] = 2, to[2] = NONE;
        packet_reply(a, 4, allowed(a, 7, 2));
        return;
    }
    to[1] = 6, to[2] = MEDIA;
    to[4] = a->media_event;
    to[5] = (uint8_t)((a->tray_open ? 1 : 0) | (packet_has_disc(a) ? 2 : 0));
    a->media_event = 0;
    packet_reply(a, 8, allowed(a, 7, 2));
}

void packet_mechanism_status(struct ata *a) {
    uint8_t *to = cleared(a);
    to[1] = a->tray_open ? 0x10 : 0; // door open
    to[5] = 1;                       // slots
    packet_reply(a, 8, allowed(a, 8, 2));
}

// --- the disc ---
void packet_read_capacity(struct ata *a) {
    uint8_t *to = cleared(a);
    ata_put_big(to, packet_disc_sectors(a) - 1, 4);
    ata_put_big(to + 4, DISC_SECTOR, 4);
    packet_reply(a, 8, 8);
}

static void put_address(uint8_t *to, uint32_t sector, bool msf) {
    if (msf)
        packet_put_msf(to + 1, sector + DISC_LEAD_IN);
    else
        ata_put_big(to, sector, 4);
}

static uint32_t formatted_toc(const struct ata *a, unsigned first, bool msf, uint8_t *to) {
    uint32_t bytes = 4;
    if (first > 1 && first != LEAD_OUT) return 0;
    for (unsigned track = first > 1 ? LEAD_OUT : 1;; track = LEAD_OUT) {
        to[bytes + 1] = DATA_TRACK;
        to[bytes + 2] = (uint8_t)track;
        put_address(to + bytes + 4, track == LEAD_OUT ? packet_disc_sectors(a) : 0, msf);
        bytes += 8;
        if (track == LEAD_OUT) return bytes;
    }
}

static uint32_t sessions(bool msf, uint8_t *to) {
    to[5] = DATA_TRACK;
    to[6] = 1;
    put_address(to + 8, 0, msf);
    return 12;
}

// Points A0H to A2H (first and last track, lead-out) and the track: table 487.
static uint32_t raw_toc(const struct ata *a, uint8_t *to) {
    static const uint8_t point[4] = {0xa0, 0xa1, 0xa2, 1};
    for (unsigned i = 0; i < 4; i++) {
        uint8_t *entry = to + 4 + 11 * i;
        entry[0] = 1;
        entry[1] = DATA_TRACK;
        entry[3] = point[i];
        if (i < 2) entry[8] = 1;
        if (i == 2) packet_put_msf(entry + 8, packet_disc_sectors(a) + DISC_LEAD_IN);
        if (i == 3) packet_put_msf(entry + 8, DISC_LEAD_IN);
    }
    return 4 + 4 * 11;
}

void packet_read_toc(struct ata *a) {
    bool msf = a->packet[1] & 2;
    unsigned format = a->packet[2] & 15 ? a->packet[2] & 15 : a->packet[9] >> 6; // of old programs, in byte 9
    uint8_t *to = cleared(a);
    uint32_t bytes = format == 0   ? formatted_toc(a, a->packet[6], msf, to)
                     : format == 1 ? sessions(msf, to)
                     : format == 2 ? raw_toc(a, to)
                                   : 0;
    if (!bytes) {
        packet_fail(a, ILLEGAL_REQUEST, INVALID_FIELD);
        return;
    }
    ata_put_big(to, bytes - 2, 2);
    to[2] = to[3] = 1;
    packet_reply(a, bytes, allowed(a, 7, 2));
}

void packet_disc_information(struct ata *a) {
    uint8_t *to = cleared(a);
    to[1] = 32;
    to[2] = 0x0e; // a finished disc, its last session complete
    to[3] = to[4] = to[5] = to[6] = 1;
    to[7] = 0x20; // for unrestricted use
    memset(to + 16, 0xff, 8);
    packet_reply(a, 34, allowed(a, 7, 2));
}

void packet_track_information(struct ata *a) {
    uint8_t *to = cleared(a);
    to[1] = 34;
    to[2] = to[3] = 1;
    to[5] = 4;    // a data track
    to[6] = 0x41; // reserved, mode 1
    ata_put_big(to + 24, packet_disc_sectors(a), 4);
    packet_reply(a, 36, allowed(a, 7, 2));
}

// --- what the drive can ---
static uint8_t *feature(uint8_t *to, unsigned code, unsigned flags, unsigned bytes) {
    ata_put_big(to, code, 2);
    to[2] = (uint8_t)flags; // version, persistent, current
    to[3] = (uint8_t)bytes;
    return to + 4;
}

static uint8_t *profiles(uint8_t *to, unsigned current) {
    static const uint8_t known[] = {PROFILE_DVD, PROFILE_CD};
    to = feature(to, 0, 3, 4 * sizeof known);
    for (unsigned i = 0; i < sizeof known; i++, to += 4) {
        ata_put_big(to, known[i], 2);
        to[2] = known[i] == current;
    }
    return to;
}

void packet_get_configuration(struct ata *a) {
    uint8_t *to = cleared(a), *at = to + 8;
    unsigned wanted = a->packet[1] & 3, first = allowed(a, 2, 2);
    unsigned current = !packet_has_disc(a) ? 0 : packet_disc_sectors(a) > CD_SECTORS ? PROFILE_DVD : PROFILE_CD;
    bool one = wanted == 2;
    ata_put_big(to + 6, current, 2);
    if (!first) at = profiles(at, current);
    if (one ? first == 1 : first <= 1) { // core: ATAPI; INQUIRY as in SPC-3
        at = feature(at, 1, 0x0b, 8);
        at[3] = 2, at[4] = 1;
        at += 8;
    }
    if (one ? first == 3 : first <= 3) { // removable medium, in a tray that can be locked and ejects
        at = feature(at, 3, 3, 4);
        at[0] = 0x29;
        at += 4;
    }
    ata_put_big(to, (uint32_t)(at - to) - 4, 4);
    packet_reply(a, (uint32_t)(at - to), allowed(a, 7, 2));
}

// --- mode pages ---
struct mode_page {
    uint8_t code, bytes, data[20];
};
static const struct mode_page pages[] = {
    {0x01, 6, {0, 5}},                                                              // error recovery
    {0x0e, 14, {4, 0, 0, 0, 0, 0x4b, 1, 0xff, 2, 0xff}},                            // audio
    {0x2a, 18, {0x3b, 0, 0, 0, 0x28, 0, 0x02, 0xc2, 0, 2, 0x02, 0x00, 0x02, 0xc2}}, // capabilities
};

static uint8_t *put_page(const struct ata *a, const struct mode_page *p, bool changeable, uint8_t *to) {
    enum { CAPABILITIES = 0x2a, LOCK = 1, LOCKED = 2, EJECT = 8 };
    to[0] = p->code;
    to[1] = p->bytes;
    if (!changeable) memcpy(to + 2, p->data, p->bytes);
    if (!changeable && p->code == CAPABILITIES) to[6] = (uint8_t)(0x20 | LOCK | EJECT | (a->locked ? LOCKED : 0));
    return to + 2 + p->bytes;
}

void packet_mode_sense(struct ata *a) {
    enum { ALL = 0x3f, CHANGEABLE = 1, SAVED = 3 };
    unsigned wanted = a->packet[2] & 0x3f, control = a->packet[2] >> 6;
    uint8_t *to = cleared(a), *at = to + 8;
    if (control == SAVED) {
        packet_fail(a, ILLEGAL_REQUEST, SAVING_NOT_SUPPORTED);
        return;
    }
    for (unsigned i = 0; i < sizeof pages / sizeof *pages; i++)
        if (wanted == ALL || wanted == pages[i].code) at = put_page(a, &pages[i], control == CHANGEABLE, at);
    if (at == to + 8) {
        packet_fail(a, ILLEGAL_REQUEST, INVALID_FIELD);
        return;
    }
    to[1] = (uint8_t)(at - to - 2);
    to[2] = packet_has_disc(a) ? 1 : a->tray_open ? 0x71 : 0x70;
    packet_reply(a, (uint32_t)(at - to), allowed(a, 7, 2));
}

void packet_mode_select(struct ata *a) {
    uint32_t bytes = allowed(a, 7, 2);
    if (bytes > ATA_BUFFER)
        packet_fail(a, ILLEGAL_REQUEST, INVALID_FIELD);
    else if (bytes)
        ata_receive(a, bytes);
    else
        packet_end(a);
}

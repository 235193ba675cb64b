// Discs that are put in and taken out; see drive.h. What lies in a drive is state, and comes in as an input: so a
// replay, and the past, have the disc that there was. The image behind it is the front end's, which knows it by its
// number.
#include "devices/disk/drive.h"
#include "cpu/state/state.h"
#include <string.h>

// Of what was loaded: nothing else can have come in.
static bool is_possible(const struct drive_medium *m) {
    bool named = m->number && m->number <= DRIVE_MEDIA, ended = !m->name[DRIVE_IMAGE - 1];
    if (!named) return (!m->number || m->number == DRIVE_EMPTY) && !m->bytes && !m->identity && !*m->name;
    return m->bytes && m->bytes % DRIVE_CD_SECTOR == 0 && m->bytes <= DRIVE_MEDIUM_BYTES && *m->name && ended;
}

static bool valid(const void *object) { return is_possible(&((const struct drive *)object)->medium); }

static const struct state_field fields[] = {
    STATE_ONE(struct drive, medium.number),
    STATE_ONE(struct drive, medium.bytes),
    STATE_ONE(struct drive, medium.identity),
    STATE_ARRAY(struct drive, medium.name),
};
const struct state_table medium_state = STATE_TABLE("medium", fields, valid);

// --- as inputs ---
// 8 bytes of length, 8 of identity, the name.
enum { NAME_AT = 16 };

unsigned drive_medium_put(const struct drive_medium *m, uint8_t data[DRIVE_MEDIUM_DATA]) {
    if (!*m->name) return 0;
    memcpy(data, &m->bytes, 8);
    memcpy(data + 8, &m->identity, 8);
    memcpy(data + NAME_AT, m->name, strlen(m->name));
    return NAME_AT + (unsigned)strlen(m->name);
}

bool drive_medium_take(struct drive_medium *m, uint64_t number, const uint8_t *data, uint32_t bytes) {
    *m = (struct drive_medium){.number = (uint8_t)number};
    if (number > UINT8_MAX || (bytes && (bytes <= NAME_AT || bytes - NAME_AT >= DRIVE_IMAGE))) return false;
    if (bytes) {
        memcpy(&m->bytes, data, 8);
        memcpy(&m->identity, data + 8, 8);
        memcpy(m->name, data + NAME_AT, bytes - NAME_AT);
        if (m->bytes > DRIVE_MEDIUM_BYTES) return false;
        m->bytes = (m->bytes + DRIVE_CD_SECTOR - 1) / DRIVE_CD_SECTOR * DRIVE_CD_SECTOR;
    }
    return is_possible(m);
}

// --- what somebody does at the drive ---
static bool has_tray(const struct drive *d) { return d->config.cdrom && d->tray.changed; }

bool drive_is_locked(const struct drive *d) { return has_tray(d) && d->tray.locked(d->tray.owner); }

bool drive_change(struct drive *d, const struct drive_medium *m) {
    if (!has_tray(d)) return false;
    d->medium = *m;
    d->tray.changed(d->tray.owner, m->number == DRIVE_EMPTY ? DRIVE_OPENED : DRIVE_LOADED);
    return true;
}

bool drive_press(struct drive *d) {
    if (!has_tray(d)) return false;
    d->tray.changed(d->tray.owner, DRIVE_PRESSED);
    return true;
}

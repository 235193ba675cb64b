// SMART, minimal (ATA8-ACS 7.53), and the logs that READ LOG EXT reads: the directory, and the one that names the
// queued command that failed (Annex A, SATA 3.0 13.7.4). The drive is always well.
#include "devices/ata/command.h"
#include "devices/ata/ata_private.h"
#include <string.h>

enum smart_feature {
    READ_DATA = 0xd0,
    READ_THRESHOLDS = 0xd1,
    AUTOSAVE = 0xd2,
    OFFLINE = 0xd4,
    READ_LOG = 0xd5,
    ENABLE = 0xd8,
    DISABLE = 0xd9,
    RETURN_STATUS = 0xda,
};
enum { KEY_MID = 0x4f, KEY_HIGH = 0xc2 };

// Number, flags, value, worst, threshold.
static const uint8_t attributes[][5] = {
    {0x01, 0x03, 100, 100, 6},  // raw read error rate
    {0x05, 0x03, 100, 100, 36}, // sectors that were moved
    {0x09, 0x03, 100, 100, 0},  // hours of power
    {0x0c, 0x03, 100, 100, 0},  // times of power
};

// The last byte makes the sum of all 512 zero.
static void sum(uint8_t *data) {
    uint8_t s = 0;
    for (unsigned i = 0; i < ATA_SECTOR - 1; i++) s = (uint8_t)(s + data[i]);
    data[ATA_SECTOR - 1] = (uint8_t)-s;
}

static void smart_data(uint8_t *data, bool thresholds) {
    data[0] = 1;
    for (unsigned i = 0; i < sizeof attributes / sizeof *attributes; i++) {
        uint8_t *to = data + 2 + 12 * i;
        to[0] = attributes[i][0];
        to[1] = thresholds ? attributes[i][4] : attributes[i][1];
        if (!thresholds) to[3] = attributes[i][2], to[4] = attributes[i][3];
    }
    if (thresholds) return;
    data[362] = 0x02;          // off-line data collection was completed
    data[367] = 0x19;          // it can be started, scans the surface, and self-tests can be run
    data[368] = 0x03;          // attributes are saved; autosave
    data[370] = 0x01;          // error log
    data[372] = data[373] = 1; // minutes of self-tests
}

enum { LOG_DIRECTORY, LOG_SUMMARY, LOG_QUEUED = 0x10, LOG_SELF_TEST = 6 };
static bool smart_log(unsigned log, uint8_t *data) {
    data[0] = 1;
    if (log == LOG_DIRECTORY) data[2 * LOG_SUMMARY] = data[2 * LOG_SELF_TEST] = 1;
    return log == LOG_DIRECTORY || log == LOG_SUMMARY || log == LOG_SELF_TEST;
}

static bool reply(struct ata *a, unsigned feature) {
    memset(a->buffer, 0, ATA_SECTOR);
    if (feature == READ_LOG && !smart_log(a->reg[ATA_LBA_LOW], a->buffer)) return false;
    if (feature != READ_LOG) smart_data(a->buffer, feature == READ_THRESHOLDS);
    sum(a->buffer);
    return true;
}

void command_smart(struct ata *a, const struct ata_row *row) {
    unsigned feature = a->reg[ATA_FEATURES];
    bool key = a->reg[ATA_LBA_MID] == KEY_MID && a->reg[ATA_LBA_HIGH] == KEY_HIGH;
    bool data = feature == READ_DATA || feature == READ_THRESHOLDS || feature == READ_LOG;
    bool known = data || feature == AUTOSAVE || feature == OFFLINE || feature == RETURN_STATUS || feature == DISABLE;
    (void)row;
    if (!key || (feature != ENABLE && !(known && a->smart)) || (data && !reply(a, feature))) {
        ata_fail(a, ATA_ABRT);
    } else if (data) {
        ata_send(a, ATA_SECTOR, ATA_SECTOR);
    } else {
        if (feature == ENABLE || feature == DISABLE) a->smart = feature == ENABLE;
        ata_done(a); // RETURN STATUS: the key in the registers stays, which says that all is well
    }
}

// Reading the log of queued commands lets queued commands be taken again.
bool ata_log_page(struct ata *a, unsigned log, unsigned page, uint8_t *data) {
    if (page || (log != LOG_DIRECTORY && log != LOG_QUEUED)) return false;
    if (log == LOG_DIRECTORY) {
        ata_put16(data, 1);
        ata_put16(data + 2 * LOG_QUEUED, 1);
        return true;
    }
    data[0] = a->log_tag;
    data[2] = a->log_status;
    data[3] = a->log_error;
    for (unsigned i = 0; i < 3; i++) {
        data[4 + i] = (uint8_t)(a->log_sector >> 8 * i);
        data[8 + i] = (uint8_t)(a->log_sector >> (24 + 8 * i));
    }
    data[7] = ATA_DEVICE_LBA;
    sum(data);
    a->queue_failed = 0;
    return true;
}

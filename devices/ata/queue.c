// Queued commands: SATA 3.0, 13.6. A disk works on them in the order in which they came; one that fails ends them all,
// and is named by the log (13.7.4).
#include "devices/ata/ata_private.h"
#include "devices/ata/command.h"
#include <string.h>

void ata_queue_clear(struct ata *a) {
    a->queued = a->queue_failed = 0;
    memset(a->queue, 0, sizeof a->queue);
    memset(a->order, 0, sizeof a->order);
}

static void go(struct ata *a) {
    const struct ata_queued *q = &a->queue[a->order[0]];
    a->source = ATA_OF_DRIVE;
    a->dma = 1;
    a->write = q->write;
    a->at = q->at;
    a->left = q->left;
    a->block = 0;
    ata_work(a, true);
}

static void fail(struct ata *a, unsigned tag, uint8_t error, uint64_t sector) {
    ata_idle(a);
    ata_queue_clear(a);
    a->queue_failed = 1;
    a->log_tag = (uint8_t)tag;
    a->log_status = a->status = ATA_DRDY | ATA_SEEK | ATA_ERR;
    a->log_error = a->error = error;
    a->log_sector = sector;
    a->link.queued(a->link.owner, 0);
}

static bool has(const struct ata *a, unsigned tag) {
    for (unsigned i = 0; i < a->queued; i++)
        if (a->order[i] == tag) return true;
    return false;
}

static void add(struct ata *a, bool write, unsigned tag, uint64_t at, uint32_t bytes) {
    a->queue[tag] = (struct ata_queued){at, bytes, write};
    a->order[a->queued++] = (uint8_t)tag;
    drive_want(a->drive, at, bytes);
    if (a->queued == 1) go(a);
}

// Features have the count, Count bits 7:3 the tag, Device bit 7 FUA.
void command_queued(struct ata *a, const struct ata_row *row) {
    bool write = (row->protocol & PROTOCOLS) == QUEUED_OUT;
    unsigned tag = a->reg[ATA_COUNT] >> 3;
    uint32_t count = a->reg[ATA_FEATURES] | (uint32_t)a->previous[ATA_FEATURES] << 8;
    uint64_t sector = ata_sector_48(a), bytes = (uint64_t)(count ? count : 0x10000) * ATA_SECTOR;
    if (!a->queued) ata_idle(a);
    if (a->queue_failed || has(a, tag) || (write && drive_read_only(a->drive)))
        fail(a, tag, ATA_ABRT, sector);
    else if (!drive_has(a->drive, sector * ATA_SECTOR, bytes))
        fail(a, tag, ATA_IDNF, sector);
    else
        add(a, write, tag, sector * ATA_SECTOR, (uint32_t)bytes);
}

void ata_queue_moved(struct ata *a) {
    unsigned tag = a->order[0];
    if (a->left) {
        ata_work(a, false);
        return;
    }
    ata_idle(a);
    a->queued--;
    memmove(a->order, a->order + 1, a->queued);
    a->order[a->queued] = 0;
    a->status = ATA_DRDY | ATA_SEEK;
    a->error = 0;
    a->link.queued(a->link.owner, 1u << tag);
    if (a->queued && a->phase == ATA_IDLE) go(a);
}

// Registers, resets and commands of a device; see ata.h. ATA8-ACS clause 7 for the commands: the rows are command.def.
#include "devices/ata/ata_private.h"
#include "devices/ata/command.h"
#include <string.h>

// What a machine that ran could not have: data that do not lie in the buffer, work without a drive.
static bool has_data(const struct ata *a) {
    bool block = a->phase == ATA_BLOCK_IN || a->phase == ATA_BLOCK_OUT;
    if (a->phase == ATA_PACKET && a->buffer_bytes > ATA_PACKET_BYTES) return false;
    if (block && a->buffer_bytes > a->left) return false;
    if (a->source != ATA_OF_BUFFER || a->phase == ATA_IDLE || a->phase == ATA_PACKET) return true;
    return a->left <= ATA_BUFFER && (!a->dma || a->buffer_at + a->left <= ATA_BUFFER);
}

static bool valid(const void *object) {
    const struct ata *a = object;
    uint32_t seen = 0;
    bool works = a->queued || (a->phase != ATA_IDLE && a->source != ATA_OF_BUFFER) || a->phase == ATA_ENDING;
    for (unsigned i = 0; i < a->queued; i++) seen |= 1u << a->order[i];
    return a->buffer_at <= a->buffer_bytes && (unsigned)__builtin_popcount(seen) == a->queued && has_data(a) &&
           (a->drive || !works);
}

static const struct state_field fields[] = {
    STATE_ARRAY(struct ata, reg),
    STATE_ARRAY(struct ata, previous),
    STATE_ONE(struct ata, status),
    STATE_ONE(struct ata, error),
    STATE_ONE(struct ata, control),
    STATE_ONE_TO(struct ata, interrupt, 1),
    STATE_ONE(struct ata, command),
    STATE_ONE_TO(struct ata, phase, ATA_PHASES - 1),
    STATE_ONE_TO(struct ata, source, ATA_SOURCES - 1),
    STATE_ONE_TO(struct ata, dma, 1),
    STATE_ONE_TO(struct ata, write, 1),
    STATE_ONE(struct ata, at),
    STATE_ONE(struct ata, left),
    STATE_ONE_TO(struct ata, block, ATA_BUFFER),
    STATE_ONE(struct ata, ahead_at),
    STATE_ONE_TO(struct ata, buffer_at, ATA_BUFFER),
    STATE_ONE_TO(struct ata, buffer_bytes, ATA_BUFFER),
    STATE_ARRAY(struct ata, buffer),
    STATE_ONE_TO(struct ata, multiple, ATA_MULTIPLE),
    STATE_ONE_TO(struct ata, write_cache, 1),
    STATE_ONE_TO(struct ata, smart, 1),
    STATE_ONE(struct ata, transfer_mode),
    STATE_ONE_TO(struct ata, standby, 1),
    STATE_ONE(struct ata, heads),
    STATE_ONE(struct ata, sectors),
    STATE_EACH(struct ata, queue, at),
    STATE_EACH(struct ata, queue, left),
    STATE_EACH_TO(struct ata, queue, write, 1),
    STATE_ARRAY_TO(struct ata, order, ATA_TAGS - 1),
    STATE_ONE_TO(struct ata, queued, ATA_TAGS),
    STATE_ONE_TO(struct ata, queue_failed, 1),
    STATE_ONE(struct ata, log_tag),
    STATE_ONE(struct ata, log_status),
    STATE_ONE(struct ata, log_error),
    STATE_ONE(struct ata, log_sector),
    STATE_ARRAY(struct ata, packet),
    STATE_ONE(struct ata, sense_key),
    STATE_ONE(struct ata, sense_code),
    STATE_ONE(struct ata, sense_qualifier),
    STATE_ONE_TO(struct ata, tray_open, 1),
    STATE_ONE_TO(struct ata, locked, 1),
    STATE_ONE(struct ata, media_event),
    STATE_ONE_TO(struct ata, attention, 1),
};
const struct state_table ata_state = STATE_TABLE("ata", fields, valid);

// --- registers ---
void ata_write(struct ata *a, unsigned reg, uint8_t value) {
    a->control &= (uint8_t)~ATA_HOB; // a write to any register of the Command block
    a->previous[reg] = a->reg[reg];
    a->reg[reg] = value;
}

uint8_t ata_read(const struct ata *a, unsigned reg) {
    const uint8_t *from = a->control & ATA_HOB ? a->previous : a->reg;
    switch (reg) {
    case ATA_FEATURES: return a->error;
    case ATA_COUNT:
    case ATA_LBA_LOW:
    case ATA_LBA_MID:
    case ATA_LBA_HIGH: return from[reg];
    case ATA_DEVICE: return a->reg[reg] | BIT(7) | BIT(5); // obsolete bits: ones, as ever
    default: return a->status;
    }
}

// --- ends ---
void ata_idle(struct ata *a) {
    a->phase = ATA_IDLE;
    a->left = 0;
    a->buffer_at = a->buffer_bytes = 0;
    clock_disarm(a->clock, a->timer);
}

static void end(struct ata *a, uint8_t status, uint8_t error, bool interrupt) {
    ata_idle(a);
    a->status = (uint8_t)(ATA_DRDY | ATA_SEEK | status);
    a->error = error;
    if (interrupt) a->interrupt = 1;
    a->link.done(a->link.owner, interrupt);
}

// The last block of data that came by PIO was announced by an interrupt; there is none after it.
void ata_done(struct ata *a) {
    bool announced = a->block && !a->write && a->command != COMMAND_PACKET;
    end(a, 0, 0, !announced);
}

void ata_fail(struct ata *a, uint8_t error) { end(a, ATA_ERR, error, true); }

// --- resets ---
// 9.12 of ATA8-ACS: what the registers of a device say after a reset, and with DEVICE DIAGNOSTIC.
void ata_signature(struct ata *a) {
    a->reg[ATA_COUNT] = a->reg[ATA_LBA_LOW] = 1;
    a->reg[ATA_LBA_MID] = a->packet_device ? 0x14 : 0;
    a->reg[ATA_LBA_HIGH] = a->packet_device ? 0xeb : 0;
    a->reg[ATA_DEVICE] &= ATA_DEVICE_ONE;
    memset(a->previous, 0, sizeof a->previous);
    a->error = 1; // no error: 7.9.4
    a->status = a->packet_device ? 0 : ATA_DRDY | ATA_SEEK;
}

static void power_on(struct ata *a) {
    enum { UDMA_5 = 0x45 };
    memset(a->reg, 0, sizeof a->reg);
    memset(a->buffer, 0, sizeof a->buffer);
    a->command = a->control = 0;
    a->multiple = ATA_MULTIPLE;
    a->write_cache = a->smart = 1;
    a->transfer_mode = UDMA_5;
    a->heads = 16, a->sectors = 63;
    a->source = a->dma = a->write = 0;
    a->at = a->block = 0;
    packet_power_on(a);
}

void ata_reset(struct ata *a, bool on) {
    ata_idle(a);
    ata_queue_clear(a);
    if (on) power_on(a);
    a->interrupt = a->standby = 0;
    a->reg[ATA_DEVICE] = 0;
    ata_signature(a);
}

void ata_control(struct ata *a, uint8_t value) {
    uint8_t old = a->control;
    a->control = value & (ATA_NIEN | ATA_SRST | ATA_HOB);
    if (value & ~old & ATA_SRST) {
        ata_reset(a, false);
        a->status = ATA_BSY;
    } else if (old & ~value & ATA_SRST) {
        ata_signature(a);
    }
}

// --- commands ---
static const struct ata_row rows[] = {
#define ATA_ROW(code, name, protocol, who, body) [code] = {name, protocol, who, command_##body},
#include "devices/ata/command.def"
};

static const struct ata_row *row_of(const struct ata *a, uint8_t command) {
    const struct ata_row *r = command < sizeof rows / sizeof *rows ? &rows[command] : NULL;
    unsigned who = a->packet_device ? PACKET : DISK;
    return r && r->body && r->who & who && (a->sata || !(r->who & SATA)) ? r : NULL;
}

static bool is_queued(const struct ata_row *r) {
    unsigned protocol = r ? r->protocol & PROTOCOLS : NON_DATA;
    return protocol == QUEUED_IN || protocol == QUEUED_OUT;
}

// What is not a queued command, given while some are, ends them, and fails: SATA 3.0, 13.6.2.
static void begin(struct ata *a, const struct ata_row *r) {
    bool upset = a->queued && r;
    unsigned protocol = r ? r->protocol & PROTOCOLS : NON_DATA;
    ata_idle(a);
    ata_queue_clear(a);
    a->source = a->write = 0;
    a->block = 0;
    a->dma = protocol == DMA_IN || protocol == DMA_OUT;
    if (r && !upset)
        r->body(a, r);
    else
        ata_fail(a, ATA_ABRT);
}

void ata_begin(struct ata *a, uint8_t command) {
    const struct ata_row *r = row_of(a, command);
    a->control &= (uint8_t)~ATA_HOB;
    a->interrupt = 0;
    a->command = command;
    a->error = 0;
    if (r && r->protocol & MEDIUM) a->standby = 0;
    if (is_queued(r))
        r->body(a, r);
    else
        begin(a, r);
}

void ata_init(struct ata *a, struct clock *clock, struct drive *drive, bool packet_device) {
    a->clock = clock;
    a->drive = drive;
    a->packet_device = packet_device;
    if (drive && packet_device) drive->tray = (struct drive_tray){a, packet_is_locked, packet_hand};
    a->timer = clock_timer_new(clock, ata_timer, a);
}

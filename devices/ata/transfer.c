// How data move: PIO in DRQ data blocks, or DMA. ATA8-AAM, and ATA8-APT 11.5 to 11.9 for the protocols.
//
// The drive's part of a piece (a block, or ATA_CHUNK bytes by DMA) is done at the moment that drive_cycles computed for
// it; the host's part as soon as the host, or the controller's DMA engine, does it.
#include "devices/ata/ata_private.h"
#include "devices/ata/command.h"
#include <string.h>

enum { BETWEEN_BLOCKS = 1000 }; // cycles, of what is in the buffer already

static uint32_t smaller(uint64_t a, uint32_t b) { return a < b ? (uint32_t)a : b; }

static void busy(struct ata *a, uint8_t phase, uint64_t cycles) {
    a->status = ATA_BSY | ATA_DRDY | ATA_SEEK;
    a->phase = phase;
    clock_arm(a->clock, a->timer, clock_now(a->clock) + cycles);
}

void ata_end_after(struct ata *a, uint64_t cycles) { busy(a, ATA_ENDING, cycles); }

static uint32_t piece(const struct ata *a) { return smaller(a->left, a->dma ? ATA_CHUNK : a->block); }

// The drive's time for so many bytes of a request, the request itself not counted.
static uint64_t work_cycles(const struct ata *a, uint32_t bytes) {
    enum drive_work kind = a->write ? DRIVE_WRITES : DRIVE_READS;
    return drive_cycles(a->drive, kind, bytes) - drive_cycles(a->drive, kind, 0);
}

// The drive works for the next piece; the request itself costs time once.
void ata_work(struct ata *a, bool first) {
    enum drive_work kind = a->write ? DRIVE_WRITES : DRIVE_READS;
    busy(a, ATA_WORKING, first ? drive_cycles(a->drive, kind, piece(a)) : work_cycles(a, piece(a)));
}

// While the host takes a block, the drive reads the next one: a driver that looks for it and waits for a long time when
// it is not there (UEFI's: 100 microseconds) does so once a request, and not once a sector.
static void read_ahead(struct ata *a) {
    uint32_t next = a->source == ATA_OF_BUFFER ? 0 : smaller(a->left - a->buffer_bytes, a->block);
    a->ahead_at = next ? clock_now(a->clock) + work_cycles(a, next) : 0;
}

// The device asks the host to move the block in the buffer.
static void ask(struct ata *a, uint8_t phase, uint32_t bytes, bool interrupt) {
    a->phase = phase;
    a->buffer_at = 0;
    a->buffer_bytes = bytes;
    a->status = ATA_DRDY | ATA_SEEK | ATA_DRQ;
    if (a->command == COMMAND_PACKET && phase != ATA_PACKET) packet_block(a);
    if (interrupt) a->interrupt = 1;
    if (phase == ATA_BLOCK_IN) read_ahead(a);
    a->link.block(a->link.owner, interrupt);
}

void ata_ask_packet(struct ata *a) { ask(a, ATA_PACKET, ATA_PACKET_BYTES, false); }

static void dma_move(struct ata *a);

static void finish(struct ata *a) {
    if (a->command == COMMAND_PACKET)
        packet_end(a);
    else
        ata_done(a);
}

// --- beginnings ---
void ata_send(struct ata *a, uint32_t bytes, uint32_t block) {
    a->source = ATA_OF_BUFFER;
    a->left = bytes;
    a->block = a->dma ? 0 : block;
    a->buffer_at = 0;
    a->buffer_bytes = bytes;
    if (a->dma)
        dma_move(a);
    else
        ask(a, ATA_BLOCK_IN, piece(a), true);
}

void ata_receive(struct ata *a, uint32_t bytes) {
    a->source = ATA_OF_BUFFER;
    a->write = 1;
    a->left = a->block = bytes;
    a->buffer_at = 0;
    a->buffer_bytes = bytes;
    if (a->dma)
        dma_move(a);
    else
        ask(a, ATA_BLOCK_OUT, bytes, a->command == COMMAND_PACKET);
}

// `block`: of PIO. The first block of data to be written is asked for without an interrupt.
void ata_move(struct ata *a, enum ata_source source, bool write, uint64_t at, uint64_t bytes, uint32_t block) {
    a->source = (uint8_t)source;
    a->write = write;
    a->at = at;
    a->left = bytes;
    a->block = a->dma ? 0 : block;
    if (source == ATA_OF_DRIVE) drive_want(a->drive, at, bytes);
    if (write && !a->dma)
        ask(a, ATA_BLOCK_OUT, piece(a), false);
    else
        ata_work(a, true);
}

// --- the drive's part ---
static bool fill(struct ata *a, uint8_t *to, uint32_t bytes) {
    if (a->source == ATA_OF_BUFFER) return true; // they are there
    if (a->source == ATA_OF_DRIVE) return drive_read(a->drive, a->at, bytes, to);
    packet_fill(a, to, bytes);
    return true;
}

// NOT a guest's matter: the host has failed, and the run ends.
static void host_failed(struct ata *a) { ata_fail(a, a->write ? ATA_ABRT : ATA_UNC); }

static void advance(struct ata *a, uint32_t bytes) {
    a->at += bytes;
    a->left -= bytes;
}

static void next(struct ata *a) {
    if (!a->left)
        finish(a);
    else if (a->write && !a->dma)
        ask(a, ATA_BLOCK_OUT, piece(a), true);
    else
        ata_work(a, false);
}

static void pio_worked(struct ata *a) {
    uint32_t bytes = piece(a);
    if (!a->write && fill(a, a->buffer, bytes)) {
        ask(a, ATA_BLOCK_IN, bytes, true);
    } else if (a->write && drive_write(a->drive, a->at, bytes, a->buffer)) {
        advance(a, bytes);
        next(a);
    } else {
        host_failed(a);
    }
}

// --- DMA ---
static uint8_t *dma_data(struct ata *a) { return a->source == ATA_OF_BUFFER ? a->buffer + a->buffer_at : a->bounce; }

// How much of a piece may stay: a drive has whole sectors, so has what is written.
static uint32_t whole(const struct ata *a, uint32_t bytes) {
    return a->source == ATA_OF_DRIVE ? bytes & ~(uint32_t)(ATA_SECTOR - 1) : bytes;
}

static void dma_moved(struct ata *a, uint32_t bytes) {
    if (a->source == ATA_OF_BUFFER) a->buffer_at += bytes;
    advance(a, bytes);
}

// Moves one piece. What the controller cannot move yet is moved when it calls ata_resume: of a piece of which a part
// was moved that does not end with a sector, from that sector's beginning.
static void dma_move(struct ata *a) {
    uint32_t bytes = piece(a), moved;
    a->phase = ATA_DMA;
    a->status = ATA_DRDY | ATA_SEEK | ATA_DRQ;
    if (a->source != ATA_OF_BUFFER && !a->write && !fill(a, a->bounce, bytes)) {
        host_failed(a);
        return;
    }
    moved = whole(a, a->link.dma(a->link.owner, a->queued ? a->order[0] : 0, !a->write, dma_data(a), bytes));
    if (a->source == ATA_OF_DRIVE && a->write && moved && !drive_write(a->drive, a->at, moved, a->bounce)) {
        host_failed(a);
        return;
    }
    dma_moved(a, moved);
    if (moved < bytes) return;
    if (a->queued)
        ata_queue_moved(a);
    else if (a->source == ATA_OF_BUFFER && a->write && !a->left)
        ata_received(a);
    else
        next(a);
}

void ata_resume(struct ata *a) {
    if (a->phase == ATA_DMA) dma_move(a);
}

// --- the timer ---
static void ended(struct ata *a) {
    if (a->write && !drive_flush(a->drive))
        host_failed(a);
    else
        finish(a);
}

void ata_timer(void *chip) {
    struct ata *a = chip;
    if (a->phase == ATA_ENDING)
        ended(a);
    else if (a->phase == ATA_WORKING && a->dma)
        dma_move(a);
    else if (a->phase == ATA_WORKING)
        pio_worked(a);
}

// --- the host's part ---
uint32_t ata_room(const struct ata *a) { return a->buffer_bytes - a->buffer_at; }

// The next block: it has been read ahead, or what is left of that time passes. AHCI takes a block at once, so there it
// always does.
static void take_ahead(struct ata *a) {
    uint64_t now = clock_now(a->clock), whole = work_cycles(a, piece(a));
    if (a->ahead_at <= now)
        pio_worked(a);
    else
        busy(a, ATA_WORKING, a->ahead_at - now < whole ? a->ahead_at - now : whole);
}

static void taken(struct ata *a) {
    advance(a, a->buffer_bytes);
    if (a->left && a->source == ATA_OF_BUFFER) {
        memmove(a->buffer, a->buffer + a->buffer_bytes, a->left);
        busy(a, ATA_WORKING, BETWEEN_BLOCKS);
    } else if (a->left) {
        take_ahead(a);
    } else {
        next(a);
    }
}

void ata_take(struct ata *a, void *to, uint32_t bytes) {
    uint32_t n = a->phase == ATA_BLOCK_IN ? smaller(ata_room(a), bytes) : 0;
    memset((uint8_t *)to + n, 0, bytes - n);
    if (!n) return;
    memcpy(to, a->buffer + a->buffer_at, n);
    a->buffer_at += n;
    if (!ata_room(a)) taken(a);
}

static void given(struct ata *a) {
    if (a->phase == ATA_PACKET) {
        packet_received(a);
    } else if (a->source == ATA_OF_BUFFER) {
        advance(a, a->buffer_bytes);
        ata_received(a);
    } else {
        ata_work(a, false);
    }
}

void ata_give(struct ata *a, const void *from, uint32_t bytes) {
    bool open = a->phase == ATA_BLOCK_OUT || a->phase == ATA_PACKET;
    uint32_t n = open ? smaller(ata_room(a), bytes) : 0;
    if (!n) return;
    memcpy(a->phase == ATA_PACKET ? a->packet + a->buffer_at : a->buffer + a->buffer_at, from, n);
    a->buffer_at += n;
    if (!ata_room(a)) given(a);
}

// Commands of an AHCI port: the list in memory, the FISes to and from the drive (SATA 3.0, 10.3), and the data, which
// the physical region descriptors of a command's table place. Sections 4.2, 5.3 to 5.6, 6.2 of AHCI 1.3.
#include "devices/ata/ahci.h"
#include "devices/ata/command.h"
#include <string.h>

enum fis { FIS_TO_DEVICE = 0x27, FIS_TO_HOST = 0x34, FIS_SET_BITS = 0xa1, FIS_PIO = 0x5f };
enum { RECEIVED_PIO = 0x20, RECEIVED_TO_HOST = 0x40, RECEIVED_SET_BITS = 0x58 }; // offsets: 4.2.1
enum { TABLE_PACKET = 0x40, TABLE_DESCRIPTORS = 0x80, FIS_BYTES = 20, HEADER_BYTES = 32 };
#define FIS_INTERRUPT BIT(6)
#define FIS_COMMAND BIT(7)

static const struct bus_master *master(const struct ahci_port *p) { return &p->hba->host->master; }
static struct ahci_slot *slot_of(const struct ahci_port *p, unsigned slot) {
    return &p->hba->slot[p->number * AHCI_SLOTS + slot];
}

// 6.2.1: what the adapter cannot go on from; software must clear START.
static void stop(struct ahci_port *p, uint64_t cause) {
    p->is |= (uint32_t)cause;
    p->stopped = 1;
}

// --- FISes to the host ---
static void receive(struct ahci_port *p, unsigned offset, const uint8_t *fis, unsigned bytes, bool interrupt,
                    uint64_t cause) {
    if (p->cmd & AHCI_CMD_RECEIVE && !dma_write(master(p), p->received + offset, fis, bytes))
        stop(p, AHCI_IS_HOST_FATAL);
    if (interrupt) p->is |= (uint32_t)cause;
}

static void registers(const struct ata *a, uint8_t *fis) {
    static const uint8_t low[] = {ATA_LBA_LOW, ATA_LBA_MID, ATA_LBA_HIGH};
    fis[2] = a->status;
    fis[3] = a->error;
    for (unsigned i = 0; i < 3; i++) {
        fis[4 + i] = a->reg[low[i]];
        fis[8 + i] = a->previous[low[i]];
    }
    fis[7] = ata_read(a, ATA_DEVICE);
    fis[12] = a->reg[ATA_COUNT];
    fis[13] = a->previous[ATA_COUNT];
}

static void send_registers(struct ahci_port *p, bool interrupt) {
    uint8_t fis[FIS_BYTES] = {FIS_TO_HOST, interrupt ? FIS_INTERRUPT : 0};
    const struct ata *a = p->drive;
    registers(a, fis);
    p->tfd = (uint32_t)(a->error << 8 | a->status);
    receive(p, RECEIVED_TO_HOST, fis, sizeof fis, interrupt, AHCI_IS_D2H);
}

static void send_pio(struct ahci_port *p, bool to_host, uint32_t bytes, bool interrupt) {
    uint8_t fis[FIS_BYTES] = {FIS_PIO, (uint8_t)((to_host ? BIT(5) : 0) | (interrupt ? FIS_INTERRUPT : 0))};
    registers(p->drive, fis);
    fis[15] = ATA_DRDY | ATA_SEEK; // Status when the data have been moved
    fis[16] = (uint8_t)bytes;
    fis[17] = (uint8_t)(bytes >> 8);
    receive(p, RECEIVED_PIO, fis, sizeof fis, interrupt, AHCI_IS_PIO);
}

static void send_set_bits(struct ahci_port *p, uint32_t done) {
    const struct ata *a = p->drive;
    uint8_t fis[8] = {FIS_SET_BITS, FIS_INTERRUPT, a->status & 0x77, a->error};
    memcpy(fis + 4, &done, sizeof done);
    p->tfd = (uint32_t)(a->error << 8 | (a->status & ~(ATA_BSY | ATA_DRQ)));
    p->sact &= ~done;
    receive(p, RECEIVED_SET_BITS, fis, sizeof fis, true, AHCI_IS_SET_BITS);
}

void ahci_port_receive(struct ahci_port *p) {
    if (!p->signature) return;
    p->signature = 0;
    send_registers(p, false);
}

// --- data ---
struct descriptor {
    uint64_t address;
    uint32_t reserved, count;
};
enum { DESCRIPTORS = 32 }; // that are read at a time

// Moves what lies in one descriptor. False: the adapter had to stop.
static bool move_in(struct ahci_port *p, struct ahci_slot *s, const struct descriptor *d, bool to_memory,
                    uint8_t **data, uint32_t *bytes) {
    uint32_t length = (d->count & 0x3fffff) + 1, n = length > s->offset ? length - s->offset : 0;
    uint64_t at = d->address + s->offset;
    if (n > *bytes) n = *bytes;
    if (n && !(to_memory ? dma_write(master(p), at, *data, n) : dma_read(master(p), at, *data, n))) {
        stop(p, AHCI_IS_HOST_FATAL);
        return false;
    }
    *data += n, *bytes -= n;
    s->offset += n, s->moved += n;
    if (s->offset < length) return true;
    if (d->count >> 31) p->is |= (uint32_t)AHCI_IS_DESCRIPTOR;
    s->descriptor++, s->offset = 0;
    return true;
}

// Some descriptors' worth of data. False: there are no more, or the adapter had to stop.
static bool move_some(struct ahci_port *p, struct ahci_slot *s, bool to_memory, uint8_t **data, uint32_t *bytes) {
    struct descriptor d[DESCRIPTORS];
    uint32_t n = s->descriptors > s->descriptor ? s->descriptors - s->descriptor : 0;
    if (n > DESCRIPTORS) n = DESCRIPTORS;
    if (!n) return false;
    if (!dma_read(master(p), s->table + TABLE_DESCRIPTORS + 16ull * s->descriptor, d, n * sizeof *d)) {
        stop(p, AHCI_IS_HOST_FATAL);
        return false;
    }
    for (uint32_t i = 0; i < n && *bytes; i++)
        if (!move_in(p, s, &d[i], to_memory, data, bytes)) return false;
    return true;
}

// How many bytes were moved. What the drive sends and no descriptor has a place for is lost (5.3.10): PxIS.OFS.
static uint32_t move(struct ahci_port *p, unsigned slot, bool to_memory, void *data, uint32_t bytes) {
    struct ahci_slot *s = slot_of(p, slot);
    uint8_t *at = data;
    uint32_t left = bytes;
    while (left && move_some(p, s, to_memory, &at, &left)) continue;
    if (!left || p->stopped || !to_memory) return bytes - left;
    p->is |= (uint32_t)AHCI_IS_OVERFLOW;
    return bytes;
}

static uint32_t drive_dma(void *owner, unsigned tag, bool to_memory, void *data, uint32_t bytes) {
    struct ahci_port *p = owner;
    unsigned slot = p->drive->queued ? tag : p->running;
    if (!(p->cmd & AHCI_CMD_START) || p->stopped || slot >= AHCI_SLOTS) return 0;
    uint32_t moved = move(p, slot, to_memory, data, bytes);
    if (moved < bytes) ahci_update(p->hba);
    return moved;
}

// A DRQ data block, or the packet.
static void drive_block(void *owner, bool interrupt) {
    struct ahci_port *p = owner;
    struct ata *a = p->drive;
    uint8_t data[ATA_BUFFER];
    uint32_t bytes = ata_room(a);
    bool packet = a->phase == ATA_PACKET, to_host = a->phase == ATA_BLOCK_IN;
    if (p->running >= AHCI_SLOTS || p->stopped) return;
    send_pio(p, to_host, bytes, interrupt && ata_asks(a));
    if (packet && !dma_read(master(p), slot_of(p, p->running)->table + TABLE_PACKET, data, bytes))
        stop(p, AHCI_IS_HOST_FATAL);
    if (to_host) memcpy(data, a->buffer + a->buffer_at, bytes);
    if (!packet && move(p, p->running, to_host, data, bytes) == bytes)
        to_host ? ata_take(a, data, bytes) : ata_give(a, data, bytes);
    else if (packet && !p->stopped)
        ata_give(a, data, bytes);
    ahci_update(p->hba);
}

// --- ends ---
static void put_moved(struct ahci_port *p, unsigned slot) {
    enum { PRDBC = 4 };
    uint32_t moved = slot_of(p, slot)->moved;
    if (!dma_write(master(p), p->list + HEADER_BYTES * slot + PRDBC, &moved, sizeof moved)) stop(p, AHCI_IS_HOST_FATAL);
}

static void drive_done(void *owner, bool interrupt) {
    struct ahci_port *p = owner;
    unsigned slot = p->running;
    if (slot < AHCI_SLOTS) put_moved(p, slot);
    send_registers(p, interrupt && ata_asks(p->drive));
    if (p->drive->status & ATA_ERR) {
        stop(p, AHCI_IS_TASK_FILE);
    } else if (slot < AHCI_SLOTS) {
        p->ci &= ~(1u << slot);
        p->running = AHCI_NO_SLOT;
    }
    ahci_port_work(p);
    ahci_update(p->hba);
}

static void drive_queued(void *owner, uint32_t done) {
    struct ahci_port *p = owner;
    send_set_bits(p, done);
    if (p->drive->status & ATA_ERR) stop(p, AHCI_IS_TASK_FILE);
    ahci_port_work(p);
    ahci_update(p->hba);
}

void ahci_plug(void *owner, unsigned unit, struct ata *ata) {
    struct ahci_port *p = owner;
    (void)unit;
    p->drive = ata;
    ata->link = (struct ata_link){p, drive_block, drive_done, drive_dma, drive_queued};
}

// --- beginnings ---
static void put_register(struct ata *a, unsigned reg, uint8_t value, uint8_t high) {
    ata_write(a, reg, high);
    ata_write(a, reg, value);
}

static void load_registers(struct ata *a, const uint8_t *fis) {
    put_register(a, ATA_FEATURES, fis[3], fis[11]);
    for (unsigned i = 0; i < 3; i++) put_register(a, ATA_LBA_LOW + i, fis[4 + i], fis[8 + i]);
    put_register(a, ATA_DEVICE, fis[7] & (uint8_t)~ATA_DEVICE_ONE, 0);
    put_register(a, ATA_COUNT, fis[12], fis[13]);
}

static bool is_queued(uint8_t command) { return command == 0x60 || command == 0x61; }

// A queued command is the drive's as soon as it was sent.
static void give_queued(struct ahci_port *p, unsigned slot, uint8_t command) {
    struct ata *a = p->drive;
    ata_begin(a, command);
    if (p->stopped) return;
    p->ci &= ~(1u << slot);
    p->tfd = ATA_DRDY | ATA_SEEK;
}

// A FIS without the command bit writes Device Control: a software reset is one with SRST, and one without (10.4.1).
static void give_control(struct ahci_port *p, unsigned slot, uint8_t value) {
    struct ata *a = p->drive;
    bool ends = a->control & ATA_SRST && !(value & ATA_SRST);
    ata_control(a, value);
    p->ci &= ~(1u << slot);
    if (!ends) return;
    send_registers(p, false);
}

static void give(struct ahci_port *p, unsigned slot, const uint8_t *fis) {
    struct ata *a = p->drive;
    if (fis[0] != FIS_TO_DEVICE) {
        p->ci &= ~(1u << slot);
    } else if (!(fis[1] & FIS_COMMAND)) {
        give_control(p, slot, fis[15]);
    } else {
        load_registers(a, fis);
        a->control = fis[15] & ATA_NIEN;
        if (is_queued(fis[2]) && !a->packet_device) {
            give_queued(p, slot, fis[2]);
        } else {
            p->running = (uint8_t)slot;
            p->tfd = (p->tfd & 0xff00) | ATA_BSY | ATA_DRDY;
            ata_begin(a, fis[2]);
        }
    }
}

// Takes one command: its header, then its FIS.
static void take(struct ahci_port *p, unsigned slot) {
    uint32_t header[HEADER_BYTES / 4];
    uint8_t fis[64];
    struct ahci_slot *s = slot_of(p, slot);
    p->last = (uint8_t)slot;
    p->cmd = (uint32_t)((p->cmd & ~AHCI_CMD_SLOT) | slot << 8);
    if (!dma_read(master(p), p->list + HEADER_BYTES * slot, header, sizeof header)) {
        stop(p, AHCI_IS_HOST_FATAL);
        return;
    }
    *s =
        (struct ahci_slot){.table = ((uint64_t)header[3] << 32 | header[2]) & ~0x7full, .descriptors = header[0] >> 16};
    if (dma_read(master(p), s->table, fis, sizeof fis))
        give(p, slot, fis);
    else
        stop(p, AHCI_IS_HOST_FATAL);
}

// 5.3.2: the next slot, behind the one taken last, as long as the drive can take a command.
static bool may_take(const struct ahci_port *p) {
    return p->drive && p->ci && p->cmd & AHCI_CMD_START && !p->stopped && p->running == AHCI_NO_SLOT && p->ssts & 3 &&
           !(p->tfd & (ATA_BSY | ATA_DRQ));
}

void ahci_port_work(struct ahci_port *p) {
    if (p->taking) return; // the caller's loop goes on
    p->taking = true;
    while (may_take(p)) {
        unsigned slot = (p->last + 1u) % AHCI_SLOTS;
        while (!(p->ci >> slot & 1)) slot = (slot + 1) % AHCI_SLOTS;
        take(p, slot);
    }
    p->taking = false;
}

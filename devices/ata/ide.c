// The registers of an IDE channel: what is written goes to both devices, the one that is selected answers.
#include "devices/ata/ide.h"
#include "devices/ata/command.h"

static struct ata *selected(const struct ide_channel *c) { return c->device[c->selected]; }

// Only the device that is selected drives the interrupt line.
static void update(struct ide_channel *c) {
    struct ata *a = selected(c);
    bool level = a && ata_asks(a);
    if (level && !c->intrq) bus_master_interrupted(c);
    c->intrq = level;
    line_set(&c->irq, level);
}

static void told(void *owner, bool interrupt) {
    (void)interrupt;
    update(owner);
}

static void no_queue(void *owner, uint32_t done) { (void)owner, (void)done; }

static void plug(void *owner, unsigned unit, struct ata *ata) {
    struct ide_channel *c = owner;
    c->device[unit] = ata;
    ata->link = (struct ata_link){owner, told, told, bus_master_move, no_queue};
}

// --- reading ---
// A device that is not there is answered for with zeros by the other one; so is an empty channel, as QEMU has it.
static uint8_t read_register(struct ide_channel *c, unsigned reg) {
    struct ata *a = selected(c);
    uint8_t value = a ? ata_read(a, reg) : 0;
    if (!a || reg != ATA_COMMAND) return value;
    a->interrupt = 0; // reading Status
    update(c);
    return value;
}

uint8_t ide_alternate_status(const struct ide_channel *c) {
    const struct ata *a = selected(c);
    return a ? ata_read(a, ATA_COMMAND) : 0;
}

uint32_t ide_read(struct ide_channel *c, unsigned offset, unsigned size) {
    uint32_t value = 0;
    if (offset == ATA_DATA && size > 1) {
        if (selected(c)) ata_take(selected(c), &value, size);
        return value;
    }
    for (unsigned i = 0; i < size; i++) value |= (offset + i ? (uint32_t)read_register(c, offset + i) : 0xffu) << 8 * i;
    return value;
}

// --- writing ---
static bool busy(const struct ata *a) { return a->status & (ATA_BSY | ATA_DRQ); }

// Both devices run their diagnostics, and device 0 is selected: ATA8-ACS 7.9.
static void diagnostic(struct ide_channel *c) {
    c->selected = 0;
    for (unsigned i = 2; i-- > 0;)
        if (c->device[i]) ata_begin(c->device[i], COMMAND_DIAGNOSTIC);
    if (c->device[1]) c->device[1]->interrupt = 0;
}

static void command(struct ide_channel *c, uint8_t value) {
    struct ata *a = selected(c);
    if (value == COMMAND_DIAGNOSTIC)
        diagnostic(c);
    else if (a && (!busy(a) || (value == COMMAND_DEVICE_RESET && a->packet_device)))
        ata_begin(a, value);
}

static void write_register(struct ide_channel *c, unsigned reg, uint8_t value) {
    if (reg == ATA_DATA) return;
    if (reg == ATA_COMMAND) {
        command(c, value);
    } else {
        if (reg == ATA_DEVICE) c->selected = value & ATA_DEVICE_ONE ? 1 : 0;
        for (unsigned i = 0; i < 2; i++)
            if (c->device[i] && (reg == ATA_DEVICE || !busy(c->device[i]))) ata_write(c->device[i], reg, value);
    }
    update(c);
}

void ide_write(struct ide_channel *c, unsigned offset, unsigned size, uint32_t value) {
    if (offset == ATA_DATA && size > 1) {
        if (selected(c)) ata_give(selected(c), &value, size);
        return;
    }
    for (unsigned i = 0; i < size; i++) write_register(c, offset + i, (uint8_t)(value >> 8 * i));
}

void ide_control(struct ide_channel *c, uint8_t value) {
    if (value & ATA_SRST) c->selected = 0;
    for (unsigned i = 0; i < 2; i++)
        if (c->device[i]) ata_control(c->device[i], value);
    update(c);
}

// --- life ---
void ide_channel_init(struct ide_channel *c) {
    for (unsigned unit = 0; unit < 2; unit++)
        c->socket[unit] = (struct ata_socket){.owner = c, .unit = unit, .plug = plug};
}

void ide_channel_reset(struct ide_channel *c) {
    c->selected = c->command = c->status = c->last = c->intrq = 0;
    c->table = c->entry = c->address = c->left = 0;
    line_set(&c->irq, false);
}

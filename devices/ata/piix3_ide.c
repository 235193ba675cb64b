// piix3-ide: the IDE controller of the 82371SB (PIIX3), two channels at the ports and interrupts of the PC/AT, with bus
// masters (82371SB data sheet, 2.3 and 2.8). The legacy ports are decoded whatever IDETIM says, as QEMU has it;
// interrupts are 14 and 15. Native mode this controller has not.
#include "devices/ata/ide.h"
#include "devices/bus/slot.h"
#include "devices/pci/function.h"

enum { CHANNELS = 2, BUS_MASTER = 4 /* base address register */, BUS_MASTER_PORTS = 16 };
enum { COMMAND_BLOCK = 8, CONTROL_BLOCK = 10 }; // register spaces: one for each channel
static const struct place {
    uint16_t command, control;
    uint8_t irq;
} places[CHANNELS] = {{0x1f0, 0x3f6, 14}, {0x170, 0x376, 15}};

struct piix3_ide {
    struct ide_channel channel[CHANNELS];
};

#define CHANNEL(member) STATE_EACH(struct piix3_ide, channel, member)
static const struct state_field fields[] = {
    STATE_EACH_TO(struct piix3_ide, channel, selected, 1),
    CHANNEL(command),
    CHANNEL(status),
    CHANNEL(table),
    CHANNEL(entry),
    CHANNEL(address),
    STATE_EACH_TO(struct piix3_ide, channel, left, 0x10000),
    STATE_EACH_TO(struct piix3_ide, channel, last, 1),
    STATE_EACH_TO(struct piix3_ide, channel, intrq, 1),
};
static const struct state_table piix3_ide_state = STATE_TABLE("piix3-ide", fields);

static uint64_t piix3_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    struct piix3_ide *p = chip;
    uint64_t value = 0;
    if (space >= CONTROL_BLOCK) return ide_alternate_status(&p->channel[space - CONTROL_BLOCK]);
    if (space >= COMMAND_BLOCK) return ide_read(&p->channel[space - COMMAND_BLOCK], (unsigned)offset, size);
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)bus_master_read(&p->channel[offset / 8], (unsigned)(offset + i) % 8) << 8 * i;
    return value;
}

static void piix3_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    struct piix3_ide *p = chip;
    if (space >= CONTROL_BLOCK) {
        ide_control(&p->channel[space - CONTROL_BLOCK], (uint8_t)value);
    } else if (space >= COMMAND_BLOCK) {
        ide_write(&p->channel[space - COMMAND_BLOCK], (unsigned)offset, size, (uint32_t)value);
    } else {
        for (unsigned i = 0; i < size; i++)
            bus_master_write(&p->channel[offset / 8], (unsigned)(offset + i) % 8, (uint8_t)(value >> 8 * i));
    }
}

static void piix3_reset(void *chip) {
    struct piix3_ide *p = chip;
    for (unsigned i = 0; i < CHANNELS; i++) ide_channel_reset(&p->channel[i]);
}

// IDETIM of both channels: what firmware leaves, where there is none. Bit 15: the channel is decoded; drivers look
// there.
static const struct pci_register left_enabled[] = {
    {.at = 0x40, .bytes = 4, .initial = 0x80008000, .writable = 0xffffffff}};

static const char *piix3_create(void *chip, struct device_host *host) {
    struct piix3_ide *p = chip;
    if (!host->chipset) {
        host->identity->registers = left_enabled;
        host->identity->register_count = 1;
    }
    for (unsigned i = 0; i < CHANNELS; i++) {
        struct ide_channel *c = &p->channel[i];
        ide_channel_init(c);
        c->master = &host->master;
        c->irq = device_line(host, places[i].irq);
        device_ports(host, COMMAND_BLOCK + i, places[i].command, 8, WIDTH_1 | WIDTH_2 | WIDTH_4);
        device_ports(host, CONTROL_BLOCK + i, places[i].control, 1, WIDTH_1);
        if (!slots_offer(host, "ide", i, 2, c->socket, sizeof *c->socket))
            return "there are too many places for drives";
    }
    return NULL;
}

static const struct pci_identity identity = {
    .vendor = 0x8086,
    .device = 0x7010,
    .class = 0x01,
    .subclass = 0x01,
    .interface = 0x80,
    .status = 0x0280,
    .bar = {[BUS_MASTER] = {.bytes = BUS_MASTER_PORTS, .widths = WIDTH_1 | WIDTH_2 | WIDTH_4, .kind = PCI_PORTS}},
};

DEVICE(piix3_ide) = {.name = "piix3-ide",
                     .help = "the IDE controller of PIIX3: two channels, with bus masters",
                     .read = piix3_read,
                     .write = piix3_write,
                     .reset = piix3_reset,
                     .state = &piix3_ide_state,
                     .bytes = sizeof(struct piix3_ide),
                     .function = &identity,
                     .create = piix3_create};

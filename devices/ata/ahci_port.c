// The registers of an AHCI port (3.3), and its resets (10.4).
#include "devices/ata/ahci.h"
#include "devices/ata/ata_private.h"
#include <string.h>

enum port_register {
    CLB = 0x00,
    CLBU = 0x04,
    FB = 0x08,
    FBU = 0x0c,
    IS = 0x10,
    IE = 0x14,
    CMD = 0x18,
    TFD = 0x20,
    SIG = 0x24,
    SSTS = 0x28,
    SCTL = 0x2c,
    SERR = 0x30,
    SACT = 0x34,
    CI = 0x38,
};
#define IE_DEFINED (BITS(30, 26) | BITS(24, 22) | BITS(7, 0))
#define CMD_WRITABLE                                                                                                   \
    (AHCI_CMD_START | AHCI_CMD_SPIN_UP | AHCI_CMD_POWER | AHCI_CMD_RECEIVE | AHCI_CMD_ATAPI | BITS(31, 25))
#define SERR_PHY_READY BIT(16)
#define SERR_EXCHANGED BIT(26)
enum { SSTS_PRESENT = 0x113 /* active, generation 1, device and link */, SCTL_INIT = 1, SCTL_OFF = 4 };
enum { TFD_RESET = 0x7f, SIG_DISK = 0x00000101, SIG_PACKET = 0xeb140101 };

uint32_t ahci_port_is(const struct ahci_port *p) {
    return (uint32_t)(p->is | (p->serr & SERR_EXCHANGED ? AHCI_IS_CONNECT : 0) |
                      (p->serr & SERR_PHY_READY ? AHCI_IS_PHY_READY : 0));
}

uint32_t ahci_port_read(const struct ahci_port *p, unsigned offset) {
    switch (offset) {
    case CLB: return (uint32_t)p->list;
    case CLBU: return (uint32_t)(p->list >> 32);
    case FB: return (uint32_t)p->received;
    case FBU: return (uint32_t)(p->received >> 32);
    case IS: return ahci_port_is(p);
    case IE: return p->ie;
    case CMD: return p->cmd;
    case TFD: return p->tfd;
    case SIG: return p->sig;
    case SSTS: return p->ssts;
    case SCTL: return p->sctl;
    case SERR: return p->serr;
    case SACT: return p->sact;
    case CI: return p->ci;
    default: return 0;
    }
}

// --- starting and stopping ---
// What the port has given to the drive ends: the drive works for nobody then.
static void forget(struct ahci_port *p) {
    p->ci = p->sact = 0;
    p->running = AHCI_NO_SLOT;
    p->stopped = 0;
    if (!p->drive) return;
    ata_idle(p->drive);
    ata_queue_clear(p->drive);
}

// The device's answer to COMINIT, or to power: its signature, in the first FIS that is received.
static void found(struct ahci_port *p) {
    p->ssts = p->drive ? SSTS_PRESENT : 0;
    p->tfd = p->drive ? (uint32_t)(p->drive->error << 8 | p->drive->status) : TFD_RESET;
    p->sig = !p->drive ? 0xffffffff : p->drive->packet_device ? SIG_PACKET : SIG_DISK;
    p->signature = p->drive != NULL;
    if (p->cmd & AHCI_CMD_RECEIVE) ahci_port_receive(p);
}

void ahci_port_reset(struct ahci_port *p, bool power_on) {
    p->list = p->received = 0;
    p->is = p->ie = p->sctl = p->serr = 0;
    p->cmd = (uint32_t)(AHCI_CMD_SPIN_UP | AHCI_CMD_POWER);
    p->last = AHCI_SLOTS - 1;
    memset(&p->hba->slot[p->number * AHCI_SLOTS], 0, AHCI_SLOTS * sizeof(struct ahci_slot));
    forget(p);
    if (p->drive) ata_reset(p->drive, power_on);
    found(p);
}

// Interface communication: DET 1 holds the link in reset, and 0 after that lets it begin; 4 switches it off.
static void control(struct ahci_port *p, uint32_t value) {
    unsigned old = p->sctl & 15, now = value & 15;
    p->sctl = value & 0xfff;
    if (now == old) return;
    if (now == SCTL_INIT || now == SCTL_OFF) {
        forget(p);
        p->ssts = now == SCTL_OFF ? 4 : 0;
        p->tfd = TFD_RESET;
    } else if (now == 0) {
        if (p->drive) ata_reset(p->drive, false);
        if (p->drive) p->serr |= (uint32_t)(SERR_EXCHANGED | SERR_PHY_READY);
        found(p);
    }
}

static void write_cmd(struct ahci_port *p, uint32_t value) {
    uint32_t old = p->cmd;
    p->cmd = (uint32_t)((old & ~CMD_WRITABLE) | (value & CMD_WRITABLE)) &
             0x0fffffff; // the link's power state is always active
    p->cmd &= (uint32_t) ~(AHCI_CMD_LIST_RUNS | AHCI_CMD_RECEIVE_RUNS);
    if (p->cmd & AHCI_CMD_START) p->cmd |= (uint32_t)AHCI_CMD_LIST_RUNS;
    if (p->cmd & AHCI_CMD_RECEIVE) p->cmd |= (uint32_t)AHCI_CMD_RECEIVE_RUNS;
    if (old & ~p->cmd & AHCI_CMD_START) {
        forget(p);
        p->cmd &= (uint32_t)~AHCI_CMD_SLOT;
    }
    if (value & AHCI_CMD_OVERRIDE) p->tfd &= (uint32_t) ~(ATA_BSY | ATA_DRQ);
    if (p->cmd & ~old & AHCI_CMD_RECEIVE) ahci_port_receive(p);
    ahci_port_work(p);
}

static void put_low(uint64_t *to, uint32_t value) { *to = (*to & ~0xffffffffull) | value; }
static void put_high(uint64_t *to, uint32_t value) { *to = (*to & 0xffffffff) | (uint64_t)value << 32; }

void ahci_port_write(struct ahci_port *p, unsigned offset, uint32_t value) {
    switch (offset) {
    case CLB: put_low(&p->list, value & ~0x3ffu); break;
    case CLBU: put_high(&p->list, value); break;
    case FB: put_low(&p->received, value & ~0xffu); break;
    case FBU: put_high(&p->received, value); break;
    case IS: p->is &= ~value; break;
    case IE: p->ie = (uint32_t)(value & IE_DEFINED); break;
    case CMD: write_cmd(p, value); break;
    case SCTL: control(p, value); break;
    case SERR: p->serr &= ~value; break;
    case SACT:
        if (p->cmd & AHCI_CMD_START) p->sact |= value;
        break;
    case CI:
        if (p->cmd & AHCI_CMD_START) p->ci |= value;
        ahci_port_work(p);
        break;
    default: break;
    }
    ahci_update(p->hba);
}

void ahci_port_init(struct ahci *hba, unsigned number) {
    struct ahci_port *p = &hba->port[number];
    p->hba = hba;
    p->number = number;
    p->socket = (struct ata_socket){.owner = p, .sata = true, .plug = ahci_plug};
}

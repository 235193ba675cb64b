// A host bus adapter by AHCI 1.3, as QEMU's ICH9 has it: six ports with a drive each. Section numbers are those of the
// Serial ATA AHCI 1.3 specification.
#ifndef DEVICES_AHCI_H
#define DEVICES_AHCI_H
#include "devices/ata/socket.h"
#include "devices/bus/device.h"

enum { AHCI_PORTS = 6, AHCI_SLOTS = 32, AHCI_NO_SLOT = AHCI_SLOTS };

// 3.3.5: PxIS and PxIE
#define AHCI_IS_D2H BIT(0)
#define AHCI_IS_PIO BIT(1)
#define AHCI_IS_SET_BITS BIT(3)
#define AHCI_IS_DESCRIPTOR BIT(5)
#define AHCI_IS_CONNECT BIT(6)    // as long as SERR.DIAG.X is set
#define AHCI_IS_PHY_READY BIT(22) // as long as SERR.DIAG.N is set
#define AHCI_IS_OVERFLOW BIT(24)
#define AHCI_IS_HOST_FATAL BIT(29)
#define AHCI_IS_TASK_FILE BIT(30)
// 3.3.7: PxCMD
#define AHCI_CMD_START BIT(0)
#define AHCI_CMD_SPIN_UP BIT(1)
#define AHCI_CMD_POWER BIT(2)
#define AHCI_CMD_OVERRIDE BIT(3)
#define AHCI_CMD_RECEIVE BIT(4)
#define AHCI_CMD_SLOT BITS(12, 8)
#define AHCI_CMD_RECEIVE_RUNS BIT(14)
#define AHCI_CMD_LIST_RUNS BIT(15)
#define AHCI_CMD_ATAPI BIT(24)

struct ahci;

// A command that was taken from the list: what of its header is needed until it ends.
struct ahci_slot {
    uint64_t table;              // command table
    uint32_t descriptors;        // in its PRDT
    uint32_t descriptor, offset; // the next one to be used, and how many bytes of it have been
    uint32_t moved;              // bytes
};

struct ahci_port {
    // architectural
    uint64_t list, received; // PxCLB, PxFB
    uint32_t is, ie, cmd, tfd, sig, ssts, sctl, serr, sact, ci;
    uint8_t running;   // the slot of the command that is not queued; AHCI_NO_SLOT
    uint8_t last;      // the slot that was taken last
    uint8_t stopped;   // by an error, until START goes
    uint8_t signature; // a D2H FIS with it waits until FISes may be received
    // wiring
    struct ata *drive;
    struct ata_socket socket;
    struct ahci *hba;
    unsigned number;
    bool taking; // ahci_port_work is under way
};

struct ahci {
    // architectural
    uint32_t control, is, index; // GHC, IS; of the index and data pair
    struct ahci_port port[AHCI_PORTS];
    struct ahci_slot slot[AHCI_PORTS * AHCI_SLOTS]; // of port 0, port 1, ...
    // wiring
    struct device_host *host;
};
extern const struct state_table ahci_state;

// --- ahci_port.c ---
uint32_t ahci_port_read(const struct ahci_port *port, unsigned offset);
void ahci_port_write(struct ahci_port *port, unsigned offset, uint32_t value);
void ahci_port_reset(struct ahci_port *port, bool power_on); // what HBA reset, and power, do to it
void ahci_port_init(struct ahci *hba, unsigned number);
uint32_t ahci_port_is(const struct ahci_port *port); // PxIS with what follows from PxSERR

// --- ahci_command.c ---
void ahci_port_work(struct ahci_port *port);    // takes commands from the list as long as that may be
void ahci_port_receive(struct ahci_port *port); // FISes may be received: of the signature
void ahci_plug(void *port, unsigned unit, struct ata *ata);

// --- ahci.c ---
void ahci_update(struct ahci *hba); // the interrupt

#endif

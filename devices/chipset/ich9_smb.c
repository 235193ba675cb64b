// The SMBus controller of -machine q35: ICH9 data sheet, 21.1: function 3 of device 31, with nothing on its bus.
#include "devices/chipset/smbus.h"
#include "devices/pci/function.h"
#include "cpu/state/outcome.h"

enum { PORTS_BAR = 4, HOSTC = 0x40 };

static const struct state_field fields[] = {STATE_ARRAY(struct smbus, reg)};
static const struct state_table smb_state = STATE_TABLE("ich9-smb", fields);

static uint64_t smb_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    (void)space, (void)size;
    return smbus_read(chip, offset);
}
static void smb_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    (void)space, (void)size;
    smbus_write(chip, offset, (uint8_t)value);
}
static void smb_reset(void *chip) { *(struct smbus *)chip = (struct smbus){0}; }

static const struct pci_register registers[] = {{HOSTC, 1, 0, 0xf7, 0}};
static const struct pci_identity identity = {.vendor = 0x8086,
                                             .device = 0x2930,
                                             .revision = 2,
                                             .class = 0x0c,
                                             .subclass = 5,
                                             .pin = 1,
                                             .header = PCI_HEADER_MANY,
                                             .subsystem_vendor = 0x1af4,
                                             .subsystem = 0x1100,
                                             .bar = {[PORTS_BAR] = {SMBUS_PORTS, WIDTH_1, PCI_PORTS, NULL}},
                                             .registers = registers,
                                             .register_count = 1};

DEVICE(ich9_smb) = {.name = "ICH9-SMB",
                    .help = "an SMBus controller with nothing on its bus",
                    .read = smb_read,
                    .write = smb_write,
                    .reset = smb_reset,
                    .state = &smb_state,
                    .bytes = sizeof(struct smbus),
                    .function = &identity};

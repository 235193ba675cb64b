// 82371AB (PIIX4) data sheet, 11.2: no address is answered, so each transaction that is started ends with a device
// error. NOT IMPLEMENTED: its interrupt, the block buffer, the slave's registers.
#include "devices/chipset/smbus.h"
#include "cpu/state/outcome.h"

enum { STATUS = 0, CONTROL = 2 };
#define DEVICE_ERROR BIT(2)
#define START BIT(6)

uint64_t smbus_read(const struct smbus *s, uint64_t offset) { return offset < SMBUS_REGISTERS ? s->reg[offset] : 0; }

void smbus_write(struct smbus *s, uint64_t offset, uint8_t value) {
    if (offset == STATUS) {
        s->reg[STATUS] &= (uint8_t)~value; // write 1 to clear
    } else if (offset < SMBUS_REGISTERS) {
        s->reg[offset] = offset == CONTROL ? value & (uint8_t)~START : value;
        if (offset == CONTROL && value & START) s->reg[STATUS] |= (uint8_t)DEVICE_ERROR;
    }
}

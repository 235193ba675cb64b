// An SMBus host controller without anything on its bus.
#ifndef DEVICES_SMBUS_H
#define DEVICES_SMBUS_H
#include "devices/bus/bus.h"

enum { SMBUS_PORTS = 64, SMBUS_REGISTERS = 8 };
struct smbus {
    uint8_t reg[SMBUS_REGISTERS];
};
uint64_t smbus_read(const struct smbus *bus, uint64_t offset);
void smbus_write(struct smbus *bus, uint64_t offset, uint8_t value);

#endif

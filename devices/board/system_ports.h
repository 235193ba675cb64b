// The system control ports of a PC: 61H (speaker, counter 2), 92H (fast A20 and reset), CF9H (reset), 80H (POST code).
#ifndef DEVICES_SYSTEM_PORTS_H
#define DEVICES_SYSTEM_PORTS_H
#include "devices/bus/bus.h"
#include "devices/timer/clock.h"
#include "devices/timer/pit.h"

struct system_ports {
    uint8_t port61, port92, reset_control, post;
    // wiring
    struct clock *clock;
    struct pit *pit;
    void (*reset)(void *owner);
    void *owner;
};
enum system_ports_space { SYSTEM_61, SYSTEM_92, SYSTEM_POST };
extern const struct device system_ports_device;
// Port CF9H lies inside the PCI configuration address register, which hands byte accesses on.
uint8_t system_reset_control(const struct system_ports *system);
void system_set_reset_control(struct system_ports *system, uint8_t value);

#endif

// Ports for tests and debugging that exist in virtual machines only: isa-debug-exit, the debug consoles E9H and 402H,
// and pc-testdev as kvm-unit-tests use it.
#ifndef DEVICES_DEBUG_PORTS_H
#define DEVICES_DEBUG_PORTS_H
#include "devices/bus/bus.h"

struct debug_ports {
    uint32_t exit_code;
    uint32_t echo; // port E0H reads back what was written
    // wiring
    void (*console)(void *context, uint8_t byte);
    void *console_context;
    void (*exit)(void *owner);
    void (*interrupt)(void *owner, unsigned input, bool level);
    void *owner;
};
enum debug_space { DEBUG_EXIT, DEBUG_CONSOLE_E9, DEBUG_CONSOLE_402, TESTDEV_ECHO, TESTDEV_FLUSH, TESTDEV_LINES };
enum { TESTDEV_LINE_COUNT = 24 };
extern const struct device debug_ports_device;

#endif

// The debug consoles of virtual machines, ports E9H and 402H: what is written there is for whoever looks on.
#ifndef DEVICES_DEBUG_CONSOLE_H
#define DEVICES_DEBUG_CONSOLE_H
#include "devices/bus/back_end.h"
#include "devices/bus/bus.h"

struct debug_console {
    struct character_back back; // wiring
};
extern const struct device debug_console_device;

#endif

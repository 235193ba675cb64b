// Power management: the fixed hardware of ACPI 6.3, 4.8.3: PM1a event and control registers, the PM timer.
#ifndef DEVICES_PM_H
#define DEVICES_PM_H
#include "devices/bus/bus.h"
#include "devices/timer/clock.h"
#include "devices/bus/line.h"

#define PM_TIMER_HZ 3579545ull
enum { PM_BASE = 0x600, PM_EVENT = 0, PM_CONTROL = 4, PM_TIMER = 8, PM_BYTES = 16, PM_SCI = 9, PM_SLEEP_OFF = 5 };

struct pm {
    uint64_t seen; // PM timer's value when TMR_STS was last worked out
    uint16_t status, enable, control;
    // wiring
    struct line sci;
    struct clock *clock;
    unsigned timer;
    uint8_t sleep_off; // SLP_TYP of S5
    void (*power_off)(void *owner);
    void *owner;
};
extern const struct device pm_device;
void pm_init(struct pm *pm, struct clock *clock);

#endif

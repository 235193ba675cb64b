// The high precision event timers. IA-PC HPET specification 1.0a.
#ifndef DEVICES_HPET_H
#define DEVICES_HPET_H
#include "devices/bus/bus.h"
#include "devices/timer/clock.h"

#define HPET_BASE 0xfed00000ull
#define HPET_HZ 100000000ull
enum { HPET_TIMERS = 3 };

struct hpet_timer {
    uint64_t config;
    uint64_t comparator;
    uint64_t period; // periodic mode: what is added to the comparator
};
struct hpet {
    struct hpet_timer timer[HPET_TIMERS];
    uint64_t config, status;
    uint64_t counter; // main counter while halted; while it runs, its value at tick 0 (modulo 2^64)
    // wiring
    struct clock *clock;
    unsigned clock_timer[HPET_TIMERS];
    void (*interrupt)(void *owner, unsigned input,
                      bool level);        // an I/O APIC pin; with legacy replacement ISA IRQ 0 or 8
    void (*legacy)(void *owner, bool on); // legacy replacement: the 8254 and the RTC lose their lines
    void *owner;
};
extern const struct device hpet_device;

void hpet_init(struct hpet *hpet, struct clock *clock);

#endif

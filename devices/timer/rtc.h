// The real-time clock and its CMOS memory. Motorola MC146818A data sheet; 82371AB (PIIX4) data sheet for 128 bytes.
#ifndef DEVICES_RTC_H
#define DEVICES_RTC_H
#include "devices/bus/bus.h"
#include "devices/timer/clock.h"
#include "devices/bus/line.h"

struct rtc {
    uint8_t cmos[128]; // registers 0..9 and 32H are kept only while register B's SET stops the clock
    uint8_t index;
    uint8_t flags;        // register C
    uint64_t base_tick;   // tick of 32768 Hz at which the clock read base_seconds
    int64_t base_seconds; // since 1970-01-01 00:00
    uint64_t seen_tick;   // flags are right up to this tick
    // wiring
    struct line irq; // IRQ 8
    struct clock *clock;
    unsigned timer;
};
extern const struct device rtc_device;

// Registers that the board describes itself with.
enum cmos_register {
    CMOS_SECONDS,
    CMOS_SECONDS_ALARM,
    CMOS_MINUTES,
    CMOS_MINUTES_ALARM,
    CMOS_HOURS,
    CMOS_HOURS_ALARM,
    CMOS_DAY_OF_WEEK,
    CMOS_DAY,
    CMOS_MONTH,
    CMOS_YEAR,
    CMOS_A,
    CMOS_B,
    CMOS_C,
    CMOS_D,
    CMOS_EQUIPMENT = 0x14,
    CMOS_BASE_LOW,
    CMOS_BASE_HIGH,
    CMOS_EXTENDED_LOW,
    CMOS_EXTENDED_HIGH,
    CMOS_EXTENDED_LOW2 = 0x30,
    CMOS_EXTENDED_HIGH2,
    CMOS_CENTURY,
    CMOS_ABOVE_16M_LOW = 0x34,
    CMOS_ABOVE_16M_HIGH,
    CMOS_BOOT_THIRD = 0x38, // the third drive to try in the upper half; QEMU's, as the next
    CMOS_BOOT_FIRST = 0x3d, // the first, and in the upper half the second
    CMOS_ABOVE_4G_LOW = 0x5b,
    CMOS_ABOVE_4G_MIDDLE,
    CMOS_ABOVE_4G_HIGH,
    CMOS_PROCESSORS = 0x5f, // all but one
};

void rtc_init(struct rtc *rtc, struct clock *clock, int64_t epoch);

#endif

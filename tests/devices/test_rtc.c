// The real-time clock: the calendar, formats, UIP, alarm, periodic and update interrupts, setting the time.
#include "devices/timer/rtc.h"
#include "fake.h"
#include "tests/tap.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { HZ = 32768 * 4 };
static struct fake fake;
static struct rtc rtc;
static struct fake_line irq;

static uint8_t get(unsigned reg) {
    rtc_device.write(&rtc, 0, 0, 1, reg);
    return (uint8_t)rtc_device.read(&rtc, 0, 1, 1);
}
static void set(unsigned reg, uint8_t value) {
    rtc_device.write(&rtc, 0, 0, 1, reg);
    rtc_device.write(&rtc, 0, 1, 1, value);
}
static void begin(int64_t epoch) {
    fake_init(&fake, HZ);
    rtc = (struct rtc){.irq = fake_line(&irq)};
    rtc_init(&rtc, &fake.clock, epoch);
    rtc_device.reset(&rtc);
}
static void seconds(uint64_t n) { fake_pass(&fake, n * HZ); }

// "20240229 235959 5": what the registers say, weekday last.
static const char *shown(void) {
    static char text[64];
    snprintf(text, sizeof text, "%02x%02x%02x%02x %02x%02x%02x %x", get(CMOS_CENTURY), get(CMOS_YEAR), get(CMOS_MONTH),
             get(CMOS_DAY), get(CMOS_HOURS), get(CMOS_MINUTES), get(CMOS_SECONDS), get(CMOS_DAY_OF_WEEK));
    return text;
}

static void calendar(void) {
    begin(1709251199);
    ok(!strcmp(shown(), "20240229 235959 5"), "a leap day: %s", shown());
    seconds(1);
    ok(!strcmp(shown(), "20240301 000000 6"), "the day after: %s", shown());
    loop_begin("dates agree with the C library");
    for (int64_t t = 0; t < 8000000000; t += 123456789) {
        begin(t);
        struct tm tm;
        char want[64];
        gmtime_r(&(time_t){t}, &tm);
        strftime(want, sizeof want, "%Y%m%d %H%M%S", &tm);
        loop_check(!strncmp(shown(), want, 15) && get(CMOS_DAY_OF_WEEK) == tm.tm_wday + 1, "%s, not %s", shown(), want);
    }
    loop_end();
}

static void formats(void) {
    begin(1704067200 + 13 * 3600 + 45 * 60);
    set(CMOS_B, 0x06);
    ok(get(CMOS_HOURS) == 13 && get(CMOS_MINUTES) == 45, "binary");
    set(CMOS_B, 0x04);
    ok(get(CMOS_HOURS) == 0x81, "12 hours, binary: 1 pm");
    set(CMOS_B, 0x00);
    ok(get(CMOS_HOURS) == 0x81 && get(CMOS_MINUTES) == 0x45, "12 hours, BCD");
    seconds(11 * 3600);
    ok(get(CMOS_HOURS) == 0x12, "midnight is 12 am");
    seconds(12 * 3600);
    ok(get(CMOS_HOURS) == 0x92, "noon is 12 pm");
}

static void setting(void) {
    begin(1704067200);
    set(CMOS_B, 0x82);
    set(CMOS_CENTURY, 0x19), set(CMOS_YEAR, 0x99), set(CMOS_MONTH, 0x12), set(CMOS_DAY, 0x31);
    set(CMOS_HOURS, 0x23), set(CMOS_MINUTES, 0x59), set(CMOS_SECONDS, 0x58);
    seconds(10);
    ok(get(CMOS_SECONDS) == 0x58, "SET stops the clock");
    set(CMOS_B, 0x02);
    seconds(2);
    ok(!strcmp(shown(), "20000101 000000 7"), "and starts it with what was set: %s", shown());
    set(CMOS_MINUTES, 0x30);
    ok(get(CMOS_MINUTES) == 0x30 && get(CMOS_YEAR) == 0, "one register written while it runs");
    set(0x40, 0xa5);
    rtc_device.reset(&rtc);
    ok(get(0x40) == 0xa5, "CMOS memory outlives a reset");
    set(CMOS_D, 0), set(CMOS_C, 0xff);
    ok(get(CMOS_D) == 0x80, "the battery is good");
}

static void uip(void) {
    begin(1704067200);
    ok(!(get(CMOS_A) & 0x80), "UIP is 0 after an update");
    fake_pass(&fake, HZ - HZ / 4096);
    ok(get(CMOS_A) & 0x80, "UIP is 1 in the last 244 microseconds");
    ok(get(CMOS_SECONDS) == 0, "before the update");
    fake_pass(&fake, HZ / 4096);
    ok(!(get(CMOS_A) & 0x80) && get(CMOS_SECONDS) == 1, "and 0 after it");
}

static void interrupts(void) {
    begin(1704067200);
    set(CMOS_B, 0x42);
    seconds(1);
    ok(irq.level && irq.rises == 1, "a periodic interrupt stays until register C is read");
    ok(get(CMOS_C) == 0xd0 && !irq.level, "IRQF, PF and UF; reading clears them");
    ok(get(CMOS_C) == 0, "all of them");
    for (unsigned i = 0; i < 100; i++) {
        fake_pass(&fake, HZ / 1024);
        if (irq.level) get(CMOS_C);
    }
    ok(irq.rises == 101, "1024 Hz: %u in 100 periods", irq.rises - 1);
    set(CMOS_A, 0x21);
    get(CMOS_C);
    unsigned before = irq.rises;
    for (unsigned i = 0; i < 256; i++) {
        fake_pass(&fake, HZ / 256);
        get(CMOS_C);
    }
    ok(irq.rises - before == 256, "rate 1 is 256 Hz");
    set(CMOS_B, 0x92);
    ok(get(CMOS_B) == 0x82, "SET clears UIE");
    set(CMOS_B, 0x12);
    get(CMOS_C);
    before = irq.rises;
    for (unsigned i = 0; i < 10; i++) {
        seconds(1);
        get(CMOS_C);
    }
    ok(irq.rises - before == 10, "an update interrupt a second");
    set(CMOS_HOURS_ALARM, 0xff), set(CMOS_MINUTES_ALARM, 0x05), set(CMOS_SECONDS_ALARM, 0x30), set(CMOS_B, 0x22);
    get(CMOS_C);
    before = irq.rises;
    seconds(60);
    ok(!irq.level, "the alarm waits");
    seconds(4 * 60 + 30);
    ok(irq.rises - before == 1 && get(CMOS_C) & 0x20, "for its minute and second");
    ok(get(CMOS_MINUTES) == 0x05, "in any hour");
    seconds(3600);
    ok(irq.level && get(CMOS_MINUTES) == 0x05, "and an hour later again");
    set(CMOS_HOURS_ALARM, 0x99);
    get(CMOS_C);
    seconds(100000);
    ok(!irq.level, "an hour that there is not never comes");
}

int main(void) {
    calendar();
    formats();
    setting();
    uip();
    interrupts();
    return done_testing();
}

// The real-time clock and its CMOS memory. Motorola MC146818A data sheet. Ports 70H (index) and 71H (data).
//
// Time is a count of seconds, of which the registers are a view; they are a real store only while SET stops the clock.
// The update takes no time here: UIP announces it 244 microseconds (8 ticks) ahead, as the data sheet has it.
// NOT IMPLEMENTED: daylight saving (DSE), square wave output, the NMI mask in bit 7 of the index port.
#include "devices/timer/rtc.h"
#include "cpu/state/outcome.h"
#include "devices/bus/aml.h"

#define RTC_HZ 32768
#define A_UIP BIT(7)
#define A_RATE BITS(3, 0)
#define A_DIVIDER BITS(6, 4)
#define A_DIVIDER_RUN (2 << 4)
#define B_SET BIT(7)
#define B_PIE BIT(6)
#define B_AIE BIT(5)
#define B_UIE BIT(4)
#define B_BINARY BIT(2)
#define B_24H BIT(1)
#define C_IRQF BIT(7)
#define C_PF BIT(6)
#define C_AF BIT(5)
#define C_UF BIT(4)
#define D_VRT BIT(7)
#define HOUR_PM BIT(7)
#define ALARM_ANY 0xc0
enum { UIP_TICKS = 8, DAY_SECONDS = 86400, RTC_INDEX = 0 };

static const struct state_field fields[] = {
    STATE_ARRAY(struct rtc, cmos),    STATE_ONE_TO(struct rtc, index, 127), STATE_ONE(struct rtc, flags),
    STATE_ONE(struct rtc, base_tick), STATE_ONE(struct rtc, base_seconds),  STATE_ONE(struct rtc, seen_tick),
};
static const struct state_table rtc_state = STATE_TABLE("rtc", fields);

struct date {
    int64_t year;
    unsigned month, day, weekday, hour, minute, second;
};

static uint64_t now_tick(const struct rtc *rtc) { return clock_ticks(rtc->clock, clock_now(rtc->clock), RTC_HZ, 1); }
static bool running(const struct rtc *rtc) {
    return !(rtc->cmos[CMOS_B] & B_SET) && (rtc->cmos[CMOS_A] & A_DIVIDER) == A_DIVIDER_RUN;
}
static int64_t seconds_at(const struct rtc *rtc, uint64_t tick) {
    return rtc->base_seconds + (int64_t)((tick - rtc->base_tick) / RTC_HZ);
}

// Days since 1970-01-01 of a date in the proleptic Gregorian calendar, and back; years count from March.
static int64_t days_from_date(int64_t year, unsigned month, unsigned day) {
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}
static struct date date_of(int64_t seconds) {
    int64_t days = seconds / DAY_SECONDS, rest = seconds % DAY_SECONDS;
    if (rest < 0) rest += DAY_SECONDS, days--;
    struct date d = {
        .hour = (unsigned)(rest / 3600), .minute = (unsigned)(rest / 60 % 60), .second = (unsigned)(rest % 60)};
    d.weekday = (unsigned)(((days + 4) % 7 + 7) % 7); // 1970-01-01 was a Thursday; Sunday is 0
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097, of_era = days - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100), m = (5 * of_year + 2) / 153;
    d.day = (unsigned)(of_year - (153 * m + 2) / 5 + 1);
    d.month = (unsigned)(m < 10 ? m + 3 : m - 9);
    d.year = era * 400 + year + (d.month <= 2);
    return d;
}

static uint8_t encode(const struct rtc *rtc, unsigned value) {
    return (uint8_t)(rtc->cmos[CMOS_B] & B_BINARY ? value : value / 10 % 10 << 4 | value % 10);
}
static unsigned decode(const struct rtc *rtc, uint8_t value) {
    return rtc->cmos[CMOS_B] & B_BINARY ? value : (unsigned)(value >> 4) * 10 + (value & 15);
}
static uint8_t encode_hour(const struct rtc *rtc, unsigned hour) {
    if (rtc->cmos[CMOS_B] & B_24H) return encode(rtc, hour);
    return (uint8_t)(encode(rtc, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? HOUR_PM : 0));
}
static unsigned decode_hour(const struct rtc *rtc, uint8_t value) {
    if (rtc->cmos[CMOS_B] & B_24H) return decode(rtc, value);
    return decode(rtc, value & (uint8_t)~HOUR_PM) % 12 + (value & HOUR_PM ? 12 : 0);
}

static bool is_time(unsigned index) {
    return index == CMOS_CENTURY || (index <= CMOS_YEAR && !(index <= CMOS_HOURS_ALARM && index & 1));
}

// Writes the time into the registers.
static void registers_from_time(struct rtc *rtc, int64_t seconds) {
    struct date d = date_of(seconds);
    uint8_t *r = rtc->cmos;
    r[CMOS_SECONDS] = encode(rtc, d.second);
    r[CMOS_MINUTES] = encode(rtc, d.minute);
    r[CMOS_HOURS] = encode_hour(rtc, d.hour);
    r[CMOS_DAY_OF_WEEK] = encode(rtc, d.weekday + 1);
    r[CMOS_DAY] = encode(rtc, d.day);
    r[CMOS_MONTH] = encode(rtc, d.month);
    r[CMOS_YEAR] = encode(rtc, (unsigned)((d.year % 100 + 100) % 100));
    r[CMOS_CENTURY] = encode(rtc, (unsigned)((d.year / 100 % 100 + 100) % 100));
}

// Starts the clock from the registers; what is no date is carried over.
static void time_from_registers(struct rtc *rtc, uint64_t tick) {
    const uint8_t *r = rtc->cmos;
    int64_t year = (int64_t)decode(rtc, r[CMOS_CENTURY]) * 100 + decode(rtc, r[CMOS_YEAR]);
    unsigned month = decode(rtc, r[CMOS_MONTH]);
    month = month < 1 ? 1 : month > 12 ? 12 : month;
    int64_t days = days_from_date(year, month, decode(rtc, r[CMOS_DAY]));
    rtc->base_seconds = days * DAY_SECONDS + decode_hour(rtc, r[CMOS_HOURS]) * 3600 +
                        decode(rtc, r[CMOS_MINUTES]) * 60 + decode(rtc, r[CMOS_SECONDS]);
    rtc->base_tick = tick;
}

static bool alarm_matches(uint8_t alarm, unsigned have, unsigned want) { return alarm >= ALARM_ANY || have == want; }

static bool alarm_possible(uint8_t alarm, unsigned want, unsigned end) { return alarm >= ALARM_ANY || want < end; }

// The first second after `after` at which the alarm goes off; CLOCK_NEVER as int64_t (-1) when it never does.
static int64_t next_alarm(const struct rtc *rtc, int64_t after) {
    const uint8_t *r = rtc->cmos;
    unsigned hour = decode_hour(rtc, r[CMOS_HOURS_ALARM]), minute = decode(rtc, r[CMOS_MINUTES_ALARM]);
    unsigned second = decode(rtc, r[CMOS_SECONDS_ALARM]);
    if (!alarm_possible(r[CMOS_HOURS_ALARM], hour, 24) || !alarm_possible(r[CMOS_MINUTES_ALARM], minute, 60) ||
        !alarm_possible(r[CMOS_SECONDS_ALARM], second, 60))
        return -1; // not one by one through the seconds of a day
    int64_t t = after + 1, end = t + DAY_SECONDS;
    while (t <= end) {
        struct date d = date_of(t);
        if (!alarm_matches(r[CMOS_HOURS_ALARM], d.hour, hour))
            t += 3600 - (d.minute * 60 + d.second);
        else if (!alarm_matches(r[CMOS_MINUTES_ALARM], d.minute, minute))
            t += 60 - d.second;
        else if (!alarm_matches(r[CMOS_SECONDS_ALARM], d.second, second))
            t++;
        else
            return t;
    }
    return -1;
}

// Ticks between periodic interrupts: the data sheet's table 5 for a 32768 Hz time base. 0: none.
static uint32_t period(const struct rtc *rtc) {
    unsigned rate = rtc->cmos[CMOS_A] & A_RATE;
    return rate == 0 ? 0 : rate <= 2 ? 1u << (rate + 6) : 1u << (rate - 1);
}

// Sets the flags for what happened up to now.
static void catch_up(struct rtc *rtc, uint64_t now) {
    uint32_t p = period(rtc);
    if (p && now / p != rtc->seen_tick / p) rtc->flags |= C_PF;
    if (running(rtc)) {
        int64_t before = seconds_at(rtc, rtc->seen_tick < rtc->base_tick ? rtc->base_tick : rtc->seen_tick);
        int64_t seconds = seconds_at(rtc, now);
        if (seconds != before) {
            rtc->flags |= C_UF;
            int64_t alarm = next_alarm(rtc, before);
            if (alarm >= 0 && alarm <= seconds) rtc->flags |= C_AF;
        }
    }
    rtc->seen_tick = now;
}

static void arm(struct rtc *rtc, uint64_t now) {
    uint8_t wanted = rtc->cmos[CMOS_B] & (uint8_t)~rtc->flags & (B_PIE | B_AIE | B_UIE);
    uint64_t tick = CLOCK_NEVER;
    uint32_t p = period(rtc);
    if (wanted & B_PIE && p) tick = (now / p + 1) * p;
    if (wanted & (B_UIE | B_AIE) && running(rtc)) {
        int64_t seconds = seconds_at(rtc, now), next = wanted & B_UIE ? seconds + 1 : next_alarm(rtc, seconds);
        uint64_t at = rtc->base_tick + (uint64_t)(next - rtc->base_seconds) * RTC_HZ;
        if (next > seconds && at < tick) tick = at;
    }
    if (tick == CLOCK_NEVER)
        clock_disarm(rtc->clock, rtc->timer);
    else
        clock_arm(rtc->clock, rtc->timer, clock_cycle_of_tick(rtc->clock, tick, RTC_HZ, 1));
}

static void update(void *chip) {
    struct rtc *rtc = chip;
    uint64_t now = now_tick(rtc);
    catch_up(rtc, now);
    bool request = rtc->flags & rtc->cmos[CMOS_B] & (C_PF | C_AF | C_UF);
    rtc->flags = (uint8_t)(request ? rtc->flags | C_IRQF : rtc->flags & ~C_IRQF);
    line_set(&rtc->irq, request);
    arm(rtc, now);
}

static uint8_t read_register(struct rtc *rtc, unsigned index) {
    uint64_t now = now_tick(rtc);
    if (is_time(index) && running(rtc)) registers_from_time(rtc, seconds_at(rtc, now));
    uint8_t value = rtc->cmos[index];
    if (index == CMOS_A && running(rtc)) {
        uint64_t phase = (now - rtc->base_tick) % RTC_HZ;
        return (uint8_t)(value | (phase >= RTC_HZ - UIP_TICKS ? A_UIP : 0));
    }
    if (index == CMOS_D) return D_VRT;
    if (index != CMOS_C) return value;
    update(rtc);
    value = rtc->flags;
    rtc->flags = 0;
    update(rtc);
    return value;
}

static void write_register(struct rtc *rtc, unsigned index, uint8_t value) {
    uint64_t now = now_tick(rtc);
    catch_up(rtc, now);
    if (index == CMOS_C || index == CMOS_D) return;
    bool was = running(rtc);
    uint64_t phase = was ? (now - rtc->base_tick) % RTC_HZ : 0;
    if (was) registers_from_time(rtc, seconds_at(rtc, now));
    if (index == CMOS_A) value &= (uint8_t)~A_UIP;
    if (index == CMOS_B && value & B_SET) value &= (uint8_t)~B_UIE; // "SET ... clears the UIE bit"
    rtc->cmos[index] = value;
    // Writes while the clock runs keep its phase; a clock that is started makes its first update after half a second.
    if (running(rtc) && (!was || is_time(index))) time_from_registers(rtc, was ? now - phase : now - RTC_HZ / 2);
    update(rtc);
}

static uint64_t rtc_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    (void)space, (void)size;
    struct rtc *rtc = chip;
    return offset == RTC_INDEX ? 0xff : read_register(rtc, rtc->index);
}

static void rtc_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    (void)space, (void)size;
    struct rtc *rtc = chip;
    if (offset == RTC_INDEX)
        rtc->index = value & 127;
    else
        write_register(rtc, rtc->index, (uint8_t)value);
}

// "RESET ... does not affect the clock, calendar, or RAM functions": the interrupt enables and flags go.
static void rtc_reset(void *chip) {
    struct rtc *rtc = chip;
    rtc->cmos[CMOS_B] &= (uint8_t) ~(B_PIE | B_AIE | B_UIE);
    rtc->index = 0;
    rtc->flags = 0;
    update(rtc);
    rtc->flags = 0;
}

void rtc_init(struct rtc *rtc, struct clock *clock, int64_t epoch) {
    rtc->clock = clock;
    rtc->timer = clock_timer_new(clock, update, rtc);
    rtc->base_seconds = epoch;
    rtc->cmos[CMOS_A] = A_DIVIDER_RUN | 6; // 1024 Hz
    rtc->cmos[CMOS_B] = B_24H;
}

static void rtc_describe(const void *chip, struct aml *aml) {
    (void)chip;
    aml_device_id(aml, "RTC", "PNP0B00");
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_io(aml, 0x70, 2);
    aml_irq(aml, 8);
    aml_resources_end(aml);
    aml_end(aml);
}

const struct device rtc_device = {.name = "rtc",
                                  .read = rtc_read,
                                  .write = rtc_write,
                                  .reset = rtc_reset,
                                  .state = &rtc_state,
                                  .describe = rtc_describe};

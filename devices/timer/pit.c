// The 8254 programmable interval timer. Intel 8254 data sheet (231164): the modes under their headings.
//
// Nothing is counted: level and value of a counter are functions of the ticks since its count was loaded. A written
// count is taken at once, where the data sheet takes it at the next CLK pulse.
#include "devices/timer/pit.h"
#include "cpu/state/outcome.h"
#include "devices/bus/aml.h"

enum pit_mode { TERMINAL_COUNT, ONE_SHOT, RATE_GENERATOR, SQUARE_WAVE, SOFTWARE_STROBE, HARDWARE_STROBE };
enum { ACCESS_LATCH, ACCESS_LOW, ACCESS_HIGH, ACCESS_BOTH };
enum { CONTROL = 3, READ_BACK = 3 };
#define STATUS_OUT BIT(7)
#define STATUS_NULL_COUNT BIT(6)
#define READ_BACK_NO_COUNT BIT(5)
#define READ_BACK_NO_STATUS BIT(4)

static const struct state_field fields[] = {
    STATE_EACH(struct pit, counter, start),
    STATE_EACH(struct pit, counter, switch_tick),
    STATE_EACH_TO(struct pit, counter, count, 0x10000),
    STATE_EACH_TO(struct pit, counter, next_count, 0x10000),
    STATE_EACH(struct pit, counter, held),
    STATE_EACH(struct pit, counter, latched),
    STATE_EACH_TO(struct pit, counter, mode, 5),
    STATE_EACH_TO(struct pit, counter, bcd, 1),
    STATE_EACH_TO(struct pit, counter, access, 3),
    STATE_EACH_TO(struct pit, counter, gate, 1),
    STATE_EACH_TO(struct pit, counter, loaded, 1),
    STATE_EACH_TO(struct pit, counter, triggered, 1),
    STATE_EACH_TO(struct pit, counter, write_high, 1),
    STATE_EACH_TO(struct pit, counter, read_high, 1),
    STATE_EACH(struct pit, counter, write_low),
    STATE_EACH_TO(struct pit, counter, count_latched, 2),
    STATE_EACH_TO(struct pit, counter, status_latched, 1),
    STATE_EACH(struct pit, counter, status),
};

// A count is what others are divided by.
static bool pit_valid(const void *object) {
    const struct pit *pit = object;
    for (unsigned i = 0; i < 3; i++) {
        const struct pit_counter *c = &pit->counter[i];
        if (!c->count || (c->switch_tick != CLOCK_NEVER && !c->next_count)) return false;
    }
    return true;
}
static const struct state_table pit_state = STATE_TABLE("pit", fields, pit_valid);

static uint64_t now_tick(const struct pit *pit) { return clock_ticks(pit->clock, clock_now(pit->clock), PIT_HZ, 1); }
static bool periodic(const struct pit_counter *c) { return c->mode == RATE_GENERATOR || c->mode == SQUARE_WAVE; }
static bool by_gate_edge(const struct pit_counter *c) { return c->mode == ONE_SHOT || c->mode == HARDWARE_STROBE; }
static uint32_t full(const struct pit_counter *c) { return c->bcd ? 10000 : 0x10000; }

// Brings a new count of a periodic mode into use when its time has come.
static void advance(struct pit_counter *c, uint64_t now) {
    if (now < c->switch_tick) return;
    c->start = c->switch_tick;
    c->count = c->next_count;
    c->switch_tick = CLOCK_NEVER;
}

static bool counting(const struct pit_counter *c) {
    if (!c->loaded) return false;
    return by_gate_edge(c) ? c->triggered : c->gate;
}

// Ticks since the count was loaded, those while the gate was low left out.
static uint64_t elapsed(const struct pit_counter *c, uint64_t now) {
    if (!c->loaded) return 0;
    return counting(c) ? now - c->start : c->held;
}

static bool out_after(const struct pit_counter *c, uint64_t ticks) {
    switch (c->mode) {
    case TERMINAL_COUNT: return c->loaded && ticks >= c->count;
    case ONE_SHOT: return !counting(c) || ticks >= c->count;
    case RATE_GENERATOR: return !counting(c) || ticks % c->count != c->count - 1;
    case SQUARE_WAVE: return !counting(c) || ticks % c->count < (c->count + 1) / 2;
    default: return !counting(c) || ticks != c->count; // the strobes: low for one tick
    }
}

// The tick, counted like elapsed(), after `ticks` at which OUT changes; CLOCK_NEVER: it stays.
static uint64_t next_change(const struct pit_counter *c, uint64_t ticks) {
    if (!counting(c)) return CLOCK_NEVER;
    uint64_t phase = ticks % c->count, high;
    switch (c->mode) {
    case RATE_GENERATOR: high = c->count - 1; break;
    case SQUARE_WAVE: high = (c->count + 1) / 2; break;
    case SOFTWARE_STROBE:
    case HARDWARE_STROBE: return ticks < c->count ? c->count : ticks == c->count ? ticks + 1 : CLOCK_NEVER;
    default: return ticks < c->count ? c->count : CLOCK_NEVER;
    }
    return ticks - phase + (phase < high ? high : c->count);
}

bool pit_out(const struct pit *pit, unsigned counter) {
    struct pit_counter c = pit->counter[counter];
    uint64_t now = now_tick(pit);
    advance(&c, now);
    return out_after(&c, elapsed(&c, now));
}

// The counting element as it reads, in BCD if so programmed.
static uint16_t value_at(const struct pit_counter *c, uint64_t now) {
    uint64_t ticks = elapsed(c, now), phase = ticks % c->count, value;
    if (c->mode == RATE_GENERATOR) {
        value = c->count - phase;
    } else if (c->mode == SQUARE_WAVE) { // counts by two, twice a period
        uint64_t high = (c->count + 1) / 2;
        value = (c->count & ~1u) - 2 * (phase < high ? phase : phase - high);
    } else {
        value = c->count - ticks; // goes on below zero: "wraps around"
    }
    uint64_t modulus = full(c);
    value = ((int64_t)value % (int64_t)modulus + (int64_t)modulus) % modulus;
    if (!c->bcd) return (uint16_t)value;
    return (uint16_t)(value / 1000 << 12 | value / 100 % 10 << 8 | value / 10 % 10 << 4 | value % 10);
}

// Drives IRQ 0 and finds when OUT of counter 0 changes next.
static void update(void *chip) {
    struct pit *pit = chip;
    struct pit_counter *c = &pit->counter[0];
    uint64_t now = now_tick(pit);
    advance(c, now);
    uint64_t ticks = elapsed(c, now), change = next_change(c, ticks);
    line_set(&pit->irq, out_after(c, ticks));
    if (change == CLOCK_NEVER)
        clock_disarm(pit->clock, pit->timer);
    else
        clock_arm(pit->clock, pit->timer, clock_cycle_of_tick(pit->clock, now + (change - ticks), PIT_HZ, 1));
}

static uint32_t count_of(const struct pit_counter *c, uint16_t written) {
    uint32_t n = written;
    if (c->bcd) n = (n >> 12) * 1000 + (n >> 8 & 15) * 100 + (n >> 4 & 15) * 10 + (n & 15);
    if (n == 0) n = full(c);
    return n == 1 && periodic(c) ? 2 : n; // a count of 1 is illegal in modes 2 and 3
}

static void load(struct pit_counter *c, uint16_t written, uint64_t now) {
    uint32_t count = count_of(c, written);
    if (periodic(c) && counting(c)) { // "the new count will be loaded at the end of the current counting cycle"
        uint64_t ticks = now - c->start;
        c->next_count = count;
        c->switch_tick = now - ticks % c->count + c->count;
        return;
    }
    c->count = count;
    c->loaded = 1;
    c->switch_tick = CLOCK_NEVER;
    if (by_gate_edge(c) && c->triggered) return; // the current one-shot goes on; the count is taken at the next trigger
    c->start = now;
    c->held = 0;
}

static void write_count(struct pit_counter *c, uint8_t value, uint64_t now) {
    if (c->access == ACCESS_LOW) {
        load(c, value, now);
    } else if (c->access == ACCESS_HIGH) {
        load(c, (uint16_t)(value << 8), now);
    } else if (!c->write_high) {
        c->write_low = value;
        c->write_high = 1;
        if (c->mode == TERMINAL_COUNT) c->loaded = 0; // "writing the first byte disables counting"
    } else {
        c->write_high = 0;
        load(c, (uint16_t)(value << 8 | c->write_low), now);
    }
}

static void latch_count(struct pit_counter *c, uint64_t now) {
    if (c->count_latched) return;
    c->latched = value_at(c, now);
    c->count_latched = c->access == ACCESS_BOTH ? 2 : 1;
}

static void latch_status(struct pit_counter *c, uint64_t now) {
    if (c->status_latched) return;
    bool null_count = !c->loaded || c->switch_tick != CLOCK_NEVER;
    c->status = (uint8_t)((out_after(c, elapsed(c, now)) ? STATUS_OUT : 0) | (null_count ? STATUS_NULL_COUNT : 0) |
                          c->access << 4 | c->mode << 1 | c->bcd);
    c->status_latched = 1;
}

static void write_control(struct pit *pit, uint8_t value, uint64_t now) {
    unsigned select = value >> 6, access = value >> 4 & 3, mode = value >> 1 & 7;
    if (select == READ_BACK) {
        for (unsigned i = 0; i < 3; i++) {
            if (!(value >> (i + 1) & 1)) continue;
            if (!(value & READ_BACK_NO_COUNT)) latch_count(&pit->counter[i], now);
            if (!(value & READ_BACK_NO_STATUS)) latch_status(&pit->counter[i], now);
        }
        return;
    }
    struct pit_counter *c = &pit->counter[select];
    if (access == ACCESS_LATCH) {
        latch_count(c, now);
        return;
    }
    *c = (struct pit_counter){.mode = (uint8_t)(mode > 5 ? mode & 3 : mode),
                              .bcd = value & 1,
                              .access = (uint8_t)access,
                              .gate = c->gate,
                              .count = full(c),
                              .switch_tick = CLOCK_NEVER};
}

static uint8_t read_count(struct pit_counter *c, uint64_t now) {
    if (c->status_latched) {
        c->status_latched = 0;
        return c->status;
    }
    uint16_t value = c->count_latched ? c->latched : value_at(c, now);
    if (c->count_latched) c->count_latched--;
    bool high = c->access == ACCESS_HIGH;
    if (c->access == ACCESS_BOTH) {
        high = c->read_high;
        c->read_high ^= 1;
    }
    return (uint8_t)(high ? value >> 8 : value);
}

void pit_gate(struct pit *pit, unsigned counter, bool level) {
    struct pit_counter *c = &pit->counter[counter];
    uint64_t now = now_tick(pit);
    advance(c, now);
    bool rises = level && !c->gate;
    if (!by_gate_edge(c) && !level && c->gate) c->held = periodic(c) ? 0 : (uint32_t)(elapsed(c, now) & 0xffffffff);
    c->gate = level;
    if (rises && by_gate_edge(c)) c->triggered = 1;
    if (rises) c->start = by_gate_edge(c) || periodic(c) ? now : now - c->held;
    if (periodic(c) && !level && c->switch_tick != CLOCK_NEVER) {
        c->count = c->next_count;
        c->switch_tick = CLOCK_NEVER;
    }
    update(pit);
}

static uint64_t pit_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    (void)space, (void)size;
    struct pit *pit = chip;
    if (offset == CONTROL) return 0xff;
    struct pit_counter *c = &pit->counter[offset];
    uint64_t now = now_tick(pit);
    advance(c, now);
    return read_count(c, now);
}

static void pit_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    (void)space, (void)size;
    struct pit *pit = chip;
    uint64_t now = now_tick(pit);
    for (unsigned i = 0; i < 3; i++) advance(&pit->counter[i], now);
    if (offset == CONTROL)
        write_control(pit, (uint8_t)value, now);
    else
        write_count(&pit->counter[offset], (uint8_t)value, now);
    update(pit);
}

static void pit_reset(void *chip) {
    struct pit *pit = chip;
    for (unsigned i = 0; i < 3; i++)
        pit->counter[i] = (struct pit_counter){
            .mode = SQUARE_WAVE, .access = ACCESS_BOTH, .gate = i != 2, .count = 0x10000, .switch_tick = CLOCK_NEVER};
    update(pit);
}

void pit_init(struct pit *pit, struct clock *clock) {
    pit->clock = clock;
    pit->timer = clock_timer_new(clock, update, pit);
}

static void pit_describe(const void *chip, struct aml *aml) {
    (void)chip;
    aml_device_id(aml, "TIMR", "PNP0100");
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_io(aml, 0x40, 4);
    aml_irq(aml, 0);
    aml_resources_end(aml);
    aml_end(aml);
}

const struct device pit_device = {.name = "pit",
                                  .read = pit_read,
                                  .write = pit_write,
                                  .reset = pit_reset,
                                  .state = &pit_state,
                                  .describe = pit_describe};

// The high precision event timers. IA-PC HPET specification 1.0a, chapter 2: three timers of 64 bits, 100 MHz.
// All timers can be periodic. NOT IMPLEMENTED: FSB (message-signalled) interrupts.
#include "devices/timer/hpet.h"
#include "cpu/state/outcome.h"
#include "devices/bus/aml.h"

enum {
    CAPABILITIES = 0x000,
    CONFIGURATION = 0x010,
    STATUS = 0x020,
    COUNTER = 0x0f0,
    TIMERS = 0x100,
    TIMER_BYTES = 0x20
};
enum { TIMER_CONFIG = 0x00, TIMER_COMPARATOR = 0x08 };
#define FEMTOSECONDS (1000000000000000ull / HPET_HZ)
#define CAP_VALUE (FEMTOSECONDS << 32 | 0x8086ull << 16 | BIT(15) | BIT(13) | (HPET_TIMERS - 1) << 8 | 1)
#define CONFIG_ENABLE BIT(0)
#define CONFIG_LEGACY BIT(1)
#define TN_LEVEL BIT(1)
#define TN_ENABLE BIT(2)
#define TN_PERIODIC BIT(3)
#define TN_PERIODIC_CAP BIT(4)
#define TN_64BIT_CAP BIT(5)
#define TN_SET_VALUE BIT(6)
#define TN_32BIT BIT(8)
#define TN_ROUTE_SHIFT 9
#define TN_ROUTES (BITS(23, 16) << 32) // I/O APIC pins 16..23
#define TN_WRITABLE (TN_LEVEL | TN_ENABLE | TN_PERIODIC | TN_SET_VALUE | TN_32BIT | BITS(13, 9))

static const struct state_field fields[] = {
    STATE_EACH(struct hpet, timer, config), STATE_EACH(struct hpet, timer, comparator),
    STATE_EACH(struct hpet, timer, period), STATE_ONE(struct hpet, config),
    STATE_ONE(struct hpet, status),         STATE_ONE(struct hpet, counter),
};
static const struct state_table hpet_state = STATE_TABLE("hpet", fields);

static uint64_t now_tick(const struct hpet *h) { return clock_ticks(h->clock, clock_now(h->clock), HPET_HZ, 1); }
static bool enabled(const struct hpet *h) { return h->config & CONFIG_ENABLE; }
static uint64_t counter(const struct hpet *h) { return enabled(h) ? now_tick(h) + h->counter : h->counter; }
static uint64_t mask_of(const struct hpet_timer *t) { return t->config & TN_32BIT ? BITS(31, 0) : ~0ull; }

// Ticks until the counter next equals the comparator: never 0, a whole turn instead.
static uint64_t until_match(const struct hpet *h, const struct hpet_timer *t) {
    uint64_t ticks = (t->comparator - counter(h)) & mask_of(t);
    return ticks ? ticks : t->config & TN_32BIT ? BITS(31, 0) + 1 : ~0ull;
}

static void arm(struct hpet *h, unsigned n) {
    const struct hpet_timer *t = &h->timer[n];
    if (!enabled(h) || !(t->config & TN_ENABLE)) {
        clock_disarm(h->clock, h->clock_timer[n]);
        return;
    }
    uint64_t now = now_tick(h), ticks = until_match(h, t);
    uint64_t cycle = ticks > BITS(61, 0) ? CLOCK_NEVER : clock_cycle_of_tick(h->clock, now + ticks, HPET_HZ, 1);
    if (cycle == CLOCK_NEVER)
        clock_disarm(h->clock, h->clock_timer[n]);
    else
        clock_arm(h->clock, h->clock_timer[n], cycle);
}

// Where a timer's interrupt goes: "LegacyReplacement Route" for timers 0 and 1, otherwise Tn_INT_ROUTE.
static unsigned route(const struct hpet *h, unsigned n) {
    if (h->config & CONFIG_LEGACY && n < 2) return n == 0 ? 0 : 8;
    return h->timer[n].config >> TN_ROUTE_SHIFT & 31;
}

static void set_line(struct hpet *h, unsigned n, bool level) {
    unsigned input = route(h, n);
    bool legacy = h->config & CONFIG_LEGACY && n < 2;
    if (legacy || (input >= 16 && input < 24)) h->interrupt(h->owner, input, level);
}

static void match(struct hpet *h, unsigned n) {
    struct hpet_timer *t = &h->timer[n];
    if (t->config & TN_LEVEL) {
        h->status |= BIT(n);
        set_line(h, n, true);
    } else {
        set_line(h, n, true);
        set_line(h, n, false);
    }
    if (t->config & TN_PERIODIC && t->period & mask_of(t)) {
        // The comparator stays ahead of the counter however late this is looked at.
        uint64_t behind = (counter(h) - t->comparator) & mask_of(t), period = t->period & mask_of(t);
        t->comparator = (t->comparator + (behind / period + 1) * period) & mask_of(t);
    }
    arm(h, n);
}
static void match0(void *chip) { match(chip, 0); }
static void match1(void *chip) { match(chip, 1); }
static void match2(void *chip) { match(chip, 2); }

static void write_configuration(struct hpet *h, uint64_t value) {
    uint64_t now = counter(h);
    bool was = h->config & CONFIG_LEGACY;
    for (unsigned n = 0; n < HPET_TIMERS; n++)
        if (h->status & BIT(n)) set_line(h, n, false);
    h->config = value & (CONFIG_ENABLE | CONFIG_LEGACY);
    h->counter = enabled(h) ? now - now_tick(h) : now;
    if (was != !!(h->config & CONFIG_LEGACY)) h->legacy(h->owner, !was);
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        if (h->status & BIT(n)) set_line(h, n, true);
        arm(h, n);
    }
}

static void write_status(struct hpet *h, uint64_t value) {
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        if (!(h->status & value & BIT(n))) continue;
        h->status &= ~BIT(n);
        set_line(h, n, false);
    }
}

static void write_timer_config(struct hpet *h, unsigned n, uint64_t value) {
    struct hpet_timer *t = &h->timer[n];
    bool asserted = h->status & BIT(n);
    if (asserted) set_line(h, n, false);
    t->config = (value & TN_WRITABLE) | (t->config & ~TN_WRITABLE);
    if (t->config & TN_32BIT) {
        t->comparator &= BITS(31, 0);
        t->period &= BITS(31, 0);
    }
    if (!(t->config & TN_LEVEL) || !(t->config & TN_ENABLE)) h->status &= ~BIT(n);
    if (h->status & BIT(n)) set_line(h, n, true);
    arm(h, n);
}

// 2.3.9.2.2: in periodic mode a write sets the period, and the comparator too when Tn_VAL_SET_CNF was set before.
static void write_comparator(struct hpet *h, unsigned n, uint64_t value) {
    struct hpet_timer *t = &h->timer[n];
    value &= mask_of(t);
    if (!(t->config & TN_PERIODIC) || t->config & TN_SET_VALUE) t->comparator = value;
    if (t->config & TN_PERIODIC) t->period = value;
    t->config &= ~TN_SET_VALUE;
    arm(h, n);
}

static uint64_t read_register(const struct hpet *h, uint64_t reg) {
    if (reg >= TIMERS && reg < TIMERS + HPET_TIMERS * TIMER_BYTES) {
        const struct hpet_timer *t = &h->timer[(reg - TIMERS) / TIMER_BYTES];
        uint64_t offset = reg % TIMER_BYTES;
        return offset == TIMER_CONFIG ? t->config : offset == TIMER_COMPARATOR ? t->comparator : 0;
    }
    switch (reg) {
    case CAPABILITIES: return CAP_VALUE;
    case CONFIGURATION: return h->config;
    case STATUS: return h->status;
    case COUNTER: return counter(h);
    default: return 0;
    }
}

static void write_timer_register(struct hpet *h, uint64_t reg, uint64_t value) {
    unsigned n = (unsigned)((reg - TIMERS) / TIMER_BYTES);
    if (reg % TIMER_BYTES == TIMER_CONFIG)
        write_timer_config(h, n, value);
    else if (reg % TIMER_BYTES == TIMER_COMPARATOR)
        write_comparator(h, n, value);
}

static void write_register(struct hpet *h, uint64_t reg, uint64_t value) {
    if (reg >= TIMERS && reg < TIMERS + HPET_TIMERS * TIMER_BYTES) {
        write_timer_register(h, reg, value);
    } else if (reg == CONFIGURATION) {
        write_configuration(h, value);
    } else if (reg == STATUS) {
        write_status(h, value);
    } else if (reg == COUNTER) {
        h->counter = enabled(h) ? value - now_tick(h) : value;
        for (unsigned n = 0; n < HPET_TIMERS; n++) arm(h, n);
    }
}

static uint64_t hpet_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    (void)space;
    uint64_t value = read_register(chip, offset & ~7ull);
    return size == 4 && offset & 4 ? value >> 32 : value;
}

static void hpet_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    (void)space;
    if (size == 4) {
        uint64_t reg = offset & ~7ull, old = reg == STATUS ? 0 : read_register(chip, reg);
        value = offset & 4 ? (old & BITS(31, 0)) | value << 32 : (old & BITS(63, 32)) | value;
    }
    write_register(chip, offset & ~7ull, value);
}

static void hpet_reset(void *chip) {
    struct hpet *h = chip;
    write_configuration(h, 0);
    h->status = h->counter = 0;
    for (unsigned n = 0; n < HPET_TIMERS; n++)
        h->timer[n] = (struct hpet_timer){.config = TN_PERIODIC_CAP | TN_64BIT_CAP | TN_ROUTES, .comparator = ~0ull};
}

void hpet_init(struct hpet *hpet, struct clock *clock) {
    static void (*const fire[HPET_TIMERS])(void *) = {match0, match1, match2};
    hpet->clock = clock;
    for (unsigned n = 0; n < HPET_TIMERS; n++) hpet->clock_timer[n] = clock_timer_new(clock, fire[n], hpet);
}

static void hpet_describe(const void *chip, struct aml *aml) {
    (void)chip;
    aml_device_id(aml, "HPET", "PNP0103");
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_memory(aml, (uint32_t)HPET_BASE, 0x400);
    aml_resources_end(aml);
    aml_end(aml);
}

const struct device hpet_device = {.name = "hpet",
                                   .read = hpet_read,
                                   .write = hpet_write,
                                   .reset = hpet_reset,
                                   .state = &hpet_state,
                                   .describe = hpet_describe};

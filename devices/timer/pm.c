// ACPI fixed hardware: ACPI 6.3, 4.8.3. Always in ACPI mode: there is no SMI command port.
// NOT IMPLEMENTED: power and sleep buttons as input, sleep states other than S5, GPE blocks.
#include "devices/timer/pm.h"
#include "cpu/state/outcome.h"

#define STS_TIMER BIT(0)
#define STS_GLOBAL BIT(5)
#define STS_POWER_BUTTON BIT(8)
#define STS_SLEEP_BUTTON BIT(9)
#define STS_RTC BIT(10)
#define STS_WAKE BIT(15)
#define ENABLES (STS_TIMER | STS_GLOBAL | STS_POWER_BUTTON | STS_SLEEP_BUTTON | STS_RTC)
#define CNT_SCI_EN BIT(0)
#define CNT_SLP_TYP_SHIFT 10
#define CNT_SLP_EN BIT(13)
#define CNT_WRITABLE (BITS(12, 10) | BITS(2, 1))
enum { TIMER_TOP = 31 }; // TMR_VAL_EXT: 32 bits; TMR_STS is set when the most significant bit changes

static const struct state_field fields[] = {
    STATE_ONE(struct pm, seen),
    STATE_ONE(struct pm, status),
    STATE_ONE(struct pm, enable),
    STATE_ONE(struct pm, control),
};
static const struct state_table pm_state = STATE_TABLE("pm", fields);

static uint64_t ticks(const struct pm *pm) { return clock_ticks(pm->clock, clock_now(pm->clock), PM_TIMER_HZ, 1); }

static void update(void *chip) {
    struct pm *pm = chip;
    uint64_t now = ticks(pm);
    if (now >> TIMER_TOP != pm->seen >> TIMER_TOP) pm->status |= STS_TIMER;
    pm->seen = now;
    line_set(&pm->sci, pm->status & pm->enable & ENABLES);
    if (pm->enable & ~pm->status & STS_TIMER)
        clock_arm(pm->clock, pm->timer,
                  clock_cycle_of_tick(pm->clock, ((now >> TIMER_TOP) + 1) << TIMER_TOP, PM_TIMER_HZ, 1));
    else
        clock_disarm(pm->clock, pm->timer);
}

static uint64_t pm_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    (void)space;
    struct pm *pm = chip;
    update(pm);
    uint64_t word = offset < PM_CONTROL     ? pm->status | (uint32_t)pm->enable << 16
                    : offset < PM_TIMER     ? pm->control
                    : offset < PM_TIMER + 4 ? ticks(pm) & BITS(31, 0)
                                            : 0;
    return word >> (8 * (offset & 3)) & BITS(8 * size - 1, 0);
}

static void write_control(struct pm *pm, uint16_t value) {
    pm->control = (uint16_t)((value & CNT_WRITABLE) | CNT_SCI_EN);
    if (value & CNT_SLP_EN && (value >> CNT_SLP_TYP_SHIFT & 7) == pm->sleep_off) pm->power_off(pm->owner);
}

static void pm_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    (void)space;
    struct pm *pm = chip;
    update(pm);
    if (size == 4) {
        pm_write(chip, space, offset, 2, value & 0xffff);
        pm_write(chip, space, offset + 2, 2, value >> 16);
        return;
    }
    if (offset == PM_EVENT)
        pm->status &= (uint16_t)~value; // write 1 to clear
    else if (offset == PM_EVENT + 2)
        pm->enable = value & ENABLES;
    else if (offset == PM_CONTROL)
        write_control(pm, (uint16_t)value);
    update(pm);
}

static void pm_reset(void *chip) {
    struct pm *pm = chip;
    pm->status = pm->enable = 0;
    pm->control = CNT_SCI_EN;
    pm->seen = ticks(pm);
    update(pm);
}

void pm_init(struct pm *pm, struct clock *clock) {
    pm->clock = clock;
    pm->sleep_off = PM_SLEEP_OFF;
    pm->timer = clock_timer_new(clock, update, pm);
}

const struct device pm_device = {
    .name = "pm", .read = pm_read, .write = pm_write, .reset = pm_reset, .state = &pm_state};

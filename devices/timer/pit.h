// The 8254 programmable interval timer. Intel 8254 data sheet (231164).
#ifndef DEVICES_PIT_H
#define DEVICES_PIT_H
#include "devices/bus/bus.h"
#include "devices/timer/clock.h"
#include "devices/bus/line.h"

#define PIT_HZ 1193182ull

struct pit_counter {
    uint64_t start;       // tick at which the count in use was loaded
    uint64_t switch_tick; // when next_count comes into use (modes 2, 3); CLOCK_NEVER: it does not
    uint32_t count;       // in use: 1..10000H
    uint32_t next_count;
    uint32_t held;    // ticks counted when the gate stopped counting
    uint16_t latched; // value for the counter latch command
    uint8_t mode;     // 0..5
    uint8_t bcd;
    uint8_t access; // 1 low byte, 2 high byte, 3 low then high
    uint8_t gate;
    uint8_t loaded;                // a count was written since the control word, and counting has begun
    uint8_t triggered;             // modes 1 and 5: the gate has risen since
    uint8_t write_high, read_high; // access 3: the next byte is the high one
    uint8_t write_low;             // the low byte written
    uint8_t count_latched, status_latched;
    uint8_t status; // latched status
};

struct pit {
    struct pit_counter counter[3];
    // wiring
    struct line irq; // OUT of counter 0
    struct clock *clock;
    unsigned timer;
};
extern const struct device pit_device;

void pit_init(struct pit *pit, struct clock *clock);
void pit_gate(struct pit *pit, unsigned counter, bool level);
bool pit_out(const struct pit *pit, unsigned counter); // level of OUT now

#endif

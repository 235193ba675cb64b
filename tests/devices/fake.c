#include "fake.h"

static uint64_t now(void *source) { return ((struct fake *)source)->cycle; }

void fake_init(struct fake *fake, uint64_t hz) {
    fake->cycle = 0;
    clock_init(&fake->clock, hz, now, NULL, fake);
}

void fake_pass(struct fake *fake, uint64_t cycles) {
    uint64_t end = fake->cycle + cycles;
    while (fake->clock.next <= end) {
        if (fake->clock.next > fake->cycle) fake->cycle = fake->clock.next;
        clock_run(&fake->clock);
    }
    fake->cycle = end;
}

static void set(void *owner, unsigned input, bool level) {
    (void)input;
    struct fake_line *line = owner;
    if (level && !line->level) line->rises++;
    line->level = level;
}

struct line fake_line(struct fake_line *line) {
    *line = (struct fake_line){0};
    return (struct line){set, line, 0};
}

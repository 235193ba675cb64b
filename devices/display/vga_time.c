// Where the beam is: a function of the machine's clock and of the CRT controller's registers. See vga.h.
#include "devices/display/vga.h"

// 25.175 MHz and 28.322 MHz; the other two choices are external inputs.
static uint64_t dot_hertz(const struct vga *v) {
    uint64_t hertz = (v->miscellaneous >> 2 & 3) == 1 ? 28322000 : 25175000;
    return v->sequencer[SEQ_CLOCKING] & CLOCKING_HALF ? hertz / 2 : hertz;
}

struct frame_times { // in characters and lines
    unsigned dots, across, down, h_end, v_end, retrace_first, retrace_lines;
};

static struct frame_times times(const struct vga *v) {
    const uint8_t *c = v->crtc;
    unsigned over = c[CRTC_OVERFLOW], end = c[CRTC_V_RETRACE_END] & 15;
    struct frame_times t = {.dots = v->sequencer[SEQ_CLOCKING] & CLOCKING_8_DOTS ? 8 : 9,
                            .across = c[CRTC_H_TOTAL] + 5u,
                            .h_end = c[CRTC_H_END] + 1u};
    t.down = (c[CRTC_V_TOTAL] | (over & 1) << 8 | (over & 0x20) << 4) + 2;
    t.v_end = (c[CRTC_V_END] | (over & 2) << 7 | (over & 0x40) << 3) + 1;
    t.retrace_first = c[CRTC_V_RETRACE_START] | (over & 4) << 6 | (over & 0x80) << 2;
    t.retrace_lines = (end - t.retrace_first) & 15;
    return t;
}

static uint64_t characters(const struct vga *v, const struct frame_times *t, uint64_t cycle) {
    return clock_ticks(v->clock, cycle, dot_hertz(v), t->dots);
}

uint8_t vga_status(const struct vga *v) {
    enum { BLANKED = 1, RETRACE = 8 };
    const struct frame_times t = times(v);
    uint64_t now = characters(v, &t, clock_now(v->clock)) % ((uint64_t)t.across * t.down);
    unsigned line = (unsigned)(now / t.across), column = (unsigned)(now % t.across);
    bool retrace = line >= t.retrace_first && line - t.retrace_first < t.retrace_lines;
    return (uint8_t)((line >= t.v_end || column >= t.h_end ? BLANKED : 0) | (retrace ? RETRACE : 0));
}

unsigned vga_frame_number(const struct vga *v, uint64_t cycle) {
    const struct frame_times t = times(v);
    return (unsigned)(characters(v, &t, cycle) / ((uint64_t)t.across * t.down));
}

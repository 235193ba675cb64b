// From registers to a picture's shape: see vga_mode.h. FreeVGA, "VGA sequencer operation", "VGA CRT controller".
#include "devices/display/vga_mode.h"

// --- DISPI ---
static bool dispi_mode(const struct vga *v, struct vga_mode *m) {
    const uint16_t *d = v->dispi;
    uint32_t line = dispi_line_bytes(v);
    bool planes = d[DISPI_BPP] == 4;
    uint32_t start = d[DISPI_X_OFFSET] * dispi_bits(v) / 8 + d[DISPI_Y_OFFSET] * line;
    *m = (struct vga_mode){.shape = planes ? SHAPE_PLANES : SHAPE_LINEAR,
                           .width = d[DISPI_X],
                           .height = d[DISPI_Y],
                           .start = planes ? start / 4 : start,
                           .offset = planes ? line / 4 : line,
                           .compare = UINT32_MAX,
                           .character_dots = 8,
                           .row_lines = 1};
    return d[DISPI_X] && d[DISPI_Y] && start + (uint64_t)d[DISPI_Y] * line <= v->vram->bytes;
}

// --- VGA ---
static uint8_t shape_of(const struct vga *v) {
    static const uint8_t shapes[4] = {SHAPE_PLANES, SHAPE_PAIRS, SHAPE_BYTES, SHAPE_BYTES};
    if (!(v->graphics[GFX_MISCELLANEOUS] & MISCELLANEOUS_GRAPHICS)) return SHAPE_TEXT;
    return shapes[v->graphics[GFX_MODE] >> 5 & 3];
}

static uint32_t line_compare(const uint8_t *c) {
    return c[CRTC_LINE_COMPARE] | (uint32_t)(c[CRTC_OVERFLOW] & 0x10) << 4 | (uint32_t)(c[CRTC_ROW_LINES] & 0x40) << 3;
}
static uint32_t lines_shown(const uint8_t *c) {
    return (c[CRTC_V_END] | (uint32_t)(c[CRTC_OVERFLOW] & 2) << 7 | (uint32_t)(c[CRTC_OVERFLOW] & 0x40) << 3) + 1;
}

// Dots to the left: with 9 dots a character 8 means none, and 0 one.
static uint8_t panning(const struct vga *v, const struct vga_mode *m) {
    uint8_t value = v->attribute[ATTR_PANNING];
    if (m->shape == SHAPE_TEXT && m->character_dots == 9) return value >= 8 ? 0 : (uint8_t)(value + 1);
    return value & 7;
}

static void registers_mode(const struct vga *v, struct vga_mode *m) {
    enum { DOUBLED = 0x80, LINES = 0x1f, NO_PANNING_BELOW = 0x20 };
    const uint8_t *c = v->crtc;
    *m = (struct vga_mode){.shape = shape_of(v), .character_dots = 8, .height = lines_shown(c)};
    if (m->shape == SHAPE_TEXT && !(v->sequencer[SEQ_CLOCKING] & CLOCKING_8_DOTS)) m->character_dots = 9;
    m->half = v->sequencer[SEQ_CLOCKING] & CLOCKING_HALF;
    m->width = (c[CRTC_H_END] + 1u) * m->character_dots * (m->half ? 2 : 1);
    m->start = (uint32_t)c[CRTC_START_HIGH] << 8 | c[CRTC_START_LOW];
    m->start += c[CRTC_PRESET_ROW] >> 5 & 3;
    m->offset = 2u * c[CRTC_OFFSET];
    m->compare = line_compare(c);
    m->row_lines = (c[CRTC_ROW_LINES] & LINES) + 1;
    m->doubled = c[CRTC_ROW_LINES] & DOUBLED;
    m->preset = c[CRTC_PRESET_ROW] & LINES;
    m->pan = panning(v, m);
    m->pans_below = !(v->attribute[ATTR_MODE] & NO_PANNING_BELOW);
}

bool vga_mode(const struct vga *v, struct vga_mode *m) {
    bool on = v->attribute_index & ATTRIBUTE_VIDEO_ON;
    if (dispi_is_on(v)) {
        if (!dispi_mode(v, m)) return false;
    } else {
        registers_mode(v, m);
        on &= !(v->sequencer[SEQ_CLOCKING] & CLOCKING_OFF);
    }
    if (!on) m->shape = SHAPE_BLANK;
    return true;
}

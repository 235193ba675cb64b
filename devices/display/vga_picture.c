// The picture of a VGA at a moment; see vga_mode.h, picture.h. Blinking follows the machine's clock, so a moment has
// one picture whenever it is looked at.
#include "devices/display/picture.h"
#include "devices/display/vga_mode.h"
#include <string.h>

enum { CURSOR_FRAMES = 8, TEXT_FRAMES = 16 }; // on, and as many off

// From one line to the next, as the CRT controller counts.
struct scan {
    const struct vga_mode *mode;
    struct vga_line line;
    unsigned lines, row_lines; // of this row so far, and in all
    uint32_t y;
};

static void scan_number(struct scan *s) { s->line.number = s->mode->doubled ? s->lines / 2 : s->lines; }

static void scan_begin(struct scan *s, const struct vga_mode *m) {
    *s = (struct scan){.mode = m, .line.address = m->start, .row_lines = m->row_lines * (m->doubled ? 2u : 1u)};
    s->lines = m->preset < m->row_lines ? m->preset * (m->doubled ? 2u : 1u) : 0;
    scan_number(s);
}

static void scan_next(struct scan *s) {
    if (++s->lines == s->row_lines) {
        s->lines = 0;
        s->line.address += s->mode->offset;
        s->line.row++;
    }
    if (s->y++ == s->mode->compare) {
        s->lines = 0;
        s->line.address = 0;
        s->line.below = true;
    }
    scan_number(s);
}

// The characters, for those who show them as such.
static void put_text(const struct vga *v, const struct vga_mode *m, struct picture *p) {
    uint32_t columns = v->crtc[CRTC_H_END] + 1u, rows = m->height / (m->row_lines * (m->doubled ? 2u : 1u));
    int32_t cursor = vga_cursor(v, m);
    p->columns = columns;
    p->rows = rows < PICTURE_TEXT_ROWS ? rows : PICTURE_TEXT_ROWS;
    for (uint32_t i = 0; i < p->rows * columns; i++) {
        uint32_t address = (m->start + i / columns * m->offset + i % columns) & (VGA_PLANES_BYTES / 4 - 1);
        memcpy(&p->text[i], v->vram->data + 4ull * address, sizeof p->text[i]);
        if (cursor >= 0 && address == (uint32_t)cursor) p->cursor = (int32_t)i;
    }
}

static void draw_line(const struct vga *v, const struct scan *s, const uint32_t *dac, struct vga_blink blink,
                      struct picture *p) {
    const struct vga_mode *m = s->mode;
    if (m->shape == SHAPE_TEXT)
        vga_draw_text(v, m, &s->line, dac, blink, p->row);
    else if (m->shape == SHAPE_LINEAR)
        vga_draw_linear(v, m, s->y, dac, p->row);
    else if (m->shape == SHAPE_BLANK)
        memset(p->row, 0, m->width * sizeof *p->row);
    else
        vga_draw_graphics(v, m, &s->line, dac, p->row);
}

// Of a linear mode only the rows that were stored to are drawn; of others all, if anything was.
static bool is_needed(const struct vga_mode *m, const struct vga *v, const struct picture *p, uint32_t y) {
    if (m->shape != SHAPE_LINEAR) return true;
    return picture_is_dirty(p, m->start + (uint64_t)y * m->offset, (uint64_t)m->width * dispi_bits(v) / 8);
}

static struct vga_blink blink_at(const struct vga *v, uint64_t cycle) {
    unsigned frame = vga_frame_number(v, cycle);
    return (struct vga_blink){!(frame / CURSOR_FRAMES & 1), !(frame / TEXT_FRAMES & 1)};
}

bool vga_picture(const void *chip, uint64_t cycle, struct picture *p) {
    const struct vga *v = chip;
    struct vga_mode mode;
    struct scan scan;
    uint32_t dac[VGA_COLOURS];
    if (!vga_mode(v, &mode)) return false;
    struct vga_blink blink = blink_at(v, cycle);
    uint64_t look = mode.shape == SHAPE_TEXT ? 1u + blink.cursor + 2u * blink.text : 0;
    if (!picture_begin(p, mode.width, mode.height, state_hash(&vga_state, v, look))) return false;
    if (mode.shape == SHAPE_TEXT) put_text(v, &mode, p);
    if (mode.shape != SHAPE_LINEAR && !picture_is_dirty(p, 0, VGA_PLANES_BYTES) && !dispi_is_on(v)) return true;
    vga_colours(v, dac);
    scan_begin(&scan, &mode);
    for (uint32_t y = 0; y < mode.height; y++, scan_next(&scan)) {
        if (!is_needed(&mode, v, p, y)) continue;
        draw_line(v, &scan, dac, blink, p);
        picture_put(p, y);
    }
    return true;
}

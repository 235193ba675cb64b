// Rows of dots in text modes; see vga_mode.h. FreeVGA, "VGA text mode operation": the code of a character is in plane
// 0, its attribute in plane 1, its dots in plane 2.
#include "devices/display/vga_mode.h"
#include <string.h>

enum { ATTR_MONO = 2, ATTR_LINE_GRAPHICS = 4, ATTR_BLINKS = 8, ATTR_UNDERLINED = 1 };
enum { FONT_LINES = 32, PLANES_LAST = VGA_PLANES_BYTES / 4 - 1 };

// The eight fonts lie 8 KBytes apart in plane 2, those of the EGA first.
static uint32_t font(unsigned select, unsigned high) { return select * 0x4000 + (high ? 0x2000 : 0); }

struct text_row {
    const struct vga *vga;
    const struct vga_mode *mode;
    uint32_t colour[16], font[2];
    unsigned number;
    int32_t cursor;
    struct vga_blink blink;
};

static bool in_cursor(const struct text_row *r, uint32_t address) {
    const uint8_t *c = r->vga->crtc;
    unsigned first = c[CRTC_CURSOR_START] & 31, last = c[CRTC_CURSOR_END] & 31;
    return r->cursor >= 0 && address == (uint32_t)r->cursor && r->blink.cursor && r->number >= first &&
           r->number <= last;
}

static bool is_underlined(const struct vga *v, uint8_t attribute, unsigned number) {
    return v->attribute[ATTR_MODE] & ATTR_MONO && (attribute & 7) == ATTR_UNDERLINED &&
           number == (v->crtc[CRTC_UNDERLINE] & 31u);
}

static void put_cell(const struct text_row *r, uint32_t address, uint32_t *out) {
    const struct vga *v = r->vga;
    const uint8_t *cell = v->vram->data + 4ull * (address & PLANES_LAST), mode = v->attribute[ATTR_MODE];
    uint8_t code = cell[0], attribute = cell[1];
    uint32_t glyph = r->font[attribute >> 3 & 1] + code * FONT_LINES + r->number;
    unsigned dots = v->vram->data[4ull * (glyph & PLANES_LAST) + 2] << 1, front = attribute & 15, back = attribute >> 4;
    if (mode & ATTR_BLINKS) {
        if (back & 8 && !r->blink.text) dots = 0;
        back &= 7;
    }
    if (mode & ATTR_LINE_GRAPHICS && code >= 0xc0 && code <= 0xdf) dots |= dots >> 1 & 1;
    if (is_underlined(v, attribute, r->number) || in_cursor(r, address)) dots = 0x1ff;
    for (unsigned i = 0; i < r->mode->character_dots; i++) out[i] = r->colour[dots >> (8 - i) & 1 ? front : back];
}

int32_t vga_cursor(const struct vga *v, const struct vga_mode *m) {
    enum { CURSOR_OFF = 0x20 };
    (void)m;
    if (v->crtc[CRTC_CURSOR_START] & CURSOR_OFF) return -1;
    return v->crtc[CRTC_CURSOR_HIGH] << 8 | v->crtc[CRTC_CURSOR_LOW];
}

void vga_draw_text(const struct vga *v, const struct vga_mode *m, const struct vga_line *line, const uint32_t *dac,
                   struct vga_blink blink, uint32_t *out) {
    uint8_t map = v->sequencer[SEQ_CHARACTER_MAP];
    uint32_t columns = v->crtc[CRTC_H_END] + 1u, dots = columns * m->character_dots;
    struct text_row r = {.vga = v, .mode = m, .number = line->number, .blink = blink, .cursor = vga_cursor(v, m)};
    r.font[0] = font(map & 3, map >> 4 & 1);
    r.font[1] = font(map >> 2 & 3, map >> 5 & 1);
    vga_palette(v, dac, r.colour);
    for (uint32_t i = 0; i < columns + (m->pan != 0); i++) put_cell(&r, line->address + i, out + i * m->character_dots);
    if (m->pan && (!line->below || m->pans_below)) memmove(out, out + m->pan, dots * sizeof *out);
    for (uint32_t i = dots; m->half && i-- > 0;) out[2 * i] = out[2 * i + 1] = out[i];
}

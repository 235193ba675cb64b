// Rows of dots in graphics modes; see vga_mode.h. FreeVGA, "VGA graphics operation".
#include "devices/display/vga_mode.h"
#include <string.h>

// --- colours ---
void vga_colours(const struct vga *v, uint32_t colour[VGA_COLOURS]) {
    bool wide = dispi_is_on(v) && v->dispi[DISPI_ENABLE] & DISPI_DAC_8;
    for (unsigned i = 0; i < VGA_COLOURS; i++) {
        const uint8_t *d = &v->dac[3 * (i & v->dac_mask)];
        uint32_t value = 0;
        for (unsigned part = 0; part < 3; part++) {
            unsigned six = d[part] & 63;
            value = value << 8 | (wide ? d[part] : six << 2 | six >> 4);
        }
        colour[i] = value;
    }
}

// The two or four upper bits of a palette register's colour come from the colour select register.
void vga_palette(const struct vga *v, const uint32_t *dac, uint32_t colour[16]) {
    enum { P5_P4_SELECT = 0x80 };
    bool four = v->attribute[ATTR_MODE] & P5_P4_SELECT;
    uint8_t select = v->attribute[ATTR_COLOUR];
    for (unsigned i = 0; i < 16; i++) {
        uint8_t entry = v->attribute[i & v->attribute[ATTR_PLANES]];
        colour[i] = dac[four ? (select & 15) << 4 | (entry & 15) : (select & 12) << 4 | (entry & 63)];
    }
}

// --- 16 colours and 4 ---
static void put_planes(const uint8_t *g, const uint32_t *colour, uint32_t *out) {
    for (int bit = 7; bit >= 0; bit--)
        *out++ = colour[(g[0] >> bit & 1) | (g[1] >> bit & 1) << 1 | (g[2] >> bit & 1) << 2 | (g[3] >> bit & 1) << 3];
}

static void put_pairs(const uint8_t *g, const uint32_t *colour, uint32_t *out) {
    for (int i = 0; i < 8; i++) {
        unsigned shift = 6u - 2u * (i & 3), plane = (unsigned)i >> 2;
        *out++ = colour[(g[plane] >> shift & 3) | (g[plane + 2] >> shift & 3) << 2];
    }
}

static void put_bytes(const uint8_t *g, const uint32_t *dac, uint32_t *out) {
    for (unsigned i = 0; i < 4; i++) out[2 * i] = out[2 * i + 1] = dac[g[i]];
}

// With half the dot clock each dot is two wide: from the right, so that none is lost.
static void widen(uint32_t *out, uint32_t dots) {
    for (uint32_t i = dots; i-- > 0;) out[2 * i] = out[2 * i + 1] = out[i];
}

// CGA and Hercules: the lines of a row lie in different parts of memory.
static uint32_t interleaved(const struct vga *v, uint32_t address, unsigned number) {
    enum { NOT_ROW_BIT_0 = 1, NOT_ROW_BIT_1 = 2, BYTE_MODE = 0x40 };
    uint8_t mode = v->crtc[CRTC_MODE];
    unsigned bit = mode & BYTE_MODE ? 13 : 12;
    if (!(mode & NOT_ROW_BIT_0)) address = (address & ~(1u << bit)) | (number & 1) << bit;
    if (!(mode & NOT_ROW_BIT_1)) address = (address & ~(2u << bit)) | (number >> 1 & 1) << (bit + 1);
    return address;
}

void vga_draw_graphics(const struct vga *v, const struct vga_mode *m, const struct vga_line *line, const uint32_t *dac,
                       uint32_t *out) {
    uint32_t colour[16], width = m->half && !dispi_is_on(v) ? m->width / 2 : m->width;
    uint32_t last = dispi_is_on(v) ? (uint32_t)(v->vram->bytes / 4 - 1) : VGA_PLANES_BYTES / 4 - 1;
    uint32_t groups = width / 8 + (m->pan != 0);
    vga_palette(v, dac, colour);
    for (uint32_t i = 0; i < groups; i++) {
        uint32_t address = line->address + i;
        if (!dispi_is_on(v)) address = interleaved(v, address, line->number);
        const uint8_t *group = v->vram->data + 4ull * (address & last);
        if (m->shape == SHAPE_BYTES)
            put_bytes(group, dac, out + 8 * i);
        else if (m->shape == SHAPE_PAIRS)
            put_pairs(group, colour, out + 8 * i);
        else
            put_planes(group, colour, out + 8 * i);
    }
    if (m->pan && (!line->below || m->pans_below)) memmove(out, out + m->pan, width * sizeof *out);
    if (width != m->width) widen(out, width);
}

// --- one value a dot ---
static uint32_t wide(uint32_t value, unsigned bits) {
    return bits == 5 ? value << 3 | value >> 2 : value << 2 | value >> 4;
}

static void put_16(const uint8_t *from, uint32_t dots, unsigned green, uint32_t *out) {
    uint32_t mask = (1u << green) - 1;
    for (uint32_t i = 0; i < dots; i++) {
        uint16_t value;
        memcpy(&value, from + 2 * i, sizeof value);
        uint32_t red = wide(value >> (5 + green) & 31, 5);
        out[i] = red << 16 | wide(value >> 5 & mask, green) << 8 | wide(value & 31, 5);
    }
}

void vga_draw_linear(const struct vga *v, const struct vga_mode *m, uint32_t y, const uint32_t *dac, uint32_t *out) {
    const uint8_t *from = v->vram->data + m->start + (uint64_t)y * m->offset;
    switch (v->dispi[DISPI_BPP]) {
    case 8:
        for (uint32_t i = 0; i < m->width; i++) out[i] = dac[from[i]];
        break;
    case 15: put_16(from, m->width, 5, out); break;
    case 16: put_16(from, m->width, 6, out); break;
    case 24:
        for (uint32_t i = 0; i < m->width; i++)
            out[i] = from[3 * i] | (uint32_t)from[3 * i + 1] << 8 | (uint32_t)from[3 * i + 2] << 16;
        break;
    default:
        memcpy(out, from, m->width * sizeof *out);
        for (uint32_t i = 0; i < m->width; i++) out[i] &= 0xffffff;
        break;
    }
}

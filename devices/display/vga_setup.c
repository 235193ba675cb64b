// Mode 3 (80 x 25 characters) as a VGA BIOS leaves it, where no firmware runs: IBM PS/2 Hardware Interface Technical
// Reference, "video mode tables"; the characters are those of the BIOS in the expansion ROM. See vga.h.
#include "devices/display/vga_setup.h"
#include <string.h>

static const uint8_t sequencer[] = {0x03, 0x00, 0x03, 0x00, 0x02};
static const uint8_t crtc[CRTC_COUNT] = {0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00,
                                         0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff};
static const uint8_t graphics[] = {0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x0f, 0xff};
static const uint8_t attribute[ATTR_COUNT] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a,
                                              0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x0c, 0x00, 0x0f, 0x08, 0x00};

// 64 colours of an EGA monitor: bits 5:3 a third of red, green and blue, bits 2:0 two thirds.
static void set_colours(struct vga *v) {
    enum { THIRD = 0x15, TWO_THIRDS = 0x2a };
    for (unsigned i = 0; i < 64; i++)
        for (unsigned part = 0; part < 3; part++)
            v->dac[3 * i + part] =
                (uint8_t)((i >> (2 - part) & 1 ? TWO_THIRDS : 0) + (i >> (5 - part) & 1 ? THIRD : 0));
}

// Every VGA BIOS has the 256 characters of 8 x 16 dots as one table: nothing, then two faces.
const uint8_t *vga_find_font(const uint8_t *rom, size_t bytes) {
    static const uint8_t face[] = {0x00, 0x00, 0x7e, 0x81, 0xa5, 0x81, 0x81, 0xbd, 0x99, 0x81, 0x81, 0x7e};
    static const uint8_t nothing[VGA_FONT_LINES] = {0};
    for (size_t at = 0; at + VGA_FONT_BYTES <= bytes; at++)
        if (!memcmp(rom + at, nothing, sizeof nothing) && !memcmp(rom + at + VGA_FONT_LINES, face, sizeof face))
            return rom + at;
    return NULL;
}

static uint8_t *plane_bytes(struct vga *v, uint64_t bytes) { return pages_store(v->pages, v->vram->base, bytes); }

static void set_font(struct vga *v, const uint8_t *font) {
    enum { APART = 32, PLANE = 2 };
    uint8_t *to = plane_bytes(v, 4 * APART * VGA_COLOURS);
    for (unsigned code = 0; to && font && code < 256; code++)
        for (unsigned line = 0; line < VGA_FONT_LINES; line++)
            to[4 * (APART * code + line) + PLANE] = font[VGA_FONT_LINES * code + line];
}

// Spaces, light grey on black.
static void clear_text(struct vga *v) {
    enum { CELLS = 0x4000 };
    uint8_t *to = plane_bytes(v, 4 * CELLS);
    for (unsigned i = 0; to && i < CELLS; i++) to[4 * i] = ' ', to[4 * i + 1] = 0x07;
}

void vga_set_text_mode(struct vga *v, const uint8_t *rom, size_t rom_bytes) {
    v->miscellaneous = 0x67;
    memcpy(v->sequencer, sequencer, sizeof sequencer);
    memcpy(v->crtc, crtc, sizeof crtc);
    memcpy(v->graphics, graphics, sizeof graphics);
    memcpy(v->attribute, attribute, sizeof attribute);
    v->attribute_index = ATTRIBUTE_VIDEO_ON;
    v->dac_mask = 0xff;
    set_colours(v);
    set_font(v, rom ? vga_find_font(rom, rom_bytes) : NULL);
    clear_text(v);
    vga_place_window(v);
}

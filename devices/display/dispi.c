// Bochs' display interface: modes of any size with 4, 8, 15, 16, 24 or 32 bits a dot. QEMU,
// docs/specs/standard-vga.rst; Bochs' VBE extensions. A value that cannot be had becomes the nearest that can. See
// vga.h.
#include "devices/display/vga.h"
#include <string.h>

enum { ID_FIRST = 0xb0c0, ID_LAST = 0xb0c5, MOST_X = 16000, MOST_Y = 12000, MOST_BPP = 32 };

unsigned dispi_bits(const struct vga *v) { return v->dispi[DISPI_BPP] == 15 ? 16 : v->dispi[DISPI_BPP]; }

uint32_t dispi_line_bytes(const struct vga *v) { return v->dispi[DISPI_VIRTUAL_X] * dispi_bits(v) / 8; }

// --- values that can be had ---
static uint16_t within(uint32_t value, uint32_t least, uint32_t most) {
    return (uint16_t)(value < least ? least : value > most ? most : value);
}

static bool is_depth(uint16_t bpp) { return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32; }

// Bytes of memory from where the picture begins to its end.
static uint64_t end_of_picture(const struct vga *v) {
    uint64_t lines = (uint64_t)v->dispi[DISPI_Y_OFFSET] + v->dispi[DISPI_Y];
    return v->dispi[DISPI_X_OFFSET] * dispi_bits(v) / 8 + lines * dispi_line_bytes(v);
}

static void fit(struct vga *v) {
    uint16_t *d = v->dispi;
    if (!is_depth(d[DISPI_BPP])) d[DISPI_BPP] = 8;
    d[DISPI_X] = within(d[DISPI_X] & ~7u, 8, MOST_X);
    d[DISPI_VIRTUAL_X] = within(d[DISPI_VIRTUAL_X] & ~7u, d[DISPI_X], MOST_X);
    d[DISPI_Y] = within(d[DISPI_Y], 1, MOST_Y);
    d[DISPI_Y] = within(d[DISPI_Y], 1, (uint32_t)(v->vram->bytes / dispi_line_bytes(v)));
    if (end_of_picture(v) > v->vram->bytes) d[DISPI_Y_OFFSET] = 0;
    if (end_of_picture(v) > v->vram->bytes) d[DISPI_X_OFFSET] = 0;
}

// While it is on every value is one that fit() leaves: drawing relies on it.
bool dispi_is_valid(const struct vga *v) {
    const uint16_t *d = v->dispi;
    if (!dispi_is_on(v)) return true;
    return is_depth(d[DISPI_BPP]) && d[DISPI_X] >= 8 && d[DISPI_X] % 8 == 0 && d[DISPI_VIRTUAL_X] >= d[DISPI_X] &&
           d[DISPI_VIRTUAL_X] <= MOST_X && d[DISPI_Y] && end_of_picture(v) <= v->vram->bytes;
}

// --- switching on ---
// The registers of the VGA follow the mode, for those who read them.
static void set_vga(struct vga *v) {
    enum { UNCHAINED_ADDRESS = 3, A0000_64K_GRAPHICS = 5, SHIFT = 0x60, SHIFT_256 = 0x40, NO_COMPARE = 0x50 };
    const uint16_t *d = v->dispi;
    uint8_t *c = v->crtc, *g = v->graphics;
    unsigned lines = d[DISPI_Y] - 1u;
    g[GFX_MISCELLANEOUS] = (uint8_t)((g[GFX_MISCELLANEOUS] & ~15) | A0000_64K_GRAPHICS);
    c[CRTC_MODE] |= UNCHAINED_ADDRESS;
    c[CRTC_OFFSET] = (uint8_t)(dispi_line_bytes(v) >> 3);
    c[CRTC_H_END] = (uint8_t)((d[DISPI_X] >> 3) - 1);
    c[CRTC_V_END] = (uint8_t)lines;
    c[CRTC_OVERFLOW] =
        (uint8_t)((c[CRTC_OVERFLOW] & ~0x42) | (lines >> 7 & 2) | (lines >> 3 & 0x40) | (NO_COMPARE & 0x10));
    c[CRTC_LINE_COMPARE] = 0xff;
    c[CRTC_ROW_LINES] = (uint8_t)((c[CRTC_ROW_LINES] & ~0x9f) | (NO_COMPARE & 0x40));
    bool planes = d[DISPI_BPP] == 4;
    if (planes) v->sequencer[SEQ_CLOCKING] &= (uint8_t)~CLOCKING_HALF;
    if (!planes) v->sequencer[SEQ_MEMORY_MODE] |= MEMORY_CHAIN_4, v->sequencer[SEQ_MAP_MASK] = 15;
    g[GFX_MODE] = (uint8_t)((g[GFX_MODE] & ~SHIFT) | (planes ? 0 : SHIFT_256));
}

static void clear(struct vga *v) {
    uint64_t bytes = (uint64_t)v->dispi[DISPI_Y] * dispi_line_bytes(v);
    uint8_t *to = pages_store(v->pages, v->vram->base, bytes);
    if (to) memset(to, 0, bytes);
}

static void enable(struct vga *v, uint16_t value) {
    bool was_on = dispi_is_on(v);
    v->dispi[DISPI_ENABLE] = value & (DISPI_ENABLED | DISPI_CAPABILITIES | DISPI_DAC_8 | DISPI_LINEAR | DISPI_NO_CLEAR);
    v->dispi[DISPI_BANK] = 0;
    if (!dispi_is_on(v) || was_on) return;
    v->dispi[DISPI_VIRTUAL_X] = v->dispi[DISPI_X_OFFSET] = v->dispi[DISPI_Y_OFFSET] = 0;
    fit(v);
    set_vga(v);
    if (!(value & DISPI_NO_CLEAR)) clear(v);
}

// --- registers ---
static uint16_t banks(const struct vga *v) { return (uint16_t)(v->vram->bytes / VGA_BANK_BYTES); }

uint16_t dispi_read(const struct vga *v, unsigned index) {
    static const uint16_t most[] = {[DISPI_X] = MOST_X, [DISPI_Y] = MOST_Y, [DISPI_BPP] = MOST_BPP};
    bool asks = v->dispi[DISPI_ENABLE] & DISPI_CAPABILITIES;
    if (index >= DISPI_COUNT) return 0;
    if (asks && index >= DISPI_X && index <= DISPI_BPP) return most[index];
    if (index == DISPI_MEMORY_64K) return banks(v);
    if (index == DISPI_VIRTUAL_Y)
        return dispi_is_on(v) ? within((uint32_t)(v->vram->bytes / dispi_line_bytes(v)), 0, UINT16_MAX) : 0;
    return v->dispi[index];
}

void dispi_write(struct vga *v, unsigned index, uint16_t value) {
    switch (index) {
    case DISPI_ID:
        if (value >= ID_FIRST && value <= ID_LAST) v->dispi[index] = value;
        break;
    case DISPI_X:
    case DISPI_Y:
    case DISPI_BPP:
    case DISPI_VIRTUAL_X:
    case DISPI_X_OFFSET:
    case DISPI_Y_OFFSET:
        v->dispi[index] = value;
        if (dispi_is_on(v)) fit(v);
        break;
    case DISPI_BANK: v->dispi[index] = value & (banks(v) - 1); break;
    case DISPI_ENABLE: enable(v, value); break;
    default: break;
    }
    vga_place_window(v);
}

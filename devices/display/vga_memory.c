// The window at A0000H: planes, latches, and what the graphics controller makes of reads and writes. See vga.h; IBM
// PS/2 Hardware Interface Technical Reference, "graphics controller registers".
#include "devices/display/vga.h"
#include "cpu/state/outcome.h"
#include <string.h>

// --- where the window is ---
struct window {
    uint32_t first, bytes;
};
static struct window window_of(const struct vga *v) {
    static const struct window windows[] = {{0, 0x20000}, {0, 0x10000}, {0x10000, 0x8000}, {0x18000, 0x8000}};
    return windows[v->graphics[GFX_MISCELLANEOUS] >> 2 & 3];
}

static uint32_t bank(const struct vga *v) { return (uint32_t)v->dispi[DISPI_BANK] * VGA_BANK_BYTES; }

// Chain-4, and nothing that changes what is read or written: the bytes of memory themselves.
static bool is_linear(const struct vga *v) {
    const uint8_t *g = v->graphics;
    bool chained = v->sequencer[SEQ_MEMORY_MODE] & MEMORY_CHAIN_4 && v->sequencer[SEQ_MAP_MASK] == 15;
    bool plain =
        !(g[GFX_MODE] & (3 | MODE_READ_1)) && !g[GFX_SET_RESET_ENABLE] && !g[GFX_ROTATE] && g[GFX_BIT_MASK] == 0xff;
    return chained && plain && !v->dispi[DISPI_BANK] && !window_of(v).first;
}

void vga_place_window(struct vga *v) { map_place(v->memory_map, v->linear, VGA_WINDOW, is_linear(v)); }

// --- memory, through the door ---
static uint32_t load4(const struct vga *v, uint32_t address) {
    uint32_t value;
    memcpy(&value, v->vram->data + 4ull * address, sizeof value);
    return value;
}

static void store(struct vga *v, uint32_t at, const void *from, unsigned bytes) {
    struct page_frame frame = {v->vram, at >> PAGE_SHIFT};
    (void)page_store(v->pages, frame, at % PAGE_BYTES, bytes);
    memcpy(v->vram->data + at, from, bytes);
}

// --- one byte of the processor ---
enum { ALL_MAPS = 15 };
struct place {
    uint32_t address; // of the 4 bytes
    unsigned maps;    // a bit for each plane that the processor's address reaches
};

// False: the window is elsewhere.
static bool find(const struct vga *v, uint32_t offset, struct place *out) {
    const struct window w = window_of(v);
    uint32_t at = offset - w.first, last = (uint32_t)(v->vram->bytes / 4 - 1);
    if (at >= w.bytes) return false;
    if (v->sequencer[SEQ_MEMORY_MODE] & MEMORY_CHAIN_4) {
        at += bank(v);
        *out = (struct place){at / 4 & last, 1u << at % 4};
    } else if (!(v->sequencer[SEQ_MEMORY_MODE] & MEMORY_NOT_ODD_EVEN)) {
        *out = (struct place){(at / 2 + bank(v) / 4) & last, at & 1 ? 10u : 5u};
    } else {
        *out = (struct place){(at + bank(v)) & last, ALL_MAPS};
    }
    return true;
}

static uint32_t spread(uint8_t byte) { return byte * 0x01010101u; }
// A byte of ones for each of four bits.
static uint32_t mask4(unsigned bits) {
    return ((bits & 1) | (bits & 2) << 7 | (bits & 4) << 14 | (bits & 8) << 21) * 0xffu;
}

static uint8_t read_byte(struct vga *v, uint32_t offset) {
    struct place place;
    if (!find(v, offset, &place)) return 0xff;
    const uint8_t *g = v->graphics;
    v->latch = load4(v, place.address);
    if (g[GFX_MODE] & MODE_READ_1) {
        uint32_t differ = (v->latch ^ mask4(g[GFX_COLOUR_COMPARE])) & mask4(g[GFX_COLOUR_CARE]);
        differ |= differ >> 16;
        return (uint8_t) ~(differ | differ >> 8);
    }
    unsigned plane = g[GFX_READ_MAP];
    if (place.maps != ALL_MAPS && v->sequencer[SEQ_MEMORY_MODE] & MEMORY_CHAIN_4)
        plane = (unsigned)__builtin_ctz(place.maps);
    else if (place.maps != ALL_MAPS)
        plane = (plane & 2) | (place.maps >> 1 & 1);
    return (uint8_t)(v->latch >> 8 * plane);
}

static uint32_t combine(const struct vga *v, uint32_t value) {
    switch (v->graphics[GFX_ROTATE] >> 3 & 3) {
    case 1: return value & v->latch;
    case 2: return value | v->latch;
    case 3: return value ^ v->latch;
    default: return value;
    }
}

// What the four planes get, by the write mode.
static uint32_t write_value(const struct vga *v, uint8_t byte) {
    const uint8_t *g = v->graphics;
    unsigned count = g[GFX_ROTATE] & 7, bits = g[GFX_BIT_MASK];
    uint8_t rotated = (uint8_t)(byte >> count | byte << (8 - count));
    uint32_t value, enabled = mask4(g[GFX_SET_RESET_ENABLE]);
    switch (g[GFX_MODE] & 3) {
    case 1: return v->latch;
    case 2: value = mask4(byte & 15); break;
    case 3:
        bits &= rotated;
        value = mask4(g[GFX_SET_RESET]);
        break;
    default: value = (spread(rotated) & ~enabled) | (mask4(g[GFX_SET_RESET]) & enabled); break;
    }
    uint32_t mask = spread((uint8_t)bits);
    return (combine(v, value) & mask) | (v->latch & ~mask);
}

static void write_byte(struct vga *v, uint32_t offset, uint8_t byte) {
    struct place place;
    if (!find(v, offset, &place)) return;
    uint32_t maps = mask4(place.maps & v->sequencer[SEQ_MAP_MASK]);
    uint32_t value = (write_value(v, byte) & maps) | (load4(v, place.address) & ~maps);
    if (maps) store(v, 4 * place.address, &value, sizeof value);
}

// --- accesses ---
uint64_t vga_memory_read(struct vga *v, uint64_t offset, unsigned size) {
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++) value |= (uint64_t)read_byte(v, (uint32_t)offset + i) << 8 * i;
    return value;
}

void vga_memory_write(struct vga *v, uint64_t offset, unsigned size, uint64_t value) {
    for (unsigned i = 0; i < size; i++) write_byte(v, (uint32_t)offset + i, (uint8_t)(value >> 8 * i));
}

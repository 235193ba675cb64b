// A VGA with Bochs' display interface: IBM VGA registers (IBM PS/2 Hardware Interface Technical Reference, video
// subsystem; FreeVGA project, VGA chipset reference), and DISPI (Bochs VBE display interface; QEMU,
// docs/specs/standard-vga.rst) for modes with a linear framebuffer.
//
// Memory is one area. The four planes lie interleaved in its first 256 KBytes: byte P of the 4 bytes at address A is
// plane P's byte A. So chain-4 modes, in which the processor's byte N is plane N % 4, are linear in it, and so are
// DISPI's. Odd/even modes (text) use one address for two bytes of the processor. NOT AS IN HARDWARE: there chain-4 and
// odd/even leave gaps in each plane, which a program sees that changes from one of these modes to another and keeps the
// memory.
#ifndef DEVICES_VGA_H
#define DEVICES_VGA_H
#include "devices/bus/bus.h"
#include "devices/timer/clock.h"
#include "cpu/pages/pages.h"

// Indexed registers, by index.
enum vga_sequencer { SEQ_RESET, SEQ_CLOCKING, SEQ_MAP_MASK, SEQ_CHARACTER_MAP, SEQ_MEMORY_MODE, SEQ_COUNT = 8 };
enum vga_crtc {
    CRTC_H_TOTAL = 0x00,
    CRTC_H_END = 0x01,
    CRTC_V_TOTAL = 0x06,
    CRTC_OVERFLOW = 0x07,
    CRTC_PRESET_ROW = 0x08,
    CRTC_ROW_LINES = 0x09,
    CRTC_CURSOR_START = 0x0a,
    CRTC_CURSOR_END = 0x0b,
    CRTC_START_HIGH = 0x0c,
    CRTC_START_LOW = 0x0d,
    CRTC_CURSOR_HIGH = 0x0e,
    CRTC_CURSOR_LOW = 0x0f,
    CRTC_V_RETRACE_START = 0x10,
    CRTC_V_RETRACE_END = 0x11,
    CRTC_V_END = 0x12,
    CRTC_OFFSET = 0x13,
    CRTC_UNDERLINE = 0x14,
    CRTC_MODE = 0x17,
    CRTC_LINE_COMPARE = 0x18,
    CRTC_COUNT = 0x19,
};
enum vga_graphics {
    GFX_SET_RESET,
    GFX_SET_RESET_ENABLE,
    GFX_COLOUR_COMPARE,
    GFX_ROTATE,
    GFX_READ_MAP,
    GFX_MODE,
    GFX_MISCELLANEOUS,
    GFX_COLOUR_CARE,
    GFX_BIT_MASK,
    GFX_COUNT = 16,
};
enum vga_attribute {
    ATTR_MODE = 0x10,
    ATTR_OVERSCAN = 0x11,
    ATTR_PLANES = 0x12,
    ATTR_PANNING = 0x13,
    ATTR_COLOUR = 0x14,
    ATTR_COUNT = 0x15,
};
enum vga_dispi {
    DISPI_ID,
    DISPI_X,
    DISPI_Y,
    DISPI_BPP,
    DISPI_ENABLE,
    DISPI_BANK,
    DISPI_VIRTUAL_X,
    DISPI_VIRTUAL_Y,
    DISPI_X_OFFSET,
    DISPI_Y_OFFSET,
    DISPI_MEMORY_64K,
    DISPI_COUNT,
};
// Bits that several files look at.
enum {
    CLOCKING_8_DOTS = 0x01,
    CLOCKING_HALF = 0x08,
    CLOCKING_OFF = 0x20, // of sequencer register 1
    MEMORY_NOT_ODD_EVEN = 0x04,
    MEMORY_CHAIN_4 = 0x08, // of sequencer register 4
    MODE_READ_1 = 0x08,
    MODE_ODD_EVEN = 0x10, // of graphics register 5
    MISCELLANEOUS_GRAPHICS = 0x01,
    MISC_COLOUR = 0x01, // of the miscellaneous output register: ports 3DxH
    ATTRIBUTE_VIDEO_ON = 0x20,
    DISPI_ENABLED = 0x01,
    DISPI_CAPABILITIES = 0x02,
    DISPI_DAC_8 = 0x20,
    DISPI_LINEAR = 0x40,
    DISPI_NO_CLEAR = 0x80, // of DISPI_ENABLE
};
#define VGA_ROM_FILE "board/vgabios" // among the configuration's files: its BIOS
enum { VGA_PLANES_BYTES = 256 << 10, VGA_COLOURS = 256, VGA_EDID = 128 };
#define VGA_WINDOW 0xa0000ull
enum { VGA_WINDOW_BYTES = 0x20000, VGA_BANK_BYTES = 0x10000 };
// Register blocks: BAR 0 is memory; BAR 2.
enum vga_space { VGA_BAR_MEMORY, VGA_BAR_REGISTERS = 2, VGA_PORTS_3C0, VGA_PORTS_3B0, VGA_PORTS_DISPI, VGA_MEMORY };

struct vga {
    // options
    uint32_t vgamem_mb, xres, yres;
    bool edid;
    // architectural
    uint8_t miscellaneous, feature, subsystem;
    uint8_t sequencer_index, sequencer[SEQ_COUNT];
    uint8_t crtc_index, crtc[CRTC_COUNT];
    uint8_t graphics_index, graphics[GFX_COUNT];
    uint8_t attribute_index, attribute[ATTR_COUNT];
    uint8_t attribute_data; // 1: the next write to 3C0H is data
    uint8_t dac_mask, dac_state, dac_read, dac_write, dac_part, dac_new[3], dac[3 * VGA_COLOURS];
    uint32_t latch;
    uint16_t dispi_index, dispi[DISPI_COUNT];
    uint8_t dispi_low; // of a word that comes as two bytes
    // wiring
    struct area *vram;
    struct pages *pages;
    struct map *memory_map;
    const struct clock *clock;
    unsigned linear;    // the range of the map that is the window as memory
    const uint8_t *rom; // its BIOS; NULL: there is none
    size_t rom_bytes;
    uint8_t edid_block[VGA_EDID];
};
extern const struct state_table vga_state;

// --- vga_ports.c: ports 3B0H to 3DFH, as offsets from 3C0H ---
uint8_t vga_port_read(struct vga *vga, unsigned offset);
void vga_port_write(struct vga *vga, unsigned offset, uint8_t value);
// --- vga_time.c ---
uint8_t vga_status(const struct vga *vga); // bits 0 and 3 of input status register 1: blanked, vertical retrace
unsigned vga_frame_number(const struct vga *vga, uint64_t cycle);
// --- vga_memory.c: the window at A0000H ---
uint64_t vga_memory_read(struct vga *vga, uint64_t offset, unsigned size);
void vga_memory_write(struct vga *vga, uint64_t offset, unsigned size, uint64_t value);
void vga_place_window(struct vga *vga); // after anything that says how it is mapped has changed
// --- dispi.c ---
uint16_t dispi_read(const struct vga *vga, unsigned index);
void dispi_write(struct vga *vga, unsigned index, uint16_t value);
static inline bool dispi_is_on(const struct vga *vga) { return vga->dispi[DISPI_ENABLE] & DISPI_ENABLED; }
bool dispi_is_valid(const struct vga *vga); // of a state that was loaded
unsigned dispi_bits(const struct vga *vga); // of a dot, in memory
uint32_t dispi_line_bytes(const struct vga *vga);
// --- edid.c ---
void edid_make(uint8_t out[VGA_EDID], uint32_t width, uint32_t height);

#endif

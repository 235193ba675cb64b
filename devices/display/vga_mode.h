// What the registers of a VGA say of its picture.
#ifndef DEVICES_VGA_MODE_H
#define DEVICES_VGA_MODE_H
#include "devices/display/vga.h"

enum vga_shape {
    SHAPE_BLANK,
    SHAPE_TEXT,
    SHAPE_PLANES,
    SHAPE_PAIRS /* CGA: two bits a dot */,
    SHAPE_BYTES,
    SHAPE_LINEAR
};

struct vga_mode {
    uint8_t shape;
    uint32_t width, height; // dots of the picture
    uint32_t start, offset; // of the first row, and from row to row: groups of 4 bytes; of SHAPE_LINEAR bytes
    uint32_t compare;       // the line after which memory begins again at 0
    uint8_t character_dots; // 8 or 9
    uint8_t row_lines;      // lines of the picture that one row of memory gives, each with its number but for:
    bool doubled;           // two lines have one number
    bool half;              // each dot is two wide
    uint8_t pan, preset;    // dots to the left, lines up
    bool pans_below;        // beyond `compare` too
};
// False: nothing that could be drawn.
bool vga_mode(const struct vga *vga, struct vga_mode *out);

// --- drawing: one row of dots ---
struct vga_line {
    uint32_t address; // of its first group
    unsigned number;  // within its row of memory
    unsigned row;     // of text
    bool below;       // beyond the line compared with
};
void vga_colours(const struct vga *vga, uint32_t colour[VGA_COLOURS]);             // of the DAC
void vga_palette(const struct vga *vga, const uint32_t *dac, uint32_t colour[16]); // through the attribute controller
void vga_draw_graphics(const struct vga *vga, const struct vga_mode *mode, const struct vga_line *line,
                       const uint32_t *dac, uint32_t *out);
void vga_draw_linear(const struct vga *vga, const struct vga_mode *mode, uint32_t y, const uint32_t *dac,
                     uint32_t *out);
struct vga_blink {
    bool cursor, text; // seen now
};
void vga_draw_text(const struct vga *vga, const struct vga_mode *mode, const struct vga_line *line, const uint32_t *dac,
                   struct vga_blink blink, uint32_t *out);
int32_t vga_cursor(const struct vga *vga, const struct vga_mode *mode); // its cell; -1: off, or elsewhere
struct picture;
bool vga_picture(const void *chip, uint64_t cycle, struct picture *picture);

#endif

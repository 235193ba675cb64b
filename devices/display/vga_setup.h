// A text mode as a VGA BIOS sets it.
#ifndef DEVICES_VGA_SETUP_H
#define DEVICES_VGA_SETUP_H
#include "devices/display/vga.h"

enum { VGA_FONT_LINES = 16, VGA_FONT_BYTES = 256 * VGA_FONT_LINES };
// Mode 3, with the characters of a VGA BIOS's ROM; NULL: there is none, and characters cannot be seen.
void vga_set_text_mode(struct vga *vga, const uint8_t *rom, size_t rom_bytes);
const uint8_t *vga_find_font(const uint8_t *rom, size_t bytes); // NULL: it has none

#endif

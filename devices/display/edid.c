// What the monitor says of itself: an EDID block, VESA Enhanced Extended Display Identification Data Standard, release
// A, revision 2 (EDID 1.4). See vga.h.
#include "devices/display/vga.h"
#include <string.h>

enum { HEADER = 8, TIMINGS = 54, DESCRIPTOR_BYTES = 18 };

// A detailed timing at 60 pictures a second, with the blanking that fits any size.
static void put_timing(uint8_t *d, uint32_t width, uint32_t height) {
    enum { HERTZ = 60, MM_PER_100_DOTS = 25 };
    uint32_t h_blank = width * 35 / 100, v_blank = height * 35 / 1000, h_front = width / 4, h_sync = width * 3 / 100;
    uint32_t v_front = height * 5 / 1000, v_sync = height * 5 / 1000;
    uint32_t clock = (width + h_blank) * (height + v_blank) / 10000 * HERTZ; // in 10 kHz
    uint32_t mm_x = width * MM_PER_100_DOTS / 100, mm_y = height * MM_PER_100_DOTS / 100;
    d[0] = (uint8_t)clock, d[1] = (uint8_t)(clock >> 8);
    d[2] = (uint8_t)width, d[3] = (uint8_t)h_blank, d[4] = (uint8_t)((width >> 8 & 15) << 4 | (h_blank >> 8 & 15));
    d[5] = (uint8_t)height, d[6] = (uint8_t)v_blank, d[7] = (uint8_t)((height >> 8 & 15) << 4 | (v_blank >> 8 & 15));
    d[8] = (uint8_t)h_front, d[9] = (uint8_t)h_sync, d[10] = (uint8_t)((v_front & 15) << 4 | (v_sync & 15));
    d[11] = (uint8_t)((h_front >> 8 & 3) << 6 | (h_sync >> 8 & 3) << 4 | (v_front >> 4 & 3) << 2 | (v_sync >> 4 & 3));
    d[12] = (uint8_t)mm_x, d[13] = (uint8_t)mm_y, d[14] = (uint8_t)((mm_x >> 8 & 15) << 4 | (mm_y >> 8 & 15));
    d[17] = 0x18; // digital, separate synchronisation
}

static void put_text(uint8_t *d, uint8_t kind, const char *text) {
    memset(d, 0, DESCRIPTOR_BYTES);
    d[3] = kind;
    memset(d + 5, ' ', 13);
    memcpy(d + 5, text, strlen(text));
    d[5 + strlen(text)] = '\n';
}

// Standard timings, 60 pictures a second: width / 8 - 31, and the ratio of the sides.
static void put_standard(uint8_t *at) {
    enum { RATIO_16_10 = 0x00, RATIO_4_3 = 0x40, RATIO_5_4 = 0x80, RATIO_16_9 = 0xc0 };
    static const struct {
        uint16_t width;
        uint8_t ratio;
    } modes[8] = {{2048, RATIO_4_3},   {1920, RATIO_16_9}, {1680, RATIO_16_10}, {1280, RATIO_5_4},
                  {1280, RATIO_16_10}, {1024, RATIO_4_3},  {800, RATIO_4_3},    {640, RATIO_4_3}};
    for (unsigned i = 0; i < 8; i++) at[2 * i] = (uint8_t)(modes[i].width / 8 - 31), at[2 * i + 1] = modes[i].ratio;
}

void edid_make(uint8_t out[VGA_EDID], uint32_t width, uint32_t height) {
    static const uint8_t start[TIMINGS] = {
        0,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,                // header
        0x5a, 0xb2, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 1,    34,   // "VMR", product 1; week 1 of 2024
        1,    4,    0xa5, 0,    0,    120,  0x06,                   // EDID 1.4; digital, 8 bits; size; gamma 2.2; sRGB
        0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54, // chromaticity of sRGB
        0x21, 0x08, 0x00,                                           // established: 640x480, 800x600, 1024x768 at 60 Hz
    };
    memset(out, 0, VGA_EDID);
    memcpy(out, start, sizeof start);
    out[21] = (uint8_t)(width / 40), out[22] = (uint8_t)(height / 40); // cm at 100 dots an inch
    put_standard(out + 38);
    put_timing(out + TIMINGS, width, height);
    put_text(out + TIMINGS + DESCRIPTOR_BYTES, 0xfc, "vmxray");
    memcpy(out + TIMINGS + 2 * DESCRIPTOR_BYTES, "\0\0\0\xfd\0\x32\x7d\x1e\xa0\xff\1\n      ", DESCRIPTOR_BYTES);
    put_text(out + TIMINGS + 3 * DESCRIPTOR_BYTES, 0xff, "0");
    uint8_t sum = 0;
    for (unsigned i = 0; i < VGA_EDID - 1; i++) sum = (uint8_t)(sum + out[i]);
    out[VGA_EDID - 1] = (uint8_t)-sum;
}

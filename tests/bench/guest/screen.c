// The display: scrolling in the linear framebuffer of a mode of Bochs' interface, and stores to the four planes. The
// guest looks for the display on PCI bus 0.
#include "guest.h"

// --- ports ---
static void out16(uint16_t port, uint16_t value) { __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port)); }
static void out32(uint16_t port, uint32_t value) { __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port)); }
static uint32_t in32(uint16_t port) {
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

// --- PCI ---
enum { CONFIG_ADDRESS = 0xcf8, CONFIG_DATA = 0xcfc, COMMAND = 4, CLASS = 8, BAR_0 = 0x10 };
enum { PORTS_AND_MEMORY = 3, DISPLAY = 3, DEVICES = 32 };

static uint32_t config(unsigned device, unsigned reg) {
    out32(CONFIG_ADDRESS, 0x80000000 | device << 11 | reg);
    return in32(CONFIG_DATA);
}

// Where its framebuffer is; 0: there is none.
static uint64_t find_display(void) {
    for (unsigned device = 0; device < DEVICES; device++) {
        if (config(device, CLASS) >> 24 != DISPLAY) continue;
        uint64_t base = config(device, BAR_0) & ~15u;
        uint32_t command = config(device, COMMAND);
        out32(CONFIG_DATA, command | PORTS_AND_MEMORY);
        return base;
    }
    return 0;
}

static uint64_t the_display(void) {
    uint64_t base = find_display();
    if (base) return base;
    say("bench: no display\n");
    finish();
}

// --- Bochs' interface ---
enum { DISPI_INDEX = 0x1ce, DISPI_DATA = 0x1cf };
enum { X_DOTS = 1, Y_DOTS, BITS, ENABLE };

static void set_dispi(uint16_t index, uint16_t value) {
    out16(DISPI_INDEX, index);
    out16(DISPI_DATA, value);
}

// 1024 x 768 dots of 4 bytes.
uint64_t run_scroll(const struct loop *loop, uint64_t turns) {
    enum { ON = 1, LINEAR = 0x40 };
    uint64_t base = the_display();
    set_dispi(ENABLE, 0);
    set_dispi(X_DOTS, 1024), set_dispi(Y_DOTS, 768), set_dispi(BITS, 32);
    set_dispi(ENABLE, ON | LINEAR);
    return loop->body(turns, base, 0);
}

// --- planes: 640 x 480 dots, as mode 12H has them ---
static void set_indexed(uint16_t port, unsigned index, unsigned value) { out16(port, (uint16_t)(value << 8 | index)); }

static void set_planes(unsigned write_mode, unsigned bit_mask) {
    enum { SEQUENCER = 0x3c4, GRAPHICS = 0x3ce };
    set_dispi(ENABLE, 0);
    set_indexed(SEQUENCER, 2, 15); // all planes
    set_indexed(SEQUENCER, 4, 6);  // neither chained nor odd/even
    set_indexed(GRAPHICS, 0, 0);   // set/reset
    set_indexed(GRAPHICS, 1, 0);   // of none
    set_indexed(GRAPHICS, 3, 0);   // not rotated, replaces
    set_indexed(GRAPHICS, 4, 0);   // reads plane 0
    set_indexed(GRAPHICS, 5, write_mode);
    set_indexed(GRAPHICS, 6, 5); // graphics, 64 KBytes at A0000H
    set_indexed(GRAPHICS, 8, bit_mask);
}

#define WINDOW 0xa0000ull
// Bytes to all planes.
uint64_t run_planes(const struct loop *loop, uint64_t turns) {
    (void)the_display();
    set_planes(0, 0xff);
    return loop->body(turns, WINDOW, 0);
}

// Dots in a colour: each byte is read into the latches, and stored through a mask, as drivers draw text.
uint64_t run_latches(const struct loop *loop, uint64_t turns) {
    (void)the_display();
    set_planes(2, 0x3c);
    return loop->body(turns, WINDOW, 0);
}

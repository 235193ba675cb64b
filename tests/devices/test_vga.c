// The VGA by its registers: indexed registers, what the graphics controller does with each of four planes, the shapes
// of its pictures, Bochs' display interface, and what looking does not change. IBM PS/2 Hardware Interface Technical
// Reference, video subsystem; FreeVGA; QEMU, docs/specs/standard-vga.rst.
#include "devices/display/vga_mode.h"
#include "devices/machine/machine_picture.h"
#include "fake.h"
#include "tests/door.h"
#include "tests/tap.h"
#include <stdio.h>
#include <string.h>

static struct machine *m;
static struct cpu *cpu;
static const struct platform *p;
static struct picture picture;
enum { COLOUR_STATUS = 0x3da, FRAMEBUFFER_MBYTE = 1 << 20 };

static void out(uint16_t port, uint8_t value) { p->port_out(p->machine, cpu, port, 1, value); }
static uint8_t in(uint16_t port) { return (uint8_t)p->port_in(p->machine, cpu, port, 1); }
static void out2(uint16_t port, uint16_t value) { p->port_out(p->machine, cpu, port, 2, value); }
static uint16_t in2(uint16_t port) { return (uint16_t)p->port_in(p->machine, cpu, port, 2); }
static void seq(uint8_t index, uint8_t value) { out2(0x3c4, (uint16_t)(index | value << 8)); }
static void gfx(uint8_t index, uint8_t value) { out2(0x3ce, (uint16_t)(index | value << 8)); }
static void crtc(uint8_t index, uint8_t value) { out2(0x3d4, (uint16_t)(index | value << 8)); }
static void attr(uint8_t index, uint8_t value) { (void)in(COLOUR_STATUS), out(0x3c0, index | 0x20), out(0x3c0, value); }
static void dispi(uint16_t index, uint16_t value) { out2(0x1ce, index), out2(0x1cf, value); }
static uint16_t dispi_get(uint16_t index) { return out2(0x1ce, index), in2(0x1cf); }
// As a processor does it: into memory where there is memory.
static void store(uint32_t offset, unsigned size, uint64_t value) {
    struct page_frame frame = board_page(&m->board, VGA_WINDOW + offset);
    if (frame_exists(frame)) {
        memcpy(inside_ram(m, frame_base(frame) + offset % PAGE_BYTES, size), &value, size);
        return;
    }
    p->mmio_write(p->machine, cpu, VGA_WINDOW + offset, size, value);
}
static uint8_t load(uint32_t offset) { return (uint8_t)p->mmio_read(p->machine, cpu, VGA_WINDOW + offset, 1); }
static const struct vga *vga(void) {
    struct machine_part part;
    for (unsigned i = 0; machine_part(m, i, &part); i++)
        if (!strcmp(part.name, "VGA")) return part.object;
    return NULL;
}
static const uint8_t *vram(void) { return vga()->vram->data; }
static uint8_t plane(uint32_t address, unsigned number) { return vram()[4 * address + number]; }
static uint32_t dot(uint32_t x, uint32_t y) { return picture.dot[y * picture.width + x]; }
static bool pull(uint32_t width, uint32_t height) {
    bool drawn = machine_picture(m, &picture);
    if (!drawn || picture.width != width || picture.height != height)
        printf("# drawn %d, %ux%u\n", drawn, picture.width, picture.height);
    return drawn && picture.width == width && picture.height == height;
}

static struct machine *make(const char *device) {
    struct machine_config config;
    char error[200] = "";
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    config.ram_bytes = 1 << 20;
    if (!machine_config_device(&config, device, error, sizeof error)) bail("%s", error);
    struct machine *made = machine_new(&config, error, sizeof error);
    if (!made) bail("no machine: %s", error);
    return made;
}

static void begin(void) {
    if (m) machine_picture_release(m, &picture), machine_free(m);
    m = make("VGA");
    cpu = inside_cpu(m, 0);
    p = inside_platform(m);
}

static void registers(void) {
    begin();
    ok(in(0x3cc) == 0x67 && in(0x3b4) == 0xff, "a colour text mode: the ports of a monochrome display are silent");
    out(0x3c2, 0x66);
    ok(in(0x3d4) == 0xff && in(0x3b4) != 0xff, "and the other way round");
    out(0x3c2, 0x67);
    seq(2, 0xff), out(0x3c4, 2);
    ok(in(0x3c5) == 0x0f, "the map mask has four bits");
    gfx(5, 0xff), out(0x3ce, 5);
    ok(in(0x3cf) == 0x7b, "the mode register six");
    crtc(0x11, 0x8e), crtc(0x01, 0x12), out(0x3d4, 0x01);
    ok(in(0x3d5) == 0x4f, "CRTC registers 0 to 7 are protected");
    crtc(0x07, 0xff), out(0x3d4, 0x07);
    ok(in(0x3d5) == 0x1f, "but for the line compare bit");
    crtc(0x11, 0x0e), crtc(0x01, 0x12), out(0x3d4, 0x01);
    ok(in(0x3d5) == 0x12, "until bit 7 of 11H is clear");
    attr(0x03, 0x2a), (void)in(COLOUR_STATUS), out(0x3c0, 0x23);
    ok(in(0x3c1) == 0x2a && in(0x3c0) == 0, "an attribute register: index, then data");
    (void)in(COLOUR_STATUS);
    ok(in(0x3c0) == 0x23, "reading the status goes back to the index");
    out(0x3c8, 5), out(0x3c9, 1), out(0x3c9, 2), out(0x3c9, 3), out(0x3c9, 4), out(0x3c9, 5), out(0x3c9, 6);
    out(0x3c7, 5);
    ok(in(0x3c7) == 3 && in(0x3c9) == 1 && in(0x3c9) == 2 && in(0x3c9) == 3 && in(0x3c9) == 4, "the DAC counts on");
    ok(in(0x3ca) == 0 && in(0x3c2) == 0x10, "feature control, switch sense");
}

// Write modes 0 to 3, read modes 0 and 1: each against what the manual's figure says.
static void planes(void) {
    begin();
    seq(4, 0x06), gfx(6, 0x05), gfx(5, 0), gfx(8, 0xff), gfx(3, 0), gfx(1, 0);
    seq(2, 0x0f), store(0, 4, 0x04030201), seq(2, 0x05), store(1, 1, 0xf0);
    ok(plane(0, 3) == 1 && plane(3, 0) == 4 && plane(1, 0) == 0xf0 && plane(1, 1) == 2, "mode 0, the map mask");
    seq(2, 0x0f), gfx(3, 0x04), store(2, 1, 0x81);
    ok(plane(2, 0) == 0x18, "rotated right by 4");
    gfx(3, 0), gfx(0, 0x0a), gfx(1, 0x06), store(3, 1, 0x3c);
    ok(plane(3, 0) == 0x3c && plane(3, 1) == 0xff && plane(3, 2) == 0 && plane(3, 3) == 0x3c, "set and reset");
    gfx(1, 0), store(4, 1, 0xaa), (void)load(4), gfx(8, 0x0f), store(4, 1, 0x55);
    ok(plane(4, 0) == 0xa5, "the bit mask keeps what the latches have");
    gfx(8, 0xff), gfx(3, 0x08), (void)load(4), store(4, 1, 0x0f);
    ok(plane(4, 1) == 0x05, "and");
    gfx(3, 0x10), (void)load(4), store(5, 1, 0xf0);
    ok(plane(5, 1) == 0xf5, "or");
    gfx(3, 0x18), (void)load(5), store(5, 1, 0xff);
    ok(plane(5, 2) == 0x0a, "exclusive or");
    gfx(3, 0), gfx(5, 1), (void)load(3), store(6, 1, 0x99);
    ok(plane(6, 0) == 0x3c && plane(6, 1) == 0xff && plane(6, 2) == 0, "mode 1 copies the latches");
    gfx(5, 2), gfx(8, 0xff), store(7, 1, 0x05);
    ok(plane(7, 0) == 0xff && plane(7, 1) == 0 && plane(7, 2) == 0xff && plane(7, 3) == 0, "mode 2: a bit a plane");
    gfx(5, 3), gfx(0, 0x0c), (void)load(7), store(7, 1, 0x0f);
    ok(plane(7, 0) == 0xf0 && plane(7, 2) == 0xff && plane(7, 3) == 0x0f, "mode 3: the data are a mask");
    gfx(5, 0), gfx(4, 2);
    ok(load(3) == 0 && (gfx(4, 1), load(3)) == 0xff, "read mode 0: one plane");
    gfx(5, 8), gfx(2, 0x05), gfx(7, 0x0f);
    ok(load(7) == 0xf0, "read mode 1: where all planes are as compared");
    gfx(7, 0x01);
    ok(load(7) == 0xf0, "or those that count");
    gfx(7, 0x00);
    ok(load(7) == 0xff, "or none");
    gfx(5, 0x10), seq(4, 0x02), seq(2, 0x03), gfx(6, 0x0e), store(0x18000, 2, 0x0741);
    ok(plane(0, 0) == 0x41 && plane(0, 1) == 0x07 && load(0x18000) == 0x41 && load(0x18001) == 0x07, "odd and even");
    ok(load(0) == 0xff && load(0x10000) == 0xff, "the window is at B8000H alone");
    seq(4, 0x0e), seq(2, 0x0f), gfx(6, 0x05), gfx(5, 0x40), store(0x1234, 4, 0xdeadbeef);
    ok(vram()[0x1234] == 0xef && vram()[0x1237] == 0xde, "chain-4");
}

static void set_char(uint8_t code, unsigned line, uint8_t dots) {
    seq(2, 4), seq(4, 6), gfx(5, 0), gfx(6, 0);
    store(32u * code + line, 1, dots);
    seq(2, 3), seq(4, 2), gfx(5, 0x10), gfx(6, 0x0e);
}

static void text(void) {
    begin();
    ok(pull(720, 400) && picture.columns == 80 && picture.rows == 25 && picture.text[0] == 0x0720 &&
           picture.cursor == 0,
       "80 x 25 characters of 9 x 16 dots");
    set_char('A', 3, 0x81), set_char(0xc1, 3, 0x01);
    crtc(0x0a, 0x20);
    store(0x18000, 4, 0x1ec10741);
    pull(720, 400);
    ok(picture.text[0] == 0x0741 && picture.cursor == -1, "a character and its attribute");
    ok(dot(0, 3) == 0xaaaaaa && dot(1, 3) == 0 && dot(7, 3) == 0xaaaaaa && dot(8, 3) == 0,
       "its dots, and none at the ninth");
    ok(dot(9, 3) == 0x0000aa && dot(16, 3) == 0xffff55 && dot(17, 3) == 0xffff55,
       "but for line graphics; yellow on blue");
    ok(picture.changes == 16 && picture.changed[3] && !picture.changed[16], "16 rows have changed");
    store(0x18000, 2, 0x8741), pull(720, 400);
    bool on = dot(0, 3) == 0xaaaaaa;
    attr(0x10, 0x04), pull(720, 400);
    ok(on && dot(1, 3) == 0x555555, "without blinking bit 7 is a light background");
    crtc(0x0a, 0x0d), crtc(0x0b, 0x0e), crtc(0x0f, 81), pull(720, 400);
    ok(dot(9, 28) == 0 && dot(9, 29) == 0xaaaaaa && dot(17, 30) == 0xaaaaaa && dot(9, 31) == 0 && picture.cursor == 81,
       "the cursor: lines 13 and 14 of its cell");
    attr(0x13, 0x00), pull(720, 400);
    ok(dot(6, 3) == 0xaaaaaa && dot(7, 3) != 0xaaaaaa, "panned by one dot");
    attr(0x13, 0x08), crtc(0x08, 3), pull(720, 400);
    ok(dot(0, 0) == 0xaaaaaa, "and by three lines");
    crtc(0x08, 0), seq(1, 0x01), pull(640, 400);
    ok(dot(7, 3) == 0xaaaaaa && dot(8, 3) == 0xaa, "8 dots a character");
    crtc(0x0d, 80), crtc(0x18, 15), crtc(0x07, 0x0f), crtc(0x09, 0x0f), pull(640, 400);
    ok(dot(0, 3) == 0 && dot(0, 19) == 0xaaaaaa, "split: memory begins again below line 15");
    seq(1, 0x21), pull(640, 400);
    ok(dot(0, 19) == 0, "the picture is off");
}

static void graphics(void) {
    begin();
    memset(inside_ram(m, vga()->vram->base, VGA_PLANES_BYTES), 0, VGA_PLANES_BYTES);
    // Mode 12H: 640 x 480, 16 colours.
    static const uint8_t mode_12[] = {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0,    0x40, 0,    0,   0,
                                      0,    0,    0,    0xea, 0x0c, 0xdf, 0x28, 0,    0xe7, 4,    0xe3, 0xff};
    crtc(0x11, 0);
    for (unsigned i = 0; i < sizeof mode_12; i++) crtc((uint8_t)i, mode_12[i]);
    seq(1, 1), seq(2, 15), seq(4, 6), gfx(5, 0), gfx(6, 5), attr(0x10, 1), attr(0x12, 15), attr(0x13, 0);
    seq(2, 9), store(80 * 479 + 79, 1, 0x01), seq(2, 15), pull(640, 480);
    ok(dot(639, 479) == 0x5555ff && dot(638, 479) == 0, "mode 12H: planes 0 and 3 are light blue");
    attr(0x12, 1), pull(640, 480);
    ok(dot(639, 479) == 0x0000aa, "plane 3 is not shown");
    attr(0x12, 15), attr(0x13, 2), pull(640, 480);
    ok(dot(637, 479) == 0x5555ff, "panned by two dots");
    // Mode 13H: 320 x 200, 256 colours.
    static const uint8_t mode_13[] = {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0,    0x41, 0,    0,   0,
                                      0,    0,    0,    0x9c, 0x0e, 0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff};
    crtc(0x11, 0);
    for (unsigned i = 0; i < sizeof mode_13; i++) crtc((uint8_t)i, mode_13[i]);
    seq(4, 0x0e), gfx(5, 0x40), attr(0x10, 0x41), attr(0x13, 0);
    out(0x3c8, 200), out(0x3c9, 63), out(0x3c9, 0), out(0x3c9, 32);
    store(321, 1, 200), pull(640, 400);
    ok(dot(2, 2) == 0xff0082 && dot(3, 3) == 0xff0082 && dot(1, 2) == 0 && dot(4, 2) == 0,
       "mode 13H: four dots a byte");
    seq(4, 0x06), crtc(0x14, 0), crtc(0x17, 0xe3), seq(2, 4), store(80, 1, 200), seq(2, 15), pull(640, 400);
    ok(dot(4, 2) == 0xff0082, "unchained (mode X): plane 2 has every fourth");
    attr(0x13, 2), pull(640, 400);
    ok(dot(2, 2) == 0xff0082, "panned by one");
    attr(0x13, 0), out(0x3c6, 0x7f), pull(640, 400);
    ok(dot(2, 2) != 0xff0082, "the DAC's mask");
    // Mode 4: CGA, 320 x 200, 4 colours; mode 6: 640 x 200, 2 colours.
    out(0x3c6, 0xff), crtc(0x00, 0x2d), crtc(0x01, 0x27), crtc(0x13, 0x14), crtc(0x17, 0xa2), crtc(0x09, 0xc1);
    seq(1, 9), seq(4, 2), seq(2, 3), gfx(5, 0x30), gfx(6, 0x0f), attr(0x10, 1), attr(0x12, 3);
    for (unsigned i = 0; i < 0x4000; i += 4) store(0x18000 + i, 4, 0);
    store(0x18000, 1, 0x1b), store(0x1a000 + 80, 1, 0x80);
    attr(1, 0x3b), attr(2, 0x3d), attr(3, 0x3f), pull(640, 400);
    ok(dot(0, 0) == 0 && dot(2, 0) == 0x55ffff && dot(4, 1) == 0xff55ff && dot(7, 0) == 0xffffff,
       "mode 4: two bits a dot");
    ok(dot(0, 6) == 0xff55ff && dot(0, 4) == 0 && dot(0, 2) == 0, "odd lines are 2000H further");
    crtc(0x00, 0x5f), crtc(0x01, 0x4f), crtc(0x13, 0x28), crtc(0x17, 0xc2), seq(1, 1), seq(4, 6), seq(2, 1);
    gfx(5, 0), gfx(6, 0x0d), attr(0x12, 1), attr(1, 0x3f);
    for (unsigned i = 0; i < 0x4000; i += 4) store(0x18000 + i, 4, 0);
    store(0x18000, 1, 0x40), store(0x1a000, 1, 0x01), pull(640, 400);
    ok(dot(1, 0) == 0xffffff && dot(0, 0) == 0 && dot(1, 1) == 0xffffff && dot(7, 2) == 0xffffff && dot(1, 2) == 0,
       "mode 6: one bit a dot");
}

static void set_mode(uint16_t width, uint16_t height, uint16_t bits, uint16_t more) {
    dispi(4, 0), dispi(1, width), dispi(2, height), dispi(3, bits), dispi(4, (uint16_t)(0x41 | more));
    (void)in(COLOUR_STATUS), out(0x3c0, 0x20);
}
static void poke(uint32_t at, uint32_t value) { memcpy(inside_ram(m, vga()->vram->base + at, 4), &value, 4); }

static void bochs(void) {
    begin();
    ok(dispi_get(0) == 0xb0c5 && dispi_get(10) == 256, "version 5, 16 MBytes");
    dispi(0, 0xb0c2);
    ok(dispi_get(0) == 0xb0c2, "an older version, for those who ask");
    dispi(4, 2);
    ok(dispi_get(1) == 16000 && dispi_get(2) == 12000 && dispi_get(3) == 32, "the largest there is");
    set_mode(1024, 768, 32, 0), poke(4 * (1024 * 767 + 1023), 0xff123456);
    ok(pull(1024, 768) && dot(1023, 767) == 0x123456, "1024x768, 32 bits");
    poke(4 * 1024, 0x00ffffff), pull(1024, 768);
    ok(picture.changes == 1 && picture.changed[1], "one row has changed");
    pull(1024, 768);
    ok(picture.changes == 0, "now none");
    dispi(9, 1), pull(1024, 768);
    ok(dot(0, 0) == 0xffffff, "from row 1 on");
    dispi(6, 2048), dispi(9, 0), dispi(8, 1024), pull(1024, 768);
    ok(dispi_get(6) == 2048 && dot(0, 0) == 0xffffff && dispi_get(7) == 2048, "a virtual screen, its right half");
    set_mode(640, 480, 24, 0), poke(3 * 641, 0x00a1b2c3), pull(640, 480);
    ok(dot(1, 1) == 0xa1b2c3, "24 bits");
    set_mode(640, 480, 16, 0), poke(2, 0x0000f81f), pull(640, 480);
    ok(dot(1, 0) == 0xff00ff, "16 bits: 5, 6, 5");
    set_mode(640, 480, 15, 0), poke(2, 0x000003e0), pull(640, 480);
    ok(dot(1, 0) == 0x00ff00, "15 bits");
    set_mode(640, 480, 8, 0x20), out(0x3c8, 7), out(0x3c9, 0xfe), out(0x3c9, 0x80), out(0x3c9, 0x01), poke(0, 7);
    pull(640, 480);
    ok(dot(0, 0) == 0xfe8001, "8 bits, colours of 8 bits");
    dispi(5, 1), store(5, 1, 7), dispi(5, 0);
    ok(vram()[0x10005] == 7, "a bank");
    set_mode(800, 600, 4, 0), seq(4, 6), seq(2, 2), gfx(5, 0), gfx(8, 0xff), gfx(1, 0), gfx(3, 0), store(100, 1, 0x80);
    pull(800, 600);
    ok(dot(0, 1) == 0x00aa00, "4 bits: planes");
    set_mode(65535, 65535, 99, 0);
    ok(dispi_get(1) == 16000 && dispi_get(2) == 1048 && dispi_get(3) == 8, "too much becomes what can be had");
    ok(pull(16000, 1048), "and is drawn");
    set_mode(0, 0, 32, 0);
    ok(dispi_get(1) == 8 && dispi_get(2) == 1, "too little too");
    poke(0, 42), dispi(4, 0), dispi(4, 0xc1);
    ok(vram()[0] == 42, "switched on without clearing");
    dispi(4, 0), dispi(4, 0x41);
    ok(vram()[0] == 0, "and with");
    out(0x1ce, 1), out2(0x1ce, 1), out2(0x1d0, 320);
    ok(dispi_get(1) == 320, "the other data port");
}

// What the processor finds in the window, through its caches and as the registers have it.
static void windows(void) {
    begin();
    seq(4, 0x0e), seq(2, 15), gfx(6, 5), gfx(5, 0x40), gfx(8, 0xff), gfx(1, 0), gfx(3, 0);
    struct page_frame frame = board_page(&m->board, VGA_WINDOW + 0x3000);
    ok(frame_exists(frame) && frame.area == vga()->vram && frame.page == 3, "chain-4: the window is memory");
    gfx(5, 0x42);
    ok(!frame_exists(board_page(&m->board, VGA_WINDOW)), "with another write mode it is registers");
    gfx(5, 0x40), seq(2, 7);
    ok(!frame_exists(board_page(&m->board, VGA_WINDOW)), "and with a map mask");
    seq(2, 15), gfx(6, 0x0d);
    ok(!frame_exists(board_page(&m->board, VGA_WINDOW)), "and where it is at B8000H");
    uint64_t base = 0;
    p->port_out(p->machine, cpu, 0xcf8, 4, 0x80001010), base = p->port_in(p->machine, cpu, 0xcfc, 4) & ~15u;
    frame = board_page(&m->board, base + FRAMEBUFFER_MBYTE);
    ok(frame_exists(frame) && frame.area == vga()->vram && frame.page == 256, "the framebuffer is memory");
    p->port_out(p->machine, cpu, 0xcf8, 4, 0x80001018), base = p->port_in(p->machine, cpu, 0xcfc, 4);
    ok(p->mmio_read(p->machine, cpu, base, 8) == 0x00ffffffffffff00 &&
           p->mmio_read(p->machine, cpu, base + 0x500, 2) == 0xb0c5 &&
           p->mmio_read(p->machine, cpu, base + 0x600, 4) == 8,
       "EDID, DISPI and QEMU's extension in the second base address register");
    p->mmio_write(p->machine, cpu, base + 0x404, 1, 2), p->mmio_write(p->machine, cpu, base + 0x405, 1, 5);
    ok(in(0x3c4) == 2 && in(0x3c5) == 5, "and the VGA's registers");
    uint8_t sum = 0;
    for (unsigned i = 0; i < VGA_EDID; i++) sum = (uint8_t)(sum + vga()->edid_block[i]);
    ok(sum == 0, "the EDID's sum");
}

static void looking(void) {
    begin();
    uint64_t before = machine_hash(m);
    pull(720, 400), pull(720, 400);
    ok(machine_hash(m) == before, "looking changes no hash");
    store(0x18000, 1, 'x');
    ok(machine_hash(m) != before, "what is shown is state");
    static struct fake fake;
    struct vga copy = *vga();
    unsigned retraces = 0, blanks = 0, both = 0;
    enum { PARTS = 1000, MHZ = 1000000 };
    fake_init(&fake, 1000 * MHZ);
    copy.clock = &fake.clock;
    ok(vga_frame_number(&copy, 1000 * MHZ) == 70, "70 pictures a second");
    for (unsigned i = 0; i < PARTS; i++, fake_pass(&fake, 1000 * MHZ / 70 / PARTS)) {
        uint8_t status = vga_status(&copy);
        retraces += status >> 3, blanks += status & 1, both += status == 9;
    }
    ok(retraces == 4 || retraces == 5, "vertical retrace is 2 of 449 lines: %u of 1000 looks", retraces);
    ok(blanks > 250 && blanks < 350 && both == retraces, "blanked: beside the picture and below it: %u", blanks);
    out(0x3c2, 0x63), out(0x3c2, 0x67);
}

// A state that was loaded: what cannot have come about is refused, and the window lies as the registers say.
static void loading(void) {
    begin();
    struct vga *v = (struct vga *)vga(), before = *v;
    set_mode(800, 600, 32, 0);
    struct vga good = *v;
    ok(!machine_loaded(m), "a mode is loaded");
    static const uint16_t bad[][2] = {{DISPI_BPP, 99}, {DISPI_X, 0},     {DISPI_X, 803},          {DISPI_VIRTUAL_X, 0},
                                      {DISPI_Y, 0},    {DISPI_Y, 60000}, {DISPI_Y_OFFSET, 65535}, {DISPI_X, 65528}};
    loop_begin("what DISPI cannot have is refused");
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        v->dispi[bad[i][0]] = bad[i][1];
        const char *wrong = machine_loaded(m);
        loop_check(wrong && !strcmp(wrong, "VGA"), "register %u is %u", bad[i][0], bad[i][1]);
        *v = good;
    }
    loop_end();
    *v = before;
    ok(!machine_loaded(m) && !frame_exists(board_page(&m->board, VGA_WINDOW)), "a text mode is loaded: registers");
    v->sequencer[SEQ_MEMORY_MODE] = 0x0e, v->sequencer[SEQ_MAP_MASK] = 15, v->graphics[GFX_MISCELLANEOUS] = 5;
    v->graphics[GFX_MODE] = 0x40;
    ok(!machine_loaded(m) && frame_exists(board_page(&m->board, VGA_WINDOW)), "a chain-4 mode: memory");
}

int main(void) {
    registers();
    planes();
    text();
    graphics();
    bochs();
    windows();
    looking();
    loading();
    machine_picture_release(m, &picture);
    machine_free(m);
    return done_testing();
}

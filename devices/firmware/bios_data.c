// The BIOS data area at 400H, its extension below 640 KBytes, and the text screen, as a PC's firmware leaves them: IBM
// PC AT Technical Reference, "ROM BIOS"; Phoenix, System BIOS for IBM PCs, Compatibles, and EISA Computers, chapter 3;
// VGA: IBM PS/2 and PC BIOS Interface Technical Reference, "Video". NOT IMPLEMENTED: disks, printers, keyboard buffer.
#include "devices/firmware/bios_data.h"
#include "cpu/state/outcome.h"
#include "devices/char/uart.h"
#include <string.h>

enum {
    SERIAL_PORTS = 0x400, // a word each
    EBDA_SEGMENT = 0x40e,
    EQUIPMENT = 0x410,
    BASE_KBYTES = 0x413,
    VIDEO_MODE = 0x449,
    VIDEO_COLUMNS = 0x44a,
    VIDEO_PAGE_BYTES = 0x44c,
    VIDEO_CURSOR_SHAPE = 0x460,
    VIDEO_CRTC_PORT = 0x463,
    VIDEO_ROWS_LESS_1 = 0x484,
    VIDEO_CHARACTER_LINES = 0x485,
};
#define EQUIPMENT_COPROCESSOR BIT(1)
#define EQUIPMENT_COLOUR_80 BIT(5)
#define EQUIPMENT_SERIAL_SHIFT 9

static void put16(uint8_t *ram, unsigned at, unsigned value) { memcpy(ram + at, &(uint16_t){(uint16_t)value}, 2); }

// Mode 3: 80 columns and 25 rows in colour, the cursor in the upper left corner; spaces, light grey on black.
static void write_screen(uint8_t *ram) {
    enum { MODE = 3, COLUMNS = 80, ROWS = 25, SCREEN_BYTES = 4096, SHAPE = 0x0607, CRTC = 0x3d4, LINES = 16 };
    enum { SPACE = 0x0720 };
    ram[VIDEO_MODE] = MODE;
    put16(ram, VIDEO_COLUMNS, COLUMNS);
    put16(ram, VIDEO_PAGE_BYTES, SCREEN_BYTES);
    put16(ram, VIDEO_CURSOR_SHAPE, SHAPE);
    put16(ram, VIDEO_CRTC_PORT, CRTC);
    ram[VIDEO_ROWS_LESS_1] = ROWS - 1;
    put16(ram, VIDEO_CHARACTER_LINES, LINES);
    for (unsigned i = 0; i < TEXT_SCREEN_BYTES; i += 2) put16(ram, TEXT_SCREEN + i, SPACE);
}

void bios_data_write(uint8_t *ram, unsigned serial_ports) {
    enum { KBYTE = 1024 };
    memset(ram + SERIAL_PORTS, 0, 0x100);
    for (unsigned i = 0; i < serial_ports; i++) put16(ram, SERIAL_PORTS + 2 * i, uart_places[i].base);
    put16(ram, EBDA_SEGMENT, BIOS_EBDA >> 4);
    put16(ram, EQUIPMENT,
          (unsigned)(EQUIPMENT_COPROCESSOR | EQUIPMENT_COLOUR_80) | serial_ports << EQUIPMENT_SERIAL_SHIFT);
    put16(ram, BASE_KBYTES, BIOS_EBDA / KBYTE);
    ram[BIOS_EBDA] = 1; // its size in KBytes
    write_screen(ram);
}

// What a PC's firmware leaves behind for a program that enters real-address mode: an interrupt vector table, whose
// handlers end the interrupts of the 8259s, and whose services say that they do not exist, as a BIOS says of a function
// that it has not: CF is 1, AH is 86H. INT 12H tells the base memory. With machine_config.bios_tick, in addition, the
// 8259s at vectors 8 and 70H, and the 8254's tick of 18.2 Hz, counted at 40:6C. SDM Vol. 3A, 20.1.4 (interrupts in
// real-address mode); IBM PC AT Technical Reference, "ROM BIOS".
// NOT IMPLEMENTED: services; the count's return to 0 at midnight.
#include "devices/firmware/real_mode.h"
#include <string.h>

enum {
    STUBS = 0x500, // behind the BIOS data area
    VECTOR_TICK = 8,
    VECTOR_MASTER = 8,
    VECTOR_SLAVE = 0x70,
    CHIP_INPUTS = 8,
    VECTOR_SERVICES = 0x10, // to 1AH: video, equipment, memory, disk, serial, system, keyboard, printer, ..., clock
    SERVICES = 11,
    VECTOR_MEMORY_SIZE = 0x12,
    MASK_ALL_BUT_TICK_AND_SLAVE = 0xfa,
    MASK_ALL = 0xff,
    TICK_SQUARE_WAVE = 0x36, // counter 0, low then high byte, mode 3
    PIT_CONTROL = 3,
};

static const uint8_t tick[] = {
    0x1e, 0x50,                   // push ds; push ax
    0x31, 0xc0, 0x8e, 0xd8,       // xor ax, ax; mov ds, ax
    0x66, 0xff, 0x06, 0x6c, 0x04, // inc dword [046ch]
    0xcd, 0x1c,                   // int 1ch: the program's own tick
    0xb0, 0x20, 0xe6, 0x20,       // mov al, 20h; out 20h, al: EOI
    0x58, 0x1f, 0xcf,             // pop ax; pop ds; iret
};
static const uint8_t end_slave[] = {0x50, 0xb0, 0x20, 0xe6, 0xa0, 0xe6, 0x20, 0x58, 0xcf};
static const uint8_t end_master[] = {0x50, 0xb0, 0x20, 0xe6, 0x20, 0x58, 0xcf};
static const uint8_t only_return[] = {0xcf};
static const uint8_t no_service[] = {
    0x55, 0x89, 0xe5,       // push bp; mov bp, sp
    0x80, 0x4e, 0x06, 0x01, // or byte [bp+6], 1: CF of the FLAGS that IRET restores
    0x5d, 0xb4, 0x86, 0xcf, // pop bp; mov ah, 86h; iret
};
static const uint8_t memory_size[] = {
    0x1e, 0x31, 0xc0, 0x8e, 0xd8, // push ds; xor ax, ax; mov ds, ax
    0xa1, 0x13, 0x04, 0x1f, 0xcf, // mov ax, [0413h]; pop ds; iret
};

// Puts a handler behind the others and lets `count` vectors point to it.
static uint16_t handler(uint8_t *ram, uint16_t at, const uint8_t *code, size_t bytes, unsigned vector, unsigned count) {
    memcpy(ram + at, code, bytes);
    for (unsigned v = vector; v < vector + count; v++) memcpy(ram + 4 * v, &(uint32_t){at}, 4);
    return (uint16_t)(at + bytes);
}

void real_mode_vectors(uint8_t *ram) {
    uint16_t at = handler(ram, STUBS, only_return, sizeof only_return, 0, 256);
    at = handler(ram, at, no_service, sizeof no_service, VECTOR_SERVICES, SERVICES);
    at = handler(ram, at, memory_size, sizeof memory_size, VECTOR_MEMORY_SIZE, 1);
    at = handler(ram, at, end_master, sizeof end_master, VECTOR_MASTER, CHIP_INPUTS);
    at = handler(ram, at, end_slave, sizeof end_slave, VECTOR_SLAVE, CHIP_INPUTS);
    (void)handler(ram, at, tick, sizeof tick, VECTOR_TICK, 1);
}

// ICW1 to ICW4: cascaded, the slave on IR2, with EOI; OCW1.
static void initialize_pic(struct pic *pic, unsigned space, uint8_t vector, uint8_t cascade, uint8_t mask) {
    const uint8_t words[] = {vector, cascade, 0x01, mask};
    pic_device.write(pic, space, 0, 1, 0x11);
    for (unsigned i = 0; i < sizeof words; i++) pic_device.write(pic, space, 1, 1, words[i]);
}

void real_mode_tick(struct pic *pic, struct pit *pit) {
    initialize_pic(pic, PIC_MASTER, VECTOR_MASTER, 1 << 2, MASK_ALL_BUT_TICK_AND_SLAVE);
    initialize_pic(pic, PIC_SLAVE, VECTOR_SLAVE, 2, MASK_ALL);
    pit_device.write(pit, 0, PIT_CONTROL, 1, TICK_SQUARE_WAVE);
    for (unsigned i = 0; i < 2; i++) pit_device.write(pit, 0, 0, 1, 0); // a count of 10000H
}

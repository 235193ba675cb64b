// The two 8259A interrupt controllers of a PC. Intel 8259A data sheet (231468).
#ifndef DEVICES_PIC_H
#define DEVICES_PIC_H
#include "devices/bus/bus.h"
#include "devices/bus/line.h"

struct pic_chip {
    uint8_t lines; // levels of IR7..IR0
    uint8_t irr, imr, isr;
    uint8_t elcr;      // edge/level control register (82371AB, 4D0H and 4D1H): 1 is level-triggered
    uint8_t vector;    // T7..T3 of ICW2
    uint8_t lowest;    // the input of lowest priority
    uint8_t init_step; // 0: initialized; otherwise the ICW that is expected: 2, 3, 4
    uint8_t icw1, icw3, icw4;
    uint8_t read_isr; // OCW3: reads of the even port give ISR, not IRR
    uint8_t poll;     // OCW3: the next read is a poll
    uint8_t special_mask;
    uint8_t rotate_aeoi;
};

struct pic {
    struct pic_chip chip[2]; // master, slave on IR2
    struct line intr;        // wiring: INT of the master
};

enum pic_space { PIC_MASTER, PIC_SLAVE, PIC_ELCR };
extern const struct device pic_device;

void pic_set(void *pic, unsigned irq, bool level); // IRQ 0..15
// The interrupt acknowledge cycle: the vector; IR7's when the request has gone (spurious).
uint8_t pic_acknowledge(struct pic *pic);
bool pic_intr(const struct pic *pic); // level of the master's INT

#endif

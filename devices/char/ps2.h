// The 8042 keyboard controller with a keyboard. IBM PS/2 Hardware Interface Technical Reference, keyboard and auxiliary
// device controller; keyboard (101/102 keys).
#ifndef DEVICES_PS2_H
#define DEVICES_PS2_H
#include "devices/bus/bus.h"
#include "devices/bus/line.h"

enum { PS2_QUEUE = 16 };
enum ps2_space { PS2_DATA, PS2_COMMAND };
struct ps2 {
    uint8_t queue[PS2_QUEUE]; // bytes from the keyboard that wait for the output buffer
    uint8_t first, count;
    uint8_t output; // output buffer (port 60H)
    uint8_t status; // port 64H
    uint8_t command_byte;
    uint8_t output_port;
    uint8_t controller_command; // a controller command that waits for its byte; 0: none
    uint8_t keyboard_command;   // the same of the keyboard
    uint8_t scanning;
    uint8_t scancode_set;
    // wiring
    struct line irq; // IRQ 1
    void (*reset)(void *owner);
    void *owner;
};
extern const struct device ps2_device;
// A scan code byte from outside; false: the keyboard's buffer is full or it does not scan.
bool ps2_key(struct ps2 *ps2, uint8_t byte);

#endif

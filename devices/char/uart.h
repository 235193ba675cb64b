// The 16550A serial port. National Semiconductor PC16550D data sheet.
#ifndef DEVICES_UART_H
#define DEVICES_UART_H
#include "devices/bus/back_end.h"
#include "devices/bus/bus.h"
#include "devices/timer/clock.h"
#include "devices/bus/line.h"

enum { UART_FIFO = 16, UART_POLLS = 16, UART_PORTS = 8 };

// Where a PC's serial ports are.
struct uart_place {
    const char *name;
    uint16_t base;
    uint8_t irq;
};
extern const struct uart_place uart_places[4];

struct uart {
    uint8_t fifo[UART_FIFO]; // received bytes
    uint8_t fifo_first, fifo_count;
    uint8_t ier, fcr, lcr, mcr, lsr, msr, scr;
    uint16_t divisor;
    uint8_t transmit_pending; // the "transmitter holding register empty" interrupt has not been taken
    uint8_t timeout;          // received bytes have waited for four character times
    uint8_t polls;            // reads of LSR since the last byte sent, UART_POLLS at most
    // wiring
    struct line irq;
    struct clock *clock;
    unsigned timer;
    const struct uart_place *place; // NULL: the board has no such port
    struct character_back back;
};
extern const struct device uart_device;

void uart_init(struct uart *uart, struct clock *clock);
bool uart_listens(const struct uart *uart); // whether what is sent now has a good chance to be taken
unsigned uart_room(const struct uart *uart);
bool uart_receive(struct uart *uart, uint8_t byte); // false: no room, nothing taken

#endif

// A 16550A serial port in user space: output goes to standard output at once, input comes from a queue.
#ifndef KVM_MINI_SERIAL_H
#define KVM_MINI_SERIAL_H
#include <stdbool.h>
#include <stdint.h>

#define SERIAL_PORT 0x3f8
#define SERIAL_IRQ 4
#define SERIAL_QUEUE 16

struct serial {
    uint8_t ier, lcr, mcr, scr, fcr;
    uint8_t divisor[2];
    bool thr_empty; // the interrupt "transmitter holding register empty" is pending
    uint8_t queue[SERIAL_QUEUE];
    unsigned queued;
};

uint8_t serial_read(struct serial *s, unsigned reg);
void serial_write(struct serial *s, unsigned reg, uint8_t value);
bool serial_interrupt(const struct serial *s); // level of the interrupt line

// The guest listens and the queue has room. What comes before a driver listens would be lost.
bool serial_takes(const struct serial *s);
void serial_put(struct serial *s, uint8_t byte);
#endif

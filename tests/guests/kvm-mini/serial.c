// The serial port's registers, see serial.h. A byte written is sent in no time: the transmitter is always empty.
// NOT IMPLEMENTED: modem lines (always connected), breaks, errors, trigger levels of the FIFO.
#include "serial.h"
#include <stdio.h>
#include <string.h>

enum { DATA, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR };
enum { IER_RECEIVED = 1, IER_THR_EMPTY = 2, IER_BITS = 0x0f };
enum { IIR_NONE = 1, IIR_THR_EMPTY = 2, IIR_TIMEOUT = 0x0c, IIR_FIFOS = 0xc0 };
enum { FCR_ENABLE = 1, FCR_CLEAR_RECEIVER = 2 };
enum { LCR_DIVISOR = 0x80, MCR_OUT2 = 8, MCR_LOOP = 0x10, MCR_BITS = 0x1f };
enum { LSR_DATA = 1, LSR_THR_EMPTY = 0x20, LSR_IDLE = 0x40 };
enum { MSR_CTS = 0x10, MSR_DSR = 0x20, MSR_RI = 0x40, MSR_DCD = 0x80 };

static uint8_t receive(struct serial *s) {
    if (!s->queued) return 0;
    uint8_t byte = s->queue[0];
    memmove(s->queue, s->queue + 1, --s->queued);
    return byte;
}

static bool received(const struct serial *s) { return s->queued && s->ier & IER_RECEIVED; }

static uint8_t identification(const struct serial *s) {
    uint8_t fifos = s->fcr & FCR_ENABLE ? IIR_FIFOS : 0;
    if (received(s)) return fifos | IIR_TIMEOUT;
    return fifos | (s->thr_empty ? IIR_THR_EMPTY : IIR_NONE);
}

static uint8_t modem_status(const struct serial *s) {
    if (!(s->mcr & MCR_LOOP)) return MSR_DCD | MSR_DSR | MSR_CTS;
    // Looped back: DTR to DSR, RTS to CTS, OUT1 to RI, OUT2 to DCD.
    return (uint8_t)((s->mcr & 1 ? MSR_DSR : 0) | (s->mcr & 2 ? MSR_CTS : 0) | (s->mcr & 4 ? MSR_RI : 0) |
                     (s->mcr & MCR_OUT2 ? MSR_DCD : 0));
}

uint8_t serial_read(struct serial *s, unsigned reg) {
    if (s->lcr & LCR_DIVISOR && reg <= IER) return s->divisor[reg];
    uint8_t value;
    switch (reg) {
    case DATA: return receive(s);
    case IER: return s->ier;
    case IIR_FCR:
        value = identification(s);
        if ((value & 0x0f) == IIR_THR_EMPTY) s->thr_empty = false;
        return value;
    case LCR: return s->lcr;
    case MCR: return s->mcr;
    case LSR: return LSR_THR_EMPTY | LSR_IDLE | (s->queued ? LSR_DATA : 0);
    case MSR: return modem_status(s);
    default: return s->scr;
    }
}

static void transmit(struct serial *s, uint8_t byte) {
    if (s->mcr & MCR_LOOP) {
        if (s->queued < SERIAL_QUEUE) serial_put(s, byte);
    } else {
        putchar(byte);
        if (byte == '\n') fflush(stdout);
    }
    s->thr_empty = s->ier & IER_THR_EMPTY;
}

// A driver that has nothing more to send disables the interrupt.
static void enable(struct serial *s, uint8_t value) {
    if (value & ~s->ier & IER_THR_EMPTY) s->thr_empty = true;
    if (!(value & IER_THR_EMPTY)) s->thr_empty = false;
    s->ier = value & IER_BITS;
    fflush(stdout);
}

void serial_write(struct serial *s, unsigned reg, uint8_t value) {
    if (s->lcr & LCR_DIVISOR && reg <= IER) {
        s->divisor[reg] = value;
        return;
    }
    switch (reg) {
    case DATA: transmit(s, value); return;
    case IER: enable(s, value); return;
    case IIR_FCR:
        if (value & FCR_CLEAR_RECEIVER) s->queued = 0;
        s->fcr = value;
        return;
    case LCR: s->lcr = value; return;
    case MCR: s->mcr = value & MCR_BITS; return;
    case SCR: s->scr = value; return;
    default: return;
    }
}

bool serial_interrupt(const struct serial *s) { return s->mcr & MCR_OUT2 && (received(s) || s->thr_empty); }

bool serial_takes(const struct serial *s) {
    return s->ier & IER_RECEIVED && s->mcr & MCR_OUT2 && !(s->mcr & MCR_LOOP) && s->queued < SERIAL_QUEUE;
}

void serial_put(struct serial *s, uint8_t byte) { s->queue[s->queued++] = byte; }

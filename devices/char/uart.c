// The 16550A serial port. National Semiconductor PC16550D data sheet, section 8.
//
// A byte is sent the moment it is written: the transmitter is always empty. Received bytes come as fast as they are
// read; the character timeout takes the four character times of the programmed speed. NOT IMPLEMENTED: parity, framing,
// overrun errors and break from outside (a full receiver takes no byte); DMA modes.
#include "devices/char/uart.h"
#include "cpu/state/outcome.h"
#include "devices/bus/aml.h"

#define UART_HZ 1843200
enum uart_register { THR_RBR, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR };
#define IER_RECEIVED BIT(0)
#define IER_TRANSMIT BIT(1)
#define IER_LINE BIT(2)
#define IER_MODEM BIT(3)
#define IIR_NONE 1
#define IIR_MODEM 0
#define IIR_TRANSMIT 2
#define IIR_RECEIVED 4
#define IIR_LINE 6
#define IIR_TIMEOUT 12
#define IIR_FIFOS BITS(7, 6)
#define FCR_ENABLE BIT(0)
#define FCR_CLEAR_RECEIVER BIT(1)
#define LCR_DLAB BIT(7)
#define LCR_BREAK BIT(6)
#define MCR_DTR BIT(0)
#define MCR_RTS BIT(1)
#define MCR_OUT1 BIT(2)
#define MCR_OUT2 BIT(3)
#define MCR_LOOP BIT(4)
#define LSR_DATA BIT(0)
#define LSR_OVERRUN BIT(1)
#define LSR_BREAK BIT(4)
#define LSR_ERRORS BITS(4, 1)
#define LSR_EMPTY (BIT(5) | BIT(6))
#define MSR_CTS BIT(4)
#define MSR_DSR BIT(5)
#define MSR_RI BIT(6)
#define MSR_DCD BIT(7)
#define MSR_DELTAS BITS(3, 0)

const struct uart_place uart_places[4] = {
    {"COM1", 0x3f8, 4}, {"COM2", 0x2f8, 3}, {"COM3", 0x3e8, 4}, {"COM4", 0x2e8, 3}};

static const struct state_field fields[] = {
    STATE_ARRAY(struct uart, fifo),  STATE_ONE_TO(struct uart, fifo_first, UART_FIFO - 1), STATE_ONE_TO(struct uart, fifo_count, UART_FIFO),
    STATE_ONE(struct uart, ier),     STATE_ONE(struct uart, fcr),        STATE_ONE(struct uart, lcr),
    STATE_ONE(struct uart, mcr),     STATE_ONE(struct uart, lsr),        STATE_ONE(struct uart, msr),
    STATE_ONE(struct uart, scr),     STATE_ONE(struct uart, divisor),    STATE_ONE_TO(struct uart, transmit_pending, 1),
    STATE_ONE_TO(struct uart, timeout, 1), STATE_ONE_TO(struct uart, polls, UART_POLLS),
};
static const struct state_table uart_state = STATE_TABLE("uart", fields);

static unsigned capacity(const struct uart *u) { return u->fcr & FCR_ENABLE ? UART_FIFO : 1; }
static unsigned trigger(const struct uart *u) {
    static const uint8_t level[4] = {1, 4, 8, 14};
    return u->fcr & FCR_ENABLE ? level[u->fcr >> 6] : 1;
}

// Table IV, interrupt control functions: highest priority first.
static uint8_t identify(const struct uart *u) {
    if (u->ier & IER_LINE && u->lsr & LSR_ERRORS) return IIR_LINE;
    if (u->ier & IER_RECEIVED && u->fifo_count >= trigger(u)) return IIR_RECEIVED;
    if (u->ier & IER_RECEIVED && u->timeout && u->fifo_count) return IIR_TIMEOUT;
    if (u->ier & IER_TRANSMIT && u->transmit_pending) return IIR_TRANSMIT;
    if (u->ier & IER_MODEM && u->msr & MSR_DELTAS) return IIR_MODEM;
    return IIR_NONE;
}

static void update(struct uart *u) {
    u->lsr = (uint8_t)(u->fifo_count ? u->lsr | LSR_DATA : u->lsr & ~LSR_DATA);
    bool out2 = u->mcr & MCR_OUT2 && !(u->mcr & MCR_LOOP); // on a PC, OUT2 gates the interrupt line
    line_set(&u->irq, out2 && identify(u) != IIR_NONE);
}

// Four characters of start bit, 5 to 8 data bits, parity bit and stop bit.
static void arm_timeout(struct uart *u) {
    if (!(u->fcr & FCR_ENABLE) || !u->fifo_count) {
        clock_disarm(u->clock, u->timer);
        return;
    }
    unsigned bits = 4 * (1 + 5 + (u->lcr & 3) + (u->lcr >> 3 & 1) + 1 + (u->lcr >> 2 & 1));
    uint64_t ticks = (uint64_t)bits * 16 * (u->divisor ? u->divisor : 0x10000);
    uint64_t now = clock_now(u->clock);
    clock_arm(u->clock, u->timer, now + clock_cycle_of_tick(u->clock, ticks, UART_HZ, 1));
}

static void timed_out(void *chip) {
    struct uart *u = chip;
    u->timeout = u->fifo_count != 0;
    update(u);
}

static void push(struct uart *u, uint8_t byte) {
    if (u->fifo_count == capacity(u)) {
        u->lsr |= LSR_OVERRUN;
        if (u->fcr & FCR_ENABLE) return; // without FIFOs the new byte overwrites the old one
        u->fifo_count = 0;
    }
    u->fifo[(u->fifo_first + u->fifo_count) % UART_FIFO] = byte;
    u->fifo_count++;
    u->timeout = 0;
    arm_timeout(u);
}

// As one at the other end of a cable would see it that honours RTS; and for programs that leave RTS alone, one that
// takes interrupts, or asks again and again whether there is something.
bool uart_listens(const struct uart *u) {
    if (u->mcr & MCR_LOOP) return false;
    return u->mcr & MCR_RTS || (u->mcr & MCR_OUT2 && u->ier & IER_RECEIVED) || u->polls == UART_POLLS;
}

unsigned uart_room(const struct uart *u) { return u->mcr & MCR_LOOP ? 0 : capacity(u) - u->fifo_count; }

bool uart_receive(struct uart *u, uint8_t byte) {
    if (uart_room(u) == 0) return false;
    push(u, byte);
    update(u);
    return true;
}

static uint8_t pop(struct uart *u) {
    uint8_t byte = u->fifo[u->fifo_first];
    if (!u->fifo_count) return byte;
    u->fifo_first = (uint8_t)((u->fifo_first + 1) % UART_FIFO);
    u->fifo_count--;
    u->timeout = 0;
    arm_timeout(u);
    return byte;
}

static void transmit(struct uart *u, uint8_t byte) {
    u->polls = 0;
    if (u->mcr & MCR_LOOP)
        push(u, byte);
    else if (u->back.write)
        u->back.write(u->back.context, byte);
    u->transmit_pending = 1;
}

// Modem status: the cable holds CTS, DSR and DCD active; in loopback they are RTS, DTR and OUT2, and RI is OUT1.
static void update_modem(struct uart *u) {
    uint8_t now = MSR_CTS | MSR_DSR | MSR_DCD, old = u->msr;
    if (u->mcr & MCR_LOOP)
        now = (uint8_t)((u->mcr & MCR_RTS ? MSR_CTS : 0) | (u->mcr & MCR_DTR ? MSR_DSR : 0) |
                        (u->mcr & MCR_OUT1 ? MSR_RI : 0) | (u->mcr & MCR_OUT2 ? MSR_DCD : 0));
    uint8_t changed = (uint8_t)((now ^ old) >> 4);
    if (!(old & ~now & MSR_RI)) changed &= (uint8_t) ~(MSR_RI >> 4); // TERI: the trailing edge only
    u->msr = (uint8_t)(now | (old & MSR_DELTAS) | changed);
}

static void write_fcr(struct uart *u, uint8_t value) {
    bool toggled = (u->fcr ^ value) & FCR_ENABLE;
    u->fcr = value & FCR_ENABLE ? value & (uint8_t)(FCR_ENABLE | BIT(3) | BITS(7, 6)) : 0;
    if (toggled || value & FCR_CLEAR_RECEIVER) {
        u->fifo_count = u->fifo_first = 0;
        u->timeout = 0;
    }
    arm_timeout(u);
}

static uint8_t read_iir(struct uart *u) {
    uint8_t cause = identify(u);
    if (cause == IIR_TRANSMIT) u->transmit_pending = 0;
    return (uint8_t)(cause | (u->fcr & FCR_ENABLE ? IIR_FIFOS : 0));
}

static uint8_t read_status(uint8_t *reg, uint8_t cleared) {
    uint8_t value = *reg;
    *reg &= (uint8_t)~cleared;
    return value;
}

static uint8_t read_register(struct uart *u, unsigned reg) {
    bool dlab = u->lcr & LCR_DLAB;
    switch (reg) {
    case THR_RBR: return dlab ? (uint8_t)u->divisor : pop(u);
    case IER: return dlab ? (uint8_t)(u->divisor >> 8) : u->ier;
    case IIR_FCR: return read_iir(u);
    case LCR: return u->lcr;
    case MCR: return u->mcr;
    case LSR:
        u->polls = (uint8_t)(u->polls + (u->polls < UART_POLLS));
        return read_status(&u->lsr, (uint8_t)LSR_ERRORS);
    case MSR: return read_status(&u->msr, (uint8_t)MSR_DELTAS);
    default: return u->scr;
    }
}

static void write_ier(struct uart *u, uint8_t value) {
    if (value & ~u->ier & IER_TRANSMIT) u->transmit_pending = 1; // enabled while the transmitter is empty
    u->ier = value & 15;
}

static void write_register(struct uart *u, unsigned reg, uint8_t value) {
    bool dlab = u->lcr & LCR_DLAB;
    switch (reg) {
    case THR_RBR:
        if (dlab)
            u->divisor = (uint16_t)((u->divisor & 0xff00) | value);
        else
            transmit(u, value);
        break;
    case IER:
        if (dlab)
            u->divisor = (uint16_t)((u->divisor & 0xff) | value << 8);
        else
            write_ier(u, value);
        break;
    case IIR_FCR: write_fcr(u, value); break;
    case LCR: u->lcr = value; break;
    case MCR:
        u->mcr = value & 31;
        update_modem(u);
        break;
    case LSR: break; // "intended for read operations only"
    case MSR: break;
    default: u->scr = value; break;
    }
}

static uint64_t uart_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    (void)space, (void)size;
    uint8_t value = read_register(chip, (unsigned)offset);
    update(chip);
    return value;
}

static void uart_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    (void)space, (void)size;
    write_register(chip, (unsigned)offset, (uint8_t)value);
    update(chip);
}

static void uart_reset(void *chip) {
    struct uart *u = chip;
    u->fifo_first = u->fifo_count = 0;
    u->ier = u->fcr = u->lcr = u->mcr = u->scr = 0;
    u->divisor = 12;
    u->transmit_pending = u->timeout = u->polls = 0;
    u->lsr = LSR_EMPTY;
    u->msr = MSR_CTS | MSR_DSR | MSR_DCD;
    clock_disarm(u->clock, u->timer);
    update(u);
}

void uart_init(struct uart *uart, struct clock *clock) {
    uart->clock = clock;
    uart->timer = clock_timer_new(clock, timed_out, uart);
}

static void uart_describe(const void *chip, struct aml *aml) {
    const struct uart *u = chip;
    if (!u->place) return;
    aml_device_id(aml, u->place->name, "PNP0501");
    aml_name(aml, "_UID");
    aml_integer(aml, (unsigned)(u->place - uart_places) + 1);
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_io(aml, u->place->base, UART_PORTS);
    aml_irq(aml, u->place->irq);
    aml_resources_end(aml);
    aml_end(aml);
}

const struct device uart_device = {.name = "uart",
                                   .read = uart_read,
                                   .write = uart_write,
                                   .reset = uart_reset,
                                   .state = &uart_state,
                                   .describe = uart_describe};

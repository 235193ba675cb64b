// The 16550A: what Linux's and DOS's probes look for, FIFOs, interrupt priorities, timeout, loopback.
#include "devices/char/uart.h"
#include "fake.h"
#include "tests/tap.h"
#include <string.h>

enum { RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR };
static struct fake fake;
static struct uart uart;
static struct fake_line irq;
static char sent[64];

static void send(void *context, uint8_t byte) {
    char *text = context;
    size_t n = strlen(text);
    text[n] = (char)byte, text[n + 1] = 0;
}
static void set(unsigned reg, uint8_t value) { uart_device.write(&uart, 0, reg, 1, value); }
static uint8_t get(unsigned reg) { return (uint8_t)uart_device.read(&uart, 0, reg, 1); }

static void begin(void) {
    fake_init(&fake, 1000000000);
    sent[0] = 0;
    uart = (struct uart){.irq = fake_line(&irq), .back = {sent, send}};
    uart_init(&uart, &fake.clock);
    uart_device.reset(&uart);
}

static void probing(void) {
    begin();
    ok(get(IIR) == 0x01 && get(LSR) == 0x60, "after reset: nothing pending, transmitter empty");
    set(IER, 0xff);
    ok(get(IER) == 0x0f, "IER has four bits");
    set(IER, 0);
    set(MCR, 0x1a);
    ok((get(MSR) & 0xf0) == 0x90, "loopback: RTS is CTS, OUT2 is DCD");
    set(MCR, 0);
    ok((get(MSR) & 0xf0) == 0xb0, "the cable: CTS, DSR, DCD");
    set(IIR, 0x01);
    ok((get(IIR) & 0xc0) == 0xc0, "FIFOs on: a 16550A");
    set(IIR, 0);
    ok((get(IIR) & 0xc0) == 0, "FIFOs off");
    set(SCR, 0x5a);
    ok(get(SCR) == 0x5a, "scratch");
    set(LCR, 0x83), set(RBR, 0x01), set(IER, 0x02);
    ok(get(RBR) == 1 && get(IER) == 2, "the divisor latch");
    set(LCR, 0x03);
    ok(get(IER) == 0, "is not IER");
}

static void transmitting(void) {
    begin();
    set(MCR, 0x08);
    set(RBR, 'a');
    ok(!strcmp(sent, "a") && !irq.level && get(LSR) & 0x20, "a byte is sent at once");
    set(IER, 0x02);
    ok(irq.level && get(IIR) == 0x02, "enabling THRE with an empty transmitter interrupts");
    ok(!irq.level && get(IIR) == 0x01, "reading IIR takes it");
    set(RBR, 'b');
    ok(irq.level, "the transmitter is empty again");
    set(IER, 0);
    ok(!irq.level, "disabled");
    set(IER, 2);
    ok(irq.level && get(IIR) == 0x02, "enabled again: interrupts again");
    set(RBR, 'c'), set(MCR, 0);
    ok(!irq.level, "OUT2 gates the line");
}

static void receiving(void) {
    begin();
    set(MCR, 0x08), set(IER, 0x01);
    ok(uart_room(&uart) == 1 && uart_receive(&uart, 'x') && uart_room(&uart) == 0,
       "without FIFO there is room for one byte");
    ok(!uart_receive(&uart, 'y'), "the second is refused");
    ok(irq.level && get(IIR) == 0x04 && get(LSR) & 1, "received data");
    ok(get(RBR) == 'x' && !irq.level && !(get(LSR) & 1), "read");
    set(IIR, 0x81);
    ok(uart_room(&uart) == 16, "16 bytes with FIFO");
    for (unsigned i = 0; i < 7; i++) uart_receive(&uart, (uint8_t)('0' + i));
    ok(!irq.level, "below the trigger level of 8");
    uart_receive(&uart, '7');
    ok(irq.level && (get(IIR) & 15) == 4, "at the trigger level");
    ok(get(RBR) == '0' && !irq.level, "the first byte comes first; below it again");
    set(LCR, 0x83), set(RBR, 1), set(IER, 0), set(LCR, 3);
    set(IIR, 0x83);
    ok(uart_room(&uart) == 16, "FCR clears the receiver FIFO");
    set(IER, 1);
    uart_receive(&uart, 'k');
    fake_pass(&fake, 340000);
    ok(!irq.level, "a lone byte waits");
    fake_pass(&fake, 10000);
    ok(irq.level && (get(IIR) & 15) == 12, "for four character times at 115200: timeout");
    ok(get(RBR) == 'k' && !irq.level && (get(IIR) & 15) == 1, "reading ends it");
    for (unsigned i = 0; i < 16; i++) uart_receive(&uart, (uint8_t)i);
    ok(!uart_receive(&uart, 99), "a full FIFO takes nothing");
    loop_begin("16 bytes come out in order");
    for (unsigned i = 0; i < 16; i++) loop_check(get(RBR) == i, "byte %u", i);
    loop_end();
    ok(!(get(LSR) & 1), "then it is empty");
}

static void priorities(void) {
    begin();
    set(MCR, 0x08), set(IER, 0x0f);
    uart_receive(&uart, 'x');
    ok((get(IIR) & 15) == 4, "received data before transmitter");
    get(RBR);
    ok((get(IIR) & 15) == 2, "then the transmitter");
    set(MCR, 0x18), set(MCR, 0x08);
    ok((get(IIR) & 15) == 0, "then modem status");
    ok(get(MSR) & 0x0f && (get(IIR) & 15) == 1, "reading MSR clears its deltas");
    set(MCR, 0x10);
    get(MSR);
    set(MCR, 0x14);
    ok(get(MSR) == 0x40, "RI: its leading edge is no event");
    set(MCR, 0x10);
    ok(get(MSR) == 0x04, "its trailing edge is");
    set(MCR, 0x18);
    set(RBR, 'a'), set(RBR, 'b');
    ok(!sent[0], "loopback sends nothing");
    ok(get(LSR) & 2, "loopback overrun without FIFO");
    ok(get(RBR) == 'b', "the last byte is kept");
    ok(!uart_receive(&uart, 'x'), "no input in loopback");
}

int main(void) {
    probing();
    transmitting();
    receiving();
    priorities();
    return done_testing();
}

// The 16550A: what Linux's and DOS's probes look for, FIFOs, interrupt priorities, timeout, loopback.
#include "devices/uart.h"
#include "fake.h"
#include "tests/tap.h"
#include <string.h>

enum { RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR };
static struct fake fake;
static struct uart uart;
static struct fake_line irq;
static char sent[64];

static void send(void *context, unsigned port, uint8_t byte) {
    (void)port;
    char *text = context;
    size_t n = strlen(text);
    text[n] = (char)byte, text[n + 1] = 0;
}
static void out(unsigned reg, uint8_t value) { uart_device.write(&uart, 0, reg, 1, value); }
static uint8_t in(unsigned reg) { return (uint8_t)uart_device.read(&uart, 0, reg, 1); }

static void begin(void) {
    fake_init(&fake, 1000000000);
    sent[0] = 0;
    uart = (struct uart){.irq = fake_line(&irq), .send = send, .context = sent};
    uart_init(&uart, &fake.clock);
    uart_device.reset(&uart);
}

static void probing(void) {
    begin();
    ok(in(IIR) == 0x01 && in(LSR) == 0x60, "after reset: nothing pending, transmitter empty");
    out(IER, 0xff);
    ok(in(IER) == 0x0f, "IER has four bits");
    out(IER, 0);
    out(MCR, 0x1a);
    ok((in(MSR)&0xf0) == 0x90, "loopback: RTS is CTS, OUT2 is DCD");
    out(MCR, 0);
    ok((in(MSR)&0xf0) == 0xb0, "the cable: CTS, DSR, DCD");
    out(IIR, 0x01);
    ok((in(IIR)&0xc0) == 0xc0, "FIFOs on: a 16550A");
    out(IIR, 0);
    ok((in(IIR)&0xc0) == 0, "FIFOs off");
    out(SCR, 0x5a);
    ok(in(SCR) == 0x5a, "scratch");
    out(LCR, 0x83), out(RBR, 0x01), out(IER, 0x02);
    ok(in(RBR) == 1 && in(IER) == 2, "the divisor latch");
    out(LCR, 0x03);
    ok(in(IER) == 0, "is not IER");
}

static void transmitting(void) {
    begin();
    out(MCR, 0x08);
    out(RBR, 'a');
    ok(!strcmp(sent, "a") && !irq.level && in(LSR)&0x20, "a byte is sent at once");
    out(IER, 0x02);
    ok(irq.level && in(IIR) == 0x02, "enabling THRE with an empty transmitter interrupts");
    ok(!irq.level && in(IIR) == 0x01, "reading IIR takes it");
    out(RBR, 'b');
    ok(irq.level, "the transmitter is empty again");
    out(IER, 0);
    ok(!irq.level, "disabled");
    out(IER, 2);
    ok(irq.level && in(IIR) == 0x02, "enabled again: interrupts again");
    out(RBR, 'c'), out(MCR, 0);
    ok(!irq.level, "OUT2 gates the line");
}

static void receiving(void) {
    begin();
    out(MCR, 0x08), out(IER, 0x01);
    ok(uart_room(&uart) == 1 && uart_receive(&uart, 'x') && uart_room(&uart) == 0,
       "without FIFO there is room for one byte");
    ok(!uart_receive(&uart, 'y'), "the second is refused");
    ok(irq.level && in(IIR) == 0x04 && in(LSR)&1, "received data");
    ok(in(RBR) == 'x' && !irq.level && !(in(LSR)&1), "read");
    out(IIR, 0x81);
    ok(uart_room(&uart) == 16, "16 bytes with FIFO");
    for (unsigned i = 0; i < 7; i++) uart_receive(&uart, (uint8_t)('0' + i));
    ok(!irq.level, "below the trigger level of 8");
    uart_receive(&uart, '7');
    ok(irq.level && (in(IIR)&15) == 4, "at the trigger level");
    ok(in(RBR) == '0' && !irq.level, "the first byte comes first; below it again");
    out(LCR, 0x83), out(RBR, 1), out(IER, 0), out(LCR, 3);
    out(IIR, 0x83);
    ok(uart_room(&uart) == 16, "FCR clears the receiver FIFO");
    out(IER, 1);
    uart_receive(&uart, 'k');
    fake_pass(&fake, 340000);
    ok(!irq.level, "a lone byte waits");
    fake_pass(&fake, 10000);
    ok(irq.level && (in(IIR)&15) == 12, "for four character times at 115200: timeout");
    ok(in(RBR) == 'k' && !irq.level && (in(IIR)&15) == 1, "reading ends it");
    for (unsigned i = 0; i < 16; i++) uart_receive(&uart, (uint8_t)i);
    ok(!uart_receive(&uart, 99), "a full FIFO takes nothing");
    loop_begin("16 bytes come out in order");
    for (unsigned i = 0; i < 16; i++) loop_check(in(RBR) == i, "byte %u", i);
    loop_end();
    ok(!(in(LSR)&1), "then it is empty");
}

static void priorities(void) {
    begin();
    out(MCR, 0x08), out(IER, 0x0f);
    uart_receive(&uart, 'x');
    ok((in(IIR)&15) == 4, "received data before transmitter");
    in(RBR);
    ok((in(IIR)&15) == 2, "then the transmitter");
    out(MCR, 0x18), out(MCR, 0x08);
    ok((in(IIR)&15) == 0, "then modem status");
    ok(in(MSR)&0x0f && (in(IIR)&15) == 1, "reading MSR clears its deltas");
    out(MCR, 0x18);
    out(RBR, 'a'), out(RBR, 'b');
    ok(!sent[0], "loopback sends nothing");
    ok(in(LSR)&2, "loopback overrun without FIFO");
    ok(in(RBR) == 'b', "the last byte is kept");
    ok(!uart_receive(&uart, 'x'), "no input in loopback");
}

int main(void) {
    probing();
    transmitting();
    receiving();
    priorities();
    return done_testing();
}

// The 16550A: what Linux's and DOS's probes look for, FIFOs, interrupt
// priorities, timeout, loopback.
#include "devices/bus/aml.h"
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
    ok(get(MSR) == 0xb0, "CTS, DSR and DCD as the cable has them, no change");
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
    set(IER, 0x04);
    ok(get(RBR) == 1 && get(IER) == 4, "of which each half is written alone");
    set(RBR, 0x05);
    ok(get(RBR) == 5 && get(IER) == 4, "the lower one too");
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
    set(IER, 0x03);
    ok(!irq.level && get(IIR) == 0x01, "enabling another one does not bring it back");
    set(IER, 0x02);
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
    set(MCR, 0x14), get(MSR), set(MCR, 0x15);
    ok(get(MSR) == 0x62, "RI that stays is none while DSR comes");
    set(MCR, 0x10), get(MSR);
    set(MCR, 0x18);
    set(RBR, 'a'), set(RBR, 'b');
    ok(!sent[0], "loopback sends nothing");
    ok(get(LSR) & 2, "loopback overrun without FIFO");
    ok(get(RBR) == 'b', "the last byte is kept");
    ok(!uart_receive(&uart, 'x'), "no input in loopback");
}

// Each trigger level and each size of the FIFO, from both sides.
static void levels(void) {
    static const unsigned level[] = {1, 4, 8, 14};
    for (unsigned i = 0; i < 4; i++) {
        begin();
        set(MCR, 0x08), set(IER, 0x01), set(IIR, (uint8_t)(i << 6 | 1));
        for (unsigned n = 1; n < level[i]; n++) uart_receive(&uart, 'x');
        bool before = irq.level;
        uart_receive(&uart, 'x');
        ok(!before && irq.level, "trigger level %u: not with %u bytes", level[i], level[i] - 1);
        get(RBR);
        ok(!irq.level, "nor below it again");
    }
    begin();
    set(MCR, 0x10), set(IIR, 1);
    for (unsigned i = 0; i < 16; i++) set(RBR, (uint8_t)i);
    ok(!(get(LSR) & 2), "loopback: 16 bytes fit");
    set(RBR, 99);
    ok(get(LSR) & 2 && get(RBR) == 0, "the 17th is an overrun, and is lost");
    ok(!(get(LSR) & 2), "which reading LSR has cleared");
    set(IIR, 3);
    ok(!(get(LSR) & 1), "FCR bit 1 clears the receiver");
    set(RBR, 'a'), set(IIR, 1);
    ok(get(LSR) & 1, "without it the bytes stay");
    set(IIR, 0);
    ok(!(get(LSR) & 1), "a change of FCR bit 0 clears it too");
}

// Four characters of each format, a cycle before and at their end; a bit takes
// 16 divisor / 1,843,200 s.
static void timeouts(void) {
    loop_begin("the character timeout of each format");
    for (unsigned lcr = 0; lcr < 64; lcr++) {
        unsigned bits = 4 * (1 + 5 + lcr % 4 + (lcr >> 3 & 1) + 1 + (lcr >> 2 & 1));
        uint64_t cycles = ((uint64_t)bits * 16 * 3 * 1000000000 + 1843199) / 1843200;
        begin();
        set(LCR, (uint8_t)(0x80 | lcr)), set(RBR, 3), set(IER, 0), set(LCR, (uint8_t)lcr);
        set(MCR, 0x08), set(IER, 0x01), set(IIR, 0xc1);
        uart_receive(&uart, 'x');
        fake_pass(&fake, cycles - 2);
        bool before = irq.level;
        fake_pass(&fake, 3);
        loop_check(!before && irq.level, "LCR %x: %u bits", lcr, bits);
    }
    loop_end();
    begin(); // a divisor of 0 divides by 65,536
    uint64_t longest = (40ull * 16 * 65536 * 1000000000 + 1843199) / 1843200;
    set(LCR, 0x83), set(RBR, 0), set(IER, 0), set(LCR, 3);
    set(MCR, 0x08), set(IER, 0x01), set(IIR, 0xc1);
    uart_receive(&uart, 'x');
    fake_pass(&fake, longest - 2);
    bool early = irq.level;
    fake_pass(&fake, 3);
    ok(!early && irq.level, "and of a divisor of 0");
    begin();
    set(MCR, 0x08), set(IER, 0x01), set(IIR, 0xc1);
    uart_receive(&uart, 'x');
    ok((set(IER, 0), fake_pass(&fake, 10000000), !irq.level), "no timeout where received data does not interrupt");
}

// A program that leaves RTS alone is heard when it takes interrupts, or asks
// again and again.
static void listening(void) {
    begin();
    ok(!uart_listens(&uart), "nobody listens");
    set(MCR, 0x02);
    ok(uart_listens(&uart), "RTS");
    set(MCR, 0x08);
    ok(!uart_listens(&uart), "OUT2 alone");
    set(IER, 0x01);
    ok(uart_listens(&uart), "OUT2 and the interrupt of received data");
    set(MCR, 0);
    ok(!uart_listens(&uart), "that interrupt alone");
    for (unsigned i = 1; i < UART_POLLS; i++) get(LSR);
    ok(!uart_listens(&uart), "one poll too few");
    get(LSR);
    ok(uart_listens(&uart), "polls");
    get(LSR);
    ok(uart_listens(&uart), "more polls");
    set(MCR, 0x12);
    ok(!uart_listens(&uart) && uart_room(&uart) == 0, "not in loopback");
    set(MCR, 0);
    set(RBR, 'a');
    ok(!uart_listens(&uart), "sending begins the count again");
}

// What must not come of writing twice, of bits without their condition, or of a
// state that was loaded.
static void repeated(void) {
    begin();
    set(MCR, 0x08), set(IER, 0x02);
    ok((get(IIR) & 15) == 2 && (get(IIR) & 15) == 1, "the transmitter's interrupt is taken");
    set(IER, 0x02);
    ok((get(IIR) & 15) == 1 && !irq.level, "IER written again is no event");
    set(IIR, 0xc8);
    ok(uart.fcr == 0, "FCR without bit 0 is nothing");
    set(RBR, 'a');
    ok(uart.transmit_pending == 1, "a byte was sent");
    begin();
    uint64_t next = fake.clock.next;
    set(IIR, 0x01);
    ok(fake.clock.next == next, "an empty FIFO waits for nothing");
    begin();
    uart.timeout = 1;
    set(MCR, 0x08), set(IER, 0x01);
    ok((get(IIR) & 15) == 1 && !irq.level, "a timeout of an empty FIFO tells nothing");
}

// Which causes are told, by IER.
static void causes(void) {
    static const struct {
        uint8_t ier, iir;
    } rows[] = {{0x0f, 0x06}, {0x0b, 0x04}, {0x0a, 0x02}, {0x08, 0x00},
                {0x00, 0x01}, {0x04, 0x06}, {0x01, 0x04}, {0x02, 0x02}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin();
        set(MCR, 0x10), set(RBR, 'a'), set(RBR, 'b'), set(MCR, 0x1f), set(IER, rows[i].ier);
        ok((get(IIR) & 15) == rows[i].iir, "IER %x: IIR %x", rows[i].ier, rows[i].iir);
    }
    loop_begin("modem status in loopback");
    for (unsigned mcr = 0; mcr < 16; mcr++) {
        begin();
        set(MCR, (uint8_t)(0x10 | mcr));
        unsigned cts = mcr >> 1 & 1, dsr = mcr & 1, ri = mcr >> 2 & 1, dcd = mcr >> 3 & 1;
        loop_check(get(MSR) >> 4 == (cts | dsr << 1 | ri << 2 | dcd << 3), "MCR %x", mcr);
    }
    loop_end();
}

// ACPI: COM1 has the _UID 1 (OneOp), COM2 the _UID 2 (a byte), and so on.
static void described(void) {
    for (uint8_t i = 0; i < 4; i++) {
        uint8_t bytes[200] = {0};
        struct aml aml = {.bytes = bytes, .capacity = sizeof bytes};
        const uint8_t one[] = {'_', 'U', 'I', 'D', 1}, more[] = {'_', 'U', 'I', 'D', 0x0a, (uint8_t)(i + 1)};
        const struct uart placed = {.place = &uart_places[i]};
        uart_device.describe(&placed, &aml);
        bool found = false;
        for (unsigned at = 0; at + 6 <= aml.size; at++)
            found |= i ? !memcmp(bytes + at, more, sizeof more) : !memcmp(bytes + at, one, sizeof one);
        ok(found, "%s has its _UID", uart_places[i].name);
    }
}

int main(void) {
    probing();
    transmitting();
    receiving();
    priorities();
    levels();
    timeouts();
    listening();
    causes();
    repeated();
    described();
    return done_testing();
}

// The 8259As against the data sheet: initialization, priorities, EOI, masking, level and edge, cascade, poll, rotation.
#include "devices/irq/pic.h"
#include "fake.h"
#include "tests/tap.h"

static struct pic pic;
static struct fake_line intr;

static void set(unsigned space, unsigned offset, uint8_t value) { pic_device.write(&pic, space, offset, 1, value); }
static uint8_t get(unsigned space, unsigned offset) { return (uint8_t)pic_device.read(&pic, space, offset, 1); }

// As a BIOS or Linux does: vectors 20H and 28H, slave on IR2, 8086 mode.
static void initialize(uint8_t icw4) {
    pic = (struct pic){.intr = fake_line(&intr)};
    pic_device.reset(&pic);
    set(PIC_MASTER, 0, 0x11), set(PIC_MASTER, 1, 0x20), set(PIC_MASTER, 1, 0x04), set(PIC_MASTER, 1, icw4);
    set(PIC_SLAVE, 0, 0x11), set(PIC_SLAVE, 1, 0x28), set(PIC_SLAVE, 1, 0x02), set(PIC_SLAVE, 1, 0x01);
    set(PIC_MASTER, 1, 0), set(PIC_SLAVE, 1, 0);
}
static void pulse(unsigned irq) { pic_set(&pic, irq, true), pic_set(&pic, irq, false), pic_set(&pic, irq, true); }

static void basics(void) {
    initialize(1);
    ok(!intr.level, "no request, no INT");
    pic_set(&pic, 4, true);
    ok(intr.level && get(PIC_MASTER, 0) == 0x10, "an edge sets IRR and INT");
    pic_set(&pic, 1, true);
    ok(pic_acknowledge(&pic) == 0x21, "IR1 has priority over IR4");
    ok(!intr.level, "IR4 waits while IR1 is in service");
    set(PIC_MASTER, 0, 0x0b);
    ok(get(PIC_MASTER, 0) == 0x02, "OCW3 makes ISR readable");
    set(PIC_MASTER, 0, 0x20);
    ok(intr.level && pic_acknowledge(&pic) == 0x24, "after EOI IR4 is next");
    pic_set(&pic, 0, true);
    ok(intr.level && pic_acknowledge(&pic) == 0x20, "IR0 interrupts the service of IR4");
    set(PIC_MASTER, 0, 0x64);
    ok(get(PIC_MASTER, 0) == 0x01, "a specific EOI ends the one it names");
    set(PIC_MASTER, 0, 0x20);
    ok(!intr.level, "a line that stays high is no new edge");
    pic_set(&pic, 4, false);
    pic_set(&pic, 4, true);
    ok(intr.level, "the next edge is");
    pic_set(&pic, 4, false);
    ok(!intr.level && pic_acknowledge(&pic) == 0x27, "a request that has gone gives the spurious IR7");
    ok(get(PIC_MASTER, 0) == 0, "which is not in service");
}

static void masks(void) {
    initialize(1);
    set(PIC_MASTER, 1, 0x10);
    pic_set(&pic, 4, true);
    ok(!intr.level && get(PIC_MASTER, 1) == 0x10, "a masked request raises no INT");
    set(PIC_MASTER, 1, 0);
    ok(intr.level, "unmasked, the latched request does");
    set(PIC_MASTER, 0, 0x11);
    ok(get(PIC_MASTER, 1) == 0 && !intr.level, "ICW1 clears IMR and the edge");
}

static void cascade(void) {
    initialize(1);
    pic_set(&pic, 12, true);
    ok(intr.level && get(PIC_MASTER, 0) == 0x04, "the slave's INT is the master's IR2");
    ok(pic_acknowledge(&pic) == 0x2c, "the slave gives the vector");
    pic_set(&pic, 8, true);
    ok(!intr.level, "fully nested: the master keeps the slave's better request out");
    pic_set(&pic, 1, true);
    ok(intr.level && pic_acknowledge(&pic) == 0x21, "IR1 of the master comes through");
    set(PIC_MASTER, 0, 0x20);
    set(PIC_MASTER, 0, 0x62), set(PIC_SLAVE, 0, 0x20);
    ok(intr.level && pic_acknowledge(&pic) == 0x28, "after both EOIs IRQ 8 is next");
    initialize(0x11);
    pic_set(&pic, 12, true);
    pic_acknowledge(&pic);
    pic_set(&pic, 8, true);
    ok(intr.level && pic_acknowledge(&pic) == 0x28, "special fully nested mode lets it in");
}

static void levels(void) {
    initialize(1);
    set(PIC_ELCR, 0, 0xff), set(PIC_ELCR, 1, 0xff);
    ok(get(PIC_ELCR, 0) == 0xf8 && get(PIC_ELCR, 1) == 0xde, "ELCR: IRQ 0, 1, 2, 8, 13 stay edge-triggered");
    pic_set(&pic, 9, true);
    ok(pic_acknowledge(&pic) == 0x29, "a level is a request");
    set(PIC_SLAVE, 0, 0x20), set(PIC_MASTER, 0, 0x20);
    ok(intr.level && pic_acknowledge(&pic) == 0x29, "and again after EOI while it lasts");
    pic_set(&pic, 9, false);
    set(PIC_SLAVE, 0, 0x20), set(PIC_MASTER, 0, 0x20);
    ok(!intr.level, "until it falls");
}

static void other_modes(void) {
    initialize(0x03);
    pic_set(&pic, 5, true);
    ok(pic_acknowledge(&pic) == 0x25, "automatic EOI");
    set(PIC_MASTER, 0, 0x0b);
    ok(get(PIC_MASTER, 0) == 0, "leaves nothing in service");
    initialize(1);
    set(PIC_MASTER, 0, 0xc4);
    pulse(3), pulse(5);
    ok(pic_acknowledge(&pic) == 0x25, "set priority: IR4 lowest makes IR5 highest");
    set(PIC_MASTER, 0, 0xa0);
    ok(pic.chip[0].lowest == 5 && pic_acknowledge(&pic) == 0x23, "rotate on non-specific EOI");
    initialize(1);
    pulse(6);
    set(PIC_MASTER, 0, 0x0c);
    ok(get(PIC_MASTER, 0) == 0x86, "poll: a request, and which");
    set(PIC_MASTER, 0, 0x0c);
    ok((get(PIC_MASTER, 0) & 0x80) == 0, "poll: none");
    initialize(1);
    pulse(1);
    pic_acknowledge(&pic);
    set(PIC_MASTER, 1, 0x02), set(PIC_MASTER, 0, 0x68);
    pulse(6);
    ok(intr.level, "special mask mode: a masked input in service holds nobody back");
}

int main(void) {
    basics();
    masks();
    cascade();
    levels();
    other_modes();
    return done_testing();
}

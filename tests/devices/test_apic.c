// The local APIC and the I/O APIC: priorities, EOI, acceptance, timer modes, x2APIC, redirection, remote IRR.
// SDM Vol. 3A, chapter 10; 82093AA data sheet.
#include "cpu/state/cpu.h"
#include "devices/irq/ioapic.h"
#include "devices/irq/lapic.h"
#include "fake.h"
#include "tests/field.h"
#include "tests/tap.h"
#include <stdlib.h>
#include <string.h>

enum { CPUS = 2, CRYSTAL = 10, PIC_VECTOR = 0x77 }; // ten cycles a crystal tick
static struct fake fake;
static struct lapic lapic[CPUS];
static struct cpu *cpu[CPUS];
static struct apic_bus bus;
static struct ioapic ioapic;
static unsigned moved;

static uint8_t pic_acknowledge_fake(void *owner) {
    (void)owner;
    lapic_set_lint0(&lapic[0], false);
    return PIC_VECTOR;
}
static void eoi(void *owner, uint8_t vector) { ioapic_eoi(owner, vector); }
static void base_changed(void *owner) { (void)owner, moved++; }

static void begin(void) {
    fake_init(&fake, 1000000000);
    bus = (struct apic_bus){.lapic = lapic,
                            .count = CPUS,
                            .pic_acknowledge = pic_acknowledge_fake,
                            .eoi = eoi,
                            .base_changed = base_changed,
                            .owner = &ioapic};
    for (unsigned i = 0; i < CPUS; i++) {
        if (!cpu[i]) cpu[i] = calloc(1, sizeof *cpu[i]);
        *cpu[i] = (struct cpu){.id = i};
        lapic[i] = (struct lapic){
            .timer_hz = fake.clock.hz / CRYSTAL, .has_x2apic = true, .has_tsc_deadline = true, .physical_bits = 46};
        lapic_init(&lapic[i], &bus, cpu[i], &fake.clock);
        lapic_device.reset(&lapic[i]);
    }
    ioapic = (struct ioapic){.bus = &bus};
    ioapic_device.reset(&ioapic);
}

static uint32_t get(unsigned reg) { return (uint32_t)lapic_device.read(&lapic[0], 0, reg * 16, 4); }
static void set(unsigned reg, uint32_t value) { lapic_device.write(&lapic[0], 0, reg * 16, 4, value); }
static bool pending(unsigned n) { return field(cpu[n], "boundary.pending") & PENDING_INTR; }
static void enable(unsigned n) { lapic_device.write(&lapic[n], 0, APIC_SVR * 16, 4, 0x1ff); }

static void power_up(void) {
    begin();
    uint64_t base = 0;
    ok(lapic_msr_read(&lapic[0], 0x1b, &base) && base == 0xfee00900, "IA32_APIC_BASE of the bootstrap processor");
    ok(lapic_msr_read(&lapic[1], 0x1b, &base) && base == 0xfee00800, "and of another");
    ok(get(APIC_SVR) == 0xff && get(APIC_DFR) == UINT32_MAX && get(APIC_LVT) == 0x10000 && get(APIC_LVT + 3) == 0x10000,
       "10.4.7.1");
    ok(get(APIC_VERSION) == 0x50014, "version 14H, six LVT entries");
    set(APIC_LVT, 0x20030);
    ok(get(APIC_LVT) == 0x30030, "while disabled by software an LVT entry stays masked");
    enable(0);
    set(APIC_LVT, 0x20030);
    ok(get(APIC_LVT) == 0x20030, "enabled, it does not");
    set(APIC_SVR, 0xff);
    ok(get(APIC_LVT) == 0x30030, "disabling masks them");
}

static void priorities(void) {
    begin(), enable(0);
    lapic_accept(&lapic[0], 0x41, false);
    lapic_accept(&lapic[0], 0x52, false);
    ok(pending(0) && get(APIC_IRR + 2) == (BIT(1) | BIT(0x12)), "IRR");
    ok(lapic_acknowledge(&lapic[0]) == 0x52, "the higher vector first");
    ok(get(APIC_PPR) == 0x50 && get(APIC_ISR + 2) == BIT(0x12) && !pending(0), "41H waits: its class is below PPR");
    lapic_accept(&lapic[0], 0x5f, false);
    ok(!pending(0), "the same class waits too");
    lapic_accept(&lapic[0], 0x61, false);
    ok(pending(0) && lapic_acknowledge(&lapic[0]) == 0x61, "a higher class interrupts");
    set(APIC_EOI, 0);
    ok(get(APIC_PPR) == 0x50, "EOI ends the highest in service");
    set(APIC_EOI, 0);
    ok(lapic_acknowledge(&lapic[0]) == 0x5f, "then the next");
    set(APIC_EOI, 0);
    set(APIC_TPR, 0x40);
    ok(!pending(0) && get(APIC_PPR) == 0x40, "TPR holds its class back");
    set(APIC_TPR, 0x5d);
    lapic_accept(&lapic[0], 0x6a, false);
    ok(lapic_acknowledge(&lapic[0]) == 0x6a, "a class above TPR's");
    set(APIC_TPR, 0x6d);
    ok(get(APIC_PPR) == 0x6d, "PPR is TPR when TPR's class is at least that in service");
    set(APIC_EOI, 0);
    set(APIC_TPR, 0x3f);
    ok(pending(0) && get(APIC_PPR) == 0x3f, "and lets the next through");
    lapic_set_cr8(&lapic[0], 4);
    ok(!pending(0) && get(APIC_TPR) == 0x40 && lapic_cr8(&lapic[0]) == 4, "CR8 is TPR's class");
    lapic_set_cr8(&lapic[0], 0);
    ok(lapic_acknowledge(&lapic[0]) == 0x41, "last");
    set(APIC_EOI, 0), set(APIC_EOI, 0);
    ok(lapic_acknowledge(&lapic[0]) == -1, "nothing more");
    lapic_accept(&lapic[0], 0x71, true);
    ok(get(APIC_TMR + 3) == BIT(0x11), "TMR: a level");
    lapic_accept(&lapic[0], 0x71, false);
    ok(get(APIC_TMR + 3) == 0 && lapic_acknowledge(&lapic[0]) == 0x71, "TMR: the same vector as an edge");
    set(APIC_EOI, 0);
    lapic_accept(&lapic[0], 0x0f, false);
    set(APIC_ESR, 0);
    ok(get(APIC_ESR) == 0x40 && !pending(0), "a vector below 16 is an error: received illegal vector");
}

static void interprocessor(void) {
    begin(), enable(0), enable(1);
    set(APIC_ICR_HIGH, 1u << 24), set(APIC_ICR, 0x4031);
    ok(pending(1) && !pending(0) && lapic_acknowledge(&lapic[1]) == 0x31, "fixed, physical");
    ok(!(get(APIC_ICR) & 0x1000), "delivery status reads idle");
    set(APIC_ICR, 0xc0000 | 0x32);
    ok(lapic_acknowledge(&lapic[1]) == -1 && pending(1) == false, "no: the same class is in service");
    lapic_device.write(&lapic[1], 0, APIC_EOI * 16, 4, 0);
    ok(lapic_acknowledge(&lapic[1]) == 0x32 && !pending(0), "all but self");
    set(APIC_ICR, 0x40000 | 0x33);
    ok(lapic_acknowledge(&lapic[0]) == 0x33, "self");
    set(APIC_ICR_HIGH, 0xff000000), set(APIC_ICR, 0x400);
    ok(field(cpu[0], "boundary.pending") & PENDING_NMI && field(cpu[1], "boundary.pending") & PENDING_NMI,
       "NMI to all by broadcast");
    set(APIC_ICR_HIGH, 1u << 24), set(APIC_ICR, 0x4500), set(APIC_ICR, 0x4612);
    ok(field(cpu[1], "boundary.pending") & PENDING_INIT && field(cpu[1], "boundary.pending") & PENDING_SIPI &&
           field(cpu[1], "boundary.sipi_vector") == 0x12,
       "INIT and SIPI");
    set(APIC_ICR, 0x4005);
    set(APIC_ESR, 0);
    ok(get(APIC_ESR) == 0x20, "sending a vector below 16 is an error");
    lapic_device.write(&lapic[1], 0, APIC_LDR * 16, 4, 0x02000000);
    lapic_device.write(&lapic[1], 0, APIC_EOI * 16, 4, 0);
    set(APIC_LDR, 0x01000000);
    set(APIC_ICR_HIGH, 0x03000000), set(APIC_ICR, 0x4855);
    ok(lapic_acknowledge(&lapic[1]) == 0x55 && pending(0) == true, "logical, flat: both");
    struct apic_message lowest = {.destination = 3, .logical = true, .delivery = DELIVERY_LOWEST, .vector = 0x66};
    set(APIC_TPR, 0xa0);
    ok(apic_deliver(&bus, &lowest) && lapic_acknowledge(&lapic[1]) == 0x66, "lowest priority goes to the lower PPR");
    lapic_device.write(&lapic[1], 0, APIC_DFR * 16, 4, 0x0fffffff);
    lapic_device.write(&lapic[1], 0, APIC_LDR * 16, 4, 0x21000000);
    struct apic_message cluster = {.destination = 0x21, .logical = true, .vector = 0x99};
    ok(apic_deliver(&bus, &cluster) && lapic_acknowledge(&lapic[1]) == 0x99, "logical, cluster");
    cluster.destination = 0x11;
    set(APIC_LDR, 0);
    ok(!apic_deliver(&bus, &cluster), "another cluster");
}

// Destinations of 32 bits, sent by x2APICs, and of 8 bits, sent by I/O APICs, to local APICs in either mode.
static void destinations(void) {
    begin();
    for (unsigned i = 0; i < CPUS; i++)
        lapic_msr_write(&lapic[i], 0x1b, i ? 0xfee00c00 : 0xfee00d00), lapic_msr_write(&lapic[i], 0x80f, 0x1ff);
    uint64_t logical = 0;
    ok(lapic_msr_read(&lapic[1], 0x80d, &logical) && logical == 2, "logical x2APIC ID: cluster 0, bit 1");
    ok(lapic_msr_write(&lapic[0], 0x830, 1ull << 32 | 0x4041) && lapic_acknowledge(&lapic[1]) == 0x41 && !pending(0),
       "physical");
    ok(lapic_msr_write(&lapic[0], 0x830, 3ull << 32 | 0x4852) && lapic_acknowledge(&lapic[1]) == 0x52 &&
           lapic_acknowledge(&lapic[0]) == 0x52,
       "logical: both of a cluster");
    ok(lapic_msr_write(&lapic[0], 0x830, 0x10003ull << 32 | 0x4863) && !pending(0) && !pending(1), "another cluster");
    ok(lapic_msr_write(&lapic[0], 0x830, 0xffull << 32 | 0x4063) && !pending(0) && !pending(1),
       "FFH is no broadcast in 32 bits");
    ok(lapic_msr_write(&lapic[0], 0x830, 0xffffffffull << 32 | 0x4063) && lapic_acknowledge(&lapic[0]) == 0x63 &&
           lapic_acknowledge(&lapic[1]) == 0x63,
       "physical broadcast");
    ok(lapic_msr_write(&lapic[0], 0x830, 0xffffffffull << 32 | 0x4874) && lapic_acknowledge(&lapic[0]) == 0x74 &&
           lapic_acknowledge(&lapic[1]) == 0x74,
       "logical broadcast");
    struct apic_message narrow = {.destination = 0xff, .vector = 0x85};
    ok(apic_deliver(&bus, &narrow) && lapic_acknowledge(&lapic[0]) == 0x85 && lapic_acknowledge(&lapic[1]) == 0x85,
       "broadcast in 8 bits");
    narrow = (struct apic_message){.destination = 2, .logical = true, .vector = 0x96};
    ok(apic_deliver(&bus, &narrow) && lapic_acknowledge(&lapic[1]) == 0x96 && !pending(0), "logical in 8 bits");
    lapic_msr_write(&lapic[1], 0x1b, 0xfee00000), lapic_msr_write(&lapic[1], 0x1b, 0xfee00800);
    lapic_write_register(&lapic[1], APIC_SVR, 0x1ff), lapic_write_register(&lapic[1], APIC_LDR, 0x02000000);
    ok(lapic_msr_write(&lapic[0], 0x830, 0x10002ull << 32 | 0x48a7) && !pending(1),
       "an xAPIC is in no cluster of x2APICs");
}

// What comes before an INIT is forgotten; the APIC ID can be written where there is no x2APIC.
static void start(void) {
    begin(), enable(0);
    set(APIC_ICR, 0xc4612), set(APIC_ICR, 0xc4500);
    ok(field(cpu[1], "boundary.pending") == PENDING_INIT, "a SIPI before the INIT");
    set(APIC_ICR, 0xc8500);
    ok(field(cpu[1], "boundary.pending") == PENDING_INIT && !(field(cpu[0], "boundary.pending") & PENDING_INIT),
       "INIT level de-assert is nothing");
    set(APIC_ID, 0x07000000);
    ok(get(APIC_ID) == 0, "the APIC ID is read-only");
    lapic[0].has_x2apic = false;
    set(APIC_ID, 0x07000000);
    ok(get(APIC_ID) == 0x07000000, "in older processors it is not");
    struct apic_message physical = {.destination = 7, .vector = 0x31};
    ok(apic_deliver(&bus, &physical) && pending(0), "and counts");
}

static void timer(void) {
    begin(), enable(0);
    set(APIC_TIMER_DIVIDE, 0xb), set(APIC_LVT, 0x40), set(APIC_TIMER_INITIAL, 100);
    fake_pass(&fake, 50 * CRYSTAL);
    ok(get(APIC_TIMER_CURRENT) == 50 && !pending(0), "one-shot: counts down");
    fake_pass(&fake, 50 * CRYSTAL);
    ok(get(APIC_TIMER_CURRENT) == 0 && lapic_acknowledge(&lapic[0]) == 0x40, "one-shot: fires at 0");
    set(APIC_EOI, 0);
    fake_pass(&fake, 1000 * CRYSTAL);
    ok(!pending(0), "one-shot: once");
    set(APIC_TIMER_DIVIDE, 0x0), set(APIC_LVT, 0x20041), set(APIC_TIMER_INITIAL, 100);
    unsigned count = 0;
    for (unsigned i = 0; i < 1000; i++) {
        fake_pass(&fake, 2 * CRYSTAL);
        if (pending(0)) count += lapic_acknowledge(&lapic[0]) == 0x41, set(APIC_EOI, 0);
    }
    ok(count == 10, "periodic, divided by 2: 10 in 1000 ticks, was %u", count);
    set(APIC_LVT, 0x30041);
    fake_pass(&fake, 250 * CRYSTAL);
    uint32_t current = get(APIC_TIMER_CURRENT);
    ok(!pending(0) && current > 0 && current <= 100, "masked: counts, does not fire");
    set(APIC_TIMER_DIVIDE, 0x3);
    ok(get(APIC_TIMER_CURRENT) == current, "a new divisor keeps the count");
    set(APIC_TIMER_INITIAL, 0);
    set(APIC_LVT, 0x41);
    fake_pass(&fake, 100000);
    ok(!pending(0) && get(APIC_TIMER_CURRENT) == 0, "an initial count of 0 stops it");
}

static void deadline(void) {
    begin(), enable(0);
    field_put(cpu[0], "time.tsc_base", 1000);
    uint64_t value = 1;
    ok(lapic_msr_write(&lapic[0], 0x6e0, 5000) && lapic_msr_read(&lapic[0], 0x6e0, &value) && value == 0,
       "IA32_TSC_DEADLINE is 0 in other modes");
    set(APIC_LVT, 0x40042);
    lapic_msr_write(&lapic[0], 0x6e0, 5000);
    ok(lapic_msr_read(&lapic[0], 0x6e0, &value) && value == 5000, "armed");
    set(APIC_TIMER_INITIAL, 5);
    ok(get(APIC_TIMER_INITIAL) == 0, "the initial count is ignored");
    fake_pass(&fake, 3999);
    ok(!pending(0), "not yet");
    fake_pass(&fake, 1);
    ok(lapic_acknowledge(&lapic[0]) == 0x42 && lapic_msr_read(&lapic[0], 0x6e0, &value) && value == 0,
       "fires at its TSC and disarms");
    set(APIC_EOI, 0);
    lapic_msr_write(&lapic[0], 0x6e0, 1);
    ok(pending(0), "a deadline in the past fires at once");
    lapic_acknowledge(&lapic[0]), set(APIC_EOI, 0);
    lapic_msr_write(&lapic[0], 0x6e0, 100000);
    field_put(cpu[0], "time.tsc_base", field(cpu[0], "time.tsc_base") + 90000);
    lapic_tsc_changed(&lapic[0]);
    fake_pass(&fake, 6000);
    ok(pending(0), "writing the TSC moves the deadline");
    lapic_acknowledge(&lapic[0]), set(APIC_EOI, 0);
    lapic_msr_write(&lapic[0], 0x6e0, 1000000);
    set(APIC_LVT, 0x42);
    fake_pass(&fake, 2000000);
    ok(!pending(0), "leaving the mode disarms");
}

static void base_msr(void) {
    begin(), enable(0);
    struct lapic *l = &lapic[0];
    uint64_t value;
    ok(!lapic_msr_write(l, 0x1b, 0xfee00500), "EXTD without EN: #GP");
    ok(!lapic_msr_write(l, 0x1b, BIT(46) | 0x900), "an address too wide: #GP");
    ok(!lapic_msr_write(l, 0x1b, 0xfee00901), "a reserved bit: #GP");
    ok(!lapic_msr_read(l, 0x808, &value), "x2APIC MSRs in xAPIC mode: #GP");
    set(APIC_LVT + LVT_LINT0, 0x700);
    ok(lapic_msr_write(l, 0x1b, 0xfee00100) && moved, "EN off");
    lapic_set_lint0(l, true);
    ok(pending(0) && lapic_acknowledge(l) == PIC_VECTOR, "disabled: the 8259A's INTR goes to the processor");
    ok(!lapic_msr_write(l, 0x1b, 0xfee00d00), "from disabled to x2APIC: #GP");
    ok(lapic_msr_write(l, 0x1b, 0xfee00900) && get(APIC_SVR) == 0xff && get(APIC_LVT + LVT_LINT0) == 0x10000,
       "EN on again: as after reset");
    ok(lapic_msr_write(l, 0x1b, 0xfee00d00), "to x2APIC");
    ok(lapic_msr_read(l, 0x802, &value) && value == 0 && lapic_msr_read(l, 0x80d, &value) && value == 1,
       "ID, logical ID");
    ok(!lapic_msr_write(l, 0x802, 1) && !lapic_msr_write(l, 0x80b, 1) && !lapic_msr_read(l, 0x80b, &value) &&
           !lapic_msr_read(l, 0x831, &value),
       "read-only, non-zero EOI, write-only, absent: #GP");
    ok(lapic_msr_write(l, 0x80f, 0x1ff) && lapic_msr_write(l, 0x83f, 0x44) && lapic_acknowledge(l) == 0x44, "self IPI");
    ok(lapic_msr_write(l, 0x80b, 0) && lapic_msr_write(l, 0x830, 0x0000000000004045) && lapic_acknowledge(l) == 0x45,
       "ICR in one write");
    ok(!lapic_msr_write(l, 0x808, 0x100), "reserved bits of TPR: #GP");
    ok(!lapic_msr_write(l, 0x1b, 0xfee00900), "from x2APIC to xAPIC: #GP");
    ok(lapic_msr_write(l, 0x1b, 0xfee00100) && lapic_msr_write(l, 0x1b, 0xfee00900), "by way of disabled");
}

static void virtual_wire(void) {
    begin(), enable(0);
    lapic_set_lint0(&lapic[0], true);
    ok(!pending(0), "LINT0 masked");
    set(APIC_LVT + LVT_LINT0, 0x700);
    ok(pending(0), "LINT0 as ExtINT");
    lapic_accept(&lapic[0], 0x80, false);
    ok(lapic_acknowledge(&lapic[0]) == 0x80 && pending(0), "the local APIC's own interrupts come first");
    ok(lapic_acknowledge(&lapic[0]) == PIC_VECTOR && get(APIC_ISR + 3) == 0,
       "ExtINT is not in service in the local APIC");
    set(APIC_LVT + LVT_LINT1, 0x400);
    lapic_nmi(&lapic[0]);
    ok(field(cpu[0], "boundary.pending") & PENDING_NMI, "LINT1 as NMI");
}

static void io_write(unsigned reg, uint32_t value) {
    ioapic_device.write(&ioapic, 0, 0, 4, reg), ioapic_device.write(&ioapic, 0, 0x10, 4, value);
}
static uint32_t io_read(unsigned reg) {
    ioapic_device.write(&ioapic, 0, 0, 4, reg);
    return (uint32_t)ioapic_device.read(&ioapic, 0, 0x10, 4);
}

static void redirection(void) {
    begin(), enable(0);
    ok(io_read(1) == 0x170020 && io_read(0x10) == 0x10000, "24 pins, all masked");
    io_write(1, 0), io_write(0, 0x0f000000);
    ok(io_read(1) == 0x170020 && io_read(0) == 0x0f000000 && io_read(2) == 0x0f000000,
       "version is read-only, ID and arbitration ID");
    ioapic_set(&ioapic, 4, true);
    io_write(0x18, 0x34);
    ok(!pending(0), "an edge on a masked pin is lost");
    ioapic_set(&ioapic, 4, false), ioapic_set(&ioapic, 4, true);
    ok(lapic_acknowledge(&lapic[0]) == 0x34 && get(APIC_TMR + 1) == 0, "an edge is delivered");
    set(APIC_EOI, 0);
    ok(!pending(0), "once");
    io_write(0x22, 0x8059);
    ioapic_set(&ioapic, 9, true);
    ok(lapic_acknowledge(&lapic[0]) == 0x59 && io_read(0x22) == 0xc059 && get(APIC_TMR + 2) == BIT(0x19),
       "a level: remote IRR and TMR");
    io_write(0x22, 0x8059);
    ok(io_read(0x22) == 0xc059 && !pending(0), "remote IRR is read-only and keeps the pin quiet");
    set(APIC_EOI, 0);
    ok(pending(0) && lapic_acknowledge(&lapic[0]) == 0x59, "EOI while the level lasts: again");
    ioapic_set(&ioapic, 9, false);
    set(APIC_EOI, 0);
    ok(!pending(0) && io_read(0x22) == 0x8059, "EOI after it fell: quiet");
    ioapic_set(&ioapic, 9, true);
    lapic_acknowledge(&lapic[0]);
    ioapic_set(&ioapic, 9, false);
    ioapic_device.write(&ioapic, 0, 0x40, 4, 0x59);
    ok(io_read(0x22) == 0x8059, "the EOI register does the same");
    set(APIC_EOI, 0);
    io_write(0x22, 0xd059);
    ok(io_read(0x22) == 0x8059, "status bits cannot be written");
    io_write(0x22, 0x18059);
    ioapic_set(&ioapic, 9, true);
    ok(!pending(0), "a masked level waits");
    io_write(0x22, 0x8059);
    ok(pending(0), "and comes when unmasked");
    io_write(0x2e, 0x0435);
    ioapic_set(&ioapic, 15, true);
    ok(field(cpu[0], "boundary.pending") & PENDING_NMI && ioapic_has_nmi(&ioapic), "delivery mode NMI");
    io_write(0x31, 0x05000000), io_write(0x30, 0x8036);
    ioapic_set(&ioapic, 16, true);
    ok(!(io_read(0x30) & 0x4000), "a destination that nobody has: not accepted");
    io_write(0x31, 0);
    ok(io_read(0x30) & 0x4000, "accepted once somebody is there");
}

int main(void) {
    power_up();
    priorities();
    interprocessor();
    destinations();
    start();
    timer();
    deadline();
    base_msr();
    virtual_wire();
    redirection();
    return done_testing();
}

// The board as the processor sees it through ports, MMIO and MSRs: wiring of interrupts, PCI, CMOS, 8042, PM, test
// device.
#include "cpu/state/cpu.h"
#include "cpu/decode/insn.h"
#include "cpu/state/model.h"
#include "devices/board/board.h"
#include "fake.h"
#include "tests/field.h"
#include "tests/tap.h"
#include "cpu/processor/processor.h"
#include <stdlib.h>
#include <string.h>

static struct fake fake;
static struct board *b;
static struct memory memory;
static struct cpu *cpu;
static struct cpu_model model;
static struct decoder *decoder;
static int stopped;

static bool has_feature(const void *m, unsigned feature) { return cpu_model_has(m, (enum feature)feature); }

static uint64_t now(void *source) { return ((struct fake *)source)->cycle; }
static void stop(void *owner, enum machine_stop why) { (void)owner, stopped = (int)why; }

static void begin(void) {
    struct machine_config config = {.serial_ports = 4, .rtc_epoch = 1704067200};
    char error[200] = "";
    if (!machine_config_device(&config, "pc-testdev", error, sizeof error) ||
        !machine_config_device(&config, "isa-debug-exit,iobase=0xf4,iosize=4", error, sizeof error))
        bail("%s", error);
    static const struct platform platform;
    if (b) board_free(b);
    free(b), cpu_free(cpu), memory_free(&memory);
    model = *cpu_model_at(0);
    if (!decoder) decoder = decoder_new(&cpu_rows, 1, has_feature, &model);
    b = calloc(1, sizeof *b), cpu = cpu_new(&model, decoder, &platform, 0);
    memory = (struct memory){0};
    if (!b || !cpu || !memory_init(&memory, 6ull << 30)) bail("no memory");
    fake.cycle = 0;
    clock_init(&b->clock, 1000000000, now, NULL, &fake);
    if (!board_init(b, &config, &memory, error, sizeof error)) bail("%s", error);
    b->stop = stop;
    board_add_cpu(b, cpu);
    board_reset(b);
    field_put(cpu, "boundary.pending", 0);
    stopped = -1;
}
static void pass(uint64_t cycles) {
    uint64_t end = fake.cycle + cycles;
    while (b->clock.next <= end) {
        if (b->clock.next > fake.cycle) fake.cycle = b->clock.next;
        clock_run(&b->clock);
    }
    fake.cycle = end;
}
static void set(uint16_t port, unsigned size, uint32_t value) { bus_out(&b->bus, port, size, value); }
static uint32_t get(uint16_t port, unsigned size) { return bus_in(&b->bus, port, size); }
static void mmio(uint64_t address, uint32_t value) { board_mmio_write(b, cpu, address, 4, value); }
static uint32_t mmio_in(uint64_t address) { return (uint32_t)board_mmio_read(b, cpu, address, 4); }
static void redirect(unsigned pin, uint32_t low) { mmio(IOAPIC_BASE, 0x10 + 2 * pin), mmio(IOAPIC_BASE + 0x10, low); }
// Takes everything that waits; whether `vector` was among it.
static bool took(int vector) {
    bool found = false;
    while (field(cpu, "boundary.pending") & PENDING_INTR) {
        found |= lapic_acknowledge(&b->lapic[0]) == vector;
        mmio(APIC_BASE_DEFAULT + 0xb0, 0);
    }
    return found;
}

static void wiring(void) {
    begin();
    mmio(APIC_BASE_DEFAULT + 0xf0, 0x1ff);
    ok(mmio_in(APIC_BASE_DEFAULT + 0xf0) == 0x1ff, "the local APIC's page");
    redirect(2, 0x30), redirect(4, 0x34), redirect(8, 0x38), redirect(9, 0x8039), redirect(19, 0x43);
    set(0x43, 1, 0x34), set(0x40, 1, 100), set(0x40, 1, 0);
    pass(200000);
    ok(took(0x30), "the 8254 is on I/O APIC pin 2");
    set(0x70, 1, 0x0b), set(0x71, 1, 0x42);
    pass(1000000);
    ok(took(0x38), "the RTC on pin 8");
    set(0x3fc, 1, 8), set(0x3f9, 1, 2);
    ok(took(0x34), "COM1 on pin 4");
    set(0x3ec, 1, 8), set(0x3e9, 1, 2);
    ok(!took(0x34), "COM3 shares the line: no second edge");
    get(0x3fa, 1), get(0x3ea, 1);
    set(0x3e8, 1, 'x');
    ok(took(0x34), "until both were low");
    set(0x600 + 2, 2, 1);
    set(0x43, 1, 0x30), redirect(8, 0x10000);
    pass(700000000000);
    ok(lapic_acknowledge(&b->lapic[0]) == 0x39, "the PM timer's carry is a level on pin 9");
    ok(get(0x600, 2) & 1 && (set(0x600, 2, 1), !(get(0x600, 2) & 1)), "until its status bit is cleared");
    mmio(APIC_BASE_DEFAULT + 0xb0, 0);
    ok(!took(0x39), "and not again");
    set(0x2000 + 19, 1, 1);
    ok(took(0x43), "pc-testdev raises any pin");
    set(0x2000 + 19, 1, 0);
    set(0x60, 1, 0xee);
    redirect(1, 0x31);
    ok(get(0x64, 1) & 1 && get(0x60, 1) == 0xee, "the keyboard echoes");
    set(0x60, 1, 0xee);
    ok(took(0x31) && get(0x60, 1) == 0xee, "on pin 1");
}

static void legacy_replacement(void) {
    begin();
    mmio(APIC_BASE_DEFAULT + 0xf0, 0x1ff);
    redirect(2, 0x30);
    set(0x43, 1, 0x34), set(0x40, 1, 100), set(0x40, 1, 0);
    mmio(HPET_BASE + 0x10, 3);
    took(0x30);
    pass(10000000);
    ok(!took(0x30), "HPET legacy replacement cuts the 8254 off");
    mmio(HPET_BASE + 0x100, 4), mmio(HPET_BASE + 0x108, mmio_in(HPET_BASE + 0xf0) + 1000), mmio(HPET_BASE + 0x10c, 0);
    pass(10000);
    ok(took(0x30), "and puts timer 0 in its place");
    mmio(HPET_BASE + 0x10, 0);
    pass(200000);
    ok(took(0x30), "and back");
}

static void apic_page(void) {
    begin();
    ok(!board_page(b, APIC_BASE_DEFAULT).area && board_page(b, 0x5000).area, "RAM and not");
    ok(!board_page(b, 0xa0000).area && !board_page(b, 0xb7fff).area && board_page(b, 0xc0000).area,
       "the display's hole");
    ok(board_page(b, 0xb8000).area && board_page(b, 0xbffff).area && frame_base(board_page(b, 0xb8000)) == 0xb8000 &&
           board_page(b, 0x100000).area,
       "text memory in it");
    ok(board_page(b, 0xff000000).area && board_page(b, 0xff00f000).area && !board_page(b, 0xff010000).area,
       "pc-testdev's memory");
    ok(mmio_in(0xe0000000) == UINT32_MAX, "nothing answers in the PCI hole");
    uint64_t base;
    ok(lapic_msr_read(&b->lapic[0], 0x1b, &base) && base & APIC_BASE_BSP, "the bootstrap processor");
    ok(board_page(b, 0x6000).area && lapic_msr_write(&b->lapic[0], 0x1b, 0x6000 | APIC_BASE_EN | APIC_BASE_BSP) &&
           !board_page(b, 0x6000).area && board_page(b, 0x5000).area && board_page(b, 0x7000).area,
       "the local APIC's page hides RAM");
    ok(mmio_in(0x6020) == 0 && mmio_in(0x6030) == 0x50014 && mmio_in(APIC_BASE_DEFAULT + 0x30) == UINT32_MAX,
       "and is there");
    ok(lapic_msr_write(&b->lapic[0], 0x1b, APIC_BASE_DEFAULT | APIC_BASE_EN | APIC_BASE_BSP) &&
           board_page(b, 0x6000).area,
       "until it moves away");
}

static void pci(void) {
    begin();
    set(0xcf8, 4, 0x80000000);
    ok(get(0xcf8, 4) == 0x80000000 && get(0xcfc, 4) == 0x12378086, "the host bridge");
    ok(get(0xcfe, 2) == 0x1237 && get(0xcfd, 1) == 0x80, "by words and bytes");
    set(0xcfc, 4, 0), set(0xcf8, 4, 0x80000008);
    ok(get(0xcfc, 4) == 0x06000002, "class");
    set(0xcf8, 4, 0x80000800);
    ok(get(0xcfc, 4) == 0x70008086, "the ISA bridge");
    set(0xcf8, 4, 0x80001000);
    ok(get(0xcfc, 4) == UINT32_MAX && get(0xcfc, 2) == 0xffff, "an empty slot");
    set(0xcf8, 4, 0x80010000);
    ok(get(0xcfc, 4) == UINT32_MAX, "another bus");
    set(0xcf8, 4, 0x00000000);
    ok(get(0xcfc, 4) == UINT32_MAX, "not enabled");
    set(0xcf8, 4, 0x80000010), set(0xcfc, 4, UINT32_MAX);
    ok(get(0xcfc, 4) == 0, "no base address registers");
    set(0xcf9, 1, 2);
    ok(stopped == -1 && get(0xcf8, 4) == 0x80000010, "CF9H is not part of the address register");
    set(0xcf9, 1, 6);
    ok(stopped == MACHINE_RESET, "and resets");
}

static void cmos(void) {
    begin();
    static const struct {
        uint8_t reg, value;
        const char *what;
    } rows[] = {
        {0x15, 0x80, "640 KBytes"},     {0x16, 0x02, "of base memory"},  {0x17, 0xff, "extended memory"},
        {0x18, 0xff, "at its limit"},   {0x34, 0x00, "above 16 MBytes"}, {0x35, 0xbf, "in 64 KBytes"},
        {0x5b, 0x00, "above 4 GBytes"}, {0x5c, 0xc0, "in 64 KBytes"},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        set(0x70, 1, rows[i].reg);
        ok(get(0x71, 1) == rows[i].value, "CMOS %02x: %s", rows[i].reg, rows[i].what);
    }
}

static void keyboard_controller(void) {
    begin();
    set(0x64, 1, 0xaa);
    ok(get(0x60, 1) == 0x55, "self-test");
    set(0x64, 1, 0xab);
    ok(get(0x60, 1) == 0x00, "interface test");
    set(0x64, 1, 0x60), set(0x60, 1, 0x34), set(0x64, 1, 0x20);
    ok(get(0x60, 1) == 0x34, "command byte");
    set(0x64, 1, 0xae), set(0x60, 1, 0xff);
    ok(get(0x60, 1) == 0xfa && get(0x60, 1) == 0xaa && !(get(0x64, 1) & 1), "keyboard reset: ACK, self-test passed");
    set(0x60, 1, 0xf2);
    ok(get(0x60, 1) == 0xfa && get(0x60, 1) == 0xab && get(0x60, 1) == 0x83, "identify");
    set(0x60, 1, 0xed), get(0x60, 1), set(0x60, 1, 7);
    ok(get(0x60, 1) == 0xfa, "indicators");
    set(0x60, 1, 0xf0), get(0x60, 1), set(0x60, 1, 0);
    ok(get(0x60, 1) == 0xfa && get(0x60, 1) == 2, "scan code set");
    set(0x64, 1, 0xd3), set(0x60, 1, 0x5a);
    ok((get(0x64, 1) & 0x21) == 0x21 && get(0x60, 1) == 0x5a, "auxiliary loop");
    set(0x64, 1, 0xd0);
    ok((get(0x60, 1) & 3) == 3, "output port: the A20 gate is open");
    set(0x64, 1, 0xdd), set(0x64, 1, 0xd0);
    ok((get(0x60, 1) & 3) == 1, "shut by command DDH");
    set(0x64, 1, 0xdf), set(0x64, 1, 0xd0);
    ok((get(0x60, 1) & 3) == 3, "opened by DFH");
    set(0x64, 1, 0xd1), set(0x60, 1, 0x01), set(0x64, 1, 0xd0);
    ok((get(0x60, 1) & 3) == 1, "and as written by D1H");
    set(0x64, 1, 0xfe);
    ok(stopped == MACHINE_RESET, "pulse of the reset line");
}

static void power(void) {
    begin();
    ok(get(0x604, 2) == 1, "SCI_EN");
    uint32_t first = get(0x608, 4);
    pass(1000000);
    uint32_t ticks = get(0x608, 4) - first;
    ok(ticks >= 3579 && ticks <= 3580, "the PM timer runs at 3.579545 MHz: %u in a millisecond", ticks);
    set(0x604, 2, 0x2000);
    ok(stopped == -1, "another sleep type does nothing");
    set(0x604, 2, 0x3400);
    ok(stopped == MACHINE_POWER_OFF, "S5");
    get(0x61, 1);
    uint8_t before = get(0x61, 1) & 0x10;
    pass(15100);
    ok((get(0x61, 1) & 0x10) != before, "the refresh toggle of port 61H");
    set(0x61, 1, 1), set(0x43, 1, 0xb0), set(0x42, 1, 100), set(0x42, 1, 0);
    ok(!(get(0x61, 1) & 0x20), "counter 2 counts");
    pass(90000);
    ok(get(0x61, 1) & 0x20, "and ends");
    set(0x64, 1, 0x60);
    set(0xe0, 4, 0x12345678);
    ok(get(0xe0, 4) == 0x12345678 && get(0xe0, 1) == 0x78, "pc-testdev's echo");
    set(0xf4, 4, 33);
    ok(stopped == MACHINE_DEBUG_EXIT && b->exit_code == 33, "isa-debug-exit");
    ok(get(0x1234, 4) == UINT32_MAX, "a port that nobody has");
}

// What the recipe of docs/internals/devices.md asks of every row.
static void rows_are_whole(void) {
    const struct device *kind;
    for (unsigned i = 0; (kind = machine_device_kind(i)); i++) {
        bool whole = kind->help && kind->bytes;
        for (const struct device_option *o = kind->option; o < kind->option + kind->options; o++)
            whole &= o->help && o->offset + o->bytes <= kind->bytes;
        ok(whole, "%s: the row says what it is for and how large its struct is", kind->name);
    }
}

int main(void) {
    rows_are_whole();
    wiring();
    legacy_replacement();
    apic_page();
    pci();
    cmos();
    keyboard_controller();
    power();
    return done_testing();
}

// Interrupts of a function on PCI by PCI Local Bus specification 3.0, 6.8 and 6.2.2: pin, MSI, MSI-X, who wins, masks and
// pending bits; its base address registers of 64 bits, of memory, of an expansion ROM.
#include "cpu/pages/pages.h"
#include "cpu/state/outcome.h"
#include "devices/pci/function.h"
#include "fake.h"
#include "tests/tap.h"
#include <string.h>

static struct fake_line pin;
static struct {
    unsigned count;
    uint16_t requester;
    uint64_t address;
    uint32_t data;
} sent;

static void message(void *owner, uint16_t requester, uint64_t address, uint32_t data) {
    (void)owner;
    sent.count++;
    sent.requester = requester, sent.address = address, sent.data = data;
}

static uint64_t registers_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    (void)chip, (void)size;
    return 0x1000 * space + offset;
}
static void registers_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    (void)chip, (void)space, (void)offset, (void)size, (void)value;
}
static const struct device device = {.name = "test", .read = registers_read, .write = registers_write};

static const struct area area = {.base = 1ull << 52, .bytes = 0x10000};
static const struct pci_register own[] = {{0xc0, 4, 0x11223344, 0x0000ff00, 0x00ff0000}};
static struct pci_identity identity = {
    .vendor = 1,
    .pin = 2,
    .bar = {[0] = {.bytes = 0x1000, .widths = WIDTH_4, .kind = PCI_MEMORY},
            [1] = {.bytes = 0x4000, .widths = WIDTH_4, .kind = PCI_MEMORY_64 | PCI_PREFETCHABLE},
            [3] = {.bytes = 0x10000, .kind = PCI_MEMORY | PCI_PREFETCHABLE, .memory = &area},
            [4] = {.bytes = 16, .widths = WIDTH_1, .kind = PCI_PORTS},
            [PCI_ROM] = {.bytes = 0x10000, .memory = &area}},
    .registers = own,
    .register_count = 1,
    .msi = {.vectors = 4, .at = 0x50},
    .msix = {.vectors = 5, .at = 0x80, .bar = 0, .table = 0x100, .pending = 0x800}};

static struct pci_function f;
static struct bus bus;
static uint8_t config[PCI_CONFIG];
static struct pci_interrupts interrupts;

static void begin(void) {
    map_free(&bus.memory), map_free(&bus.ports);
    bus = (struct bus){0};
    memset(&sent, 0, sizeof sent);
    memset(&pin, 0, sizeof pin);
    f = (struct pci_function){.config = config,
                              .interrupts = &interrupts,
                              .identity = &identity,
                              .bus = &bus,
                              .intx = fake_line(&pin),
                              .message = message,
                              .requester = 0x1234};
    pci_function_init(&f, &device, NULL);
    pci_function_reset(&f);
    pci_function_write(&f, PCI_BAR_0, 4, 0xe0000000);
    pci_function_write(&f, PCI_COMMAND, 2, 7);
}
static uint32_t get(unsigned at, unsigned size) { return pci_function_read(&f, at, size); }
static void set(unsigned at, unsigned size, uint32_t value) { pci_function_write(&f, at, size, value); }
static void pulse(unsigned vector) { pci_interrupt(&f, vector, true), pci_interrupt(&f, vector, false); }

static void by_pin(void) {
    enum { NO_PIN = 1 << 10, ASSERTED = 8 };
    begin();
    pci_interrupt(&f, 0, true);
    ok(pin.level && get(PCI_STATUS, 2) & ASSERTED, "the pin is asserted, and STATUS says so");
    pci_interrupt(&f, 3, true), pci_interrupt(&f, 0, false);
    ok(pin.level, "as long as one of its interrupts is");
    pci_interrupt(&f, 3, false);
    ok(!pin.level && !(get(PCI_STATUS, 2) & ASSERTED), "and not longer");
    pci_interrupt(&f, 1, true);
    set(PCI_COMMAND, 2, 7 | NO_PIN);
    ok(!pin.level && get(PCI_STATUS, 2) & ASSERTED, "interrupt disable takes it back; the status stays");
    set(PCI_COMMAND, 2, 7);
    ok(pin.level && !sent.count, "and gives it again; there was no message");
}

static void by_msi(void) {
    begin();
    ok(get(0x50, 1) == 5 && get(0x52, 2) == 0x84, "MSI of 4 vectors and 64 bits at 50H");
    set(0x54, 4, ~0u), set(0x5c, 2, 0xffff), set(0x52, 2, 0xffff);
    ok(get(0x54, 4) == 0xfffffffc && get(0x5c, 2) == 0xffff && get(0x52, 2) == 0xf5, "its bits that can be written");
    set(0x54, 4, 0xfee01000), set(0x58, 4, 0), set(0x5c, 2, 0x41), set(0x52, 2, 1);
    pci_interrupt(&f, 2, true);
    ok(sent.count == 1 && sent.address == 0xfee01000 && sent.data == 0x41 && sent.requester == 0x1234 && !pin.level,
       "one vector is granted: all have its message, once when they rise");
    pci_interrupt(&f, 2, false);
    ok(sent.count == 1, "and none when they fall");
    set(0x52, 2, 0x21), set(0x5c, 2, 0x44);
    pulse(2);
    ok(sent.count == 2 && sent.data == 0x46, "four granted: the lower bits are the vector's");
    set(PCI_COMMAND, 2, 3);
    pulse(1);
    ok(sent.count == 2, "no message without bus mastering");
}

static uint64_t load(uint64_t at, unsigned size) { return bus_read(&bus, at, size); }
static void store(uint64_t at, unsigned size, uint64_t value) { bus_write(&bus, at, size, value); }

static void by_msix(void) {
    enum { TABLE = 0xe0000100, PENDING = 0xe0000800 };
    begin();
    ok(get(0x80, 1) == 0x11 && get(0x82, 2) == 4 && get(0x84, 4) == 0x100 && get(0x88, 4) == 0x800,
       "MSI-X of 5 vectors at 80H");
    ok(load(TABLE + 12, 4) == 1 && load(0xe0000150, 4) == 0x150 && load(0xe00000fc, 4) == 0xfc,
       "each vector is masked at first; around the table are the device's registers");
    store(TABLE + 0x40, 8, 0xfee02000), store(TABLE + 0x48, 4, 0x77), store(TABLE + 0x4c, 4, 0xfffffffe);
    ok(load(TABLE + 0x48, 8) == 0x77, "of the control the mask alone is kept");
    set(0x82, 2, 0x8000), set(0x52, 2, 1);
    pulse(4);
    ok(sent.count == 1 && sent.address == 0xfee02000 && sent.data == 0x77, "MSI-X wins over MSI");
    pulse(9);
    ok(sent.count == 1, "a vector that is not there is nothing");
    store(TABLE + 0x4c, 4, 1);
    pulse(4), pulse(4);
    ok(sent.count == 1 && load(PENDING, 8) == 0x10, "masked: it is pending");
    store(PENDING, 8, 0);
    ok(load(PENDING, 8) == 0x10, "pending bits are read-only");
    store(TABLE + 0x4c, 4, 0);
    ok(sent.count == 2 && load(PENDING, 4) == 0, "unmasked: one message");
    set(0x82, 2, 0xc000);
    pulse(4);
    ok(sent.count == 2 && load(PENDING, 4) == 0x10, "the function's mask masks all");
    set(0x82, 2, 0x8000);
    ok(sent.count == 3, "and lets go of what is pending");
    set(0x82, 2, 0), set(0x52, 2, 0);
    pci_interrupt(&f, 4, true);
    ok(pin.level, "switched off: the pin again");
    set(0x82, 2, 0x8000);
    ok(!pin.level, "which messages take back");
    set(PCI_BAR_0, 4, 0xd0000000);
    ok(load(0xd000014c, 4) == 0 && load(0xd0000140, 4) == 0xfee02000 && load(TABLE + 0x40, 4) == UINT32_MAX,
       "the table goes where its base address register goes");
    set(PCI_COMMAND, 2, 0);
    ok(load(0xd0000140, 4) == UINT32_MAX, "and is off with it");
}

static void base_address_registers(void) {
    begin();
    set(0x14, 4, ~0u), set(0x18, 4, ~0u);
    ok(get(0x14, 4) == 0xffffc00c && get(0x18, 4) == UINT32_MAX && load(0xffffc000, 4) == UINT32_MAX,
       "64 bits, prefetchable: two registers; an answer to sizing is no place");
    set(0x14, 4, 0x12340000), set(0x18, 4, 0x5);
    ok(pci_function_base(&f, 1) == 0x512340000 && load(0x512340008, 4) == 0x1008, "above 4 GBytes");
    set(0x1c, 4, ~0u);
    ok(get(0x1c, 4) == 0xffff0008, "prefetchable memory");
    set(0x1c, 4, 0xc0000000);
    const struct map_segment *s = map_find(&bus.memory, 0xc0001000);
    ok(s && map_region(&bus.memory, s)->kind == REGION_MEMORY && map_region(&bus.memory, s)->shows == area.base,
       "which shows an area");
    set(0x30, 4, 0xc8000000);
    ok(!map_find(&bus.memory, 0xc8000000), "a ROM is not there while bit 0 is 0");
    set(0x30, 4, 0xc8000001);
    ok(map_find(&bus.memory, 0xc8000000) && get(0x30, 4) == 0xc8000001, "it is when it is 1");
    set(0x30, 4, ~0u);
    ok(get(0x30, 4) == 0xffff0001, "its size");
    set(0x10, 4, 0);
    ok(load(0x4, 4) == UINT32_MAX, "nothing is at 0");
    ok(get(0xc0, 4) == 0x11223344, "a register of the device's own");
    set(0xc0, 4, 0x00f0ff00 | 0xaa);
    ok(get(0xc0, 4) == 0x1102ff44, "bits to write, bits to clear by 1, and the others");
}

int main(void) {
    by_pin();
    by_msi();
    by_msix();
    base_address_registers();
    map_free(&bus.memory), map_free(&bus.ports);
    return done_testing();
}

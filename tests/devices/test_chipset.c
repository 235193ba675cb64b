// The chipsets of -machine pc and q35 by their registers: identities and bits that can be written as
// qemu-system-x86_64 7.2 has them (read from it with its qtest port, at reset), PAM, the ports and memory that
// registers move, PIRQ routes.
#include "cpu/state/cpu.h"
#include "devices/board/board.h"
#include "fake.h"
#include "tests/tap.h"
#include <stdlib.h>
#include <string.h>

static struct fake fake;
static struct memory memory;
static struct board *b;

static void begin(uint8_t machine, const char *device) {
    struct machine_config config = {.machine = machine};
    char error[200] = "";
    if (device && !machine_config_device(&config, device, error, sizeof error)) bail("%s", error);
    if (b) board_free(b), memory_free(&memory);
    free(b);
    b = calloc(1, sizeof *b);
    memset(&memory, 0, sizeof memory);
    if (!b || !memory_init(&memory, 2 << 20)) bail("no memory");
    fake_init(&fake, 1000000000);
    b->clock = fake.clock;
    if (!board_init(b, &config, &memory, error, sizeof error)) bail("%s", error);
    board_reset(b);
}

static void in(unsigned port, unsigned size, uint32_t *value) { *value = bus_in(&b->bus, (uint16_t)port, size); }
static uint32_t port(unsigned at, unsigned size) {
    uint32_t value;
    in(at, size, &value);
    return value;
}
static void out(unsigned at, unsigned size, uint32_t value) { bus_out(&b->bus, (uint16_t)at, size, value); }
enum { PLACE_MCH = 0, PLACE_PIIX3 = 8, PLACE_PM = 11, PLACE_LPC = 0xf8, PLACE_SMB = 0xfb };
static uint32_t get(unsigned place, unsigned reg) {
    out(0xcf8, 4, 0x80000000 | place << 8 | reg);
    return port(0xcfc, 4);
}
static void set(unsigned place, unsigned reg, unsigned size, uint32_t value) {
    out(0xcf8, 4, 0x80000000 | place << 8 | (reg & ~3u));
    out(0xcfc + (reg & 3), size, value);
}
static uint64_t load(uint64_t at, unsigned size) { return bus_read(&b->bus, at, size); }
static void store(uint64_t at, unsigned size, uint64_t value) { bus_write(&b->bus, at, size, value); }

// --- as QEMU has them ---
static const struct {
    uint8_t machine, place, reg;
    uint32_t initial, writable;
} rows[] = {
    {MACHINE_PC, 0, 0x00, 0x12378086, 0},
    {MACHINE_PC, 0, 0x04, 0x00000000, 0x00000507},
    {MACHINE_PC, 0, 0x08, 0x06000002, 0},
    {MACHINE_PC, 0, 0x2c, 0x11001af4, 0},
    {MACHINE_PC, 0, 0x54, 0x10000000, 0xffffffff},
    {MACHINE_PC, 0, 0x70, 0x00020000, 0xffffffff},
    {MACHINE_PC, PLACE_PIIX3, 0x00, 0x70008086, 0},
    {MACHINE_PC, PLACE_PIIX3, 0x04, 0x02000000, 0x00000507},
    {MACHINE_PC, PLACE_PIIX3, 0x08, 0x06010000, 0},
    {MACHINE_PC, PLACE_PIIX3, 0x0c, 0x00800000, 0x000000ff},
    {MACHINE_PC, PLACE_PIIX3, 0x4c, 0x0003004d, 0xffffffff},
    {MACHINE_PC, PLACE_PIIX3, 0x60, 0x80808080, 0xffffffff},
    {MACHINE_PC, PLACE_PIIX3, 0x68, 0x00000200, 0xffffffff},
    {MACHINE_PC, PLACE_PIIX3, 0x70, 0x00000080, 0xffffffff},
    {MACHINE_PC, PLACE_PIIX3, 0x74, 0x0c0c0000, 0xffffffff},
    {MACHINE_PC, PLACE_PIIX3, 0x78, 0x00000002, 0xffffffff},
    {MACHINE_PC, PLACE_PIIX3, 0xa0, 0x00000008, 0xffffffff},
    {MACHINE_PC, PLACE_PIIX3, 0xa8, 0x0000000f, 0xffffffff},
    {MACHINE_PC, PLACE_PM, 0x00, 0x71138086, 0},
    {MACHINE_PC, PLACE_PM, 0x04, 0x02800000, 0x00000507},
    {MACHINE_PC, PLACE_PM, 0x08, 0x06800003, 0},
    {MACHINE_PC, PLACE_PM, 0x3c, 0x00000100, 0x000000ff},
    {MACHINE_PC, PLACE_PM, 0x40, 0x00000001, 0xffffffff},
    {MACHINE_PC, PLACE_PM, 0x58, 0x02000000, 0xffffffff}, // with smm=off
    {MACHINE_PC, PLACE_PM, 0x5c, 0x10000000, 0xffffffff},
    {MACHINE_PC, PLACE_PM, 0x60, 0x60000000, 0xffffffff},
    {MACHINE_PC, PLACE_PM, 0x90, 0x0000b101, 0xffffffff},
    {MACHINE_PC, PLACE_PM, 0xd0, 0x00090000, 0xffffffff},
    {MACHINE_Q35, PLACE_MCH, 0x00, 0x29c08086, 0},
    {MACHINE_Q35, PLACE_MCH, 0x08, 0x06000000, 0},
    {MACHINE_Q35, PLACE_MCH, 0x60, 0xb0000000, 0xffffffff},
    {MACHINE_Q35, PLACE_LPC, 0x00, 0x29188086, 0},
    {MACHINE_Q35, PLACE_LPC, 0x08, 0x06010002, 0},
    {MACHINE_Q35, PLACE_LPC, 0x0c, 0x00800000, 0x000000ff},
    {MACHINE_Q35, PLACE_LPC, 0x40, 0x00000001, 0x0000ff87},
    {MACHINE_Q35, PLACE_LPC, 0x60, 0x80808080, 0xffffffff},
    {MACHINE_Q35, PLACE_LPC, 0x68, 0x80808080, 0xffffffff},
    {MACHINE_Q35, PLACE_SMB, 0x00, 0x29308086, 0},
    {MACHINE_Q35, PLACE_SMB, 0x08, 0x0c050002, 0},
    {MACHINE_Q35, PLACE_SMB, 0x20, 0x00000001, 0xffffffc0},
    {MACHINE_Q35, PLACE_SMB, 0x3c, 0x00000100, 0x000000ff},
    {MACHINE_Q35, PLACE_SMB, 0x40, 0x00000000, 0xfffffff7},
};

static void identities(void) {
    loop_begin("registers at reset, and which bits can be written");
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!i || rows[i].machine != rows[i - 1].machine) begin(rows[i].machine, NULL);
        unsigned place = rows[i].place, reg = rows[i].reg;
        uint32_t initial = get(place, reg);
        set(place, reg, 4, ~0u);
        uint32_t ones = get(place, reg);
        set(place, reg, 4, 0);
        uint32_t writable = ones ^ get(place, reg);
        set(place, reg, 4, initial);
        loop_check(initial == rows[i].initial && writable == rows[i].writable, "machine %u, %02x, %02x: %08x, %08x",
                   rows[i].machine, place, reg, initial, writable);
    }
    loop_end();
}

// --- PAM ---
static bool is_ram(uint64_t at) { return board_page(b, at).area != NULL; }

static void pam_of(uint8_t machine, unsigned pam0, const char *what) {
    begin(machine, NULL);
    bool good = !is_ram(0xc0000) && !is_ram(0xf0000) && !is_ram(0xff000) && is_ram(0x90000) && is_ram(0x100000);
    ok(good && load(0xf0000, 4) == UINT32_MAX, "%s: at reset nothing is RAM from C0000H to FFFFFH", what);
    loop_begin("each bit that lets reads go to RAM does so for its segment alone");
    for (unsigned n = 1; n < 14; n++)
        for (unsigned bits = 0; bits < 4; bits++) {
            set(PLACE_MCH, pam0 + n / 2, 1, bits << (n % 2 ? 4 : 0));
            for (uint64_t at = 0xc0000; at < 0x100000; at += 0x1000) {
                unsigned segment = at >= 0xf0000 ? 1 : 2 + (unsigned)(at - 0xc0000) / 0x4000;
                loop_check(is_ram(at) == (bits & 1 && segment == n), "%s: segment %u, bits %u, %lx", what, n, bits,
                           (unsigned long)at);
            }
            set(PLACE_MCH, pam0 + n / 2, 1, 0);
        }
    loop_end();
}

// --- what registers move ---
static void power_pc(void) {
    begin(MACHINE_PC, NULL);
    ok(port(0x608, 4) == UINT32_MAX, "pc: power management is nowhere at reset");
    set(PLACE_PM, 0x40, 4, 0xb001), set(PLACE_PM, 0x80, 1, 1);
    ok(port(0xb004, 2) == 1 && port(0xb008, 4) != UINT32_MAX, "PMBA and PMREGMISC say where it is");
    set(PLACE_PM, 0x80, 1, 0);
    ok(port(0xb004, 2) == 0xffff, "and whether");
    ok(port(0xb100, 1) == 0, "the SMBus is where SMBBA says");
    out(0xb104, 1, 0xa1), out(0xb102, 1, 0x48);
    ok(port(0xb100, 1) == 4 && port(0xb102, 1) == 8, "a transaction ends with a device error");
    out(0xb100, 1, 4);
    ok(port(0xb100, 1) == 0, "which is cleared by writing 1");
    out(0xb2, 1, 0x12), out(0xb3, 1, 0x34);
    ok(port(0xb2, 1) == 0x12 && port(0xb3, 1) == 0x34, "ports B2H and B3H are a store");
}

static void power_q35(void) {
    begin(MACHINE_Q35, NULL);
    ok(port(0x608, 4) == UINT32_MAX, "q35: power management is nowhere at reset");
    set(PLACE_LPC, 0x40, 4, 0x601), set(PLACE_LPC, 0x44, 1, 0x80);
    ok(port(0x604, 2) == 1 && port(0x608, 4) != UINT32_MAX && port(0x630, 4) == 0x20,
       "PMBASE says where it is; SMM is set up already");
    set(PLACE_LPC, 0xf0, 4, 0xfed1c001);
    ok(load(0xfed1f410, 4) == 0x20 && load(0xfed1f140, 2) == 0x3210, "RCBA shows the chipset's configuration");
    set(PLACE_LPC, 0xf0, 4, 0xfed1c000);
    ok(load(0xfed1f410, 4) == UINT32_MAX, "or does not");
}

static void ecam(void) {
    begin(MACHINE_Q35, "pcie-root-port,id=r,addr=4");
    ok(load(0xb0000000, 4) == UINT32_MAX, "no memory of PCI Express at reset");
    set(PLACE_MCH, 0x60, 4, 0xb0000001);
    ok(load(0xb0000000, 4) == 0x29c08086 && load(0xb00f8000, 2) == 0x8086 && load(0xb00f8002, 2) == 0x2918,
       "PCIEXBAR puts it there");
    store(0xb00f8063, 1, 0x0b);
    ok(get(PLACE_LPC, 0x60) == 0x0b808080, "it is written to, bytes too");
    ok(load(0xb0008000, 4) == UINT32_MAX && load(0xb0100000, 4) == UINT32_MAX, "where no function is, nothing answers");
    ok(load(0xb0000100, 4) == UINT32_MAX && load(0xb0020100, 4) == 0,
       "past 255 there is nothing, or an empty list of an Express function");
    set(PLACE_MCH, 0x60, 4, 0xe0000005);
    ok(load(0xe0000000, 4) == 0x29c08086 && load(0xb0000000, 4) == UINT32_MAX && load(0xe4000000, 4) == UINT32_MAX,
       "it moves, and can be shorter: 64 MBytes");
}

// --- buses ---
static void buses(void) {
    begin(MACHINE_PC, NULL);
    struct machine_config config = {.machine = MACHINE_PC};
    char error[200];
    (void)machine_config_device(&config, "pci-bridge,id=b1,addr=5", error, sizeof error);
    (void)machine_config_device(&config, "pci-bridge,id=b2,bus=b1,addr=3", error, sizeof error);
    (void)machine_config_device(&config, "pci-testdev,bus=b2,addr=1.2", error, sizeof error);
    board_free(b), free(b);
    b = calloc(1, sizeof *b);
    b->clock = fake.clock;
    if (!board_init(b, &config, &memory, error, sizeof error)) bail("%s", error);
    board_reset(b);
    ok(get(0x28, 0) == 0x00011b36 && get(0x28, 0x0c) >> 16 == 1, "a bridge");
    ok(get(0x100, 0) == UINT32_MAX && get(0x118, 0) == UINT32_MAX, "what is behind has no number yet");
    set(0x28, 0x18, 4, 0x030100);
    ok(get(0x118, 0) == 0x00011b36 && get(0x100, 0) == UINT32_MAX, "SECONDARY is the number of the bus behind it");
    set(0x118, 0x18, 4, 0x020201);
    ok(get(0x20a, 0) == 0x00051b36 && get(0x208, 0) == UINT32_MAX, "and so on; functions beside 0");
    set(0x28, 0x1a, 1, 1);
    ok(get(0x20a, 0) == UINT32_MAX, "past SUBORDINATE nothing is handed on");
    set(0x28, 0x1a, 1, 3), set(0x118, 0x19, 1, 3), set(0x118, 0x1a, 1, 3);
    ok(get(0x30a, 0) == 0x00051b36 && get(0x20a, 0) == UINT32_MAX, "numbers change at any time");
    set(0x30a, 0x10, 4, 0xd0000000), set(0x30a, 4, 2, 7);
    store(0xd0000000, 1, 0);
    ok(load(0xd0000001, 1) == 1, "a device behind two bridges works");
    ok(!machine_config_device(&config, "pci-testdev,addr=20", error, sizeof error), "there are 32 devices on a bus");
    begin(MACHINE_PC, NULL);
}

// --- routes ---
static uint32_t pirr(void) { // requests at both 8259s
    out(0x20, 1, 0x0a), out(0xa0, 1, 0x0a);
    return port(0x20, 1) | port(0xa0, 1) << 8;
}
static bool drives(struct line *pin, unsigned irq) {
    line_set(pin, true);
    bool high = pirr() >> irq & 1;
    line_set(pin, false);
    return high && !(pirr() >> irq & 1);
}
static bool is_quiet(struct line *pin) {
    uint32_t before = pirr();
    line_set(pin, true);
    bool same = pirr() == before;
    line_set(pin, false);
    return same;
}

static struct pci_function pin_at(const struct pci_identity *identity, unsigned slot) {
    return (struct pci_function){.identity = identity, .place = (uint8_t)(slot << 3)};
}

static void routes(uint8_t machine, unsigned isa, unsigned slot, unsigned reg, const char *what) {
    static struct pci_identity identity;
    static struct pci_function f;
    identity = (struct pci_identity){.pin = 1};
    f = pin_at(&identity, slot);
    begin(machine, NULL);
    out(0x4d0, 1, 0xf8), out(0x4d1, 1, 0xde);
    struct line pin = chipset_pin(&b->chipset, 30, &f);
    ok(is_quiet(&pin), "%s: a pin goes nowhere at reset", what);
    set(isa, reg, 1, 11);
    ok(drives(&pin, 11), "%s: device %u's INTA to IRQ 11 by register %02x", what, slot, reg);
    set(isa, reg, 1, 0x8b);
    ok(is_quiet(&pin), "bit 7 cuts it off");
    set(isa, reg, 1, 5);
    line_set(&pin, true);
    set(isa, reg, 1, 6);
    ok((pirr() & 0x60) == 0x40, "a route that changes takes the level along");
    line_set(&pin, false);
}

static void rotated(void) {
    static struct pci_identity identity;
    static struct pci_function f;
    begin(MACHINE_PC, NULL);
    out(0x4d0, 1, 0xf8), out(0x4d1, 1, 0xde);
    set(PLACE_PIIX3, 0x60, 4, 0x0706050b);
    static const uint8_t irqs[4] = {11, 5, 6, 7};
    loop_begin("pc: pins are rotated by device number");
    for (unsigned slot = 1; slot < 32; slot++)
        for (unsigned n = 0; n < 4; n++) {
            identity.pin = (uint8_t)(n + 1);
            f = pin_at(&identity, slot);
            struct line pin = chipset_pin(&b->chipset, 30, &f);
            loop_check(drives(&pin, irqs[(slot - 1 + n) & 3]), "%u.%u", slot, n);
        }
    loop_end();
}

static void slot_routes(void) {
    static const struct {
        uint8_t slot;
        uint16_t reg;
    } known[] = {{31, 0x3140}, {29, 0x3144}, {28, 0x3146}, {27, 0x3148}, {26, 0x314c}, {25, 0x3150}};
    begin(MACHINE_Q35, NULL);
    set(PLACE_LPC, 0xf0, 4, 0xfed1c001);
    loop_begin("q35: DnnIR of device nn");
    for (unsigned i = 0; i < 6; i++) {
        loop_check(chipset_pirq(&b->chipset, known[i].slot, 2) == 2, "%u at reset", known[i].slot);
        store(0xfed1c000 + known[i].reg, 2, 0x7654);
        for (unsigned pin = 0; pin < 4; pin++)
            loop_check(chipset_pirq(&b->chipset, known[i].slot, pin) == 4 + pin, "%u.%u", known[i].slot, pin);
    }
    loop_check(chipset_pirq(&b->chipset, 30, 1) == 5 && chipset_pirq(&b->chipset, 3, 2) == 5,
               "others are at PIRQE to H");
    loop_end();
    ok(chipset_input(&b->chipset, 0) == 16 && chipset_input(&b->chipset, 7) == 23, "PIRQA is at I/O APIC input 16");
}

int main(void) {
    identities();
    pam_of(MACHINE_PC, 0x59, "pc");
    pam_of(MACHINE_Q35, 0x90, "q35");
    power_pc();
    power_q35();
    ecam();
    buses();
    routes(MACHINE_PC, PLACE_PIIX3, 4, 0x63, "pc");
    routes(MACHINE_Q35, PLACE_LPC, 3, 0x6b, "q35");
    rotated();
    slot_routes();
    board_free(b), free(b), memory_free(&memory);
    return done_testing();
}

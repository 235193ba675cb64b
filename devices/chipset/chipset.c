// Pins of PCI functions and where they go; see chipset.h. 82371SB (PIIX3) data sheet, 4.1.10 (PIRQRC); Intel I/O
// Controller Hub 9 data sheet, 10.1.34 (DnnIR), 13.1.13 (PIRQ[n]_ROUT). Which pin is at which PIRQ of a PIIX3 is up to
// the board's maker: as on QEMU's.
#include "devices/chipset/chipset.h"

static const struct state_field fields[] = {STATE_ONE(struct chipset, asserted)};
const struct state_table chipset_state = STATE_TABLE("chipset", fields);

enum { ISA_INPUTS = 16, FIRST_OF_PIRQS = 16 };

unsigned chipset_pirq(const struct chipset *c, unsigned slot, unsigned pin) {
    if (c->kind == CHIPSET_PC) return (slot + pin - 1) & 3;
    return c->slot_route[slot & (PCI_SLOTS - 1)] >> (4 * pin) & 7;
}

int chipset_input(const struct chipset *c, unsigned pirq) {
    if (c->kind == CHIPSET_Q35) return (int)(FIRST_OF_PIRQS + pirq);
    return c->route[pirq] < ISA_INPUTS ? c->route[pirq] : -1;
}

// The inputs that the functions assert now.
static uint32_t inputs(const struct chipset *c) {
    uint32_t set = 0;
    for (uint32_t left = c->asserted; left; left &= left - 1) {
        const struct pci_function *f = c->function[__builtin_ctz(left)];
        unsigned slot, pin;
        if (!f || !f->identity->pin) continue;
        pci_root_pin(c->pci, f, &slot, &pin);
        unsigned pirq = chipset_pirq(c, slot, pin);
        if (c->route[pirq] < ISA_INPUTS) set |= 1u << c->route[pirq];
        if (c->kind == CHIPSET_Q35) set |= 1u << (FIRST_OF_PIRQS + pirq);
    }
    return set;
}

void chipset_routed(struct chipset *c) {
    uint32_t set = inputs(c);
    for (unsigned i = 0; i < CHIPSET_INPUTS; i++) c->set_input(c->owner, i, set >> i & 1);
}

static void pin_changed(void *owner, unsigned number, bool level) {
    struct chipset *c = owner;
    uint32_t bit = 1u << number, old = c->asserted;
    c->asserted = level ? old | bit : old & ~bit;
    if (c->asserted != old) chipset_routed(c);
}

struct line chipset_pin(struct chipset *c, unsigned number, const struct pci_function *f) {
    c->function[number % CHIPSET_FUNCTIONS] = f;
    return (struct line){pin_changed, c, number % CHIPSET_FUNCTIONS};
}

uint32_t chipset_power(const struct chipset *c) {
    const struct region *r = &c->pci->wires->ports.region[c->pm_ports];
    return r->off ? PM_BASE : (uint32_t)r->base;
}

void chipset_init(struct chipset *c, uint8_t kind, struct pci *pci, struct pm *pm) {
    struct region power = {.bytes = PM_BYTES,
                           .device = &pm_device,
                           .chip = pm,
                           .widths = WIDTH_2 | WIDTH_4,
                           .priority = PRIORITY_CHIP,
                           .off = true};
    struct region ecam = {
        .bytes = 256 << 20, .device = &ecam_device, .chip = pci, .widths = 15, .priority = PRIORITY_CHIP, .off = true};
    c->kind = kind;
    c->pci = pci;
    c->pm = pm;
    c->pm_ports = map_add(&pci->wires->ports, &power);
    if (kind == CHIPSET_Q35) {
        c->ecam = map_add(&pci->wires->memory, &ecam);
        pci->bus[0].name = "pcie.0";
    }
    pam_init(&c->pam, &pci->wires->memory);
}

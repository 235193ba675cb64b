// Interrupts of a function: MSI-X, MSI, or its pin. PCI Local Bus specification 3.0, 6.2.2 (interrupt disable,
// interrupt status), 6.8. A message leaves by one door, which names the requester. NOT IMPLEMENTED: per-vector masks of
// MSI.
#include "cpu/state/outcome.h"
#include "devices/pci/function.h"
#include <string.h>

#define COMMAND_NO_PIN BIT(10)
#define STATUS_ASSERTED BIT(3)
#define MSI_ENABLE BIT(0)
#define MSIX_ENABLE BIT(15)
#define MSIX_MASK_ALL BIT(14)
#define VECTOR_MASKED BIT(0)
enum { TABLE, PENDING, VECTOR_BYTES = 16 };

static uint16_t get16(const struct pci_function *f, unsigned at) { return (uint16_t)pci_function_read(f, at, 2); }

static uint16_t msix_control(const struct pci_function *f) { return f->msix_at ? get16(f, f->msix_at + 2) : 0; }
static uint16_t msi_control(const struct pci_function *f) { return f->msi_at ? get16(f, f->msi_at + 2) : 0; }

bool pci_uses_msix(const struct pci_function *f) { return msix_control(f) & MSIX_ENABLE; }
bool pci_uses_messages(const struct pci_function *f) { return pci_uses_msix(f) || msi_control(f) & MSI_ENABLE; }

// --- messages ---
static void send(struct pci_function *f, uint64_t address, uint32_t data) {
    if (f->config[PCI_COMMAND] & PCI_BUS_MASTER && f->message) f->message(f->owner, f->requester, address, data);
}

static void send_msi(struct pci_function *f, unsigned vector) {
    unsigned granted = 1u << (msi_control(f) >> 4 & 7), at = f->msi_at;
    uint64_t address = pci_function_read(f, at + 4, 4) | (uint64_t)pci_function_read(f, at + 8, 4) << 32;
    uint32_t data = get16(f, at + 12);
    send(f, address, (data & ~(granted - 1)) | (vector & (granted - 1)));
}

static bool masked(const struct pci_function *f, unsigned vector) {
    return msix_control(f) & MSIX_MASK_ALL || f->interrupts->vector[vector].control & VECTOR_MASKED;
}

// "If a masked vector has its Pending bit set, and the software later unmasks it, the function must send the message."
static void send_msix(struct pci_function *f, unsigned vector) {
    if (vector >= f->identity->msix.vectors) return;
    const struct pci_vector *v = &f->interrupts->vector[vector];
    uint64_t bit = BIT(vector);
    if (masked(f, vector)) {
        f->interrupts->pending |= bit;
    } else {
        f->interrupts->pending &= ~bit;
        send(f, v->address, v->data);
    }
}

static void send_pending(struct pci_function *f) {
    for (uint64_t left = pci_uses_msix(f) ? f->interrupts->pending : 0; left; left &= left - 1) {
        unsigned vector = (unsigned)__builtin_ctzll(left);
        if (!masked(f, vector)) send_msix(f, vector);
    }
}

// --- the pin ---
static void drive_pin(struct pci_function *f) {
    bool asserted = f->interrupts->levels && !pci_uses_messages(f), off = get16(f, PCI_COMMAND) & COMMAND_NO_PIN;
    uint8_t status = (uint8_t)STATUS_ASSERTED;
    f->config[PCI_STATUS] = (uint8_t)(asserted ? f->config[PCI_STATUS] | status : f->config[PCI_STATUS] & ~status);
    line_set(&f->intx, asserted && !off);
}

void pci_interrupt(struct pci_function *f, unsigned vector, bool level) {
    struct pci_interrupts *i = f->interrupts;
    uint64_t bit = BIT(vector % PCI_VECTORS), old = i->levels;
    i->levels = level ? old | bit : old & ~bit;
    if (level && !(old & bit) && pci_uses_msix(f))
        send_msix(f, vector);
    else if (level && !(old & bit) && pci_uses_messages(f))
        send_msi(f, vector);
    if (i->levels != old) drive_pin(f);
}

void pci_interrupt_changed(struct pci_function *f) {
    if (!f->interrupts) return;
    send_pending(f);
    drive_pin(f);
}

// --- table and pending bits ---
static uint64_t msix_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    struct pci_function *f = chip;
    uint64_t value = 0;
    const char *from = space == TABLE ? (const char *)f->interrupts->vector : (const char *)&f->interrupts->pending;
    memcpy(&value, from + offset, size);
    return value;
}

static void msix_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    struct pci_function *f = chip;
    unsigned vector = (unsigned)(offset / VECTOR_BYTES);
    if (space == PENDING) return;
    memcpy((char *)f->interrupts->vector + offset, &value, size);
    f->interrupts->vector[vector].control &= (uint32_t)VECTOR_MASKED;
    f->interrupts->vector[vector].address &= ~BITS(1, 0);
    send_pending(f);
}

static const struct device msix_device = {.name = "msix", .read = msix_read, .write = msix_write};

// Where they lie in the range of the base address register.
void pci_interrupt_init(struct pci_function *f) {
    const struct pci_msix *m = &f->identity->msix;
    if (!m->vectors) return;
    if (m->vectors > PCI_VECTORS) __builtin_trap();
    struct region r = {.device = &msix_device,
                       .chip = f,
                       .space = TABLE,
                       .widths = WIDTH_4 | WIDTH_8,
                       .priority = PRIORITY_FUNCTION,
                       .off = true};
    r.bytes = VECTOR_BYTES * m->vectors;
    f->msix_table = map_add(&f->bus->memory, &r);
    r.space = PENDING;
    r.bytes = sizeof f->interrupts->pending;
    f->msix_pending = map_add(&f->bus->memory, &r);
}

void pci_interrupt_place(struct pci_function *f, bool on) {
    const struct pci_msix *m = &f->identity->msix;
    if (!m->vectors) return;
    uint64_t base = pci_function_base(f, m->bar);
    map_place(&f->bus->memory, f->msix_table, base + m->table, on);
    map_place(&f->bus->memory, f->msix_pending, base + m->pending, on);
}

void pci_interrupt_reset(struct pci_function *f) {
    if (!f->interrupts) return;
    *f->interrupts = (struct pci_interrupts){0};
    for (unsigned i = 0; i < PCI_VECTORS; i++) f->interrupts->vector[i].control = (uint32_t)VECTOR_MASKED;
}

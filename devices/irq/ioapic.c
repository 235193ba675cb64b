// The I/O APIC. Intel 82093AA data sheet, 3.0; version 20H with an EOI register, as in Intel's I/O controller hubs.
//
// Lines carry "asserted" or not, whatever the electrical polarity: INTPOL is stored and has no effect.
#include "devices/irq/ioapic.h"
#include "cpu/state/outcome.h"

enum { IOREGSEL = 0x00, IOWIN = 0x10, EOIR = 0x40 };
enum { IOAPIC_ID = 0, IOAPIC_VER = 1, IOAPIC_ARB = 2, IOREDTBL = 0x10 };
#define VERSION (0x20u | (IOAPIC_PINS - 1) << 16)
#define RTE_VECTOR BITS(7, 0)
#define RTE_DELIVERY_SHIFT 8
#define RTE_LOGICAL BIT(11)
#define RTE_STATUS BIT(12)
#define RTE_REMOTE_IRR BIT(14)
#define RTE_LEVEL BIT(15)
#define RTE_MASKED BIT(16)
#define RTE_READ_ONLY (RTE_STATUS | RTE_REMOTE_IRR)
#define RTE_DEFINED (BITS(63, 56) | BITS(16, 0))
#define RTE_DESTINATION_SHIFT 56

static const struct state_field fields[] = {
    STATE_ARRAY(struct ioapic, redirection),
    STATE_ONE_TO(struct ioapic, lines, (1u << IOAPIC_PINS) - 1),
    STATE_ONE_TO(struct ioapic, waiting, (1u << IOAPIC_PINS) - 1),
    STATE_ONE(struct ioapic, id),
    STATE_ONE(struct ioapic, select),
};
static const struct state_table ioapic_state = STATE_TABLE("ioapic", fields);

static bool level_triggered(uint64_t rte) {
    unsigned delivery = rte >> RTE_DELIVERY_SHIFT & 7;
    return rte & RTE_LEVEL && (delivery == DELIVERY_FIXED || delivery == DELIVERY_LOWEST);
}

static bool send(struct ioapic *io, uint64_t rte) {
    struct apic_message m = {
        .destination = (uint32_t)(rte >> RTE_DESTINATION_SHIFT),
        .logical = rte & RTE_LOGICAL,
        .delivery = rte >> RTE_DELIVERY_SHIFT & 7,
        .vector = (uint8_t)rte,
        .level = level_triggered(rte),
    };
    return apic_deliver(io->bus, &m);
}

// Sends what pin stands for, if it asks and may.
static void service(struct ioapic *io, unsigned pin) {
    uint64_t *rte = &io->redirection[pin];
    uint32_t bit = 1u << pin;
    if (level_triggered(*rte)) io->waiting = io->lines & bit ? io->waiting | bit : io->waiting & ~bit;
    if (!(io->waiting & bit) || *rte & (RTE_MASKED | RTE_REMOTE_IRR)) return;
    if (!send(io, *rte)) return;
    io->waiting &= ~bit;
    if (level_triggered(*rte)) *rte |= RTE_REMOTE_IRR;
}

void ioapic_set(struct ioapic *io, unsigned pin, bool level) {
    uint32_t bit = 1u << pin;
    bool rises = level && !(io->lines & bit);
    io->lines = level ? io->lines | bit : io->lines & ~bit;
    uint64_t rte = io->redirection[pin];
    // "Edge-sensitive interrupts signaled on a masked interrupt pin are ignored (i.e., not delivered or held pending)."
    if (!level_triggered(rte) && rises && !(rte & RTE_MASKED)) io->waiting |= bit;
    service(io, pin);
}

void ioapic_eoi(struct ioapic *io, uint8_t vector) {
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        uint64_t *rte = &io->redirection[pin];
        if ((*rte & RTE_VECTOR) != vector || !(*rte & RTE_REMOTE_IRR)) continue;
        *rte &= ~RTE_REMOTE_IRR;
        service(io, pin);
    }
}

bool ioapic_lets_through(const struct ioapic *io) {
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
        if (!(io->redirection[pin] & RTE_MASKED)) return true;
    return false;
}

bool ioapic_has_nmi(const struct ioapic *io) {
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        unsigned delivery = io->redirection[pin] >> RTE_DELIVERY_SHIFT & 7;
        if (!(io->redirection[pin] & RTE_MASKED) && (delivery == DELIVERY_NMI || delivery == DELIVERY_INIT))
            return true;
    }
    return false;
}

static void write_redirection(struct ioapic *io, unsigned half, uint32_t value) {
    unsigned pin = half / 2;
    uint64_t *rte = &io->redirection[pin];
    uint64_t image = half & 1 ? (*rte & BITS(31, 0)) | (uint64_t)value << 32 : (*rte & BITS(63, 32)) | value;
    *rte = (image & RTE_DEFINED & ~RTE_READ_ONLY) | (*rte & RTE_READ_ONLY);
    // An edge-triggered entry has no remote IRR; one that became masked forgets its edge.
    if (!level_triggered(*rte)) {
        *rte &= ~RTE_REMOTE_IRR;
        if (*rte & RTE_MASKED) io->waiting &= ~(1u << pin);
    }
    service(io, pin);
}

static uint32_t read_register(const struct ioapic *io) {
    unsigned reg = io->select;
    if (reg >= IOREDTBL && reg < IOREDTBL + 2 * IOAPIC_PINS) {
        uint64_t rte = io->redirection[(reg - IOREDTBL) / 2];
        return (uint32_t)(reg & 1 ? rte >> 32 : rte);
    }
    switch (reg) {
    case IOAPIC_ID:
    case IOAPIC_ARB: return (uint32_t)io->id << 24;
    case IOAPIC_VER: return VERSION;
    default: return 0;
    }
}

static void write_register(struct ioapic *io, uint32_t value) {
    unsigned reg = io->select;
    if (reg == IOAPIC_ID)
        io->id = value >> 24 & 15;
    else if (reg >= IOREDTBL && reg < IOREDTBL + 2 * IOAPIC_PINS)
        write_redirection(io, reg - IOREDTBL, value);
}

static uint64_t ioapic_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    (void)space, (void)size;
    struct ioapic *io = chip;
    return offset == IOREGSEL ? io->select : offset == IOWIN ? read_register(io) : 0;
}

static void ioapic_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    (void)space, (void)size;
    struct ioapic *io = chip;
    if (offset == IOREGSEL)
        io->select = (uint8_t)value;
    else if (offset == IOWIN)
        write_register(io, (uint32_t)value);
    else if (offset == EOIR)
        ioapic_eoi(io, (uint8_t)value);
}

static void ioapic_reset(void *chip) {
    struct ioapic *io = chip;
    for (unsigned i = 0; i < IOAPIC_PINS; i++) io->redirection[i] = RTE_MASKED;
    io->waiting = 0;
    io->id = io->select = 0;
}

const struct device ioapic_device = {
    .name = "ioapic", .read = ioapic_read, .write = ioapic_write, .reset = ioapic_reset, .state = &ioapic_state};

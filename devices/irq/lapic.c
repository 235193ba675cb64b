// The local APIC: registers, priorities, acceptance of interrupts, interprocessor interrupts. SDM Vol. 3A, 10.4
// to 10.8.
//
// ICR delivery is immediate: the delivery status bit always reads 0. Focus checking and arbitration do not exist on
// current processors. NOT IMPLEMENTED: SMI delivery (no SMM), EOI-broadcast suppression, LVT CMCI.
#include "devices/irq/lapic.h"
#include "cpu/state/cpu.h"

#define SVR_ENABLE BIT(8)
#define VERSION 0x00050014u // Table in 10.4.8: version 14H, six LVT entries
#define ICR_DELIVERY_SHIFT 8
#define ICR_LOGICAL BIT(11)
#define ICR_STATUS BIT(12)
#define ICR_ASSERT BIT(14)
#define ICR_LEVEL BIT(15)
#define ICR_WRITABLE (BITS(19, 18) | BITS(15, 14) | BITS(11, 0))
enum shorthand { TO_DESTINATION, TO_SELF, TO_ALL, TO_OTHERS };
#define BROADCAST_XAPIC 0xffu
#define BROADCAST_X2APIC 0xffffffffu

static const struct state_field fields[] = {
    STATE_ONE(struct lapic, base),         STATE_ONE(struct lapic, icr),
    STATE_ONE(struct lapic, timer_start),  STATE_ONE(struct lapic, tsc_deadline),
    STATE_ARRAY(struct lapic, irr),        STATE_ARRAY(struct lapic, isr),
    STATE_ARRAY(struct lapic, tmr),        STATE_ARRAY(struct lapic, lvt),
    STATE_ONE(struct lapic, id),           STATE_ONE(struct lapic, tpr),
    STATE_ONE(struct lapic, ldr),          STATE_ONE(struct lapic, dfr),
    STATE_ONE(struct lapic, svr),          STATE_ONE(struct lapic, esr),
    STATE_ONE(struct lapic, errors),       STATE_ONE(struct lapic, timer_initial),
    STATE_ONE(struct lapic, timer_divide), STATE_ONE_TO(struct lapic, timer_counting, 1),
    STATE_ONE_TO(struct lapic, lint0, 1),        STATE_ONE_TO(struct lapic, extint, 1),
};
static const struct state_table lapic_state = STATE_TABLE("lapic", fields);

// --- 256-bit vector registers ---
static void vector_set(uint32_t reg[8], unsigned v) { reg[v >> 5] |= 1u << (v & 31); }
static void vector_clear(uint32_t reg[8], unsigned v) { reg[v >> 5] &= ~(1u << (v & 31)); }
static bool vector_test(const uint32_t reg[8], unsigned v) { return reg[v >> 5] >> (v & 31) & 1; }
static int vector_highest(const uint32_t reg[8]) {
    for (int i = 7; i >= 0; i--)
        if (reg[i]) return i * 32 + 31 - __builtin_clz(reg[i]);
    return -1;
}

static bool software_enabled(const struct lapic *l) { return l->svr & SVR_ENABLE; }

// --- priorities, 10.8.3 ---
uint8_t lapic_priority(const struct lapic *l) {
    int serving = vector_highest(l->isr);
    uint8_t class = serving < 0 ? 0 : (uint8_t)(serving & 0xf0);
    return (l->tpr & 0xf0) >= class ? (uint8_t)l->tpr : class;
}

// The vector that can be given to the processor now, or -1.
static int deliverable(const struct lapic *l) {
    if (!lapic_enabled(l)) return -1;
    int vector = vector_highest(l->irr);
    return vector >= 0 && (vector & 0xf0) > (lapic_priority(l) & 0xf0) ? vector : -1;
}

// INTR of the 8259A: through LINT0 programmed as ExtINT, or directly when the local APIC is disabled (10.4.3).
static bool extint_pending(const struct lapic *l) {
    if (!lapic_enabled(l)) return l->lint0;
    uint32_t lvt = l->lvt[LVT_LINT0];
    bool open = !(lvt & LVT_MASKED) && (lvt >> LVT_DELIVERY_SHIFT & 7) == DELIVERY_EXTINT;
    return l->extint || (open && l->lint0);
}

void lapic_update(struct lapic *l) { cpu_pend(l->cpu, PENDING_INTR, deliverable(l) >= 0 || extint_pending(l)); }

int lapic_acknowledge(struct lapic *l) {
    int vector = deliverable(l);
    if (vector >= 0) {
        vector_clear(l->irr, (unsigned)vector);
        vector_set(l->isr, (unsigned)vector);
    } else if (extint_pending(l)) {
        l->extint = 0;
        vector = l->bus->pic_acknowledge(l->bus->owner);
    }
    lapic_update(l);
    return vector;
}

static void end_of_interrupt(struct lapic *l) {
    int vector = vector_highest(l->isr);
    if (vector < 0) return;
    vector_clear(l->isr, (unsigned)vector);
    if (vector_test(l->tmr, (unsigned)vector)) l->bus->eoi(l->bus->owner, (uint8_t)vector);
    lapic_update(l);
}

uint64_t lapic_cr8(const struct lapic *l) { return l->tpr >> 4; }
void lapic_set_cr8(struct lapic *l, uint64_t value) {
    l->tpr = (uint32_t)(value & 15) << 4;
    lapic_update(l);
}

// --- acceptance, 10.8.4 ---
void lapic_error(struct lapic *l, uint32_t error) {
    l->errors |= error;
    lapic_local_interrupt(l, LVT_ERROR);
}

void lapic_accept(struct lapic *l, uint8_t vector, bool level) {
    if (vector < 16) {
        // An error interrupt with an illegal vector must not report itself for ever.
        l->errors |= ESR_RECEIVE_VECTOR;
        uint32_t lvt = l->lvt[LVT_ERROR];
        if (!(lvt & LVT_MASKED) && (lvt & LVT_VECTOR) >= 16) lapic_local_interrupt(l, LVT_ERROR);
        return;
    }
    vector_set(l->irr, vector);
    if (level)
        vector_set(l->tmr, vector);
    else
        vector_clear(l->tmr, vector);
    lapic_update(l);
}

static void take(struct lapic *l, unsigned delivery, uint8_t vector, bool level) {
    switch (delivery) {
    case DELIVERY_FIXED:
    case DELIVERY_LOWEST: lapic_accept(l, vector, level); break;
    case DELIVERY_NMI: cpu_pend(l->cpu, PENDING_NMI, true); break;
    case DELIVERY_INIT:
        cpu_pend(l->cpu, PENDING_SIPI, false); // one that comes after the INIT counts
        cpu_pend(l->cpu, PENDING_INIT, true);
        break;
    case DELIVERY_STARTUP:
        l->cpu->boundary.sipi_vector = vector;
        cpu_pend(l->cpu, PENDING_SIPI, true);
        break;
    case DELIVERY_EXTINT:
        l->extint = 1;
        lapic_update(l);
        break;
    default: break;
    }
}

void lapic_local_interrupt(struct lapic *l, enum lapic_lvt which) {
    uint32_t lvt = l->lvt[which];
    if (lvt & LVT_MASKED || !lapic_enabled(l)) return;
    unsigned delivery = which == LVT_TIMER || which == LVT_ERROR ? DELIVERY_FIXED : lvt >> LVT_DELIVERY_SHIFT & 7;
    take(l, delivery, (uint8_t)lvt, false);
}

// The entry masks itself. SDM Vol. 3A, 10.5.1.
void lapic_performance_interrupt(struct lapic *l) {
    lapic_local_interrupt(l, LVT_PERFORMANCE);
    if (lapic_enabled(l)) l->lvt[LVT_PERFORMANCE] |= LVT_MASKED;
}

void lapic_set_lint0(struct lapic *l, bool level) {
    bool rises = level && !l->lint0;
    l->lint0 = level;
    bool extint = (l->lvt[LVT_LINT0] >> LVT_DELIVERY_SHIFT & 7) == DELIVERY_EXTINT;
    if (rises && !extint) lapic_local_interrupt(l, LVT_LINT0);
    lapic_update(l);
}

void lapic_nmi(struct lapic *l) {
    if (lapic_enabled(l))
        lapic_local_interrupt(l, LVT_LINT1);
    else
        cpu_pend(l->cpu, PENDING_NMI, true);
}

// --- messages, 10.6.2 ---
static bool matches_logical(const struct lapic *l, uint32_t mda) {
    if (lapic_x2apic(l)) return mda >> 16 == l->ldr >> 16 && mda & l->ldr & 0xffff;
    uint32_t id = l->ldr >> 24;
    if (mda > 0xff) return false;
    if (l->dfr >> 28 == 15) return mda & id;     // flat model
    return mda >> 4 == id >> 4 && mda & id & 15; // cluster model
}

static bool matches(const struct lapic *l, const struct apic_message *m) {
    if (m->destination == (m->wide ? BROADCAST_X2APIC : BROADCAST_XAPIC)) return true;
    return m->logical ? matches_logical(l, m->destination) : m->destination == l->id;
}

static bool takes(const struct lapic *l, const struct apic_message *m) {
    if (!lapic_enabled(l)) return false;
    return software_enabled(l) || (m->delivery != DELIVERY_FIXED && m->delivery != DELIVERY_LOWEST);
}

static bool deliver_lowest(struct apic_bus *bus, const struct apic_message *m) {
    struct lapic *best = NULL;
    for (unsigned i = 0; i < bus->count; i++) {
        struct lapic *l = &bus->lapic[i];
        if (matches(l, m) && takes(l, m) && (!best || lapic_priority(l) < lapic_priority(best))) best = l;
    }
    if (best) take(best, m->delivery, m->vector, m->level);
    return best;
}

bool apic_deliver(struct apic_bus *bus, const struct apic_message *m) {
    if (m->delivery == DELIVERY_LOWEST) return deliver_lowest(bus, m);
    bool taken = false;
    for (unsigned i = 0; i < bus->count; i++) {
        struct lapic *l = &bus->lapic[i];
        if (!matches(l, m) || !takes(l, m)) continue;
        take(l, m->delivery, m->vector, m->level);
        taken = true;
    }
    return taken;
}

static void deliver_shorthand(struct lapic *self, enum shorthand to, const struct apic_message *m) {
    for (unsigned i = 0; i < self->bus->count; i++) {
        struct lapic *l = &self->bus->lapic[i];
        bool meant = to == TO_ALL || (l == self) == (to == TO_SELF);
        if (meant && takes(l, m)) take(l, m->delivery, m->vector, m->level);
    }
}

void lapic_write_icr(struct lapic *l, uint64_t value) {
    l->icr = value & (ICR_WRITABLE | BITS(63, 32));
    struct apic_message m = {
        .destination = lapic_x2apic(l) ? (uint32_t)(value >> 32) : (uint32_t)(value >> 56),
        .wide = lapic_x2apic(l),
        .logical = value & ICR_LOGICAL,
        .delivery = value >> ICR_DELIVERY_SHIFT & 7,
        .vector = (uint8_t)value,
    };
    // "The trigger mode is edge for all but INIT level de-assert", which current processors do not act upon.
    if (m.delivery == DELIVERY_INIT && value & ICR_LEVEL && !(value & ICR_ASSERT)) return;
    if (m.delivery == DELIVERY_FIXED || m.delivery == DELIVERY_LOWEST) {
        if (m.vector < 16) {
            lapic_error(l, ESR_SEND_VECTOR);
            return;
        }
    }
    enum shorthand to = value >> 18 & 3;
    if (to == TO_DESTINATION)
        apic_deliver(l->bus, &m);
    else
        deliver_shorthand(l, to, &m);
}

// "Semantically identical to sending a self-IPI" through the ICR, 10.12.11; the ICR keeps its value.
void lapic_self_ipi(struct lapic *l, uint8_t vector) {
    if (vector < 16)
        lapic_error(l, ESR_SEND_VECTOR);
    else if (software_enabled(l))
        lapic_accept(l, vector, false);
}

// --- registers, 10.4.1 ---
static void write_svr(struct lapic *l, uint32_t value) {
    l->svr = value & (uint32_t)(BITS(9, 8) | BITS(7, 0));
    if (software_enabled(l)) return;
    for (unsigned i = 0; i < LVT_COUNT; i++) l->lvt[i] |= LVT_MASKED; // 10.4.7.2
    lapic_timer_lvt(l, l->lvt[LVT_TIMER]);
}

// The bits that can be written, Figure 10-8.
static uint32_t lvt_writable(const struct lapic *l, unsigned which) {
    switch (which) {
    case LVT_TIMER: return (uint32_t)(LVT_VECTOR | LVT_MASKED | BIT(17) | (l->has_tsc_deadline ? BIT(18) : 0));
    case LVT_ERROR: return (uint32_t)(LVT_VECTOR | LVT_MASKED);
    case LVT_LINT0:
    case LVT_LINT1: return (uint32_t)(LVT_VECTOR | BITS(10, 8) | BIT(13) | LVT_LEVEL | LVT_MASKED);
    default: return (uint32_t)(LVT_VECTOR | BITS(10, 8) | LVT_MASKED);
    }
}

static void write_lvt(struct lapic *l, unsigned which, uint32_t value) {
    uint32_t old = l->lvt[which];
    l->lvt[which] = (value & lvt_writable(l, which)) | (software_enabled(l) ? 0 : (uint32_t)LVT_MASKED);
    if (which == LVT_TIMER) lapic_timer_lvt(l, old);
    lapic_update(l);
}

uint32_t lapic_read_register(struct lapic *l, unsigned reg) {
    if (reg >= APIC_ISR && reg < APIC_TMR) return l->isr[reg - APIC_ISR];
    if (reg >= APIC_TMR && reg < APIC_IRR) return l->tmr[reg - APIC_TMR];
    if (reg >= APIC_IRR && reg < APIC_ESR) return l->irr[reg - APIC_IRR];
    if (reg >= APIC_LVT && reg < APIC_LVT + LVT_COUNT) return l->lvt[reg - APIC_LVT];
    switch (reg) {
    case APIC_ID: return lapic_x2apic(l) ? l->id : l->id << 24;
    case APIC_VERSION: return VERSION;
    case APIC_TPR: return l->tpr;
    case APIC_PPR: return lapic_priority(l);
    case APIC_LDR: return l->ldr;
    case APIC_DFR: return l->dfr;
    case APIC_SVR: return l->svr;
    case APIC_ESR: return l->esr;
    case APIC_ICR: return (uint32_t)l->icr;
    case APIC_ICR_HIGH: return (uint32_t)(l->icr >> 32);
    case APIC_TIMER_INITIAL: return l->timer_initial;
    case APIC_TIMER_CURRENT: return lapic_timer_current(l);
    case APIC_TIMER_DIVIDE: return l->timer_divide;
    default: return 0;
    }
}

void lapic_write_register(struct lapic *l, unsigned reg, uint32_t value) {
    lapic_timer_due(l);
    if (reg >= APIC_LVT && reg < APIC_LVT + LVT_COUNT) {
        write_lvt(l, reg - APIC_LVT, value);
        return;
    }
    switch (reg) {
    case APIC_ID:
        if (!l->has_x2apic) l->id = value >> 24; // "processor model specific": read-only in the newer ones
        break;
    case APIC_TPR:
        l->tpr = value & 0xff;
        lapic_update(l);
        break;
    case APIC_EOI: end_of_interrupt(l); break;
    case APIC_LDR: l->ldr = value & (uint32_t)BITS(31, 24); break;
    case APIC_DFR: l->dfr = value | (uint32_t)BITS(27, 0); break;
    case APIC_SVR: write_svr(l, value); break;
    case APIC_ESR:
        l->esr = l->errors;
        l->errors = 0;
        break;
    case APIC_ICR: lapic_write_icr(l, (l->icr & BITS(63, 32)) | value); break;
    case APIC_ICR_HIGH: l->icr = (l->icr & BITS(31, 0)) | (uint64_t)(value & (uint32_t)BITS(31, 24)) << 32; break;
    case APIC_TIMER_INITIAL: lapic_timer_set_initial(l, value); break;
    case APIC_TIMER_DIVIDE: lapic_timer_set_divide(l, value); break;
    default: break;
    }
}

// --- the xAPIC register page: 32-bit registers on 16-byte boundaries ---
static bool exists_in_page(unsigned reg) {
    return reg == APIC_ID || reg == APIC_VERSION || (reg >= APIC_TPR && reg <= APIC_ESR) || reg == APIC_ICR ||
           reg == APIC_ICR_HIGH || (reg >= APIC_LVT && reg <= APIC_TIMER_CURRENT) || reg == APIC_TIMER_DIVIDE;
}

static uint64_t lapic_page_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    (void)space, (void)size;
    struct lapic *l = chip;
    if (offset & 15) return 0;
    unsigned reg = (unsigned)(offset >> 4);
    if (!exists_in_page(reg)) {
        lapic_error(l, ESR_REGISTER);
        return 0;
    }
    return lapic_read_register(l, reg);
}

static void lapic_page_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    (void)space, (void)size;
    struct lapic *l = chip;
    if (offset & 15) return;
    unsigned reg = (unsigned)(offset >> 4);
    if (exists_in_page(reg))
        lapic_write_register(l, reg, (uint32_t)value);
    else
        lapic_error(l, ESR_REGISTER);
}

// --- life ---
void lapic_reset(struct lapic *l, bool init) { // 10.4.7.1, 10.4.7.3
    if (!init) {
        l->id = l->cpu->id;
        l->base = APIC_BASE_DEFAULT | APIC_BASE_EN | (l->id == 0 ? APIC_BASE_BSP : 0);
    }
    for (unsigned i = 0; i < 8; i++) l->irr[i] = l->isr[i] = l->tmr[i] = 0;
    for (unsigned i = 0; i < LVT_COUNT; i++) l->lvt[i] = LVT_MASKED;
    l->tpr = l->esr = l->errors = 0;
    l->icr = 0;
    l->ldr = lapic_x2apic(l) ? l->ldr : 0;
    l->dfr = UINT32_MAX;
    l->svr = 0xff;
    l->extint = 0;
    lapic_timer_reset(l);
    lapic_update(l);
}

void lapic_init(struct lapic *l, struct apic_bus *bus, struct cpu *cpu, struct clock *clock) {
    l->bus = bus;
    l->cpu = cpu;
    l->clock = clock;
    lapic_timer_init(l);
}

static void power_up(void *chip) { lapic_reset(chip, false); }
const struct device lapic_device = {
    .name = "lapic", .read = lapic_page_read, .write = lapic_page_write, .reset = power_up, .state = &lapic_state};

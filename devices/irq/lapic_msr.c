// The local APIC's MSRs: IA32_APIC_BASE, IA32_TSC_DEADLINE and the x2APIC registers. SDM Vol. 3A, 10.4.4, 10.12.
#include "devices/irq/lapic.h"
#include "cpu/state/cpu.h"

#define MSR_APIC_BASE 0x1b
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_X2APIC 0x800
#define MSR_X2APIC_LAST 0x8ff

// Table 10-6: what each x2APIC register allows, and the bits that must be 0 in a write.
enum x2apic_access { X2_NONE, X2_READ, X2_WRITE, X2_BOTH };
struct x2apic_row {
    uint8_t first, last, access;
    uint64_t writable;
};
static const struct x2apic_row x2apic_rows[] = {
    {APIC_ID, APIC_ID, X2_READ, 0},
    {APIC_VERSION, APIC_VERSION, X2_READ, 0},
    {APIC_TPR, APIC_TPR, X2_BOTH, BITS(7, 0)},
    {APIC_PPR, APIC_PPR, X2_READ, 0},
    {APIC_EOI, APIC_EOI, X2_WRITE, 0},
    {APIC_LDR, APIC_LDR, X2_READ, 0},
    {APIC_SVR, APIC_SVR, X2_BOTH, BITS(9, 0)},
    {APIC_ISR, APIC_ESR - 1, X2_READ, 0},
    {APIC_ESR, APIC_ESR, X2_BOTH, 0},
    {APIC_ICR, APIC_ICR, X2_BOTH, BITS(63, 32) | BITS(19, 18) | BITS(15, 14) | BITS(11, 0)},
    {APIC_LVT + LVT_TIMER, APIC_LVT + LVT_TIMER, X2_BOTH, BITS(18, 16) | LVT_VECTOR},
    {APIC_LVT + LVT_THERMAL, APIC_LVT + LVT_PERFORMANCE, X2_BOTH, LVT_MASKED | BITS(10, 8) | LVT_VECTOR},
    {APIC_LVT + LVT_LINT0, APIC_LVT + LVT_LINT1, X2_BOTH, LVT_MASKED | LVT_LEVEL | BIT(13) | BITS(10, 8) | LVT_VECTOR},
    {APIC_LVT + LVT_ERROR, APIC_LVT + LVT_ERROR, X2_BOTH, LVT_MASKED | LVT_VECTOR},
    {APIC_TIMER_INITIAL, APIC_TIMER_INITIAL, X2_BOTH, BITS(31, 0)},
    {APIC_TIMER_CURRENT, APIC_TIMER_CURRENT, X2_READ, 0},
    {APIC_TIMER_DIVIDE, APIC_TIMER_DIVIDE, X2_BOTH, BIT(3) | BITS(1, 0)},
    {APIC_SELF_IPI, APIC_SELF_IPI, X2_WRITE, BITS(7, 0)},
};

static const struct x2apic_row *x2apic_row(const struct lapic *l, uint32_t index, enum x2apic_access access) {
    if (!lapic_enabled(l) || !lapic_x2apic(l) || index < MSR_X2APIC || index > MSR_X2APIC_LAST) return NULL;
    unsigned reg = index - MSR_X2APIC;
    for (unsigned i = 0; i < sizeof x2apic_rows / sizeof x2apic_rows[0]; i++) {
        const struct x2apic_row *r = &x2apic_rows[i];
        if (reg >= r->first && reg <= r->last) return r->access & access ? r : NULL;
    }
    return NULL;
}

// The logical x2APIC ID, 10.12.10.2.
static uint32_t logical_id(uint32_t id) { return id >> 4 << 16 | 1u << (id & 15); }

// 10.12.5: the states are disabled (00), xAPIC (EN) and x2APIC (EN, EXTD); EXTD is left by way of disabled only.
static bool write_base(struct lapic *l, uint64_t value) {
    uint64_t allowed =
        APIC_BASE_BSP | APIC_BASE_EN | (l->has_x2apic ? APIC_BASE_EXTD : 0) | BITS(l->physical_bits - 1, 12);
    uint64_t old = l->base;
    bool was_on = old & APIC_BASE_EN, was_x2 = old & APIC_BASE_EXTD, on = value & APIC_BASE_EN,
         x2 = value & APIC_BASE_EXTD;
    if (value & ~allowed || (x2 && !on) || (was_x2 && on && !x2) || (!was_on && x2)) return false;
    l->base = value;
    if (was_on && !on) {
        l->ldr = 0;
        l->id = l->cpu->id;
        lapic_reset(
            l, true); // "prior initialization to the APIC may be lost and the APIC may return to the state" of 10.4.7.1
    } else if (!was_x2 && x2) {
        l->ldr = logical_id(l->id);
        l->icr &= BITS(31, 0); // "ICR_High ... is cleared": bits 63:32 are no longer a destination of 8 bits
    }
    if ((old ^ value) & ~APIC_BASE_BSP) l->bus->base_changed(l->bus->owner);
    lapic_update(l);
    return true;
}

bool lapic_msr_read(struct lapic *l, uint32_t index, uint64_t *value) {
    if (index == MSR_APIC_BASE) {
        *value = l->base;
        return true;
    }
    if (index == MSR_TSC_DEADLINE && l->has_tsc_deadline) {
        *value = lapic_tsc_deadline(l);
        return true;
    }
    if (!x2apic_row(l, index, X2_READ)) return false;
    unsigned reg = index - MSR_X2APIC;
    *value = reg == APIC_ICR ? l->icr : lapic_read_register(l, reg);
    return true;
}

bool lapic_msr_write(struct lapic *l, uint32_t index, uint64_t value) {
    if (index == MSR_APIC_BASE) return write_base(l, value);
    if (index == MSR_TSC_DEADLINE && l->has_tsc_deadline) {
        lapic_set_tsc_deadline(l, value);
        return true;
    }
    const struct x2apic_row *row = x2apic_row(l, index, X2_WRITE);
    if (!row || value & ~row->writable) return false;
    unsigned reg = index - MSR_X2APIC;
    if (reg == APIC_LVT + LVT_TIMER && value & BIT(18) && !l->has_tsc_deadline) return false;
    if (reg == APIC_ICR)
        lapic_write_icr(l, value);
    else if (reg == APIC_SELF_IPI)
        lapic_self_ipi(l, (uint8_t)value);
    else
        lapic_write_register(l, reg, (uint32_t)value);
    return true;
}

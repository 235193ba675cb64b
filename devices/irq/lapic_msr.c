// The local APIC's MSRs: IA32_APIC_BASE, IA32_TSC_DEADLINE and the x2APIC registers. SDM Vol. 3A, 10.4.4, 10.12.
#include "devices/irq/lapic.h"
#include "cpu/state/cpu.h"

#define MSR_APIC_BASE 0x1b
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_X2APIC 0x800

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
    if (!lapic_enabled(l) || !lapic_x2apic(l)) return NULL;
    unsigned reg = index - MSR_X2APIC; // below the first it is a large number, which no row has
    for (unsigned i = 0; i < sizeof x2apic_rows / sizeof x2apic_rows[0]; i++) {
        const struct x2apic_row *r = &x2apic_rows[i];
        if (reg >= r->first && reg <= r->last) return r->access & access ? r : NULL;
    }
    return NULL;
}

// The logical x2APIC ID, 10.12.10.2.
static uint32_t logical_id(uint32_t id) { return id >> 4 << 16 | 1u << (id & 15); }

// 10.12.5: the states are disabled (00), xAPIC (EN) and x2APIC (EN, EXTD); EXTD is left by way of disabled only.
static bool base_refuses(const struct lapic *l, uint64_t value, struct msr_refusal *out) {
    uint64_t allowed =
        APIC_BASE_BSP | APIC_BASE_EN | (l->has_x2apic ? APIC_BASE_EXTD : 0) | BITS(l->physical_bits - 1, 12);
    bool was_on = l->base & APIC_BASE_EN, was_x2 = l->base & APIC_BASE_EXTD, on = value & APIC_BASE_EN,
         x2 = value & APIC_BASE_EXTD;
    bool way = (x2 && !on) || (was_x2 && on && !x2) || (!was_on && x2);
    *out = (struct msr_refusal){.name = "IA32_APIC_BASE",
                                .rule = "reserved bits, and those beyond the physical-address width, must be 0",
                                .bits = value & ~allowed};
    if (out->bits || !way) return out->bits;
    out->rule =
        "there is no way from this state of the local APIC to that: x2APIC mode is entered from xAPIC mode, and "
        "left by disabling the APIC (10.12.5)";
    out->bits = APIC_BASE_EN | APIC_BASE_EXTD;
    return true;
}

static bool write_base(struct lapic *l, uint64_t value) {
    struct msr_refusal refusal;
    uint64_t old = l->base;
    bool was_on = old & APIC_BASE_EN, was_x2 = old & APIC_BASE_EXTD, on = value & APIC_BASE_EN,
         x2 = value & APIC_BASE_EXTD;
    if (base_refuses(l, value, &refusal)) return false;
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

static uint64_t x2apic_writable(const struct lapic *l, const struct x2apic_row *row) {
    return row->first == APIC_LVT + LVT_TIMER && !l->has_tsc_deadline ? row->writable & ~BIT(18) : row->writable;
}

bool lapic_msr_refuses(const struct lapic *l, uint32_t index, bool write, uint64_t value, struct msr_refusal *out) {
    *out = (struct msr_refusal){.rule = "the processor has no such MSR"};
    if (index == MSR_APIC_BASE) return write && base_refuses(l, value, out);
    if (index == MSR_TSC_DEADLINE) return !l->has_tsc_deadline;
    if (!l->has_x2apic) return true;
    out->rule = "the registers of the local APIC are MSRs in x2APIC mode only: EXTD (bit 10) of IA32_APIC_BASE is 0";
    if (!lapic_enabled(l) || !lapic_x2apic(l)) return true;
    const struct x2apic_row *row = x2apic_row(l, index, write ? X2_WRITE : X2_READ);
    out->rule = write ? "no register of the local APIC that can be written is there (table 10-6)"
                      : "no register of the local APIC that can be read is there (table 10-6)";
    if (!row) return true;
    out->rule = "reserved bits must be 0 (10.12.1.3)";
    out->bits = write ? value & ~x2apic_writable(l, row) : 0;
    return out->bits;
}

bool lapic_msr_write(struct lapic *l, uint32_t index, uint64_t value) {
    if (index == MSR_APIC_BASE) return write_base(l, value);
    if (index == MSR_TSC_DEADLINE && l->has_tsc_deadline) {
        lapic_set_tsc_deadline(l, value);
        return true;
    }
    const struct x2apic_row *row = x2apic_row(l, index, X2_WRITE);
    if (!row || value & ~x2apic_writable(l, row)) return false;
    unsigned reg = index - MSR_X2APIC;
    if (reg == APIC_ICR)
        lapic_write_icr(l, value);
    else if (reg == APIC_SELF_IPI)
        lapic_self_ipi(l, (uint8_t)value);
    else
        lapic_write_register(l, reg, (uint32_t)value);
    return true;
}

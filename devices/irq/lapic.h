// The local APIC. SDM Vol. 3A, chapter 10.
#ifndef DEVICES_LAPIC_H
#define DEVICES_LAPIC_H
#include "devices/bus/bus.h"
#include "devices/timer/clock.h"

struct cpu;

enum lapic_lvt { LVT_TIMER, LVT_THERMAL, LVT_PERFORMANCE, LVT_LINT0, LVT_LINT1, LVT_ERROR, LVT_COUNT };
// Message types: the delivery modes of LVT entries, of the ICR and of the I/O APIC.
enum apic_delivery {
    DELIVERY_FIXED,
    DELIVERY_LOWEST,
    DELIVERY_SMI,
    DELIVERY_NMI = 4,
    DELIVERY_INIT,
    DELIVERY_STARTUP,
    DELIVERY_EXTINT,
};

struct lapic {
    // architectural
    uint64_t base; // IA32_APIC_BASE
    uint64_t icr;
    uint64_t timer_start;  // divided tick at which the count in use was loaded
    uint64_t tsc_deadline; // 0: disarmed
    uint32_t irr[8], isr[8], tmr[8];
    uint32_t lvt[LVT_COUNT];
    uint32_t id, tpr, ldr, dfr, svr, esr;
    uint32_t errors; // ESR bits that wait for the write that shows them
    uint32_t timer_initial, timer_divide;
    uint8_t timer_counting;
    uint8_t lint0;  // level of the INTR input: the PIC
    uint8_t extint; // an ExtINT message waits
    // wiring
    struct cpu *cpu;
    struct clock *clock;
    unsigned timer;
    uint64_t timer_hz;
    bool has_x2apic, has_tsc_deadline;
    unsigned physical_bits;
    uint64_t tsc_base_seen; // derived: what the armed deadline was worked out from
    struct apic_bus *bus;
};

// What local APICs and I/O APICs say to each other.
struct apic_message {
    uint32_t destination;
    bool wide; // a destination of 32 bits, from an x2APIC; else of 8 bits
    bool logical;
    uint8_t delivery; // enum apic_delivery
    uint8_t vector;
    bool level; // trigger mode
};
struct apic_bus { // wiring
    struct lapic *lapic;
    unsigned count;
    uint8_t (*pic_acknowledge)(void *owner);  // INTA to the 8259A
    void (*eoi)(void *owner, uint8_t vector); // EOI of a level-triggered interrupt
    void (*base_changed)(void *owner);        // the register page moved
    void *owner;
};

extern const struct device lapic_device; // the xAPIC register page
#define APIC_BASE_BSP BIT(8)
#define APIC_BASE_EXTD BIT(10)
#define APIC_BASE_EN BIT(11)
#define APIC_BASE_DEFAULT 0xfee00000ull

void lapic_init(struct lapic *lapic, struct apic_bus *bus, struct cpu *cpu, struct clock *clock);
// Power-up and hardware reset; `init`: by INIT, which keeps the APIC ID and IA32_APIC_BASE.
void lapic_reset(struct lapic *lapic, bool init);

// Delivers a message; false: no local APIC took it.
bool apic_deliver(struct apic_bus *bus, const struct apic_message *message);
void lapic_set_lint0(struct lapic *lapic, bool level);
void lapic_nmi(struct lapic *lapic); // an edge on LINT1

// What the processor asks: see struct platform.
int lapic_acknowledge(struct lapic *lapic);
uint64_t lapic_cr8(const struct lapic *lapic);
void lapic_set_cr8(struct lapic *lapic, uint64_t value);
bool lapic_msr_read(struct lapic *lapic, uint32_t index, uint64_t *value);
bool lapic_msr_write(struct lapic *lapic, uint32_t index, uint64_t value);
struct msr_refusal;
bool lapic_msr_refuses(const struct lapic *l, uint32_t index, bool write, uint64_t value, struct msr_refusal *out);
static inline bool lapic_enabled(const struct lapic *l) { return l->base >> 11 & 1; }
static inline bool lapic_x2apic(const struct lapic *l) { return l->base >> 10 & 1; }

// --- between lapic.c, lapic_timer.c and lapic_msr.c ---
uint32_t lapic_read_register(struct lapic *lapic, unsigned reg);
void lapic_write_register(struct lapic *lapic, unsigned reg, uint32_t value);
void lapic_write_icr(struct lapic *lapic, uint64_t value);
void lapic_self_ipi(struct lapic *lapic, uint8_t vector);
void lapic_accept(struct lapic *lapic, uint8_t vector, bool level);
void lapic_local_interrupt(struct lapic *lapic, enum lapic_lvt which);
void lapic_performance_interrupt(struct lapic *lapic);
void lapic_update(struct lapic *lapic);
uint8_t lapic_priority(const struct lapic *lapic); // PPR
void lapic_timer_init(struct lapic *lapic);
void lapic_timer_reset(struct lapic *lapic);
void lapic_timer_due(struct lapic *lapic);               // an event that is due comes now
void lapic_timer_lvt(struct lapic *lapic, uint32_t old); // the LVT timer register was written
void lapic_timer_set_initial(struct lapic *lapic, uint32_t value);
void lapic_timer_set_divide(struct lapic *lapic, uint32_t value);
uint32_t lapic_timer_current(const struct lapic *lapic);
uint64_t lapic_tsc_deadline(const struct lapic *lapic);
void lapic_set_tsc_deadline(struct lapic *lapic, uint64_t value);
void lapic_tsc_changed(struct lapic *lapic);  // the TSC was written: TSC deadlines moved
void lapic_timer_loaded(struct lapic *lapic); // its state and its processor's were loaded

// Registers by number: offset / 16 in the register page, MSR index - 800H in x2APIC mode.
enum lapic_register {
    APIC_ID = 0x02,
    APIC_VERSION = 0x03,
    APIC_TPR = 0x08,
    APIC_APR = 0x09,
    APIC_PPR = 0x0a,
    APIC_EOI = 0x0b,
    APIC_RRD = 0x0c,
    APIC_LDR = 0x0d,
    APIC_DFR = 0x0e,
    APIC_SVR = 0x0f,
    APIC_ISR = 0x10,
    APIC_TMR = 0x18,
    APIC_IRR = 0x20,
    APIC_ESR = 0x28,
    APIC_ICR = 0x30,
    APIC_ICR_HIGH = 0x31,
    APIC_LVT = 0x32,
    APIC_TIMER_INITIAL = 0x38,
    APIC_TIMER_CURRENT = 0x39,
    APIC_TIMER_DIVIDE = 0x3e,
    APIC_SELF_IPI = 0x3f,
};
#define LVT_VECTOR BITS(7, 0)
#define LVT_DELIVERY_SHIFT 8
#define LVT_LEVEL BIT(15)
#define LVT_MASKED BIT(16)
#define LVT_TIMER_MODE BITS(18, 17)
#define LVT_TIMER_ONE_SHOT 0
#define LVT_TIMER_PERIODIC BIT(17)
#define LVT_TIMER_TSC_DEADLINE BIT(18)
#define ESR_SEND_VECTOR BIT(5)
#define ESR_RECEIVE_VECTOR BIT(6)
#define ESR_REGISTER BIT(7)
void lapic_error(struct lapic *lapic, uint32_t error);

#endif

// The MSRs of performance monitoring and RDPMC. SDM Vol. 3B, 19.2; Vol. 4, Table 2-2; Vol. 2B, RDPMC.
#include "cpu/counters/counters.h"
#include "cpu/counters/registers.h"
#include "cpu/state/model.h"

enum { FIXED_BIT = 32 };
#define FIXED_MASK ((BIT(FIXED_FUNCTION) - 1) << FIXED_BIT)
#define STATUS_BITS (BIT(PROGRAMMABLE) - 1 + FIXED_MASK + STATUS_LBR_FROZEN + STATUS_COUNTERS_FROZEN)
#define STATUS_OTHERS (BIT(60) | BIT(61) | BIT(62)) // of what is not modelled: stays 0, and may be written
#define STATUS_CHANGED BIT(63)
#define SELECT_BITS (BITS(31, 0) & ~BIT(21)) // AnyThread is gone since version 5
#define FIXED_CONTROL_BITS 0xbbbull          // the same

uint64_t performance_global_bits(const struct cpu_model *model) {
    return cpu_model_has(model, FEATURE_PMU) ? (BIT(PROGRAMMABLE) - 1) | FIXED_MASK : 0;
}

// --- which register an address is ---

static bool within(uint32_t address, uint32_t first, unsigned count, unsigned *index) {
    *index = address - first;
    return address >= first && *index < count;
}

static bool is_counter(uint32_t address, unsigned *counter) {
    if (within(address, MSR_PMC, PROGRAMMABLE, counter) || within(address, MSR_A_PMC, PROGRAMMABLE, counter))
        return true;
    bool fixed = within(address, MSR_FIXED, FIXED_FUNCTION, counter);
    *counter += PROGRAMMABLE;
    return fixed;
}

// A register that is plainly stored; NULL: it is not one of them.
static uint64_t *stored(struct performance *p, uint32_t address) {
    unsigned i;
    if (within(address, MSR_SELECT, PROGRAMMABLE, &i)) return &p->select[i];
    if (within(address, MSR_LBR_FROM, LAST_BRANCHES, &i)) return &p->branch_from[i];
    if (within(address, MSR_LBR_TO, LAST_BRANCHES, &i)) return &p->branch_to[i];
    if (within(address, MSR_LBR_INFO, LAST_BRANCHES, &i)) return &p->branch_information[i];
    switch (address) {
    case MSR_FIXED_CONTROL: return &p->fixed_control;
    case MSR_GLOBAL_STATUS: return &p->global_status;
    case MSR_GLOBAL_CONTROL: return &p->global_control;
    case MSR_LBR_CONTROL: return &p->branch_control;
    default: return NULL;
    }
}

// --- reading ---

// What is in use: a counter whose event is not 0, a fixed one that counts, the interrupt. SDM Vol. 3B, 19.2.4.3.
static uint64_t in_use(const struct performance *p) {
    const uint64_t interrupt = BIT(20), fixed_interrupt = 8;
    uint64_t used = 0, pmi = 0;
    for (unsigned i = 0; i < PROGRAMMABLE; i++) {
        if (p->select[i] & 0xff) used |= BIT(i);
        pmi |= p->select[i] & interrupt;
    }
    for (unsigned i = 0; i < FIXED_FUNCTION; i++) {
        if (p->fixed_control >> (4 * i) & 3) used |= BIT(FIXED_BIT + i);
        pmi |= p->fixed_control >> (4 * i) & fixed_interrupt;
    }
    return used | (pmi ? BIT(63) : 0);
}

static uint64_t capabilities(const struct cpu *cpu) {
    const uint64_t architectural_branches = 0x3f, full_width_writes = BIT(13);
    return full_width_writes | (cpu_model_has(cpu->wire.model, FEATURE_ARCH_LBR) ? architectural_branches : 0);
}

uint64_t performance_read(const struct cpu *cpu, const struct op *op, uint32_t address) {
    struct performance *p = (struct performance *)&cpu->performance;
    unsigned counter;
    if (is_counter(address, &counter)) return performance_value(cpu, op, counter);
    switch (address) {
    case MSR_CAPABILITIES: return capabilities(cpu);
    case MSR_IN_USE: return in_use(p);
    case MSR_LBR_DEPTH: return LAST_BRANCHES;
    case MSR_STATUS_RESET:
    case MSR_STATUS_SET: return 0;
    default: return *stored(p, address);
    }
}

// The index: which kind in bits 31:16, which one in bits 15:0.
bool performance_rdpmc(const struct cpu *cpu, const struct op *op, uint32_t index, uint64_t *value) {
    enum { KIND_PROGRAMMABLE = 0, KIND_FIXED = 0x4000 };
    unsigned kind = index >> 16, which = index & 0xffff;
    bool fixed = kind == KIND_FIXED && which < FIXED_FUNCTION;
    if (!cpu_model_has(cpu->wire.model, FEATURE_PMU)) return false;
    if (!fixed && !(kind == KIND_PROGRAMMABLE && which < PROGRAMMABLE)) return false;
    *value = performance_value(cpu, op, fixed ? PROGRAMMABLE + which : which);
    return true;
}

// --- writing ---

uint64_t performance_refused(const struct cpu *cpu, uint32_t address, uint64_t value) {
    unsigned i;
    if (within(address, MSR_SELECT, PROGRAMMABLE, &i)) return value & ~SELECT_BITS;
    if (within(address, MSR_A_PMC, PROGRAMMABLE, &i) || within(address, MSR_FIXED, FIXED_FUNCTION, &i))
        return value & ~BITS(COUNTER_BITS - 1, 0);
    switch (address) {
    case MSR_FIXED_CONTROL: return value & ~FIXED_CONTROL_BITS;
    case MSR_GLOBAL_CONTROL: return value & ~performance_global_bits(cpu->wire.model);
    case MSR_STATUS_RESET: return value & ~(STATUS_BITS | STATUS_OTHERS | STATUS_CHANGED);
    case MSR_STATUS_SET: return value & ~(STATUS_BITS | STATUS_OTHERS);
    case MSR_LBR_CONTROL: return value & ~(BITS(2, 0) | BITS(22, 16));
    case MSR_LBR_DEPTH: return value ^ LAST_BRANCHES;
    default: return 0;
    }
}

static void write_counter(struct performance *p, uint32_t address, unsigned counter, uint64_t value) {
    unsigned i;
    if (within(address, MSR_PMC, PROGRAMMABLE, &i)) value = (uint64_t)(int32_t)value;
    p->counter[counter] = value & BITS(COUNTER_BITS - 1, 0);
}

static void clear_branches(struct performance *p) {
    for (unsigned i = 0; i < LAST_BRANCHES; i++) p->branch_from[i] = p->branch_to[i] = p->branch_information[i] = 0;
}

static void write_stored(struct cpu *cpu, uint32_t address, uint64_t value) {
    unsigned i;
    if (within(address, MSR_LBR_FROM, LAST_BRANCHES, &i) || within(address, MSR_LBR_TO, LAST_BRANCHES, &i))
        value = cpu_forced_canonical(cpu, value); // SDM Vol. 3B, 18.2
    *stored(&cpu->performance, address) = value;
}

void performance_write(struct cpu *cpu, const struct op *op, uint32_t address, uint64_t value) {
    struct performance *p = &cpu->performance;
    unsigned counter;
    performance_settle(cpu, op);
    if (is_counter(address, &counter))
        write_counter(p, address, counter, value);
    else if (address == MSR_STATUS_RESET)
        p->global_status &= ~value;
    else if (address == MSR_STATUS_SET)
        p->global_status |= value & STATUS_BITS;
    else if (address == MSR_LBR_DEPTH)
        clear_branches(p);
    else
        write_stored(cpu, address, value);
    performance_update(cpu);
}

void performance_load_global(struct cpu *cpu, uint64_t value) {
    uint64_t bits = performance_global_bits(cpu->wire.model);
    if (!bits || cpu->performance.global_control == (value & bits)) return;
    performance_settle(cpu, NULL);
    cpu->performance.global_control = value & bits;
    performance_update(cpu);
}

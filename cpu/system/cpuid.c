// CPUID: leaves 0 to 16H, with last-branch records to 1CH, and 80000000H to 80000008H. Features come from the rows of cpu/state/feature.def that the CPU
// model lists; a few bits mirror control registers. SDM Vol. 2A, CPUID, Table 3-8. NOT IMPLEMENTED: power management
// beyond ARAT, Intel PT, SGX.
#include "cpu/state/cpu.h"
#include "cpu/state/model.h"
#include "cpu/pages/monitor.h"
#include "cpu/vector/xsave.h"
#include <string.h>

#define LEAF_MAX 0x16u
#define LEAF_LAST_BRANCHES 0x1cu // the highest one, where there is one
#define LEAF_EXTENDED_MAX 0x80000008u
#define MISC_ENABLE_LIMIT_CPUID BIT(22)
#define MISC_ENABLE_XD_DISABLE BIT(34)
#define MSR_APIC_BASE 0x1bu
#define APIC_BASE_ENABLE BIT(11)

// --- features ---

static const struct {
    uint32_t leaf;
    uint8_t subleaf, reg, bit;
} rows[FEATURE_COUNT] = {
#define FEATURE(name, leaf, subleaf, reg, bit, text) [FEATURE_##name] = {leaf, subleaf, reg, bit},
#include "cpu/state/feature.def"
#undef FEATURE
};

static uint32_t features(const struct cpu_model *model, uint32_t leaf, uint32_t subleaf, enum cpuid_register reg) {
    uint32_t word = 0;
    for (unsigned f = FEATURE_BASE + 1; f < FEATURE_COUNT; f++)
        if (model->features[f] && rows[f].leaf == leaf && rows[f].subleaf == subleaf && rows[f].reg == reg)
            word |= (uint32_t)BIT(rows[f].bit);
    return word;
}

static struct cpuid_result feature_leaf(struct cpu *cpu, uint32_t leaf, uint32_t subleaf) {
    const struct cpu_model *m = cpu->wire.model;
    return (struct cpuid_result){features(m, leaf, subleaf, EAX), features(m, leaf, subleaf, EBX),
                                 features(m, leaf, subleaf, ECX), features(m, leaf, subleaf, EDX)};
}

// --- basic leaves ---

static uint32_t four(const char *text) {
    uint32_t v;
    memcpy(&v, text, 4);
    return v;
}

static uint32_t leaf_max(const struct cpu *cpu) {
    if (cpu->msr.misc_enable & MISC_ENABLE_LIMIT_CPUID) return 2;
    return cpu_model_has(cpu->wire.model, FEATURE_ARCH_LBR) ? LEAF_LAST_BRANCHES : LEAF_MAX;
}

static struct cpuid_result leaf_vendor(struct cpu *cpu, uint32_t subleaf) {
    (void)subleaf;
    const char *vendor = cpu->wire.model->vendor;
    return (struct cpuid_result){leaf_max(cpu), four(vendor), four(vendor + 8), four(vendor + 4)};
}

static bool apic_enabled(struct cpu *cpu) {
    uint64_t base = APIC_BASE_ENABLE;
    if (cpu->wire.platform && cpu->wire.platform->msr_read)
        (void)cpu->wire.platform->msr_read(cpu->wire.platform->machine, cpu, MSR_APIC_BASE, &base);
    return base & APIC_BASE_ENABLE;
}

// Topology: one package of `processors` cores, one thread each; the APIC ID is the number of the core. Bits of an APIC
// ID that tell cores apart, and how many IDs that makes. SDM Vol. 3A, 8.9.
static unsigned core_bits(const struct cpu *cpu) {
    unsigned bits = 0;
    while (1u << bits < cpu->wire.model->processors) bits++;
    return bits;
}
static uint32_t core_ids(const struct cpu *cpu) { return 1u << core_bits(cpu); }

static struct cpuid_result leaf_features(struct cpu *cpu, uint32_t subleaf) {
    enum { CLFLUSH_8_BYTES = 8, OSXSAVE = 27, APIC = 9, HTT = 28 };
    (void)subleaf;
    struct cpuid_result r = feature_leaf(cpu, 1, 0);
    r.eax = cpu->wire.model->signature;
    r.ebx = cpu->id << 24 | core_ids(cpu) << 16 | CLFLUSH_8_BYTES << 8;
    if (cpu->control.cr4 & CR4_OSXSAVE) r.ecx |= (uint32_t)BIT(OSXSAVE);
    if (!(cpu->msr.misc_enable & MISC_ENABLE_MONITOR)) r.ecx &= ~(uint32_t)BIT(rows[FEATURE_MONITOR].bit);
    if (!apic_enabled(cpu)) r.edx &= ~(uint32_t)BIT(APIC);
    if (core_ids(cpu) > 1) r.edx |= (uint32_t)BIT(HTT);
    return r;
}

// Descriptor FFH: use leaf 4. F0H: 64-byte prefetching. FEH: TLB information in leaf 18H, which is not there: not
// given.
static struct cpuid_result leaf_descriptors(struct cpu *cpu, uint32_t subleaf) {
    (void)cpu, (void)subleaf;
    return (struct cpuid_result){0x00fff001, 0, 0, 0};
}

// Deterministic cache parameters. Caches are not modelled; these are the sizes of the part that the model is named
// after.
static struct cpuid_result leaf_caches(struct cpu *cpu, uint32_t subleaf) {
    enum { DATA = 1, INSTRUCTION = 2, UNIFIED = 3, SELF_INITIALISING = 1 << 8, LINE = 64 };
    enum { SHARING_SHIFT = 14, CORES_SHIFT = 26, SHARED_LEVEL = 3 };
    static const struct {
        uint8_t type, level;
        uint16_t ways;
        uint32_t sets;
    } caches[] = {
        {DATA, 1, 12, 64},
        {INSTRUCTION, 1, 8, 64},
        {UNIFIED, 2, 16, 2048},
        {UNIFIED, SHARED_LEVEL, 15, 32768},
    };
    if (subleaf >= sizeof(caches) / sizeof(caches[0])) return (struct cpuid_result){0};
    uint32_t more_cores = core_ids(cpu) - 1, sharing = caches[subleaf].level == SHARED_LEVEL ? more_cores : 0;
    return (struct cpuid_result){
        (uint32_t)(caches[subleaf].type | caches[subleaf].level << 5 | SELF_INITIALISING) | sharing << SHARING_SHIFT |
            more_cores << CORES_SHIFT,
        (uint32_t)((caches[subleaf].ways - 1) << 22 | (LINE - 1)),
        caches[subleaf].sets - 1,
        0,
    };
}

// Extensions and interrupts as break events, one sub-state of C1.
static struct cpuid_result leaf_monitor(struct cpu *cpu, uint32_t subleaf) {
    enum { EXTENSIONS = 1, INTERRUPT_BREAK = 2, C1_STATES = 1 << 4 };
    (void)subleaf;
    if (!cpu_model_has(cpu->wire.model, FEATURE_MONITOR)) return (struct cpuid_result){0};
    return (struct cpuid_result){MONITOR_LINE, MONITOR_LINE, EXTENSIONS | INTERRUPT_BREAK, C1_STATES};
}

static struct cpuid_result leaf_power(struct cpu *cpu, uint32_t subleaf) {
    (void)subleaf;
    return feature_leaf(cpu, 6, 0);
}

static struct cpuid_result leaf_structured(struct cpu *cpu, uint32_t subleaf) {
    enum { OSPKE = 4, SUBLEAF_MAX = 2 };
    if (subleaf) return subleaf <= SUBLEAF_MAX ? feature_leaf(cpu, 7, subleaf) : (struct cpuid_result){0};
    struct cpuid_result r = feature_leaf(cpu, 7, 0);
    r.eax = SUBLEAF_MAX;
    if (cpu->control.cr4 & CR4_PKE) r.ecx |= (uint32_t)BIT(OSPKE);
    return r;
}

static struct cpuid_result leaf_nothing(struct cpu *cpu, uint32_t subleaf) {
    (void)cpu, (void)subleaf;
    return (struct cpuid_result){0};
}

// Version 5. Without a timing model there are no caches and no predictions: their events are not available.
static struct cpuid_result leaf_performance(struct cpu *cpu, uint32_t subleaf) {
    enum { VERSION = 5, EVENTS = 8, L3_REFERENCES = 1 << 3, L3_MISSES = 1 << 4, MISPREDICTED = 1 << 6 };
    (void)subleaf;
    struct cpuid_result r = feature_leaf(cpu, 0xa, 0);
    if (!cpu_model_has(cpu->wire.model, FEATURE_PMU)) return r;
    r.eax = VERSION | PROGRAMMABLE << 8 | COUNTER_BITS << 16 | EVENTS << 24;
    r.ebx = cpu->wire.timing ? 0 : L3_REFERENCES | L3_MISSES | MISPREDICTED;
    r.ecx = (1 << FIXED_FUNCTION) - 1;
    r.edx |= FIXED_FUNCTION | COUNTER_BITS << 5;
    return r;
}

// 32 records, of linear addresses; filters by privilege level and by type; how long each took, and its type.
static struct cpuid_result leaf_last_branches(struct cpu *cpu, uint32_t subleaf) {
    const uint32_t depth = (uint32_t)BIT(LAST_BRANCHES / 8 - 1), linear = (uint32_t)BIT(31);
    const uint32_t levels = 1, types = 2, timed = 2, told_types = 4;
    (void)cpu, (void)subleaf;
    return (struct cpuid_result){depth | linear, levels | types, timed | told_types, 0};
}

// Subleaf 0: threads of a core; 1: processors of the package.
static struct cpuid_result leaf_topology(struct cpu *cpu, uint32_t subleaf) {
    enum { SMT = 1, CORE = 2 };
    struct cpuid_result r = {0, 0, subleaf & 0xff, cpu->id};
    if (subleaf > 1) return r;
    r.eax = subleaf == 0 ? 0 : core_bits(cpu);
    r.ebx = subleaf == 0 || !cpu->wire.model->processors ? 1 : cpu->wire.model->processors;
    r.ecx |= (subleaf == 0 ? SMT : CORE) << 8;
    return r;
}

// --- XSAVE state components, SDM Vol. 1, 13.1 ---

// The features whose state XCR0 manages.
static const struct {
    uint8_t component;
    uint16_t feature;
} state_features[] = {
    {COMPONENT_X87, FEATURE_XSAVE},
    {COMPONENT_SSE, FEATURE_XSAVE},
    {COMPONENT_AVX, FEATURE_AVX},
    {COMPONENT_PKRU, FEATURE_PKU},
};

uint64_t cpu_model_xcr0(const struct cpu_model *model) {
    uint64_t mask = 0;
    for (unsigned i = 0; i < sizeof(state_features) / sizeof(state_features[0]); i++)
        if (model->features[state_features[i].feature]) mask |= BIT(state_features[i].component);
    return mask;
}

static struct cpuid_result leaf_xsave(struct cpu *cpu, uint32_t subleaf) {
    const struct cpu_model *m = cpu->wire.model;
    uint64_t supported = cpu_model_xcr0(m);
    if (!supported) return (struct cpuid_result){0};
    if (subleaf == 0)
        return (struct cpuid_result){(uint32_t)supported, xsave_area_size(cpu->control.xcr0, false),
                                     xsave_area_size(supported, false), (uint32_t)(supported >> 32)};
    if (subleaf == 1) {
        bool compacted = m->features[FEATURE_XSAVEC] || m->features[FEATURE_XSAVES];
        return (struct cpuid_result){features(m, 0xd, 1, EAX),
                                     compacted ? xsave_area_size(cpu->control.xcr0 | cpu->msr.xss, true) : 0, 0, 0};
    }
    for (unsigned i = 0; i < XSAVE_COMPONENTS; i++) {
        const struct xsave_component *c = &xsave_components[i];
        if (c->number == subleaf && supported & BIT(subleaf))
            return (struct cpuid_result){c->size, c->offset, (c->supervisor ? 1 : 0) | (c->aligned ? 2 : 0), 0};
    }
    return (struct cpuid_result){0};
}

// --- clocks ---

static struct cpuid_result leaf_crystal(struct cpu *cpu, uint32_t subleaf) {
    (void)subleaf;
    const struct cpu_model *m = cpu->wire.model;
    uint64_t a = m->tsc_hz, b = m->crystal_hz;
    if (!b) return (struct cpuid_result){0};
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return (struct cpuid_result){(uint32_t)(m->crystal_hz / a), (uint32_t)(m->tsc_hz / a), (uint32_t)m->crystal_hz, 0};
}

static struct cpuid_result leaf_frequency(struct cpu *cpu, uint32_t subleaf) {
    enum { BUS_MHZ = 100 };
    (void)subleaf;
    uint32_t mhz = (uint32_t)(cpu->wire.model->tsc_hz / 1000000);
    return (struct cpuid_result){mhz, mhz, BUS_MHZ, 0};
}

// --- extended leaves ---

static struct cpuid_result leaf_extended_max(struct cpu *cpu, uint32_t subleaf) {
    (void)cpu, (void)subleaf;
    return (struct cpuid_result){LEAF_EXTENDED_MAX, 0, 0, 0};
}

// SYSCALL is enumerated in 64-bit mode only.
static struct cpuid_result leaf_extended_features(struct cpu *cpu, uint32_t subleaf) {
    (void)subleaf;
    struct cpuid_result r = feature_leaf(cpu, 0x80000001, 0);
    if (!cpu_64bit(cpu)) r.edx &= ~(uint32_t)BIT(rows[FEATURE_SYSCALL].bit);
    if (cpu->msr.misc_enable & MISC_ENABLE_XD_DISABLE) r.edx &= ~(uint32_t)BIT(rows[FEATURE_NX].bit);
    return r;
}

static struct cpuid_result leaf_brand(struct cpu *cpu, unsigned part) {
    char text[48] = "";
    strncpy(text, cpu->wire.model->brand, sizeof(text) - 1);
    const char *p = text + 16 * part;
    return (struct cpuid_result){four(p), four(p + 4), four(p + 8), four(p + 12)};
}
static struct cpuid_result leaf_brand0(struct cpu *cpu, uint32_t subleaf) { return (void)subleaf, leaf_brand(cpu, 0); }
static struct cpuid_result leaf_brand1(struct cpu *cpu, uint32_t subleaf) { return (void)subleaf, leaf_brand(cpu, 1); }
static struct cpuid_result leaf_brand2(struct cpu *cpu, uint32_t subleaf) { return (void)subleaf, leaf_brand(cpu, 2); }

static struct cpuid_result leaf_l2(struct cpu *cpu, uint32_t subleaf) {
    enum { LINE = 64, WAYS_16 = 8, KBYTES = 2048 };
    (void)cpu, (void)subleaf;
    return (struct cpuid_result){0, 0, (uint32_t)KBYTES << 16 | WAYS_16 << 12 | LINE, 0};
}

static struct cpuid_result leaf_tsc(struct cpu *cpu, uint32_t subleaf) {
    (void)subleaf;
    return feature_leaf(cpu, 0x80000007, 0);
}

static struct cpuid_result leaf_address_sizes(struct cpu *cpu, uint32_t subleaf) {
    (void)subleaf;
    unsigned linear = cpu->wire.model->features[FEATURE_LA57] ? 57 : cpu->wire.model->linear_bits;
    return (struct cpuid_result){cpu->wire.model->physical_bits | (uint32_t)linear << 8, 0, 0, 0};
}

typedef struct cpuid_result leaf_fn(struct cpu *cpu, uint32_t subleaf);
static leaf_fn *const basic_leaves[LEAF_LAST_BRANCHES + 1] = {
    [0x00] = leaf_vendor,   [0x01] = leaf_features, [0x02] = leaf_descriptors, [0x04] = leaf_caches,
    [0x05] = leaf_monitor,  [0x06] = leaf_power,    [0x07] = leaf_structured,  [0x0a] = leaf_performance,
    [0x0b] = leaf_topology, [0x0d] = leaf_xsave,    [0x15] = leaf_crystal,     [0x16] = leaf_frequency,
    [0x1c] = leaf_last_branches,
};
static leaf_fn *const extended_leaves[] = {
    leaf_extended_max, leaf_extended_features, leaf_brand0, leaf_brand1, leaf_brand2, leaf_nothing, leaf_l2,
    leaf_tsc,          leaf_address_sizes,
};

// A leaf above the highest one of its range answers like the highest basic leaf.
struct cpuid_result cpuid(struct cpu *cpu, uint32_t leaf, uint32_t subleaf) {
    if (leaf >= 0x80000000 && leaf <= LEAF_EXTENDED_MAX) return extended_leaves[leaf - 0x80000000](cpu, subleaf);
    if (leaf > leaf_max(cpu)) leaf = leaf_max(cpu);
    leaf_fn *fn = basic_leaves[leaf];
    return fn ? fn(cpu, subleaf) : (struct cpuid_result){0};
}

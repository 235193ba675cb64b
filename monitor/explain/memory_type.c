// Memory types; see memory_type.h. They have no effect on the modelled processor: this is what silicon would use.
#include "monitor/explain/memory_type.h"

const char *memory_type_name(unsigned type) {
    static const char *const names[8] = {"UC", "WC", "(2)", "(3)", "WT", "WP", "WB", "UC-"};
    return names[type & 7];
}

// Below 1 MByte: 8 ranges of 64 KBytes, 16 of 16 KBytes, 64 of 4 KBytes, a byte each.
static unsigned fixed_range(const struct cpu *cpu, uint64_t physical) {
    unsigned range = physical < 0x80000   ? (unsigned)(physical >> 16)
                     : physical < 0xc0000 ? 8 + (unsigned)((physical - 0x80000) >> 14)
                                          : 24 + (unsigned)((physical - 0xc0000) >> 12);
    return cpu->msr.mtrr_fixed[range / 8] >> 8 * (range % 8) & 0xff;
}

// Of overlapping ranges UC wins, then WT over WB. SDM Vol. 3A, 11.11.4.1.
static unsigned variable_range(const struct cpu *cpu, uint64_t physical) {
    const uint64_t valid = BIT(11), page = BITS(51, 12);
    unsigned type = 8;
    for (unsigned i = 0; i < 8; i++) {
        uint64_t mask = cpu->msr.mtrr_mask[i];
        if (!(mask & valid) || (physical ^ cpu->msr.mtrr_base[i]) & mask & page) continue;
        unsigned own = cpu->msr.mtrr_base[i] & 0xff;
        type = own < type ? own : type;
    }
    return type;
}

unsigned memory_type_mtrr(const struct cpu *cpu, uint64_t physical) {
    const uint64_t fixed_enable = BIT(10), enable = BIT(11);
    uint64_t def = cpu->msr.mtrr_def_type;
    if (!(def & enable)) return TYPE_UC;
    if (physical < 1 << 20 && def & fixed_enable) return fixed_range(cpu, physical);
    unsigned type = variable_range(cpu, physical);
    return type == 8 ? (unsigned)(def & 0xff) : type;
}

unsigned memory_type_pat(const struct cpu *cpu, uint64_t entry, bool large) {
    bool high = entry & (large ? ENTRY_BIT_PAT_LARGE : ENTRY_BIT_PAT);
    unsigned index = (entry & ENTRY_BIT_PWT ? 1u : 0) | (entry & ENTRY_BIT_PCD ? 2u : 0) | (high ? 4u : 0);
    return cpu->msr.pat >> 8 * index & 7;
}

// SDM Vol. 3A, table 11-7.
unsigned memory_type_combine(unsigned base, unsigned pat) {
    if (pat == TYPE_WB) return base;
    if (pat == TYPE_UC || pat == TYPE_WC) return pat;
    if (pat == TYPE_UC_MINUS) return base == TYPE_WC ? TYPE_WC : TYPE_UC;
    if (base == TYPE_UC || base == TYPE_WC) return TYPE_UC;
    if (pat == TYPE_WT) return TYPE_WT;
    return base == TYPE_WB || base == TYPE_WP ? TYPE_WP : TYPE_UC;
}

struct memory_type_found memory_type_of(const struct view *view, const struct walk *first, const struct walk *second,
                                        uint64_t physical) {
    const struct cpu *cpu = view->cpu;
    struct memory_type_found f = {.pat = TYPE_WB, .base = memory_type_mtrr(cpu, physical)};
    f.paged = first && first->look.count;
    f.disabled = view->cr0 & CR0_CD;
    if (f.paged) f.pat = memory_type_pat(cpu, walk_last(first)->value, first->look.shift > 12);
    if (second) {
        uint64_t entry = walk_last(second)->value;
        f.by_ept = true;
        f.base = (unsigned)((entry & EPT_MEMORY_TYPE) >> 3);
        f.ignores_pat = entry & EPT_IGNORE_PAT;
    }
    f.type = f.disabled ? TYPE_UC : f.ignores_pat ? f.base : memory_type_combine(f.base, f.pat);
    return f;
}

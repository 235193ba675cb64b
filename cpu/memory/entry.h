// Paging-structure entries: the rows of entry.def as masks. What they depend on is a value, so that the same rows serve
// the processor and questions about a guest that waits. SDM Vol. 3A, 4.3 to 4.5.
//
// Each kind of entry is a case of a switch, in which the rows that do not concern it vanish: what is left of them is a
// constant and the two or three bits that depend on the model and on control registers.
#ifndef CPU_ENTRY_H
#define CPU_ENTRY_H
#include "cpu/memory/tlb.h"
#include "cpu/state/cpu.h"
#include "cpu/state/model.h"

enum paging_mode { PAGING_NONE, PAGING_32, PAGING_PAE, PAGING_4, PAGING_5 };

// What the meaning of entries and access rights depends on.
struct paging_rules {
    enum paging_mode mode;
    uint64_t cr0, cr4, efer, pkru;
    unsigned physical_bits; // MAXPHYADDR
    bool page_1g;           // 1-GByte pages are supported
};

ALWAYS_INLINE enum paging_mode paging_mode_of(uint64_t cr0, uint64_t cr4, uint64_t efer) {
    if (!(cr0 & CR0_PG)) return PAGING_NONE;
    if (!(cr4 & CR4_PAE)) return PAGING_32;
    if (!(efer & EFER_LMA)) return PAGING_PAE;
    return cr4 & CR4_LA57 ? PAGING_5 : PAGING_4;
}
ALWAYS_INLINE struct paging_rules paging_rules_of(const struct cpu *cpu) {
    const struct control_registers *c = &cpu->control;
    return (struct paging_rules){.mode = paging_mode_of(c->cr0, c->cr4, c->efer),
                                 .cr0 = c->cr0,
                                 .cr4 = c->cr4,
                                 .efer = c->efer,
                                 .pkru = c->pkru,
                                 .physical_bits = cpu->wire.model->physical_bits,
                                 .page_1g = cpu_model_has(cpu->wire.model, FEATURE_PAGE1GB)};
}

enum entry_kind {
#define ENTRY_KIND(name, mode, level, maps, table, short_name, text) ENTRY_##name,
#include "cpu/memory/entry.def"
#undef ENTRY_KIND
    ENTRY_KINDS
};
// ENTRY_BIT_P and so on: masks.
enum {
#define ENTRY_BITS(name, kinds, high, low, short_name, text) ENTRY_BIT_##name = BITS(high, low),
#include "cpu/memory/entry.def"
#undef ENTRY_BITS
};
#define ENTRY_ADDRESS BITS(51, 12)

#define ENTRY_OF(kind) (1u << ENTRY_##kind)
enum {
    ENTRY_EVERY = ENTRY_OF(PTE) * 2 - 1,
    ENTRY_PAE = ENTRY_OF(PDPTE_PAE) | ENTRY_OF(PDE_2M_PAE) | ENTRY_OF(PDE_PAE) | ENTRY_OF(PTE_PAE),
    ENTRY_LONG = ENTRY_OF(PML5E) | ENTRY_OF(PML4E) | ENTRY_OF(PDPTE_1G) | ENTRY_OF(PDPTE) | ENTRY_OF(PDE_2M) |
                 ENTRY_OF(PDE) | ENTRY_OF(PTE),
    ENTRY_REGISTER = ENTRY_OF(PDPTE_PAE), // loaded by MOV to CR3
    ENTRY_MAPPING = 0
#define ENTRY_KIND(name, mode, level, maps, table, short_name, text) | ((maps) ? ENTRY_OF(name) : 0)
#include "cpu/memory/entry.def"
#undef ENTRY_KIND
    ,
    ENTRY_SMALL = ENTRY_OF(PTE_32) | ENTRY_OF(PTE_PAE) | ENTRY_OF(PTE),
    ENTRY_LARGE = ENTRY_MAPPING & ~ENTRY_SMALL,
};

// Where an entry of a table is used, from its PS flag: what comes out is one kind.
ALWAYS_INLINE enum entry_kind entry_kind_32(unsigned level, uint64_t entry, uint64_t cr4) {
    if (level == 1) return ENTRY_PTE_32;
    return entry & ENTRY_BIT_PS && cr4 & CR4_PSE ? ENTRY_PDE_4M : ENTRY_PDE_32;
}
ALWAYS_INLINE enum entry_kind entry_kind_64(bool pae, unsigned level, uint64_t entry) {
    static const uint8_t kinds[2][6][2] = {{[1] = {ENTRY_PTE, ENTRY_PTE},
                                            [2] = {ENTRY_PDE, ENTRY_PDE_2M},
                                            [3] = {ENTRY_PDPTE, ENTRY_PDPTE_1G},
                                            [4] = {ENTRY_PML4E, ENTRY_PML4E},
                                            [5] = {ENTRY_PML5E, ENTRY_PML5E}},
                                           {[1] = {ENTRY_PTE_PAE, ENTRY_PTE_PAE},
                                            [2] = {ENTRY_PDE_PAE, ENTRY_PDE_2M_PAE},
                                            [3] = {ENTRY_PDPTE_PAE, ENTRY_PDPTE_PAE}}};
    return kinds[pae][level][(entry & ENTRY_BIT_PS) != 0];
}
ALWAYS_INLINE bool entry_maps(enum entry_kind kind) { return ENTRY_MAPPING >> kind & 1; }

ALWAYS_INLINE bool entry_present(uint64_t entry) {
#define ENTRY_PRESENT(name, bits, section, text) return entry & (bits);
#include "cpu/memory/entry.def"
#undef ENTRY_PRESENT
}
// Bits that must be 0 in an entry of this kind that is present.
uint64_t entry_reserved_row(unsigned row, enum entry_kind kind, const struct paging_rules *rules); // of one row
ALWAYS_INLINE uint64_t entry_reserved_of(enum entry_kind kind, const struct paging_rules *rules);
static inline uint64_t entry_reserved(enum entry_kind kind, const struct paging_rules *rules) {
    switch (kind) {
#define ENTRY_KIND(name, mode, level, maps, table, short_name, text)                                                   \
    case ENTRY_##name:                                                                                                 \
        return entry_reserved_of(ENTRY_##name, rules);
#include "cpu/memory/entry.def"
#undef ENTRY_KIND
    default: return 0;
    }
}

#include "cpu/memory/words.h"
ALWAYS_INLINE uint64_t entry_reserved_of(enum entry_kind kind, const struct paging_rules *rules) {
    uint64_t reserved = 0;
#define ENTRY_RESERVED(name, kinds, when, bits, section, text)                                                         \
    if ((kinds) >> kind & 1 && (when)) reserved |= (bits);
#include "cpu/memory/entry.def"
#undef ENTRY_RESERVED
    return reserved;
}
#include "cpu/memory/words.h"

// The rights that an entry leaves, as TLB_WRITE, TLB_USER, TLB_EXECUTE.
ALWAYS_INLINE uint64_t entry_rights(uint64_t entry) {
    return (entry & ENTRY_BIT_W ? TLB_WRITE : 0) | (entry & ENTRY_BIT_U ? TLB_USER : 0) |
           (entry & ENTRY_BIT_XD ? 0 : TLB_EXECUTE);
}
ALWAYS_INLINE uint64_t entry_key(uint64_t entry) { return (entry & ENTRY_BIT_KEY) >> 59 << TLB_PKEY_SHIFT; }
// The address of the page of 1 << shift bytes that an entry maps. A PDE of 4 MBytes has bits 39:32 in 20:13.
ALWAYS_INLINE uint64_t entry_frame(enum entry_kind kind, uint64_t entry, unsigned shift) {
    if (kind == ENTRY_PDE_4M) return (entry & BITS(20, 13)) << 19 | (entry & BITS(31, 22));
    return entry & ENTRY_ADDRESS & ~(BIT(shift) - 1);
}

// For those who explain.
struct entry_form {
    enum paging_mode mode;
    uint8_t level;
    const char *table, *name, *text; // "4-16", "PDPTE"
};
extern const struct entry_form entry_forms[ENTRY_KINDS];
struct entry_bits {
    uint32_t kinds;
    uint8_t high, low;
    const char *name, *text;
};
bool entry_bits_row(unsigned row, struct entry_bits *out); // false past the last one
struct entry_rule {
    const char *name, *text;
    uint8_t section; // enum section
};
extern const unsigned entry_rule_count;
extern const struct entry_rule entry_rules[]; // ENTRY_RESERVED
extern const struct entry_rule entry_present_rule;

#endif

// EPT paging-structure entries and the rights of accesses: the rows of entry.def and right.def as expressions. What
// they depend on is a value, so that the same rows serve the processor and questions about tables that it does not use
// now. SDM Vol. 3C, 28.3.2, 28.3.3.
#ifndef VMX_EPT_ENTRY_H
#define VMX_EPT_ENTRY_H
#include "cpu/memory/tlb.h"
#include "cpu/state/cpu.h"
#include "vmx/ask/qualification.h"
#include "vmx/vmcs/vmcs.h"

// What the meaning of entries depends on.
struct ept_rules {
    uint64_t capability;        // IA32_VMX_EPT_VPID_CAP
    uint64_t physical_reserved; // bits that no physical address sets
    bool user_execute;          // "mode-based execute control for EPT"
    bool accessed_dirty;        // bit 6 of the EPTP
};
ALWAYS_INLINE struct ept_rules ept_rules_of(const struct vmx_capability *capability, const struct vmcs *vmcs) {
    return (struct ept_rules){.capability = capability->ept_vpid,
                              .physical_reserved = capability->physical_reserved,
                              .user_execute = vmcs_on(vmcs, PROC2, MODE_BASED_EXECUTE),
                              .accessed_dirty = vmcs_get(vmcs, EPT_POINTER) & EPTP_ACCESSED_DIRTY};
}

enum ept_kind {
#define EPT_KIND(name, level, maps, table, short_name, text) EPT_KIND_##name,
#include "vmx/ept/entry.def"
#undef EPT_KIND
    EPT_KINDS
};
// EPT_READ and so on: masks.
enum {
#define EPT_BITS(name, kinds, high, low, short_name, text) EPT_##name = BITS(high, low),
#include "vmx/ept/entry.def"
#undef EPT_BITS
};
#define EPT_RIGHTS (EPT_READ | EPT_WRITE | EPT_EXECUTE)
#define EPT_ADDRESS BITS(51, 12)

enum { LEVEL_PT = 1, LEVEL_PD, LEVEL_PDPT, LEVEL_PML4 };
// Of a guest-physical address. Edition 077US says that there are no wider ones; edition 082US, 29.3.2, that with
// 4-level EPT bits 51:48 "must all be zero; otherwise, an EPT violation occurs".
enum { EPT_WALK_BITS = 48 };
ALWAYS_INLINE unsigned level_shift(unsigned level) { return 12 + 9 * (level - 1); }

#define EPT_OF(kind) (1u << EPT_KIND_##kind)
enum {
    EPT_EVERY = (1u << EPT_KINDS) - 1,
    EPT_MAPPING = 0
#define EPT_KIND(name, level, maps, table, short_name, text) | ((maps) ? EPT_OF(name) : 0)
#include "vmx/ept/entry.def"
#undef EPT_KIND
    ,
    EPT_LARGE_KINDS = EPT_MAPPING & ~EPT_OF(PTE),
};

ALWAYS_INLINE enum ept_kind ept_kind_of(unsigned level, uint64_t entry) {
    static const uint8_t kinds[LEVEL_PML4 + 1][2] = {[LEVEL_PT] = {EPT_KIND_PTE, EPT_KIND_PTE},
                                                     [LEVEL_PD] = {EPT_KIND_PDE, EPT_KIND_PDE_2M},
                                                     [LEVEL_PDPT] = {EPT_KIND_PDPTE, EPT_KIND_PDPTE_1G},
                                                     [LEVEL_PML4] = {EPT_KIND_PML4E, EPT_KIND_PML4E}};
    return kinds[level][(entry & EPT_PAGE) != 0];
}
ALWAYS_INLINE bool ept_maps(enum ept_kind kind) { return EPT_MAPPING >> kind & 1; }

#include "vmx/ept/words.h"
// Bits of which one makes an entry present.
ALWAYS_INLINE uint64_t ept_present_bits(const struct ept_rules *rules) {
#define EPT_PRESENT(name, bits, section, text) return bits;
#include "vmx/ept/entry.def"
#undef EPT_PRESENT
}

ALWAYS_INLINE bool ept_misconfigured_as(enum ept_kind kind, uint64_t entry, const struct ept_rules *rules) {
#define EPT_MISCONFIGURED(name, kinds, when, bits, section, text)                                                      \
    if ((kinds) >> kind & 1 && (when)) return true;
#include "vmx/ept/entry.def"
#undef EPT_MISCONFIGURED
    return false;
}

// The bits that an access needs in every entry.
ALWAYS_INLINE uint64_t ept_needs(const struct ept_rules *rules, const struct second_stage_access *access) {
    uint64_t needs = 0;
#define EPT_RIGHT(name, when, bits, section, text)                                                                     \
    if (when) needs |= bits;
#include "vmx/ept/right.def"
#undef EPT_RIGHT
    return needs;
}
// With accessed and dirty flags for EPT, an access to a guest paging-structure entry counts as a write.
ALWAYS_INLINE bool ept_dirties(const struct ept_rules *rules, const struct second_stage_access *access) {
    return access->write || (guest_entry() && flags());
}

// The exit qualification of a violation.
static inline uint64_t ept_qualification(const struct ept_rules *rules, const struct second_stage_access *access,
                                         uint64_t together) {
    uint64_t qualification = 0;
#define EPT_QUALIFICATION(which, value) qualification |= part(EPT_VIOLATION, which, value);
#include "vmx/ept/right.def"
#undef EPT_QUALIFICATION
    return qualification;
}
// Execution from a user-mode linear address has a right of its own with mode-based execute control.
ALWAYS_INLINE bool ept_executable(const struct ept_rules *rules, const struct second_stage_access *access,
                                  uint64_t together) {
    return together & (by_user_mode() ? EPT_USER_EXECUTE : EPT_EXECUTE);
}
#include "vmx/ept/words.h"

// Whether an entry that is present is misconfigured. Each kind is a case in which the other rows vanish.
static inline bool ept_misconfigured(enum ept_kind kind, uint64_t entry, const struct ept_rules *rules) {
    switch (kind) {
#define EPT_KIND(name, level, maps, table, short_name, text)                                                           \
    case EPT_KIND_##name:                                                                                              \
        return ept_misconfigured_as(EPT_KIND_##name, entry, rules);
#include "vmx/ept/entry.def"
#undef EPT_KIND
    default: return false;
    }
}
// The address of the page that an entry at `level` maps.
ALWAYS_INLINE uint64_t ept_frame(unsigned level, uint64_t entry) {
    return entry & EPT_ADDRESS & ~(BIT(level_shift(level)) - 1);
}

// --- for those who explain: row by row (vmx/ept/entry.c) ---
struct ept_form {
    uint8_t level;
    const char *table, *name, *text; // "28-2", "PDPTE"
};
extern const struct ept_form ept_forms[EPT_KINDS];
struct ept_bits {
    uint32_t kinds;
    uint8_t high, low;
    const char *name, *text;
};
bool ept_bits_row(unsigned row, struct ept_bits *out); // false past the last one
// A rule that an entry or an access breaks: the row, and the bits that decide.
struct ept_rule {
    const char *name, *text;
    uint8_t section; // enum section
    uint64_t bits;
    bool applies; // to this kind, to this access
    bool broken;
};
struct ept_rule ept_present_row(uint64_t entry, const struct ept_rules *rules);
bool ept_misconfigured_row(unsigned row, enum ept_kind kind, uint64_t entry, const struct ept_rules *rules,
                           struct ept_rule *out);
bool ept_right_row(unsigned row, const struct ept_rules *rules, const struct second_stage_access *access,
                   uint64_t together, struct ept_rule *out);

#endif

// The vocabulary of vmx/entry/check.def. A file that includes this header and then check.def sees every row as C over
// these words. With ASK_RECORD defined, each word that reads something notes what it read.
#ifndef VMX_CHECK_H
#define VMX_CHECK_H
#include "cpu/memory/entry.h"
#include "cpu/watch/debug.h"
#include "vmx/ask/words.h"

enum check_group {
#define GROUP(name, outcome, qualification, parts) CHECKS_##name,
#include "vmx/entry/group.def"
#undef GROUP
    CHECK_GROUPS
};

enum check_number {
#define CHECK(name, group, when, must, section, text) CHECK_##name,
#include "vmx/entry/check.def"
#undef CHECK
    CHECK_COUNT,
    CHECK_NONE = -1,
};

// --- words that read something, beside those of vmx/ask/words.h ---
#define in_ia32e_mode() state("in_ia32e_mode()", cpu_long(c->cpu))
#define current_vmcs() state("current_vmcs()", c->vmcs->pointer)
#define revision_at(address) memory_at("revision_at(" #address ")", address, 4)
#define vtpr() memory_at("vtpr()", c->vmcs->field[FIELD_VIRTUAL_APIC_ADDRESS] + 0x80, 4)
#define pdpte_at(cr3, i) memory_at("pdpte_at(" #cr3 ", " #i ")", ((cr3)&BITS(31, 5)) + 8 * (i), 8)

// --- words made of these ---
#define bit(X, n) (field(X) >> (n)&1)
#define bits(X, high, low) ((field(X) & BITS(high, low)) >> (low))
#define usable(S) (!bit(GUEST_##S##_RIGHTS, 16))
#define in_use(S) ((S) == CS || usable(S))
#define rights(S, X) ((field(GUEST_##S##_RIGHTS) & RIGHTS_##X) / (RIGHTS_##X & -RIGHTS_##X))
#define virtual_8086() bit(GUEST_RFLAGS, 17)
#define injecting() bit(ENTRY_INTERRUPTION, 31)
#define event_type() bits(ENTRY_INTERRUPTION, 10, 8)
#define event_vector() bits(ENTRY_INTERRUPTION, 7, 0)
#define error_codes() (bit(GUEST_CR0, 0) || !on(PROC2, UNRESTRICTED_GUEST))
#define event_wakes_hlt()                                                                                              \
    (event_type() == EVENT_EXTERNAL || event_type() == EVENT_NMI ||                                                    \
     (event_type() == EVENT_HARDWARE_EXCEPTION && (event_vector() == VECTOR_DB || event_vector() == VECTOR_MC)) ||     \
     event_type() == EVENT_OTHER)
#define debug_exceptions_blocked() (bits(GUEST_INTERRUPTIBILITY, 1, 0) != 0 || field(GUEST_ACTIVITY) == ACTIVITY_HLT)
#define pae_paging() (bit(GUEST_CR0, 31) && bit(GUEST_CR4, 5) && !on(ENTRY, IA32E_MODE_GUEST))
#define settings_allowed(G) check_allowed(c, GROUP_##G, field(G##_CONTROLS))
#define guest_cr0_supported(v) check_cr0(c, v, on(PROC2, UNRESTRICTED_GUEST) ? CR0_PE | CR0_PG : 0)

// --- words that compute ---
#define canonical(v) check_canonical(c, v)
#define physical(v) (!((v)&c->capability->physical_reserved))
#define page_address(v) (!((v) & (PAGE_BYTES - 1)) && physical(v))
#define msr_area(address, count) check_msr_area(c, address, count)
#define cr0_supported(v) check_cr0(c, v, 0)
#define cr4_supported(v) check_cr4(c, v)
#define pat_valid(v) check_pat(v)
#define efer_valid(v) check_efer(c, v)
#define debugctl_valid(v) (!((v) & ~DEBUGCTL_BITS))
#define has_error_code(vector) ((vector) <= 31 && VECTORS_WITH_ERROR_CODE >> (vector)&1)
#define code_accessed(type) (((type)&9) == 9)
#define ept_memory_type(type) ask_ept_memory_type(c, type)
#define high_bits_identical(v) check_high_bits(c, v)
#define pdpte_valid(v) check_pdpte(c, v)

#define DEBUGCTL_BITS (DEBUGCTL_LBR | DEBUGCTL_BTF)
#define VECTORS_WITH_ERROR_CODE                                                                                        \
    (BIT(VECTOR_DF) | BIT(VECTOR_TS) | BIT(VECTOR_NP) | BIT(VECTOR_SS) | BIT(VECTOR_GP) | BIT(VECTOR_PF) |             \
     BIT(VECTOR_AC))

static inline bool check_allowed(const struct ask *c, enum control_group g, uint64_t v) {
    return !(~v & c->capability->allowed0[g]) && !(v & ~(uint64_t)c->capability->allowed1[g]);
}
static inline uint64_t check_sign(uint64_t v, unsigned bits) {
    return (uint64_t)((int64_t)(v << (64 - bits)) >> (64 - bits));
}
static inline bool check_canonical(const struct ask *c, uint64_t v) {
    return check_sign(v, c->capability->linear_bits) == v;
}
// RIP needs no canonical form: bit N-1 may differ from bits 63:N.
static inline bool check_high_bits(const struct ask *c, uint64_t v) {
    uint64_t high = v >> c->capability->linear_bits;
    return high == 0 || high == ~0ull >> c->capability->linear_bits;
}
static inline bool check_msr_area(const struct ask *c, uint64_t address, uint64_t count) {
    if (address & 15 || !physical(address)) return false;
    return physical(address + 16 * count - 1);
}
// NW and CD are never checked: VM entry and VM exit do not change them.
static inline bool check_cr0(const struct ask *c, uint64_t v, uint64_t free) {
    const struct vmx_capability *p = c->capability;
    return !(~v & p->cr0_fixed0 & ~free) && !(v & ~p->cr0_fixed1);
}
static inline bool check_cr4(const struct ask *c, uint64_t v) {
    const struct vmx_capability *p = c->capability;
    return !(~v & p->cr4_fixed0) && !(v & ~p->cr4_fixed1);
}
static inline bool check_pat(uint64_t v) {
    for (unsigned i = 0; i < 8; i++) {
        uint64_t type = v >> 8 * i & 255;
        if (type > 7 || type == 2 || type == 3) return false;
    }
    return true;
}
static inline bool check_efer(const struct ask *c, uint64_t v) {
    uint64_t nxe = c->capability->nx ? EFER_NXE : 0;
    return !(v & ~(EFER_SCE | EFER_LME | EFER_LMA | nxe));
}
static inline bool check_pdpte(const struct ask *c, uint64_t v) {
    const struct paging_rules rules = paging_rules_of(c->cpu);
    return !(v & ENTRY_BIT_P) || !(v & entry_reserved(ENTRY_PDPTE_PAE, &rules));
}

#endif

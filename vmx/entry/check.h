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
#define settings_allowed(G) check_allowed(c, GROUP_##G, "field(" #G "_CONTROLS)", field(G##_CONTROLS), WANT_##G)
#define guest_cr0_supported(v) check_cr0(c, #v, v, on(PROC2, UNRESTRICTED_GUEST) ? CR0_PE | CR0_PG : 0)

// --- words that compute ---
#define canonical(v) check_canonical(c, #v, v)
#define physical(v) check_zeros(c, #v, v, c->capability->physical_reserved, WANT_PHYSICAL)
#define page_address(v) check_zeros(c, #v, v, (PAGE_BYTES - 1) | c->capability->physical_reserved, WANT_PAGE)
#define msr_area(address, count) check_msr_area(c, #address, address, count)
#define cr0_supported(v) check_cr0(c, #v, v, 0)
#define cr4_supported(v) check_cr4(c, #v, v)
#define pat_valid(v) check_pat(v)
#define efer_valid(v) check_zeros(c, #v, v, check_efer_reserved(c), WANT_EFER)
#define debugctl_valid(v) check_zeros(c, #v, v, ~c->capability->debugctl_bits, WANT_DEBUGCTL)
#define perf_global_valid(v) check_zeros(c, #v, v, ~c->capability->perf_global_bits, WANT_PERF_GLOBAL)
#define has_error_code(vector) ((vector) <= 31 && VECTORS_WITH_ERROR_CODE >> (vector)&1)
#define code_accessed(type) (((type)&9) == 9)
#define ept_memory_type(type) ask_ept_memory_type(c, type)
#define high_bits_identical(v) check_high_bits(c, v)
#define pdpte_valid(v) check_pdpte(c, v)

#define VECTORS_WITH_ERROR_CODE                                                                                        \
    (BIT(VECTOR_DF) | BIT(VECTOR_TS) | BIT(VECTOR_NP) | BIT(VECTOR_SS) | BIT(VECTOR_GP) | BIT(VECTOR_PF) |             \
     BIT(VECTOR_AC))

// `words` is what the value was read with: what is wanted of it goes there.
static inline bool check_bits(const struct ask *c, const char *words, uint64_t v, uint64_t ones, uint64_t zeros,
                              enum vmx_want source) {
    (void)c, (void)words, (void)source;
    ASK_WANT(words, ones, ones | zeros, source);
    return !(~v & ones) && !(v & zeros);
}
static inline bool check_zeros(const struct ask *c, const char *words, uint64_t v, uint64_t zeros,
                               enum vmx_want source) {
    return check_bits(c, words, v, 0, zeros, source);
}
static inline bool check_allowed(const struct ask *c, enum control_group g, const char *words, uint64_t v,
                                 enum vmx_want source) {
    return check_bits(c, words, v, c->capability->allowed0[g], ~(uint64_t)c->capability->allowed1[g], source);
}
static inline uint64_t check_sign(uint64_t v, unsigned bits) {
    return (uint64_t)((int64_t)(v << (64 - bits)) >> (64 - bits));
}
static inline bool check_canonical(const struct ask *c, const char *words, uint64_t v) {
    uint64_t should = check_sign(v, c->capability->linear_bits), high = ~(BIT(c->capability->linear_bits) - 1);
    return check_bits(c, words, v, should & high, ~should & high, WANT_CANONICAL);
}
// RIP needs no canonical form: bit N-1 may differ from bits 63:N.
static inline bool check_high_bits(const struct ask *c, uint64_t v) {
    uint64_t high = v >> c->capability->linear_bits;
    return high == 0 || high == ~0ull >> c->capability->linear_bits;
}
static inline bool check_msr_area(const struct ask *c, const char *words, uint64_t address, uint64_t count) {
    uint64_t reserved = c->capability->physical_reserved;
    return check_zeros(c, words, address, 15 | reserved, WANT_AREA) && !((address + 16 * count - 1) & reserved);
}
// NW and CD are never checked: VM entry and VM exit do not change them.
static inline bool check_cr0(const struct ask *c, const char *words, uint64_t v, uint64_t free) {
    const struct vmx_capability *p = c->capability;
    return check_bits(c, words, v, p->cr0_fixed0 & ~free, ~p->cr0_fixed1, WANT_CR0);
}
static inline bool check_cr4(const struct ask *c, const char *words, uint64_t v) {
    const struct vmx_capability *p = c->capability;
    return check_bits(c, words, v, p->cr4_fixed0, ~p->cr4_fixed1, WANT_CR4);
}
static inline bool check_pat(uint64_t v) {
    for (unsigned i = 0; i < 8; i++) {
        uint64_t type = v >> 8 * i & 255;
        if (type > 7 || type == 2 || type == 3) return false;
    }
    return true;
}
static inline uint64_t check_efer_reserved(const struct ask *c) {
    return ~(EFER_SCE | EFER_LME | EFER_LMA | (c->capability->nx ? EFER_NXE : 0));
}
static inline bool check_pdpte(const struct ask *c, uint64_t v) {
    const struct paging_rules rules = paging_rules_of(c->cpu);
    return !(v & ENTRY_BIT_P) || !(v & entry_reserved(ENTRY_PDPTE_PAE, &rules));
}

#endif

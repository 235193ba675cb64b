// What holds of a processor at every instruction boundary, whatever it executed. SDM Vol. 3A, 2.3, 2.5, 3.4, 4.1, 5.5,
// 9.1; Vol. 3B, 17.2, 20.2; Vol. 1, 8.1, 10.2.3, 13.3; and Vol. 3C, 26.3.1, which says it of guests.
#include "cpu/event/descriptor.h"
#include "cpu/state/model.h"
#include "cpu/event/control.h"
#include "cpu/x87/x87.h"
#include "tests/system/random.h"

#define CR0_ALL (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)
#define EFER_ALL (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)
#define DR6_ONES 0xffff0ff0ull
#define DR6_ALL (DR6_ONES | BITS(3, 0) | BITS(15, 13))
#define DR7_ALL (BITS(10, 0) | BIT(13) | BITS(31, 16))

static bool implies(bool a, bool b) { return !a || b; }

static bool usable(const struct cpu *cpu, unsigned s) { return !(cpu->segment[s].rights & RIGHTS_UNUSABLE); }

// Sequential code may run up to the end of canonical addresses; the next fetch faults.
static bool rip_bound(const struct cpu *cpu) {
    if (!cpu_64bit(cpu)) return cpu->rip <= UINT32_MAX;
    return cpu_canonical_register(cpu, cpu->rip) || cpu->rip == BIT(47) || cpu->rip == BIT(56);
}

static bool limit_fits(const struct segment *s) {
    return s->rights & RIGHTS_G ? (s->limit & 0xfff) == 0xfff : s->limit < 1 << 20;
}

static bool segment_good(const struct cpu *cpu, unsigned s) {
    const struct segment *segment = &cpu->segment[s];
    uint32_t rights = segment->rights;
    if (rights & ~(uint32_t)(BITS(7, 0) | BITS(16, 12))) return false;
    if (!usable(cpu, s)) return s != CS;
    if (!(rights & RIGHTS_S) || !(rights & RIGHTS_P) || !limit_fits(segment)) return false;
    if (s == SS) return rights_writable_data(rights);
    return !rights_code(rights) || s == CS || rights & RIGHTS_READABLE;
}
static bool segments_good(const struct cpu *cpu) {
    for (unsigned s = ES; s <= GS; s++)
        if (!segment_good(cpu, s)) return false;
    return true;
}
static bool segments_accessed(const struct cpu *cpu) {
    for (unsigned s = ES; s <= GS; s++)
        if (usable(cpu, s) && !(cpu->segment[s].rights & RIGHTS_ACCESSED)) return false;
    return true;
}
static bool segments_vm86(const struct cpu *cpu) {
    for (unsigned s = ES; s <= GS; s++)
        if (cpu->segment[s].rights != 0xf3 || cpu->segment[s].limit != 0xffff ||
            cpu->segment_base[s] != (uint64_t)cpu->segment[s].selector << 4)
            return false;
    return true;
}
static bool bases_narrow(const struct cpu *cpu) {
    return (cpu->segment_base[ES] | cpu->segment_base[CS] | cpu->segment_base[SS] | cpu->segment_base[DS]) <=
           UINT32_MAX;
}
static bool bases_canonical(const struct cpu *cpu) {
    return cpu_canonical_register(cpu, cpu->segment_base[FS]) && cpu_canonical_register(cpu, cpu->segment_base[GS]) &&
           cpu_canonical_register(cpu, cpu->segment_base[LDTR]) && cpu_canonical_register(cpu, cpu->segment_base[TR]) &&
           cpu_canonical_register(cpu, cpu->gdtr.base) && cpu_canonical_register(cpu, cpu->idtr.base);
}

// Real-address mode leaves a data segment of privilege 0 in CS.
static bool code_privilege(const struct cpu *cpu) {
    uint32_t rights = cpu->segment[CS].rights;
    if (rights_conforming(rights)) return rights_dpl(rights) <= cpu_cpl(cpu);
    return rights_dpl(rights) == cpu_cpl(cpu) && (rights_code(rights) || cpu_cpl(cpu) == 0);
}

static bool task_good(const struct cpu *cpu) {
    unsigned type = rights_system_type(cpu->segment[TR].rights);
    return usable(cpu, TR) && cpu->segment[TR].rights & RIGHTS_P &&
           (type == TYPE_TSS32_BUSY || (type == TYPE_TSS16_BUSY && !cpu_long(cpu)));
}
static bool local_good(const struct cpu *cpu) {
    uint32_t rights = cpu->segment[LDTR].rights;
    return !usable(cpu, LDTR) || (rights & RIGHTS_P && rights_system_type(rights) == TYPE_LDT);
}

static bool x87_good(const struct cpu *cpu) {
    const struct x87 *x = &cpu->fpu.x87;
    bool error = x->status & ~x->control & FLOAT_ALL;
    return (x->control & ~X87_CONTROL_DEFINED) == X87_CONTROL_FIXED && !(x->opcode & ~X87_OPCODE) &&
           (x->status & (X87_ES | X87_B)) == (error ? X87_ES | X87_B : 0);
}

static bool code_both(const struct cpu *cpu) {
    return cpu->segment[CS].rights & RIGHTS_L && cpu->segment[CS].rights & RIGHTS_DB;
}
static bool paging_on(const struct cpu *cpu) { return cpu->control.cr0 & CR0_PG; }
static bool protection_on(const struct cpu *cpu) { return cpu->control.cr0 & CR0_PE; }
static uint64_t cr3_reserved(const struct cpu *cpu) { return ~BITS(cpu->wire.model->physical_bits - 1u, 0); }
static bool register_reserved(const struct cpu *cpu) {
    return cpu->fpu.mxcsr & ~MXCSR_MASK || cpu->control.pkru >> 32 || cpu->segment[CS].selector >> 16;
}

// clang-format off
#define INVARIANTS(X)                                                                                                  \
    X("RFLAGS: reserved bits",             (cpu->rflags & ~(FLAGS_DEFINED & ~FLAGS_ARITHMETIC)) == BIT(1))              \
    X("CR0: reserved bits",                !(cpu->control.cr0 & ~CR0_ALL) && cpu->control.cr0 & CR0_ET)                                 \
    X("CR0: PG without PE",                implies(paging_on(cpu), protection_on(cpu)))                                 \
    X("CR0: NW without CD",                implies(cpu->control.cr0 & CR0_NW, cpu->control.cr0 & CR0_CD))                               \
    X("CR3: reserved bits",                !(cpu->control.cr3 & cr3_reserved(cpu)))                                             \
    X("CR4: a bit the model has not",      !(cpu->control.cr4 & ~cr4_supported(cpu->wire.model)))                                    \
    X("CR4: PCIDE outside IA-32e mode",    implies(cpu->control.cr4 & CR4_PCIDE, cpu_long(cpu)))                                \
    X("EFER: reserved bits",               !(cpu->control.efer & ~EFER_ALL))                                                    \
    X("EFER: LMA is LME and paging",       cpu_long(cpu) == (paging_on(cpu) && cpu->control.efer & EFER_LME))                   \
    X("IA-32e mode without PAE",           implies(cpu_long(cpu), cpu->control.cr4 & CR4_PAE))                                  \
    X("XCR0",                              cpu->control.xcr0 & 1 && !(cpu->control.xcr0 & ~(cpu_model_xcr0(cpu->wire.model) | 1)))                 \
    X("MXCSR, PKRU: reserved bits",        !register_reserved(cpu))                                                     \
    X("DR6",                               (cpu->control.dr[6] & ~DR6_ALL) == 0 && (cpu->control.dr[6] & DR6_ONES) == DR6_ONES)         \
    X("DR7",                               (cpu->control.dr[7] & ~DR7_ALL) == 0 && cpu->control.dr[7] & BIT(10))                        \
    X("x87: control, status, opcode",      x87_good(cpu))                                                               \
    X("virtual-8086 mode elsewhere",       implies(cpu->rflags & FLAG_VM, protection_on(cpu) && !cpu_long(cpu)))        \
    X("virtual-8086 mode's segments",      implies(cpu->rflags & FLAG_VM, segments_vm86(cpu)))                          \
    X("RIP",                               rip_bound(cpu))                                                              \
    X("a segment's rights or limit",       segments_good(cpu))                                                          \
    X("a segment that is not accessed",    segments_accessed(cpu))                                                      \
    X("privilege: CS against SS",          implies(!(cpu->rflags & FLAG_VM), code_privilege(cpu)))                      \
    X("privilege in real-address mode",    implies(!protection_on(cpu), cpu_cpl(cpu) == 0))                             \
    X("CS: both L and D",                  implies(cpu_long(cpu), !code_both(cpu)))                                     \
    X("segment bases of 64 bits",          bases_narrow(cpu))                                                           \
    X("bases that are not canonical",      bases_canonical(cpu))                                                        \
    X("TR",                                task_good(cpu))                                                              \
    X("LDTR",                              local_good(cpu))                                                             \
    X("activity",                          cpu->boundary.activity <= ACTIVITY_WAIT_FOR_SIPI)                                     \
    X("pending debug exceptions",          implies(cpu->boundary.pending & PENDING_DEBUG, cpu->boundary.pending_debug))                   \
    X("register number 16 is 0",           cpu->zero == 0)
// clang-format on

// The shutdown state is left by nothing but a reset: a task switch, a return or a reset of PE on the way into it may
// leave registers that no instruction sees.
const char *invariant_broken(const struct cpu *cpu) {
    if (cpu->boundary.activity == ACTIVITY_SHUTDOWN) return NULL;
#define X(text, rule)                                                                                                  \
    if (!(rule)) return text;
    INVARIANTS(X)
#undef X
    return NULL;
}

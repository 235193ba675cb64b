// The rows of invariants.def, and what they ask.
#include "cpu/event/invariants.h"
#include "cpu/event/control.h"
#include "cpu/event/descriptor.h"
#include "cpu/state/model.h"

#define CR0_ALL (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)
#define EFER_ALL (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)
#define DR6_ONES 0xffff0ff0ull
#define DR6_ALL (DR6_ONES | BITS(3, 0) | BITS(15, 13))
#define DR7_ALL (BITS(10, 0) | BIT(13) | BITS(31, 16))

static bool implies(bool a, bool b) { return !a || b; }

static bool usable(const struct cpu *cpu, unsigned s) { return !(cpu->segment[s].rights & RIGHTS_UNUSABLE); }

// Sequential code may run up to the end of canonical addresses, and a VM entry asks no more of RIP than that bits 63:N
// are identical, N being the width of linear addresses (SDM Vol. 3C, 26.3.1.4): the next fetch faults.
static bool rip_bound(const struct cpu *cpu) {
    if (!cpu_64bit(cpu)) return cpu->rip <= UINT32_MAX;
    uint64_t high = cpu->rip >> cpu_linear_bits(cpu);
    return high == 0 || high == ~0ull >> cpu_linear_bits(cpu);
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

static bool code_both(const struct cpu *cpu) {
    return cpu->segment[CS].rights & RIGHTS_L && cpu->segment[CS].rights & RIGHTS_DB;
}
static bool paging_on(const struct cpu *cpu) { return cpu->control.cr0 & CR0_PG; }
static bool protection_on(const struct cpu *cpu) { return cpu->control.cr0 & CR0_PE; }
static uint64_t cr3_reserved(const struct cpu *cpu) { return ~BITS(cpu->wire.model->physical_bits - 1u, 0); }

// The shutdown state is left by nothing but a reset: a task switch, a return or a reset of PE on the way into it may
// leave registers that no instruction sees.
const char *cpu_invariant_broken(const struct cpu *cpu) {
    if (cpu->boundary.activity == ACTIVITY_SHUTDOWN) return NULL;
#define INVARIANT_ROW(holds, text)                                                                                     \
    if (!(holds)) return text;
#include "cpu/event/invariants.def"
#undef INVARIANT_ROW
    return NULL;
}

// Caches, TLB and ordering: INVD WBINVD CLFLUSH CLFLUSHOPT CLWB, INVLPG INVPCID, fences. SDM Vol. 2A, the instructions;
// Vol. 3A, 4.10.4. Caches are not modelled: their instructions check what they must and change nothing.
#include "cpu/engine/body.h"
#include "cpu/state/intercept.h"
#include "cpu/memory/paging.h"

BODY(invd) {
    BODY_UNUSED;
    return intercept(cpu, op, ICEPT_INVD, NO_OPERAND);
}
BODY(wbinvd) {
    BODY_UNUSED;
    return intercept(cpu, op, ICEPT_WBINVD, NO_OPERAND);
}
INSTANTIATE(invd, END, FORMS_ONE_NONE)
INSTANTIATE(wbinvd, END, FORMS_ONE_NONE)

BODY(fence) {
    BODY_UNUSED;
    return OUT_OK;
}
INSTANTIATE(fence, NEXT, FORMS_ONE_NONE)

// The byte's translation and rights are checked as a load's are, and data breakpoints see it as one; nothing is read.
static enum outcome cache_line_check(struct cpu *cpu, uint64_t linear) {
    uint64_t page = 0;
    struct translation_access access = {.class = tlb_access_class(cpu)};
    if (cpu_long(cpu) && !cpu_canonical(cpu, linear)) {
        cpu->attempt.non_canonical = 1;
        return cpu_fault_gp0(cpu);
    }
    TRY(translate(cpu, linear, &access, &page));
    return memory_breakpoints(cpu, linear, 1, false);
}
#define FORMS_ONE_M(X, n) X(n, M, 32)

BODY(cache_write_back) { // CLWB
    (void)F, (void)W;
    uint64_t linear = 0;
    TRY(op_linear(cpu, op, 1, false, &linear));
    return cache_line_check(cpu, linear);
}
INSTANTIATE(cache_write_back, NEXT, FORMS_ONE_M)

// SDM Vol. 2A, CLFLUSH: "allowed to flush a linear address in an execute-only segment".
BODY(cache_flush) {
    (void)F, (void)W;
    uint64_t linear = 0;
    TRY(op_linear_flush(cpu, op, &linear));
    return cache_line_check(cpu, linear);
}
INSTANTIATE(cache_flush, NEXT, FORMS_ONE_M)

// INVLPG takes the address as it is: no limit, no rights; one that is not canonical invalidates nothing.
BODY(invlpg) {
    (void)F, (void)W;
    uint64_t linear = op_linear_flat(cpu, op);
    if (op->ea) {
        linear = op_effective_address(cpu, op) +
                 (cpu_64bit(cpu) ? reg64(cpu, op->segment_base) : cpu->segment_base[op->ea & EA_SEGMENT]);
        if (!cpu_64bit(cpu)) linear = (uint32_t)linear;
    }
    TRY(intercept(cpu, op, ICEPT_INVLPG, OPERAND(.invlpg = {linear})));
    if (!cpu_long(cpu) || cpu_canonical(cpu, linear)) tlb_invalidate_page(cpu, linear);
    return OUT_OK;
}
INSTANTIATE(invlpg, END, FORMS_ONE_M)

enum invpcid_type { INVPCID_ADDRESS, INVPCID_CONTEXT, INVPCID_ALL_GLOBAL, INVPCID_ALL };

static bool invpcid_valid(const struct cpu *cpu, uint64_t type, uint64_t pcid, uint64_t linear) {
    if (type > INVPCID_ALL || pcid & ~BITS(11, 0)) return false;
    if (type == INVPCID_ADDRESS && !cpu_canonical_register(cpu, linear)) return false;
    return type > INVPCID_CONTEXT || cpu->control.cr4 & CR4_PCIDE || !pcid;
}

BODY(invpcid) {
    (void)F;
    uint64_t at = 0, pcid = 0, linear = 0, type = reg_get(cpu, op->dst, W);
    TRY(intercept(cpu, op, ICEPT_INVPCID, NO_OPERAND)); // the #UD of a control that is 0 comes first
    if (cpu_cpl(cpu)) return cpu_fault_gp0(cpu);
    TRY(op_linear(cpu, op, 16, false, &at));
    TRY(load(cpu, at, 64, &pcid));
    TRY(load(cpu, at + 8, 64, &linear));
    if (!invpcid_valid(cpu, type, pcid, linear)) return cpu_fault_gp0(cpu);
    switch (type) {
    case INVPCID_ADDRESS: tlb_invalidate_address(cpu, cpu->vpid, (uint16_t)pcid, false, linear); break;
    case INVPCID_CONTEXT: tlb_flush_context(cpu, cpu->vpid, (uint16_t)pcid); break;
    default: tlb_flush_vpid(cpu, cpu->vpid, type == INVPCID_ALL_GLOBAL); break;
    }
    return OUT_OK;
}
#define FORMS_INVPCID(X, n) WIDTHS_DWORD(X, n, RM)
INSTANTIATE(invpcid, END, FORMS_INVPCID)

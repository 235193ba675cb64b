// The stack: pushes and pops of the current stack segment. SDM Vol. 1, 6.2; Vol. 3A, 5.3 (limits), 6.15 (#SS).
// 64-bit operands exist in 64-bit mode only, where the stack is flat: they have an inline fast path.
#ifndef CPU_STACK_H
#define CPU_STACK_H
#include "cpu/memory/access.h"

// What the stack pointer wraps to: SP, ESP or RSP.
ALWAYS_INLINE uint64_t stack_mask(const struct cpu *cpu) {
    return cpu_64bit(cpu) ? ~0ull : cpu->mode & MODE_STACK_32 ? UINT32_MAX : UINT16_MAX;
}
// Moves the stack pointer: the bits above its width stay, except that ESP clears the upper half of RSP.
ALWAYS_INLINE void stack_pointer_set(struct cpu *cpu, uint64_t v) {
    uint64_t mask = stack_mask(cpu);
    cpu->gpr[RSP] = mask == UINT16_MAX ? (cpu->gpr[RSP] & ~mask) | (v & mask) : v & mask;
}
ALWAYS_INLINE void stack_pointer_add(struct cpu *cpu, uint64_t by) { stack_pointer_set(cpu, cpu->gpr[RSP] + by); }

// w bits at SP + offset, with the checks of the stack segment; the pointer stays.
enum outcome stack_load(struct cpu *cpu, unsigned w, uint64_t offset, uint64_t *v);
enum outcome stack_store(struct cpu *cpu, unsigned w, uint64_t offset, uint64_t v);
// Stores below the pointer, then moves it.
enum outcome stack_push_slow(struct cpu *cpu, unsigned w, uint64_t v);

// The inline paths; false: the slow one must be taken.
ALWAYS_INLINE bool stack_push_fast(struct cpu *cpu, unsigned w, uint64_t v) {
    if (w != 64) return false;
    uint64_t linear = cpu->gpr[RSP] - 8;
    const struct tlb_fast *e = fast_entry(cpu, linear);
    if (unlikely(e->write != (((linear + 7) & ~(PAGE_BYTES - 1)) | cpu->data_context))) return false;
    memcpy((void *)(uintptr_t)(linear + e->addend), &v, 8);
    cpu->gpr[RSP] = linear;
    return true;
}
ALWAYS_INLINE bool stack_top_fast(const struct cpu *cpu, unsigned w, uint64_t *v) {
    if (w != 64) return false;
    uint64_t linear = cpu->gpr[RSP];
    const struct tlb_fast *e = fast_entry(cpu, linear);
    if (unlikely(e->read != (((linear + 7) & ~(PAGE_BYTES - 1)) | cpu->data_context))) return false;
    *v = bytes_get((const void *)(uintptr_t)(linear + e->addend), 64);
    return true;
}

ALWAYS_INLINE enum outcome stack_push(struct cpu *cpu, enum form f, unsigned w, uint64_t v) {
    if (likely(stack_push_fast(cpu, w, v))) return OUT_OK;
    return f & FORM_FAST ? OUT_MISS : stack_push_slow(cpu, w, v);
}
// The value on top; the pointer stays (stack_pointer_add once nothing can fault any more).
ALWAYS_INLINE enum outcome stack_top(struct cpu *cpu, enum form f, unsigned w, uint64_t *v) {
    if (likely(stack_top_fast(cpu, w, v))) return OUT_OK;
    if (f & FORM_FAST) return OUT_MISS;
    uint64_t slow = 0; // its address is taken, not that of v
    TRY(stack_load(cpu, w, 0, &slow));
    *v = slow;
    return OUT_OK;
}
ALWAYS_INLINE void stack_drop(struct cpu *cpu, unsigned w) {
    if (w == 64)
        cpu->gpr[RSP] += 8;
    else
        stack_pointer_add(cpu, w / 8);
}

#endif

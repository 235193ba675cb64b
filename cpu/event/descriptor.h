// Descriptors of the GDT, LDT and IDT, and the stacks of the TSS, for the code that transfers control.
// SDM Vol. 3A, 3.4.5 (code and data), 3.5 (system), 5.8.3 (call gates), 6.11 and 6.14.1 (IDT gates), 7.2 and 7.7 (TSS).
#ifndef CPU_DESCRIPTOR_H
#define CPU_DESCRIPTOR_H
#include "cpu/state/cpu.h"

// The type field of code and data segments.
#define RIGHTS_ACCESSED BIT(0)
#define RIGHTS_WRITABLE BIT(1)    // data
#define RIGHTS_READABLE BIT(1)    // code
#define RIGHTS_EXPAND_DOWN BIT(2) // data
#define RIGHTS_CONFORMING BIT(2)  // code
#define RIGHTS_CODE BIT(3)

// The type field of system segments and gates, Table 3-2.
enum system_type {
    TYPE_TSS16 = 1,
    TYPE_LDT,
    TYPE_TSS16_BUSY,
    TYPE_CALL_GATE16,
    TYPE_TASK_GATE,
    TYPE_INTERRUPT_GATE16,
    TYPE_TRAP_GATE16,
    TYPE_TSS32 = 9,
    TYPE_TSS32_BUSY = 11,
    TYPE_CALL_GATE32,
    TYPE_INTERRUPT_GATE32 = 14,
    TYPE_TRAP_GATE32,
};

struct descriptor {
    uint64_t linear; // where it lies
    uint64_t raw;    // its (first) eight bytes
    uint64_t high;   // the next eight, of 16-byte descriptors
    uint64_t base;
    uint32_t limit;  // bytes, inclusive
    uint32_t rights; // as in struct segment
};

#define SELECTOR_RPL BITS(1, 0)
#define SELECTOR_TI BIT(2)
ALWAYS_INLINE bool selector_null(uint16_t selector) { return !(selector & ~SELECTOR_RPL); }
ALWAYS_INLINE uint32_t selector_code(uint16_t selector) {
    return selector & ~(uint32_t)SELECTOR_RPL;
} // for error codes
ALWAYS_INLINE unsigned selector_rpl(uint16_t selector) { return selector & 3; }

ALWAYS_INLINE unsigned rights_dpl(uint32_t rights) { return rights >> RIGHTS_DPL_SHIFT & 3; }
ALWAYS_INLINE bool rights_code(uint32_t rights) {
    return (rights & (RIGHTS_S | RIGHTS_CODE)) == (RIGHTS_S | RIGHTS_CODE);
}
ALWAYS_INLINE bool rights_conforming(uint32_t rights) { return rights_code(rights) && rights & RIGHTS_CONFORMING; }
ALWAYS_INLINE bool rights_writable_data(uint32_t rights) {
    return (rights & (RIGHTS_S | RIGHTS_CODE | RIGHTS_WRITABLE)) == (RIGHTS_S | RIGHTS_WRITABLE);
}
// 0 for code and data segments.
ALWAYS_INLINE unsigned rights_system_type(uint32_t rights) { return rights & RIGHTS_S ? 0 : rights & RIGHTS_TYPE; }

// The descriptor that a selector names. Beyond the table's limit, or in an unusable LDT: the fault `vector` with the
// error code selector | ext. `bytes` is 8, or 16 for system descriptors of IA-32e mode.
enum outcome descriptor_fetch(struct cpu *cpu, uint16_t selector, unsigned bytes, enum exception_vector vector,
                              uint32_t ext, struct descriptor *d);
// The second eight bytes of one of 16 whose first were fetched: beyond the limit, #GP(selector). No byte is read twice.
enum outcome descriptor_fetch_high(struct cpu *cpu, uint16_t selector, struct descriptor *d);
// Whether a selector's descriptor lies within its table.
bool descriptor_within(const struct cpu *cpu, uint16_t selector, unsigned bytes);
// Sets the accessed flag in memory when it is clear. To be done when nothing else can fault.
enum outcome descriptor_mark_accessed(struct cpu *cpu, struct descriptor *d);
// Fills a segment register, hidden part included.
void segment_set(struct cpu *cpu, unsigned segment, uint16_t selector, const struct descriptor *d);
void segment_set_null(struct cpu *cpu, unsigned segment, uint16_t selector);
// Null in SS: 64-bit mode only. The privilege level stays readable in its DPL.
void segment_set_null_stack(struct cpu *cpu, unsigned cpl);
// CS with the privilege level in the selector.
ALWAYS_INLINE void segment_set_code(struct cpu *cpu, uint16_t selector, unsigned cpl, const struct descriptor *d) {
    segment_set(cpu, CS, (uint16_t)(selector_code(selector) | cpl), d);
}
// The checks of a far transfer's target code segment in IA-32e mode: not both L and D. false: #GP(selector).
ALWAYS_INLINE bool descriptor_code_valid(const struct cpu *cpu, const struct descriptor *d) {
    return !(cpu_long(cpu) && d->rights & RIGHTS_L && d->rights & RIGHTS_DB);
}
ALWAYS_INLINE bool descriptor_code_64bit(const struct cpu *cpu, const struct descriptor *d) {
    return cpu_long(cpu) && d->rights & RIGHTS_L;
}
// The target of a transfer into `d`: canonical, or within the limit; else #GP(0 | ext).
enum outcome descriptor_target(struct cpu *cpu, const struct descriptor *d, uint64_t rip, uint32_t ext);

#define ERROR_EXT 1u // of an error code: the fault came up while an event was being delivered

// --- a stack that is not yet in SS:RSP ---
struct stack {
    uint64_t base; // of the segment
    uint64_t sp;
    uint64_t mask; // of the stack pointer: 64, 32 or 16 bits
    uint32_t limit, rights;
    bool flat;    // 64-bit: no segment
    unsigned cpl; // the privilege of its accesses
    uint32_t fault_code;
};
// The stack in use, for transfers that stay on it.
struct stack transfer_stack(const struct cpu *cpu);
// A stack by the descriptor of its segment.
struct stack transfer_stack_of(uint16_t selector, const struct descriptor *d, uint64_t sp, unsigned cpl, uint32_t ext);
enum outcome transfer_push(struct cpu *cpu, struct stack *s, unsigned w, uint64_t value);
// Reads the current stack without moving it: s->sp advances.
enum outcome transfer_pop(struct cpu *cpu, struct stack *s, unsigned w, uint64_t *value);
// RSP := s->sp, as wide as the stack.
void transfer_adopt(struct cpu *cpu, const struct stack *s);

// The stack pointer of a privilege level in the 64-bit TSS (`ist` 1 to 7: that entry); canonical, or #SS(ext).
enum outcome tss_stack_64(struct cpu *cpu, unsigned cpl, unsigned ist, uint32_t ext, uint64_t *rsp);
// SS:ESP of a privilege level in a 16- or 32-bit TSS, with the checks on the stack segment (#TS, #SS).
enum outcome tss_stack(struct cpu *cpu, unsigned cpl, uint32_t ext, uint16_t *selector, struct descriptor *d,
                       uint64_t *sp);

#endif

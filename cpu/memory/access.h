// Operands of a body: registers and memory. The fast paths are inline; everything else is in cpu/memory/memory.c.
//
// Every access may return OUT_FAULT, OUT_VMEXIT (EPT) or OUT_SOLO; use TRY. Do all loads and check all stores that can
// fault before any register is changed; a store that succeeded may be repeated by a restart, so at most one store,
// last.
#ifndef CPU_ACCESS_H
#define CPU_ACCESS_H
#include "cpu/state/cpu.h"
#include "cpu/memory/tlb.h"
#include "cpu/pages/physical.h"
#include <string.h>

// --- registers, by the byte offsets in op fields ---
ALWAYS_INLINE uint64_t reg64(const struct cpu *cpu, op_field offset) {
    uint64_t v;
    memcpy(&v, (const char *)cpu + offset, 8);
    return v;
}
ALWAYS_INLINE void set_reg64(struct cpu *cpu, op_field offset, uint64_t v) { memcpy((char *)cpu + offset, &v, 8); }
// Zero-extended value of width w bits.
ALWAYS_INLINE uint64_t reg_get(const struct cpu *cpu, op_field offset, unsigned w) {
    const char *p = (const char *)cpu + offset;
    if (w == 8) return *(const uint8_t *)p;
    if (w == 16) {
        uint16_t v;
        memcpy(&v, p, 2);
        return v;
    }
    if (w == 32) {
        uint32_t v;
        memcpy(&v, p, 4);
        return v;
    }
    return reg64(cpu, offset);
}
// Writes of 32 bits clear the upper half; those of 8 and 16 bits keep the rest.
ALWAYS_INLINE void reg_set(struct cpu *cpu, op_field offset, unsigned w, uint64_t v) {
    char *p = (char *)cpu + offset;
    if (w == 8) {
        *(uint8_t *)p = (uint8_t)v;
    } else if (w == 16) {
        uint16_t x = (uint16_t)v;
        memcpy(p, &x, 2);
    } else
        set_reg64(cpu, offset, w == 32 ? (uint32_t)v : v);
}

// The counter of LOOP, JCXZ and repeated string instructions' kin: CX, ECX or RCX by the address size.
ALWAYS_INLINE uint64_t op_counter(const struct cpu *cpu, const struct op *op) {
    uint64_t v = cpu->gpr[RCX];
    return op->ea & EA_ADDRESS64 ? v : op->ea & EA_ADDRESS32 ? (uint32_t)v : (uint16_t)v;
}

// --- addresses ---
// The effective address of a legacy form or the offset part of any form; wrapped to the address size.
uint64_t op_effective_address(struct cpu *cpu, const struct op *op);
// Linear address with segment checks (limits, rights, canonical) where op->ea is not 0. size in bytes.
enum outcome op_linear_legacy(struct cpu *cpu, const struct op *op, unsigned size, bool write, uint64_t *linear);
ALWAYS_INLINE uint64_t op_scaled(const struct op *op, uint64_t index) {
#ifdef VMXRAY_STENCIL
    __asm__("shlq $hole_scale, %0" : "+r"(index) : : "cc");
    (void)op;
    return index;
#else
    return index << op->scale;
#endif
}
ALWAYS_INLINE uint64_t op_linear_flat(const struct cpu *cpu, const struct op *op) {
    return reg64(cpu, op->base) + op_scaled(op, reg64(cpu, op->index)) + (uint64_t)op->disp +
           reg64(cpu, op->segment_base);
}
ALWAYS_INLINE enum outcome op_linear(struct cpu *cpu, const struct op *op, unsigned size, bool write,
                                     uint64_t *linear) {
    if (unlikely(op->ea)) {
        uint64_t legacy = 0; // its address is taken, not linear's: that one stays in a register
        TRY(op_linear_legacy(cpu, op, size, write, &legacy));
        *linear = legacy;
        return OUT_OK;
    }
    *linear = op_linear_flat(cpu, op);
    return OUT_OK;
}
// The same for a byte of a cache line that is to be flushed: as of a load, but an execute-only segment will do.
enum outcome op_linear_flush(struct cpu *cpu, const struct op *op, uint64_t *linear);
// Linear address of segment:offset for implicit operands (strings, stack), with segment checks.
enum outcome segment_linear(struct cpu *cpu, unsigned segment, uint64_t offset, unsigned size, bool write,
                            uint64_t *linear);

// --- memory by linear address, current privilege ---
ALWAYS_INLINE struct tlb_fast *fast_entry(const struct cpu *cpu, uint64_t linear) {
    return &cpu->fast->data[(linear >> PAGE_SHIFT) & (TLB_DATA - 1)];
}
// A host pointer for `size` bytes (1 to 64) at `linear`, or the bounce buffer filled with them; NULL: *outcome says
// why.
const void *memory_read_slow(struct cpu *cpu, uint64_t linear, unsigned size, enum outcome *outcome);
// The same for a write after which memory_commit must be called when it is the bounce buffer; `read` also fills it.
void *memory_write_slow(struct cpu *cpu, uint64_t linear, unsigned size, bool read, enum outcome *outcome);
// Checked and accounted for as a load, but nothing is read. The operand must not cross pages.
enum outcome memory_translate(struct cpu *cpu, uint64_t linear, unsigned size, uint64_t *physical);
enum outcome memory_commit(struct cpu *cpu, unsigned size);
// For accesses that do not pass here as one: the data breakpoints that they hit (OUT_SOLO: the instruction must run
// alone first), and the alignment-check exception, which comes after all others.
enum outcome memory_breakpoints(struct cpu *cpu, uint64_t linear, unsigned size, bool write);
enum outcome memory_alignment(struct cpu *cpu, uint64_t linear, unsigned size);

// Never NULL nor the bounce buffer, and the compiler knows it.
ALWAYS_INLINE void *host_pointer(uint64_t linear, const struct tlb_fast *e) {
    void *p = (void *)(uintptr_t)(linear + e->addend);
    if (!p) __builtin_unreachable();
    return p;
}
ALWAYS_INLINE const void *memory_read(struct cpu *cpu, uint64_t linear, unsigned size, enum outcome *outcome) {
    const struct tlb_fast *e = fast_entry(cpu, linear);
    if (likely(e->read == (((linear + size - 1) & ~(PAGE_BYTES - 1)) | cpu->data_context)))
        return host_pointer(linear, e);
    return memory_read_slow(cpu, linear, size, outcome);
}
ALWAYS_INLINE void *memory_write(struct cpu *cpu, uint64_t linear, unsigned size, bool read, enum outcome *outcome) {
    const struct tlb_fast *e = fast_entry(cpu, linear);
    if (likely(e->write == (((linear + size - 1) & ~(PAGE_BYTES - 1)) | cpu->data_context)))
        return host_pointer(linear, e);
    return memory_write_slow(cpu, linear, size, read, outcome);
}
// w in bits: 8, 16, 32, 64.
ALWAYS_INLINE enum outcome load(struct cpu *cpu, uint64_t linear, unsigned w, uint64_t *value) {
    enum outcome outcome;
    const void *p = memory_read(cpu, linear, w / 8, &outcome);
    if (unlikely(!p)) return outcome;
    *value = bytes_get(p, w);
    return OUT_OK;
}
ALWAYS_INLINE enum outcome store(struct cpu *cpu, uint64_t linear, unsigned w, uint64_t value) {
    enum outcome outcome;
    void *p = memory_write(cpu, linear, w / 8, false, &outcome);
    if (unlikely(!p)) return outcome;
    bytes_set(p, w, value);
    return unlikely(p == cpu->bounce.data) ? memory_commit(cpu, w / 8) : OUT_OK;
}
// Any size to 64 bytes (SSE, x87, FXSAVE pieces).
enum outcome load_bytes(struct cpu *cpu, uint64_t linear, void *to, unsigned size);
enum outcome store_bytes(struct cpu *cpu, uint64_t linear, const void *from, unsigned size);
// Checks that `size` bytes (any number) can be written at `linear`, without writing; memory_alignment looks at that.
enum outcome store_probe(struct cpu *cpu, uint64_t linear, unsigned size);
// Large areas (XSAVE): `size` up to 4096, checked whole before anything is written or read.
enum outcome load_area(struct cpu *cpu, uint64_t linear, void *to, unsigned size);
enum outcome store_area(struct cpu *cpu, uint64_t linear, const void *from, unsigned size);

// --- implicit supervisor accesses (descriptor tables, TSS, IDT; SDM Vol. 3A, 4.6): no segment, not SMAP-exempt ---
enum outcome system_load(struct cpu *cpu, uint64_t linear, unsigned w, uint64_t *value);
enum outcome system_store(struct cpu *cpu, uint64_t linear, unsigned w, uint64_t value);

// --- operands of a body, by form; F and W must be constants ---
ALWAYS_INLINE enum form form_plain(enum form f) { return (enum form)(f & ~FORM_BITS); }
ALWAYS_INLINE bool form_dst_memory(enum form f) {
    return form_plain(f) == FORM_M || form_plain(f) == FORM_MR || form_plain(f) == FORM_MI;
}

// The memory operand of a fast form, at an address that is a multiple of `alignment`; NULL on a miss.
ALWAYS_INLINE void *fast_operand_aligned(const struct cpu *cpu, const struct op *op, enum form f, unsigned size,
                                         unsigned alignment, bool write) {
    if (!(f & FORM_BASED) && unlikely(op->ea)) return NULL;
    uint64_t linear = f & FORM_BASED ? reg64(cpu, op->base) + (uint64_t)op->disp : op_linear_flat(cpu, op);
    if (unlikely(linear & (alignment - 1))) return NULL;
    const struct tlb_fast *e = fast_entry(cpu, linear);
    if (unlikely((write ? e->write : e->read) != (((linear + size - 1) & ~(PAGE_BYTES - 1)) | cpu->data_context)))
        return NULL;
    return host_pointer(linear, e);
}
ALWAYS_INLINE void *fast_operand(const struct cpu *cpu, const struct op *op, enum form f, unsigned size, bool write) {
    return fast_operand_aligned(cpu, op, f, size, 1, write);
}

// A memory operand that is read.
ALWAYS_INLINE enum outcome operand_load(struct cpu *cpu, const struct op *op, enum form f, unsigned w, uint64_t *v) {
    if (f & FORM_FAST) {
        const void *p = fast_operand(cpu, op, f, w / 8, false);
        if (unlikely(!p)) return OUT_MISS;
        *v = bytes_get(p, w);
        return OUT_OK;
    }
    uint64_t linear = 0;
    TRY(op_linear(cpu, op, w / 8, false, &linear));
    return load(cpu, linear, w, v);
}

// The value of the source operand: second operand, or the only one of FORM_R, FORM_M, FORM_I.
ALWAYS_INLINE enum outcome source(struct cpu *cpu, const struct op *op, enum form f, unsigned w, uint64_t *v) {
    enum form plain = form_plain(f);
    if (plain == FORM_RI || plain == FORM_MI || plain == FORM_I) {
        *v = (uint64_t)(int64_t)op->imm & (~0ull >> (64 - w));
        return OUT_OK;
    }
    if (plain == FORM_RM || plain == FORM_M) return operand_load(cpu, op, f, w, v);
    *v = reg_get(cpu, plain == FORM_R ? op->dst : op->src, w);
    return OUT_OK;
}

// A destination that is read, then written.
struct target {
    void *memory;
    op_field reg;
};
ALWAYS_INLINE enum outcome target_open(struct cpu *cpu, const struct op *op, enum form f, unsigned w, struct target *p,
                                       uint64_t *v) {
    if (!form_dst_memory(f)) {
        p->reg = op->dst;
        *v = reg_get(cpu, op->dst, w);
        return OUT_OK;
    }
    if (f & FORM_FAST) {
        p->memory = fast_operand(cpu, op, f, w / 8, true);
        if (unlikely(!p->memory)) return OUT_MISS;
    } else {
        uint64_t linear = 0;
        enum outcome outcome;
        TRY(op_linear(cpu, op, w / 8, true, &linear));
        p->memory = memory_write(cpu, linear, w / 8, true, &outcome);
        if (unlikely(!p->memory)) return outcome;
    }
    *v = bytes_get(p->memory, w);
    return OUT_OK;
}
ALWAYS_INLINE enum outcome target_set(struct cpu *cpu, enum form f, unsigned w, struct target *p, uint64_t v) {
    if (!form_dst_memory(f)) {
        reg_set(cpu, p->reg, w, v);
        return OUT_OK;
    }
    bytes_set(p->memory, w, v);
    if (f & FORM_FAST) return OUT_OK;
    return unlikely(p->memory == cpu->bounce.data) ? memory_commit(cpu, w / 8) : OUT_OK;
}
// A destination that is only written.
ALWAYS_INLINE enum outcome destination(struct cpu *cpu, const struct op *op, enum form f, unsigned w, uint64_t v) {
    if (!form_dst_memory(f)) {
        reg_set(cpu, op->dst, w, v);
        return OUT_OK;
    }
    if (f & FORM_FAST) {
        void *p = fast_operand(cpu, op, f, w / 8, true);
        if (unlikely(!p)) return OUT_MISS;
        bytes_set(p, w, v);
        return OUT_OK;
    }
    uint64_t linear = 0;
    TRY(op_linear(cpu, op, w / 8, true, &linear));
    return store(cpu, linear, w, v);
}

#endif

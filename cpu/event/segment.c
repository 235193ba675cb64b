// Segment registers and descriptors: fetching, checking, loading. SDM Vol. 3A, 3.4, 5.5 to 5.7; Vol. 2B, MOV.
#include "cpu/event/segment.h"
#include "cpu/memory/access.h"
#include "cpu/event/descriptor.h"

#define RIGHTS_RAW (BITS(7, 0) | BITS(15, 12))

static void descriptor_unpack(struct descriptor *d) {
    d->rights = (uint32_t)(d->raw >> 40 & RIGHTS_RAW);
    d->base = (d->raw >> 16 & BITS(23, 0)) | (d->raw >> 32 & BITS(31, 24));
    uint32_t limit = (uint32_t)((d->raw & BITS(15, 0)) | (d->raw >> 32 & BITS(19, 16)));
    d->limit = d->rights & RIGHTS_G ? limit << 12 | 0xfff : limit;
}

bool descriptor_within(const struct cpu *cpu, uint16_t selector, unsigned bytes) {
    const struct segment *ldt = &cpu->segment[LDTR];
    bool local = selector & SELECTOR_TI;
    if (local && ldt->rights & RIGHTS_UNUSABLE) return false;
    return (selector & ~7u) + bytes - 1 <= (local ? ldt->limit : cpu->gdtr.limit);
}

enum outcome descriptor_fetch(struct cpu *cpu, uint16_t selector, unsigned bytes, enum exception_vector vector,
                              uint32_t ext, struct descriptor *d) {
    if (!descriptor_within(cpu, selector, bytes)) return cpu_fault_code(cpu, vector, selector_code(selector) | ext);
    d->linear = (selector & SELECTOR_TI ? cpu->segment_base[LDTR] : cpu->gdtr.base) + (selector & ~7u);
    if (!cpu_long(cpu)) d->linear = (uint32_t)d->linear;
    d->high = 0;
    TRY(system_load(cpu, d->linear, 64, &d->raw));
    if (bytes == 16) TRY(system_load(cpu, d->linear + 8, 64, &d->high));
    descriptor_unpack(d);
    if (bytes == 16) d->base |= d->high << 32;
    return OUT_OK;
}

enum outcome descriptor_fetch_high(struct cpu *cpu, uint16_t selector, struct descriptor *d) {
    if (!descriptor_within(cpu, selector, 16)) return cpu_fault_code(cpu, VECTOR_GP, selector_code(selector));
    TRY(system_load(cpu, d->linear + 8, 64, &d->high));
    d->base |= d->high << 32;
    return OUT_OK;
}

enum outcome descriptor_mark_accessed(struct cpu *cpu, struct descriptor *d) {
    enum { TYPE_BYTE = 5 };
    if (d->rights & RIGHTS_ACCESSED) return OUT_OK;
    d->rights |= RIGHTS_ACCESSED;
    return system_store(cpu, d->linear + TYPE_BYTE, 8, d->rights & BITS(7, 0));
}

void segment_set(struct cpu *cpu, unsigned segment, uint16_t selector, const struct descriptor *d) {
    cpu->segment[segment] = (struct segment){d->limit, d->rights, selector};
    cpu->segment_base[segment] = d->base;
}

void segment_set_null(struct cpu *cpu, unsigned segment, uint16_t selector) {
    cpu->segment[segment] = (struct segment){0, RIGHTS_UNUSABLE, selector};
    cpu->segment_base[segment] = 0;
}

void segment_set_null_stack(struct cpu *cpu, unsigned cpl) {
    segment_set_null(cpu, SS, (uint16_t)cpl);
    cpu->segment[SS].rights |= cpl << RIGHTS_DPL_SHIFT;
}

// Virtual-8086 mode fixes limit and rights (SDM Vol. 3B, 20.2.1); real-address mode keeps what protected mode left
// there, but for the type, which is that of a present writable data segment.
void segment_load_real(struct cpu *cpu, unsigned segment, uint16_t selector) {
    enum { DATA = 0x93, VM86_DPL = 3 << RIGHTS_DPL_SHIFT, LIMIT_64K = 0xffff };
    struct segment *s = &cpu->segment[segment];
    bool fresh = s->rights & RIGHTS_UNUSABLE;
    s->selector = selector;
    cpu->segment_base[segment] = (uint64_t)selector << 4;
    if (cpu_vm86(cpu)) {
        s->limit = LIMIT_64K;
        s->rights = DATA | VM86_DPL;
    } else if (segment != CS) {
        if (fresh) s->limit = LIMIT_64K;
        s->rights = DATA | (fresh ? 0 : s->rights & (uint32_t)(RIGHTS_G | RIGHTS_DB | RIGHTS_AVL));
    }
}

static enum outcome load_stack(struct cpu *cpu, uint16_t selector) {
    unsigned cpl = cpu_cpl(cpu);
    struct descriptor d;
    if (selector_null(selector)) {
        if (!cpu_64bit(cpu) || cpl == 3 || selector_rpl(selector) != cpl) return cpu_fault_gp0(cpu);
        segment_set_null_stack(cpu, cpl);
        return OUT_OK;
    }
    TRY(descriptor_fetch(cpu, selector, 8, VECTOR_GP, 0, &d));
    if (selector_rpl(selector) != cpl || !rights_writable_data(d.rights) || rights_dpl(d.rights) != cpl)
        return cpu_fault_code(cpu, VECTOR_GP, selector_code(selector));
    if (!(d.rights & RIGHTS_P)) return cpu_fault_code(cpu, VECTOR_SS, selector_code(selector));
    TRY(descriptor_mark_accessed(cpu, &d));
    segment_set(cpu, SS, selector, &d);
    return OUT_OK;
}

static bool data_allowed(const struct cpu *cpu, uint16_t selector, uint32_t rights) {
    if (!(rights & RIGHTS_S)) return false;
    if (rights & RIGHTS_CODE && !(rights & RIGHTS_READABLE)) return false;
    if (rights_conforming(rights)) return true;
    return rights_dpl(rights) >= cpu_cpl(cpu) && rights_dpl(rights) >= selector_rpl(selector);
}

static enum outcome load_data(struct cpu *cpu, unsigned segment, uint16_t selector) {
    struct descriptor d;
    if (selector_null(selector)) {
        segment_set_null(cpu, segment, selector);
        return OUT_OK;
    }
    TRY(descriptor_fetch(cpu, selector, 8, VECTOR_GP, 0, &d));
    if (!data_allowed(cpu, selector, d.rights)) return cpu_fault_code(cpu, VECTOR_GP, selector_code(selector));
    if (!(d.rights & RIGHTS_P)) return cpu_fault_code(cpu, VECTOR_NP, selector_code(selector));
    TRY(descriptor_mark_accessed(cpu, &d));
    segment_set(cpu, segment, selector, &d);
    return OUT_OK;
}

enum outcome segment_load(struct cpu *cpu, unsigned segment, uint16_t selector) {
    if (cpu_protected(cpu)) return segment == SS ? load_stack(cpu, selector) : load_data(cpu, segment, selector);
    segment_load_real(cpu, segment, selector);
    return OUT_OK;
}

enum outcome near_target(struct cpu *cpu, uint64_t rip) {
    bool good = cpu_64bit(cpu) ? cpu_canonical(cpu, rip) : rip <= cpu->segment[CS].limit;
    return likely(good) ? OUT_OK : cpu_fault_gp0(cpu);
}

enum outcome descriptor_target(struct cpu *cpu, const struct descriptor *d, uint64_t rip, uint32_t ext) {
    bool good = descriptor_code_64bit(cpu, d) ? cpu_canonical(cpu, rip) : rip <= d->limit;
    return good ? OUT_OK : cpu_fault_code(cpu, VECTOR_GP, ext);
}

// --- segmented addresses. SDM Vol. 3A, 5.3, 5.4; Vol. 1, 3.3.7.1 ---

static enum outcome segment_fault(struct cpu *cpu, unsigned segment) {
    return cpu_fault_code(cpu, segment == SS ? VECTOR_SS : VECTOR_GP, 0);
}

static bool segment_allows(const struct cpu *cpu, const struct segment *s, bool write) {
    if (s->rights & RIGHTS_UNUSABLE) return false;
    if (!cpu_protected(cpu)) return true;
    bool code = s->rights & BIT(3);
    if (write) return !code && s->rights & BIT(1);
    return !code || s->rights & BIT(1);
}

static bool segment_within(const struct segment *s, uint64_t offset, unsigned size) {
    uint64_t last = offset + (size ? size - 1 : 0);
    bool expand_down = (s->rights & (RIGHTS_S | BIT(3) | BIT(2))) == (RIGHTS_S | BIT(2));
    if (!expand_down) return last <= s->limit;
    return offset > s->limit && last <= (s->rights & RIGHTS_DB ? UINT32_MAX : UINT16_MAX);
}

// Outside 64-bit mode. `allowed`: whether the segment's type allows the access.
static enum outcome segmented(struct cpu *cpu, unsigned segment, uint64_t offset, unsigned size, bool allowed,
                              uint64_t *linear) {
    const struct segment *s = &cpu->segment[segment];
    if (!allowed) {
        bool null = s->rights & RIGHTS_UNUSABLE;
        return null && segment == SS ? segment_fault(cpu, SS) : cpu_fault_gp0(cpu);
    }
    if (!segment_within(s, offset, size)) return segment_fault(cpu, segment);
    *linear = (uint32_t)(offset + cpu->segment_base[segment]);
    return OUT_OK;
}

enum outcome segment_linear(struct cpu *cpu, unsigned segment, uint64_t offset, unsigned size, bool write,
                            uint64_t *linear) {
    if (cpu_64bit(cpu)) {
        *linear = offset + (segment == FS || segment == GS ? cpu->segment_base[segment] : 0);
        bool whole = cpu_canonical(cpu, *linear) && cpu_canonical(cpu, *linear + (size ? size - 1 : 0));
        return likely(whole) ? OUT_OK : segment_fault(cpu, segment);
    }
    return segmented(cpu, segment, offset, size, segment_allows(cpu, &cpu->segment[segment], write), linear);
}

uint64_t op_effective_address(struct cpu *cpu, const struct op *op) {
    uint64_t address = reg64(cpu, op->base) + (reg64(cpu, op->index) << op->scale) + (uint64_t)op->disp;
    if (!op->ea || op->ea & EA_ADDRESS64) return address;
    return op->ea & EA_ADDRESS32 ? (uint32_t)address : (uint16_t)address;
}

enum outcome op_linear_legacy(struct cpu *cpu, const struct op *op, unsigned size, bool write, uint64_t *linear) {
    return segment_linear(cpu, op->ea & EA_SEGMENT, op_effective_address(cpu, op), size, write, linear);
}

enum outcome op_linear_flush(struct cpu *cpu, const struct op *op, uint64_t *linear) {
    unsigned segment = op->ea & EA_SEGMENT;
    if (!op->ea || cpu_64bit(cpu)) return op_linear(cpu, op, 1, false, linear);
    bool usable = !(cpu->segment[segment].rights & RIGHTS_UNUSABLE);
    return segmented(cpu, segment, op_effective_address(cpu, op), 1, usable, linear);
}

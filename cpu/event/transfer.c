// Stacks for control transfers: pushing on a stack that SS:RSP does not name yet, and the stack pointers of the TSS.
// SDM Vol. 3A, 5.8.5 (stack switching), 6.12.1, 6.14.2 to 6.14.5, 7.2.1 and 7.7.
#include "cpu/memory/access.h"
#include "cpu/watch/debug.h"
#include "cpu/event/descriptor.h"
#include "cpu/watch/observe.h"
#include "cpu/memory/paging.h"
#include "cpu/memory/points.h"

struct stack transfer_stack(const struct cpu *cpu) {
    const struct segment *ss = &cpu->segment[SS];
    bool flat = cpu_64bit(cpu);
    return (struct stack){
        .base = flat ? 0 : cpu->segment_base[SS],
        .sp = cpu->gpr[RSP],
        .mask = flat                     ? ~0ull
                : ss->rights & RIGHTS_DB ? BITS(31, 0)
                                         : BITS(15, 0),
        .limit = ss->limit,
        .rights = ss->rights,
        .flat = flat,
        .cpl = cpu_cpl(cpu),
    };
}

struct stack transfer_stack_of(uint16_t selector, const struct descriptor *d, uint64_t sp, unsigned cpl, uint32_t ext) {
    return (struct stack){
        .base = d->base,
        .sp = sp,
        .mask = d->rights & RIGHTS_DB ? BITS(31, 0) : BITS(15, 0),
        .limit = d->limit,
        .rights = d->rights,
        .cpl = cpl,
        .fault_code = selector_code(selector) | ext,
    };
}

// Whether `size` bytes at an offset of the stack segment lie within its limit.
static bool within(const struct stack *s, uint64_t offset, unsigned size) {
    uint64_t last = offset + size - 1;
    if (!(s->rights & RIGHTS_EXPAND_DOWN)) return last <= s->limit;
    return offset > s->limit && last <= s->mask;
}

static enum outcome stack_linear(struct cpu *cpu, const struct stack *s, unsigned size, uint64_t *linear) {
    uint64_t offset = s->sp & s->mask;
    bool good = s->flat ? cpu_canonical(cpu, offset) && cpu_canonical(cpu, offset + size - 1) : within(s, offset, size);
    if (unlikely(!good)) return cpu_fault_code(cpu, VECTOR_SS, s->fault_code);
    *linear = s->flat ? offset : (uint32_t)(s->base + offset);
    return OUT_OK;
}

// The error code tells, as those of other faults here, whether an event is being delivered.
static enum outcome push_aligned(struct cpu *cpu, const struct stack *s, uint64_t linear, unsigned size) {
    if (likely(!(cpu->breakpoints.watch & WATCH_ALIGNMENT)) || !debug_misaligned(linear, size)) return OUT_OK;
    return cpu_fault_code(cpu, VECTOR_AC, s->fault_code & ERROR_EXT);
}

// A user-mode store that does not depend on the block in execution: event delivery has none.
static enum outcome user_store(struct cpu *cpu, const struct stack *s, uint64_t linear, unsigned w, uint64_t value) {
    unsigned size = w / 8, room = (unsigned)(PAGE_BYTES - (linear & (PAGE_BYTES - 1)));
    struct translation_access access = {.class = ACCESS_USER, .write = true};
    uint64_t first = 0, second = 0;
    TRY(translate(cpu, linear, &access, &first));
    if (size > room) TRY(translate(cpu, linear + room, &access, &second));
    TRY(push_aligned(cpu, s, linear, size));
    uint64_t physical = (first & TLB_PAGE_MASK) | (linear & (PAGE_BYTES - 1));
    if (unlikely(cpu->breakpoints.watch & WATCH_POINT)) {
        observe_access(cpu, linear, physical, size < room ? size : room, &value, true);
        if (size > room)
            observe_access(cpu, linear + room, second & TLB_PAGE_MASK, size - room, (const uint8_t *)&value + room,
                           true);
    }
    if (size <= room) {
        physical_store(cpu, physical, w, value);
        return OUT_OK;
    }
    for (unsigned i = 0; i < size; i++) {
        uint64_t at = i < room ? physical + i : (second & TLB_PAGE_MASK) + i - room;
        physical_store(cpu, at, 8, value >> (8 * i) & 0xff);
    }
    return OUT_OK;
}

enum outcome transfer_push(struct cpu *cpu, struct stack *s, unsigned w, uint64_t value) {
    struct stack next = *s;
    uint64_t linear = 0;
    next.sp = (s->sp & ~s->mask) | ((s->sp - w / 8) & s->mask);
    TRY(stack_linear(cpu, &next, w / 8, &linear));
    if (s->cpl == 3)
        TRY(user_store(cpu, s, linear, w, value));
    else
        TRY(system_store(cpu, linear, w, value));
    if (unlikely(cpu->breakpoints.watch & WATCH_DATA)) (void)debug_data(cpu, linear, w / 8, true);
    s->sp = next.sp;
    return OUT_OK;
}

enum outcome transfer_pop(struct cpu *cpu, struct stack *s, unsigned w, uint64_t *value) {
    uint64_t linear = 0;
    TRY(stack_linear(cpu, s, w / 8, &linear));
    TRY(load(cpu, linear, w, value));
    s->sp = (s->sp & ~s->mask) | ((s->sp + w / 8) & s->mask);
    return OUT_OK;
}

void transfer_adopt(struct cpu *cpu, const struct stack *s) {
    uint64_t rsp = cpu->gpr[RSP];
    cpu->gpr[RSP] = s->mask == BITS(15, 0) ? (rsp & ~s->mask) | (s->sp & s->mask) : s->sp & s->mask;
}

// --- the TSS ---

static enum outcome tss_fault(struct cpu *cpu, uint32_t ext) {
    return cpu_fault_code(cpu, VECTOR_TS, selector_code(cpu->segment[TR].selector) | ext);
}

static enum outcome tss_load(struct cpu *cpu, uint32_t offset, unsigned w, uint32_t ext, uint64_t *value) {
    if (offset + w / 8 - 1 > cpu->segment[TR].limit) return tss_fault(cpu, ext);
    return system_load(cpu, cpu->segment_base[TR] + offset, w, value);
}

enum outcome tss_stack_64(struct cpu *cpu, unsigned cpl, unsigned ist, uint32_t ext, uint64_t *rsp) {
    enum { RSP0 = 4, IST1 = 36 };
    TRY(tss_load(cpu, ist ? IST1 + 8 * (ist - 1) : RSP0 + 8 * cpl, 64, ext, rsp));
    return cpu_canonical(cpu, *rsp) ? OUT_OK : cpu_fault_code(cpu, VECTOR_SS, ext);
}

static enum outcome stack_segment_check(struct cpu *cpu, uint16_t selector, unsigned cpl, uint32_t ext,
                                        struct descriptor *d) {
    uint32_t code = selector_code(selector) | ext;
    if (selector_null(selector)) return cpu_fault_code(cpu, VECTOR_TS, ext);
    TRY(descriptor_fetch(cpu, selector, 8, VECTOR_TS, ext, d));
    if (selector_rpl(selector) != cpl || rights_dpl(d->rights) != cpl || !rights_writable_data(d->rights))
        return cpu_fault_code(cpu, VECTOR_TS, code);
    return d->rights & RIGHTS_P ? OUT_OK : cpu_fault_code(cpu, VECTOR_SS, code);
}

enum outcome tss_stack(struct cpu *cpu, unsigned cpl, uint32_t ext, uint16_t *selector, struct descriptor *d,
                       uint64_t *sp) {
    enum { ESP0 = 4, SS0 = 8, SP0_16 = 2, SS0_16 = 4 };
    bool wide = cpu->segment[TR].rights & BIT(3); // a 32-bit TSS
    uint64_t ss = 0;
    TRY(tss_load(cpu, wide ? SS0 + 8 * cpl : SS0_16 + 4 * cpl, 16, ext, &ss));
    TRY(tss_load(cpu, wide ? ESP0 + 8 * cpl : SP0_16 + 4 * cpl, wide ? 32 : 16, ext, sp));
    *selector = (uint16_t)ss;
    return stack_segment_check(cpu, *selector, cpl, ext, d);
}

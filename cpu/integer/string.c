// MOVS STOS LODS SCAS CMPS and their repetition. SDM Vol. 2; Vol. 1, 7.3.9. INS and OUTS are in cpu/system*.c.
//
// Repeated MOVS and STOS go in bulk where single iterations would do the same: within one page each, in memory that the
// fast entries know (RAM without decoded code).
// A count of 0 changes no register, as the SDM's operation says; some processors then clear the upper halves of RSI and
// RDI when MOVS or STOS use 32-bit addresses in 64-bit mode.
#include "cpu/integer/string.h"
#include "cpu/engine/block.h"
#include "cpu/engine/run.h"
#include "cpu/memory/tlb.h"
#include "cpu/watch/observe.h"

// --- repetition ---

// The iteration wrote into this very instruction, or may have: it must be fetched again, as it would be after a single
// step. A block out of the cache knows; the scratch block's bytes are compared.
static bool code_changed(struct cpu *cpu, const struct op *op) {
    if (!cpu->block || op->fn == run_block_stale) return true; // no block: what memory is seen has changed
    return !cpu->block->page && solo_changed(cpu);
}

// Whether only one iteration may run before the run loop looks again: single step, an event held off for one
// instruction, or someone who watches each attempt.
static bool one_only(const struct cpu *cpu) {
    return cpu->attempt.trap || cpu->observation.doing & OBSERVING_TIME ||
           (!cpu->block->page && (cpu->boundary.pending || cpu->observation.doing));
}

// The flags of a comparison are those of the last iteration: until then they stay as they were, so that a fault finds
// them so (SDM Vol. 2B, REP). RF is set between iterations: events save it so, and an instruction breakpoint does not
// come twice. SDM Vol. 3B, 17.3.1.1; Vol. 3C, 29.6.
static enum outcome again(struct cpu *cpu, const struct op *op, uint64_t done) {
    cpu->time.unretired += done;
    cpu->rip = op_rip(cpu, op);
    cpu->rflags |= FLAG_RF;
    return OUT_AGAIN;
}

enum outcome string_repeat(struct cpu *cpu, const struct op *op, string_once_fn *once, string_bulk_fn *bulk) {
    uint64_t left = string_register(cpu, op, RCX), done = 0;
    const struct flags before = cpu->flags;
    bool more = true, stop = one_only(cpu);
    while (left && more) {
        int64_t room = cpu->budget + (done ? 0 : 1);
        if (room <= 0 || (done && (stop || cpu->attention))) return again(cpu, op, done);
        uint64_t most = stop ? 1 : left < (uint64_t)room ? left : (uint64_t)room;
        uint64_t n = bulk ? bulk(cpu, op, most) : 0;
        cpu->budget -= (int64_t)(n ? n : 1) - (done ? 0 : 1);
        if (!n) {
            enum outcome outcome = once(cpu, op, &more);
            if (outcome != OUT_OK) {
                // What faults or exits does so once: a second attempt could be told from one.
                if (!done) return outcome;
                if (outcome == OUT_FAULT || outcome == OUT_VMEXIT) return cpu->time.unretired += done, outcome;
                cpu->breakpoints.hits = 0;
                cpu->budget++;
                return again(cpu, op, done);
            }
            n = 1;
            stop |= code_changed(cpu, op);
        }
        done += n;
        left -= n;
        if (left && more) cpu->flags = before;
        string_register_set(cpu, op, RCX, left);
    }
    cpu->time.unretired += done - (done != 0);
    cpu->rip = op_next_rip(cpu, op);
    return OUT_OK;
}

// --- bulk ---

static bool descending(const struct cpu *cpu) { return cpu->rflags & FLAG_DF; }

// The linear address of the lowest of `bytes` bytes that an index register goes through in elements of w bits; they
// must not wrap, and lie within one page.
static bool span_linear(struct cpu *cpu, const struct op *op, enum gpr number, unsigned w, uint64_t bytes, bool write,
                        uint64_t *linear) {
    uint64_t offset = string_register(cpu, op, number), below = descending(cpu) ? bytes - w / 8 : 0;
    unsigned segment = number == RSI ? op->ea & EA_SEGMENT : ES;
    if (below > offset || bytes - 1 > MASK(string_address_width(op)) - (offset - below)) return false;
    return segment_linear(cpu, segment, offset - below, (unsigned)bytes, write, linear) == OUT_OK;
}

// How many elements of w bits fit in the page from where the index register points.
static uint64_t page_room(const struct cpu *cpu, const struct op *op, enum gpr number, unsigned w) {
    unsigned segment = number == RSI ? op->ea & EA_SEGMENT : ES;
    bool based = !cpu_64bit(cpu) || segment == FS || segment == GS;
    uint64_t linear = string_register(cpu, op, number) + (based ? cpu->segment_base[segment] : 0);
    uint64_t before = linear & (PAGE_BYTES - 1), after = PAGE_BYTES - before, element = w / 8;
    if (!descending(cpu)) return after / element;
    return after < element ? 0 : before / element + 1;
}

// Also by the second entry of its index, if the first is that of `target`: there the iterations leave both.
static const uint8_t *span_read(const struct cpu *cpu, uint64_t linear, uint64_t target) {
    const struct tlb_fast *e = fast_entry(cpu, linear);
    if (e == fast_entry(cpu, target) && (linear ^ target) >> PAGE_SHIFT) e += TLB_DATA;
    bool known = e->read == ((linear & ~(PAGE_BYTES - 1)) | cpu->data_context);
    return known ? (const uint8_t *)(uintptr_t)(linear + e->addend) : NULL;
}
// Not where the instruction itself lies, whose next iteration may then be another.
static uint8_t *span_write(struct cpu *cpu, uint64_t linear) {
    const struct tlb_fast *e = fast_entry(cpu, linear);
    if (e->write != ((linear & ~(PAGE_BYTES - 1)) | cpu->data_context)) return NULL;
    uint8_t *page = (uint8_t *)(uintptr_t)((linear & ~(PAGE_BYTES - 1)) + e->addend);
    if (!cpu->block->page && solo_lies_on(cpu, page)) return NULL;
    return page + (linear & (PAGE_BYTES - 1));
}

static uint64_t smaller(uint64_t a, uint64_t b) { return a < b ? a : b; }

// Element by element where a destination overlaps what is still to be read, so that a pattern repeats.
static void copy_ascending(uint8_t *to, const uint8_t *from, uint64_t bytes, unsigned element) {
    if (to <= from || to >= from + bytes) {
        memmove(to, from, bytes);
        return;
    }
    for (uint64_t i = 0; i < bytes; i += element) memmove(to + i, from + i, element);
}
static void copy_descending(uint8_t *to, const uint8_t *from, uint64_t bytes, unsigned element) {
    if (to >= from || to + bytes <= from) {
        memmove(to, from, bytes);
        return;
    }
    for (uint64_t i = bytes; i; i -= element) memmove(to + i - element, from + i - element, element);
}

static uint64_t movs_bulk(struct cpu *cpu, const struct op *op, uint64_t count, unsigned w) {
    count = smaller(count, smaller(page_room(cpu, op, RSI, w), page_room(cpu, op, RDI, w)));
    uint64_t bytes = count * (w / 8), source = 0, target = 0;
    if (count < 2 || !span_linear(cpu, op, RSI, w, bytes, false, &source)) return 0;
    if (!span_linear(cpu, op, RDI, w, bytes, true, &target)) return 0;
    const uint8_t *from = span_read(cpu, source, target);
    uint8_t *to = span_write(cpu, target);
    if (!from || !to) return 0;
    (descending(cpu) ? copy_descending : copy_ascending)(to, from, bytes, w / 8);
    string_advance(cpu, op, RSI, w, count);
    string_advance(cpu, op, RDI, w, count);
    return count;
}

static void fill(uint8_t *to, uint64_t v, uint64_t bytes, unsigned w) {
    bool uniform = w == 8 || (v & MASK(w)) == 0;
    if (uniform) {
        memset(to, (int)(uint8_t)v, bytes);
        return;
    }
    for (uint64_t i = 0; i < bytes; i += w / 8) bytes_set(to + i, w, v);
}

static uint64_t stos_bulk(struct cpu *cpu, const struct op *op, uint64_t count, unsigned w) {
    count = smaller(count, page_room(cpu, op, RDI, w));
    uint64_t bytes = count * (w / 8), target = 0;
    if (count < 2 || !span_linear(cpu, op, RDI, w, bytes, true, &target)) return 0;
    uint8_t *to = span_write(cpu, target);
    if (!to) return 0;
    fill(to, cpu->gpr[RAX], bytes, w);
    string_advance(cpu, op, RDI, w, count);
    return count;
}

// --- single iterations ---

ALWAYS_INLINE enum outcome movs_once(struct cpu *cpu, const struct op *op, unsigned w, bool *more) {
    uint64_t source = 0, target = 0, v = 0;
    (void)more;
    TRY(string_source(cpu, op, w, &source));
    TRY(load(cpu, source, w, &v));
    TRY(string_target(cpu, op, w, true, &target));
    TRY(store(cpu, target, w, v));
    string_advance(cpu, op, RSI, w, 1);
    string_advance(cpu, op, RDI, w, 1);
    return OUT_OK;
}
ALWAYS_INLINE enum outcome stos_once(struct cpu *cpu, const struct op *op, unsigned w, bool *more) {
    uint64_t target = 0;
    (void)more;
    TRY(string_target(cpu, op, w, true, &target));
    TRY(store(cpu, target, w, cpu->gpr[RAX]));
    string_advance(cpu, op, RDI, w, 1);
    return OUT_OK;
}
ALWAYS_INLINE enum outcome lods_once(struct cpu *cpu, const struct op *op, unsigned w, bool *more) {
    uint64_t source = 0, v = 0;
    (void)more;
    TRY(string_source(cpu, op, w, &source));
    TRY(load(cpu, source, w, &v));
    reg_set(cpu, RAX * 8, w, v);
    string_advance(cpu, op, RSI, w, 1);
    return OUT_OK;
}
ALWAYS_INLINE enum outcome scas_once(struct cpu *cpu, const struct op *op, unsigned w, bool *equal) {
    uint64_t target = 0, v = 0, a = reg_get(cpu, RAX * 8, w);
    TRY(string_target(cpu, op, w, false, &target));
    TRY(load(cpu, target, w, &v));
    flags_sub(&cpu->flags, a, v, (a - v) & MASK(w), w);
    string_advance(cpu, op, RDI, w, 1);
    *equal = a == v;
    return OUT_OK;
}
ALWAYS_INLINE enum outcome cmps_once(struct cpu *cpu, const struct op *op, unsigned w, bool *equal) {
    uint64_t source = 0, target = 0, a = 0, v = 0;
    TRY(string_source(cpu, op, w, &source));
    TRY(load(cpu, source, w, &a));
    TRY(string_target(cpu, op, w, false, &target));
    TRY(load(cpu, target, w, &v));
    flags_sub(&cpu->flags, a, v, (a - v) & MASK(w), w);
    string_advance(cpu, op, RSI, w, 1);
    string_advance(cpu, op, RDI, w, 1);
    *equal = a == v;
    return OUT_OK;
}

#define ONCE(name)                                                                                                     \
    BODY(name) {                                                                                                       \
        bool unused;                                                                                                   \
        (void)F;                                                                                                       \
        return name##_once(cpu, op, W, &unused);                                                                       \
    }                                                                                                                  \
    INSTANTIATE(name, NEXT, FORMS_NONE)
ONCE(movs)
ONCE(stos)
ONCE(lods)
ONCE(scas)
ONCE(cmps)

static uint64_t no_bulk(struct cpu *cpu, const struct op *op, uint64_t count, unsigned w) {
    (void)cpu, (void)op, (void)count, (void)w;
    return 0;
}

// A fault finds 32-bit registers of 64-bit mode zero-extended, as if they had been written (a habit of Intel's
// processors; AMD's leave those that no iteration has changed).
static COLD void registers_extend(struct cpu *cpu, const struct op *op, bool source, bool target) {
    if (string_address_width(op) != 32) return;
    cpu->gpr[RCX] = (uint32_t)cpu->gpr[RCX];
    if (source) cpu->gpr[RSI] = (uint32_t)cpu->gpr[RSI];
    if (target) cpu->gpr[RDI] = (uint32_t)cpu->gpr[RDI];
}

static enum outcome repeat(struct cpu *cpu, const struct op *op, string_once_fn *once, string_bulk_fn *bulk,
                           bool source, bool target) {
    enum outcome outcome = string_repeat(cpu, op, once, bulk);
    if (unlikely(outcome == OUT_FAULT || outcome == OUT_VMEXIT)) registers_extend(cpu, op, source, target);
    return outcome;
}

// A repeated one: for each width the single iteration and the bulk as functions. `condition` says whether to go on.
#define REPEATED_WIDTH(name, iteration, condition, bulk, w)                                                            \
    static enum outcome name##_once_##w(struct cpu *cpu, const struct op *op, bool *more) {                            \
        bool equal = true;                                                                                             \
        enum outcome outcome = iteration##_once(cpu, op, w, &equal);                                                   \
        *more = condition;                                                                                             \
        return outcome;                                                                                                \
    }                                                                                                                  \
    static uint64_t name##_bulk_##w(struct cpu *cpu, const struct op *op, uint64_t count) {                            \
        return bulk(cpu, op, count, w);                                                                                \
    }
#define REPEATED(name, iteration, condition, bulk, source, target)                                                     \
    REPEATED_WIDTH(name, iteration, condition, bulk, 8)                                                                \
    REPEATED_WIDTH(name, iteration, condition, bulk, 16)                                                               \
    REPEATED_WIDTH(name, iteration, condition, bulk, 32)                                                               \
    REPEATED_WIDTH(name, iteration, condition, bulk, 64)                                                               \
    BODY(name) {                                                                                                       \
        (void)F;                                                                                                       \
        if (W == 8) return repeat(cpu, op, name##_once_8, name##_bulk_8, source, target);                              \
        if (W == 16) return repeat(cpu, op, name##_once_16, name##_bulk_16, source, target);                           \
        if (W == 32) return repeat(cpu, op, name##_once_32, name##_bulk_32, source, target);                           \
        return repeat(cpu, op, name##_once_64, name##_bulk_64, source, target);                                        \
    }                                                                                                                  \
    INSTANTIATE(name, BRANCH, FORMS_NONE)

REPEATED(movs_repeated, movs, true, movs_bulk, true, true)
REPEATED(stos_repeated, stos, true, stos_bulk, false, true)
REPEATED(lods_repeated, lods, true, no_bulk, true, false)
REPEATED(scas_while_equal, scas, equal, no_bulk, false, true)
REPEATED(scas_while_different, scas, !equal, no_bulk, false, true)
REPEATED(cmps_while_equal, cmps, equal, no_bulk, true, true)
REPEATED(cmps_while_different, cmps, !equal, no_bulk, true, true)

// XSAVE, XSAVEOPT, XSAVEC, XSAVES, XRSTOR, XRSTORS. SDM Vol. 1, 13.4 to 13.12.
//
// Init optimization: XINUSE[i] is 0 exactly when component i is in its initial configuration, which makes every saved
// image a function of the state alone. In 64-bit mode SSE and AVX state are 16 registers, otherwise 8.
// Modified optimization: not used, as the manual allows (XMODIFIED is always all ones).
// No byte is read or written but those of the components in question, MXCSR and the header, and none is read twice:
// what was checked is what is loaded. That all of them can be written is made sure of before the first is. A fault
// changes nothing, also a #GP for MXCSR's reserved bits, before which processors may have restored XMM registers. NOT
// IMPLEMENTED: components other than x87, SSE, AVX and PKRU.
#include "cpu/vector/xsave.h"
#include "cpu/state/intercept.h"
#include "cpu/vector/vector.h"
#include "cpu/memory/mode.h"
#include "cpu/watch/observe.h"

#define XSAVE_HEADER 512
#define XSAVE_EXTENDED 576
#define XSAVE_AREA_MAX 2752
#define XCOMP_COMPACTED BIT(63)

const struct xsave_component xsave_components[XSAVE_COMPONENTS] = {
    {COMPONENT_AVX, 576, 256, false, false},
    {COMPONENT_PKRU, 2688, 8, false, false},
};

// Where component `c` lies in an area with `components`. 13.4.3.
static uint32_t component_offset(const struct xsave_component *c, uint64_t components, bool compacted) {
    if (!compacted) return c->offset;
    uint32_t at = XSAVE_EXTENDED;
    for (const struct xsave_component *p = xsave_components; p < c; p++)
        if (components >> p->number & 1) at = (p->aligned ? (at + 63) & ~63u : at) + p->size;
    return c->aligned ? (at + 63) & ~63u : at;
}

uint32_t xsave_area_size(uint64_t components, bool compacted) {
    uint32_t size = XSAVE_EXTENDED;
    for (unsigned i = 0; i < XSAVE_COMPONENTS; i++) {
        const struct xsave_component *c = &xsave_components[i];
        if (components >> c->number & 1) size = component_offset(c, components, compacted) + c->size;
    }
    return size;
}

// --- the components ---
static bool x87_in_use(const struct cpu *cpu) {
    const struct x87 *x = &cpu->fpu.x87;
    uint64_t any =
        x->status | x->opcode | x->ip | x->dp | x->cs | x->ds | (x->control ^ X87_CONTROL_RESET) | (x->empty ^ 0xffu);
    for (unsigned i = 0; i < 8; i++) any |= x->r[i].significand | x->r[i].sign_exponent;
    return any;
}
// Any bit set in 16-byte piece `piece` of the vector registers.
static bool vectors_in_use(const struct cpu *cpu, unsigned piece) {
    uint64_t any = 0;
    for (unsigned i = 0; i < (cpu_64bit(cpu) ? 16 : 8); i++)
        any |= cpu->fpu.vector[i].u64[2 * piece] | cpu->fpu.vector[i].u64[2 * piece + 1];
    return any;
}
uint64_t xsave_in_use(const struct cpu *cpu) {
    return (x87_in_use(cpu) ? BIT(COMPONENT_X87) : 0) | (vectors_in_use(cpu, 0) ? BIT(COMPONENT_SSE) : 0) |
           (vectors_in_use(cpu, 1) ? BIT(COMPONENT_AVX) : 0) | (cpu->control.pkru ? BIT(COMPONENT_PKRU) : 0);
}

uint64_t xsave_in_use_with_mxcsr(const struct cpu *cpu) {
    return xsave_in_use(cpu) | (cpu->fpu.mxcsr != MXCSR_RESET ? BIT(COMPONENT_SSE) : 0);
}

static void component_save(const struct cpu *cpu, const struct xsave_component *c, uint8_t *at) {
    if (c->number == COMPONENT_PKRU) {
        bytes_set(at, 64, cpu->control.pkru);
        return;
    }
    for (unsigned i = 0; i < (cpu_64bit(cpu) ? 16 : 8); i++) memcpy(at + 16 * i, &cpu->fpu.vector[i].u8[16], 16);
}
// `at` NULL: the initial configuration.
static void component_load(struct cpu *cpu, const struct xsave_component *c, const uint8_t *at) {
    if (c->number == COMPONENT_PKRU) {
        cpu->control.pkru = at ? (uint32_t)bytes_get(at, 32) : 0;
        return;
    }
    for (unsigned i = 0; i < (cpu_64bit(cpu) ? 16 : 8); i++) {
        if (at)
            memcpy(&cpu->fpu.vector[i].u8[16], at + 16 * i, 16);
        else
            memset(&cpu->fpu.vector[i].u8[16], 0, 16);
    }
}

// --- what all six begin with: #UD, #NM, the VM exit, the address ---
struct xsave_request {
    uint64_t features; // RFBM
    uint64_t linear;
    bool wide; // REX.W
};
static enum outcome xsave_open(struct cpu *cpu, const struct op *op, uint64_t allowed, bool write, enum intercept what,
                               struct xsave_request *r) {
    if (!(cpu->control.cr4 & CR4_OSXSAVE)) return cpu_fault_ud(cpu);
    if (cpu->control.cr0 & CR0_TS) return cpu_fault(cpu, VECTOR_NM);
    r->features = (cpu->gpr[RDX] << 32 | (uint32_t)cpu->gpr[RAX]) & allowed;
    if (what != ICEPT_NONE) TRY(intercept(cpu, op, what, OPERAND(.xsave = {r->features})));
    OBSERVE_TELL(cpu, op, IMPLICIT, .number = SIGHT_XSAVE);
    TRY(op_linear(cpu, op, XSAVE_EXTENDED, write, &r->linear));
    return r->linear & 63 ? cpu_fault_gp0(cpu) : OUT_OK;
}

// --- the bytes of an area that an instruction reads or writes, in ascending order ---
struct parts {
    struct {
        uint16_t at, bytes;
    } part[6 + XSAVE_COMPONENTS];
    unsigned count;
};
static void parts_add(struct parts *p, unsigned at, unsigned bytes) {
    if (!bytes) return;
    if (p->count && p->part[p->count - 1].at + p->part[p->count - 1].bytes == (int)at)
        p->part[p->count - 1].bytes += (uint16_t)bytes;
    else
        p->part[p->count++] = (typeof(p->part[0])){(uint16_t)at, (uint16_t)bytes};
}
static unsigned component_bytes(const struct cpu *cpu, const struct xsave_component *c) {
    return c->number == COMPONENT_AVX && !cpu_64bit(cpu) ? c->size / 2u : c->size;
}
static struct parts parts_of(const struct cpu *cpu, uint64_t which, uint64_t layout, bool compacted, unsigned mxcsr,
                             unsigned header) {
    bool x87 = which & BIT(COMPONENT_X87), sse = which & BIT(COMPONENT_SSE);
    struct parts p = {.count = 0};
    parts_add(&p, 0, x87 ? LEGACY_MXCSR : 0);
    parts_add(&p, LEGACY_MXCSR, mxcsr);
    parts_add(&p, LEGACY_ST, x87 ? LEGACY_XMM - LEGACY_ST : 0);
    parts_add(&p, LEGACY_XMM, sse ? cpu_64bit(cpu) ? 256 : 128 : 0);
    parts_add(&p, XSAVE_HEADER, header);
    for (unsigned i = 0; i < XSAVE_COMPONENTS; i++) {
        const struct xsave_component *c = &xsave_components[i];
        if (which >> c->number & 1) parts_add(&p, component_offset(c, layout, compacted), component_bytes(cpu, c));
    }
    return p;
}
static enum outcome parts_load(struct cpu *cpu, const struct parts *p, uint64_t linear, uint8_t *area) {
    for (unsigned i = 0; i < p->count; i++)
        TRY(load_area(cpu, linear + p->part[i].at, area + p->part[i].at, p->part[i].bytes));
    return OUT_OK;
}
static enum outcome parts_store(struct cpu *cpu, const struct parts *p, uint64_t linear, const uint8_t *area) {
    for (unsigned i = 0; i < p->count; i++)
        TRY(store_area(cpu, linear + p->part[i].at, area + p->part[i].at, p->part[i].bytes));
    return OUT_OK;
}

// --- saving ---
static void save_components(const struct cpu *cpu, uint8_t *area, uint64_t which, uint64_t layout, bool compacted,
                            bool wide) {
    if (which & BIT(COMPONENT_X87)) legacy_save_x87(cpu, area, wide);
    if (which & BIT(COMPONENT_SSE)) legacy_save_xmm(cpu, area);
    for (unsigned i = 0; i < XSAVE_COMPONENTS; i++) {
        const struct xsave_component *c = &xsave_components[i];
        if (which >> c->number & 1) component_save(cpu, c, area + component_offset(c, layout, compacted));
    }
}

// XSAVE and XSAVEOPT: the standard format. 13.7, 13.9.
static enum outcome save_standard(struct cpu *cpu, const struct op *op, bool optimize, bool wide) {
    struct xsave_request r = {.wide = wide};
    uint8_t area[XSAVE_AREA_MAX];
    TRY(xsave_open(cpu, op, cpu->control.xcr0, true, ICEPT_NONE, &r));
    TRY(store_probe(cpu, r.linear, xsave_area_size(r.features, false)));
    uint64_t in_use = xsave_in_use(cpu), present = 0, saved = optimize ? r.features & in_use : r.features;
    bool mxcsr = r.features & (BIT(COMPONENT_SSE) | BIT(COMPONENT_AVX));
    TRY(load(cpu, r.linear + XSAVE_HEADER, 64, &present));
    save_components(cpu, area, saved, 0, false, wide);
    legacy_save_mxcsr(cpu, area);
    bytes_set(area + XSAVE_HEADER, 64, (present & ~r.features) | (in_use & r.features));
    const struct parts parts = parts_of(cpu, saved, 0, false, mxcsr ? MXCSR_BYTES : 0, 8);
    return parts_store(cpu, &parts, r.linear, area);
}

// XSAVEC and XSAVES: the compacted format, with the init optimization. 13.10, 13.11.
static enum outcome save_compacted(struct cpu *cpu, const struct op *op, uint64_t allowed, enum intercept what,
                                   bool wide) {
    struct xsave_request r = {.wide = wide};
    uint8_t area[XSAVE_AREA_MAX];
    TRY(xsave_open(cpu, op, allowed, true, what, &r));
    TRY(store_probe(cpu, r.linear, xsave_area_size(r.features, true)));
    uint64_t saved = xsave_in_use_with_mxcsr(cpu) & r.features;
    save_components(cpu, area, saved, r.features, true, wide);
    legacy_save_mxcsr(cpu, area);
    bytes_set(area + XSAVE_HEADER, 64, saved);
    bytes_set(area + XSAVE_HEADER + 8, 64, r.features | XCOMP_COMPACTED);
    const struct parts parts = parts_of(cpu, saved, r.features, true, saved & BIT(COMPONENT_SSE) ? MXCSR_BYTES : 0, 16);
    return parts_store(cpu, &parts, r.linear, area);
}

#define FORMS_XSAVE(X, n) WIDTHS_DWORD(X, n, M)
BODY(xsave) {
    BODY_UNUSED;
    return save_standard(cpu, op, false, W == 64);
}
INSTANTIATE(xsave, NEXT, FORMS_XSAVE)
BODY(xsaveopt) {
    BODY_UNUSED;
    return save_standard(cpu, op, true, W == 64);
}
INSTANTIATE(xsaveopt, NEXT, FORMS_XSAVE)
BODY(xsavec) {
    BODY_UNUSED;
    return save_compacted(cpu, op, cpu->control.xcr0, ICEPT_NONE, W == 64);
}
INSTANTIATE(xsavec, NEXT, FORMS_XSAVE)
BODY(xsaves) {
    BODY_UNUSED;
    return save_compacted(cpu, op, cpu->control.xcr0 | cpu->msr.xss, ICEPT_XSAVES, W == 64);
}
INSTANTIATE(xsaves, NEXT, FORMS_XSAVE)

// --- restoring ---
static bool all_zero(const uint8_t *p, unsigned bytes) {
    uint8_t any = 0;
    for (unsigned i = 0; i < bytes; i++) any |= p[i];
    return !any;
}
// The header's rules: 13.8.1 for the standard form, 13.8.2 and 13.12 for the compacted one.
static bool header_allowed(const uint8_t *area, uint64_t allowed) {
    const uint8_t *header = area + XSAVE_HEADER;
    uint64_t present = bytes_get(header, 64), layout = bytes_get(header + 8, 64);
    if (!(layout & XCOMP_COMPACTED)) return !(present & ~allowed) && all_zero(header + 8, 16);
    return !(layout & ~XCOMP_COMPACTED & ~allowed) && !(present & ~(layout & ~XCOMP_COMPACTED)) &&
           all_zero(header + 16, 48);
}

static void restore(struct cpu *cpu, const uint8_t *area, const struct xsave_request *r, uint64_t layout) {
    bool compacted = layout & XCOMP_COMPACTED;
    uint64_t present = bytes_get(area + XSAVE_HEADER, 64) & r->features, initial = r->features & ~present;
    if (present & BIT(COMPONENT_X87)) legacy_load_x87(cpu, area, r->wide);
    if (initial & BIT(COMPONENT_X87)) {
        x87_init(cpu);
        memset(cpu->fpu.x87.r, 0, sizeof(cpu->fpu.x87.r));
    }
    static const uint8_t zeros[LEGACY_REGION_BYTES];
    if (r->features & BIT(COMPONENT_SSE)) legacy_load_xmm(cpu, present & BIT(COMPONENT_SSE) ? area : zeros);
    for (unsigned i = 0; i < XSAVE_COMPONENTS; i++) {
        const struct xsave_component *c = &xsave_components[i];
        if (!(r->features >> c->number & 1)) continue;
        component_load(cpu, c, present >> c->number & 1 ? area + component_offset(c, layout, compacted) : NULL);
    }
}

static enum outcome xrstor_any(struct cpu *cpu, const struct op *op, uint64_t allowed, enum intercept what, bool wide) {
    struct xsave_request r = {.wide = wide};
    uint8_t area[XSAVE_AREA_MAX];
    TRY(xsave_open(cpu, op, allowed, false, what, &r));
    TRY(load_area(cpu, r.linear + XSAVE_HEADER, area + XSAVE_HEADER, XSAVE_EXTENDED - XSAVE_HEADER));
    uint64_t layout = bytes_get(area + XSAVE_HEADER + 8, 64), present = bytes_get(area + XSAVE_HEADER, 64);
    bool compacted = layout & XCOMP_COMPACTED;
    if (what == ICEPT_XRSTORS && !compacted) return cpu_fault_gp0(cpu);
    if (!header_allowed(area, allowed)) return cpu_fault_gp0(cpu);
    bool sse = r.features & BIT(COMPONENT_SSE),
         loads = compacted ? sse && present & BIT(COMPONENT_SSE) : sse || r.features & BIT(COMPONENT_AVX);
    const struct parts parts = parts_of(cpu, r.features & present, layout, compacted, loads ? 4 : 0, 0);
    TRY(parts_load(cpu, &parts, r.linear, area));
    uint32_t mxcsr = loads ? legacy_mxcsr(area) : sse ? MXCSR_RESET : cpu->fpu.mxcsr;
    if (mxcsr & ~MXCSR_MASK) return cpu_fault_gp0(cpu);
    restore(cpu, area, &r, layout);
    cpu->fpu.mxcsr = mxcsr;
    if (r.features & BIT(COMPONENT_PKRU)) cpu_update_mode(cpu);
    return OUT_OK;
}

BODY(xrstor) {
    BODY_UNUSED;
    return xrstor_any(cpu, op, cpu->control.xcr0, ICEPT_NONE, W == 64);
}
INSTANTIATE(xrstor, END, FORMS_XSAVE)
BODY(xrstors) {
    BODY_UNUSED;
    return xrstor_any(cpu, op, cpu->control.xcr0 | cpu->msr.xss, ICEPT_XRSTORS, W == 64);
}
INSTANTIATE(xrstors, END, FORMS_XSAVE)

// FXSAVE, FXRSTOR, LDMXCSR, STMXCSR, and the legacy region that XSAVE shares with them. SDM Vol. 1, 10.5, 10.2.3.
//
// Chosen where the manual leaves it open: reserved bytes among those of the x87 registers are written as 0; bytes
// 511:416 are not written; with CR4.OSFXSR = 0, SSE state is saved and restored all the same. FCS and FDS are
// deprecated: saved as 0, and ignored.
#include "cpu/vector/vector.h"
#include "cpu/vector/xsave.h"

// Table 10-2.
enum legacy_layout {
    AT_FCW = 0,
    AT_FSW = 2,
    AT_FTW = 4,
    AT_FOP = 6,
    AT_FIP = 8,
    AT_FDP = 16,
    AT_MXCSR = LEGACY_MXCSR,
    AT_MXCSR_MASK = 28,
    AT_ST = LEGACY_ST,
    AT_XMM = LEGACY_XMM,
};
static unsigned xmm_count(const struct cpu *cpu) { return cpu_64bit(cpu) ? 16 : 8; }

void legacy_save_x87(const struct cpu *cpu, uint8_t *area, bool wide) {
    const struct x87 *x = &cpu->fpu.x87;
    memset(area, 0, AT_MXCSR);
    bytes_set(area + AT_FCW, 16, x->control);
    bytes_set(area + AT_FSW, 16, x->status);
    area[AT_FTW] = x87_tags_abridged(cpu);
    bytes_set(area + AT_FOP, 16, x->opcode);
    bytes_set(area + AT_FIP, wide ? 64 : 32, x->ip);
    bytes_set(area + AT_FDP, wide ? 64 : 32, x->dp);
    for (unsigned i = 0; i < 8; i++) {
        const struct x87_register *r = &x->r[(x87_top(cpu) + i) & 7];
        bytes_set(area + AT_ST + 16 * i, 64, r->significand);
        bytes_set(area + AT_ST + 16 * i + 8, 64, r->sign_exponent);
    }
}

void legacy_load_x87(struct cpu *cpu, const uint8_t *area, bool wide) {
    struct x87 *x = &cpu->fpu.x87;
    x->status = (uint16_t)bytes_get(area + AT_FSW, 16);
    x87_set_control(cpu, (uint16_t)bytes_get(area + AT_FCW, 16));
    x->empty = (uint8_t)~area[AT_FTW];
    x->opcode = (uint16_t)(bytes_get(area + AT_FOP, 16) & X87_OPCODE);
    x->ip = bytes_get(area + AT_FIP, wide ? 64 : 32);
    x->dp = bytes_get(area + AT_FDP, wide ? 64 : 32);
    x->cs = x->ds = 0;
    for (unsigned i = 0; i < 8; i++) {
        struct x87_register *r = &x->r[(x87_top(cpu) + i) & 7];
        r->significand = bytes_get(area + AT_ST + 16 * i, 64);
        r->sign_exponent = (uint16_t)bytes_get(area + AT_ST + 16 * i + 8, 16);
    }
}

void legacy_save_xmm(const struct cpu *cpu, uint8_t *area) {
    for (unsigned i = 0; i < xmm_count(cpu); i++) memcpy(area + AT_XMM + 16 * i, &cpu->fpu.vector[i], 16);
}
void legacy_load_xmm(struct cpu *cpu, const uint8_t *area) {
    for (unsigned i = 0; i < xmm_count(cpu); i++) memcpy(&cpu->fpu.vector[i], area + AT_XMM + 16 * i, 16);
}
void legacy_save_mxcsr(const struct cpu *cpu, uint8_t *area) {
    bytes_set(area + AT_MXCSR, 32, cpu->fpu.mxcsr);
    bytes_set(area + AT_MXCSR_MASK, 32, MXCSR_MASK);
}
uint32_t legacy_mxcsr(const uint8_t *area) { return (uint32_t)bytes_get(area + AT_MXCSR, 32); }

ALWAYS_INLINE unsigned legacy_bytes(const struct cpu *cpu) { return AT_XMM + 16 * xmm_count(cpu); }

BODY(fxsave) {
    BODY_UNUSED;
    uint64_t linear = 0;
    uint8_t area[LEGACY_REGION_BYTES];
    TRY(vector_linear(cpu, op, LEGACY_REGION_BYTES, ALIGNED, true, &linear));
    legacy_save_x87(cpu, area, W == 64);
    legacy_save_mxcsr(cpu, area);
    legacy_save_xmm(cpu, area);
    return store_area(cpu, linear, area, legacy_bytes(cpu));
}
#define FORMS_M_DWORD(X, n) WIDTHS_DWORD(X, n, M)
INSTANTIATE(fxsave, NEXT, FORMS_M_DWORD)

BODY(fxrstor) {
    BODY_UNUSED;
    uint64_t linear = 0;
    uint8_t area[LEGACY_REGION_BYTES];
    TRY(vector_linear(cpu, op, LEGACY_REGION_BYTES, ALIGNED, false, &linear));
    TRY(load_area(cpu, linear, area, legacy_bytes(cpu)));
    if (legacy_mxcsr(area) & ~MXCSR_MASK) return cpu_fault_gp0(cpu);
    legacy_load_x87(cpu, area, W == 64);
    cpu->fpu.mxcsr = legacy_mxcsr(area);
    legacy_load_xmm(cpu, area);
    return OUT_OK;
}
INSTANTIATE(fxrstor, NEXT, FORMS_M_DWORD)

BODY(ldmxcsr) {
    BODY_UNUSED;
    uint64_t value = 0;
    TRY(source(cpu, op, F, 32, &value));
    if (value & ~(uint64_t)MXCSR_MASK) return cpu_fault_gp0(cpu);
    cpu->fpu.mxcsr = (uint32_t)value;
    return OUT_OK;
}
INSTANTIATE(ldmxcsr, NEXT, FORMS_M)

BODY(stmxcsr) {
    BODY_UNUSED;
    return destination(cpu, op, F, 32, cpu->fpu.mxcsr);
}
INSTANTIATE(stmxcsr, NEXT, FORMS_M)

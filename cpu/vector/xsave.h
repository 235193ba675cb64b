// The XSAVE area: which state components exist, where they lie, which are in use. SDM Vol. 1, chapter 13.
#ifndef CPU_XSAVE_H
#define CPU_XSAVE_H
#include "cpu/state/cpu.h"

enum state_component { COMPONENT_X87 = 0, COMPONENT_SSE = 1, COMPONENT_AVX = 2, COMPONENT_PKRU = 9 };

// The extended region's components, as CPUID leaf 0DH enumerates them.
struct xsave_component {
    uint8_t number;
    uint16_t offset, size; // bytes; the offset of the standard format
    bool aligned;          // starts on a 64-byte boundary in the compacted format
    bool supervisor;       // managed by IA32_XSS instead of XCR0
};
#define XSAVE_COMPONENTS 2
extern const struct xsave_component xsave_components[XSAVE_COMPONENTS];

// Bytes of an area with these components.
uint32_t xsave_area_size(uint64_t components, bool compacted);
// XINUSE (13.6): a component is in use iff it is not in its initial configuration.
uint64_t xsave_in_use(const struct cpu *cpu);
// The same with SSE state in use also when MXCSR is not 1F80H: XSAVEC, XSAVES, XGETBV.
uint64_t xsave_in_use_with_mxcsr(const struct cpu *cpu);

// The legacy region (13.4.1), shared with FXSAVE. `wide`: REX.W, 64-bit instruction and data pointers.
#define LEGACY_REGION_BYTES 512
enum { LEGACY_MXCSR = 24, MXCSR_BYTES = 8 /* with its mask */, LEGACY_ST = 32, LEGACY_XMM = 160 };
void legacy_save_x87(const struct cpu *cpu, uint8_t *area, bool wide);
void legacy_save_xmm(const struct cpu *cpu, uint8_t *area);
void legacy_save_mxcsr(const struct cpu *cpu, uint8_t *area);
void legacy_load_x87(struct cpu *cpu, const uint8_t *area, bool wide);
void legacy_load_xmm(struct cpu *cpu, const uint8_t *area);
uint32_t legacy_mxcsr(const uint8_t *area);

#endif

// A CPU model: data. What CPUID answers, which MSRs exist and which instructions are #UD all follow from it.
#ifndef CPU_MODEL_H
#define CPU_MODEL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cpuid_register { EAX, EBX, ECX, EDX };
enum feature {
    FEATURE_BASE, // every model has it
#define FEATURE(name, leaf, subleaf, reg, bit, text) FEATURE_##name,
#include "cpu/state/feature.def"
#undef FEATURE
    FEATURE_COUNT
};

struct cpu_model {
    const char *name;   // for -cpu
    const char *brand;  // CPUID 80000002H..4H, at most 47 characters
    char vendor[13];    // "GenuineIntel"
    uint32_t signature; // CPUID 1 EAX: family, model, stepping
    uint32_t microcode; // update revision, IA32_BIOS_SIGN_ID[63:32] after CPUID 1
    uint8_t physical_bits, linear_bits;
    uint64_t tsc_hz;               // frequency of the TSC and of one cycle
    uint64_t crystal_hz;           // CPUID 15H; the APIC timer's input
    uint8_t feature_control;       // what firmware writes to IA32_FEATURE_CONTROL; 0: nothing
    uint8_t preemption_timer_rate; // the VMX-preemption timer counts down when this bit of the TSC changes
    uint32_t processors;           // of the package, one a core; 0 is 1. The machine fills it in
    bool features[FEATURE_COUNT];
};

// A model by name, with ",+feature,-feature" applied; false and a message when the name or a feature is unknown or a
// feature is not implemented. `out` is filled by value.
bool cpu_model_parse(const char *text, struct cpu_model *out, char *error, size_t error_size);
// "feature_control=N", "preemption_timer_rate=N": one of these words; false: it is not that, or there is no such value.
bool cpu_model_number(struct cpu_model *model, const char *word);
// Names for -cpu help: NULL past the end.
const struct cpu_model *cpu_model_at(unsigned index);
const char *feature_text(enum feature feature);
static inline bool cpu_model_has(const struct cpu_model *model, enum feature f) {
    return f == FEATURE_BASE || model->features[f];
}

// The ratio of the TSC to the bus clock of 100 MHz, as IA32_PERF_STATUS and MSR_PLATFORM_INFO have it.
static inline uint64_t cpu_model_ratio(const struct cpu_model *model) { return model->tsc_hz / 100000000 & 0xff; }

// The bits that XCR0 can have: the user state components. IA32_XSS can have none so far.
uint64_t cpu_model_xcr0(const struct cpu_model *model);

struct cpu;
struct cpuid_result {
    uint32_t eax, ebx, ecx, edx;
};
struct cpuid_result cpuid(struct cpu *cpu, uint32_t leaf, uint32_t subleaf);

#endif

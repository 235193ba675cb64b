// CPU models as data: the features, identity and frequencies of each, and the -cpu option. SDM Vol. 2A, CPUID.
// A model lists only what is implemented; a feature that no model lists cannot be switched on either.
#include "cpu/state/model.h"
#include <stdio.h>
#include <string.h>

// Features, as lists of rows of cpu/state/feature.def.
// clang-format off
#define FEATURES_X86_64_V2(F)                                                                                         \
    F(X87) F(VME) F(DE) F(PSE) F(TSC) F(MSR) F(PAE) F(MCE) F(CX8) F(APIC) F(SEP) F(MTRR) F(PGE) F(MCA) F(CMOV) F(PAT) \
    F(PSE36) F(CLFSH) F(MMX) F(FXSR) F(SSE) F(SSE2) F(SSE3) F(SSSE3) F(CX16) F(SSE41) F(SSE42) F(POPCNT) F(LAHF)      \
    F(SYSCALL) F(NX) F(LM) F(CONSTANT_TSC)
#define FEATURES_SERVER(F)                                                                                            \
    FEATURES_X86_64_V2(F)                                                                                             \
    F(SS) F(MONITOR) F(VMX) F(EIST) F(PCID) F(X2APIC) F(MOVBE) F(TSC_DEADLINE) F(XSAVE) F(XSAVEOPT) F(XSAVEC) F(XGETBV1) F(XSAVES)       \
    F(RDRAND) F(RDSEED) F(ARAT) F(FSGSBASE) F(TSC_ADJUST) F(BMI1) F(BMI2) F(SMEP) F(SMAP) F(ERMS) F(INVPCID) F(ADX)   \
    F(CLFLUSHOPT) F(CLWB) F(UMIP) F(RDPID) F(AES) F(PCLMULQDQ) F(SHA) F(FDP_EXCPTN) F(FCS_FDS)                  \
    F(PKU) F(SPEC_CTRL) F(ARCH_CAP) F(SSBD) F(BHI_CTRL) F(LZCNT) F(PREFETCHW) F(PAGE1GB) F(RDTSCP) F(PMU) F(PDCM) F(ARCH_LBR)
// clang-format on

enum { FEATURE_CONTROL_LOCK = 1, FEATURE_CONTROL_VMX = 4 }; // SDM Vol. 3C, 23.7

#define LISTED(name) [FEATURE_##name] = true,
// An access to a device takes one cycle, and on processors a hundred or more. The crystal, which drives the APIC timer,
// is 100 MHz instead of 25, so that here, too, a tick passes within a few accesses. Where a VM entry takes hundreds of
// cycles, the VMX-preemption timer goes by bit 5 of the TSC; here it takes one, and a guest should still see it run.
enum { PREEMPTION_TIMER_RATE = 2 };
static const struct cpu_model models[] = {
    {
        .name = "server",
        .brand = "vmxray server processor (Sapphire Rapids)",
        .vendor = "GenuineIntel",
        .signature = 0x000806f8, // family 6, model 8FH, stepping 8
        .microcode = 0x2b000001,
        .physical_bits = 40,
        .linear_bits = 48,
        .tsc_hz = 1000000000,
        .crystal_hz = 100000000,
        .feature_control = FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX,
        .preemption_timer_rate = PREEMPTION_TIMER_RATE,
        .features = {FEATURES_SERVER(LISTED)},
    },
    {
        .name = "x86-64-v2",
        .brand = "vmxray x86-64-v2 processor, 1 GHz",
        .vendor = "GenuineIntel",
        .signature = 0x000206c2, // family 6, model 2CH, stepping 2
        .microcode = 0x0000001f,
        .physical_bits = 40,
        .linear_bits = 48,
        .tsc_hz = 1000000000,
        .crystal_hz = 100000000,
        .feature_control = FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX,
        .preemption_timer_rate = PREEMPTION_TIMER_RATE,
        .features = {FEATURES_X86_64_V2(LISTED)},
    },
};
enum { MODEL_COUNT = sizeof(models) / sizeof(models[0]) };

// Not listed: 5-level paging, which makes every walk longer and which Linux uses wherever it is offered.
#define FEATURES_ON_REQUEST(F) F(LA57)
static const bool implemented[FEATURE_COUNT] = {FEATURES_SERVER(LISTED) FEATURES_ON_REQUEST(LISTED)};

static const char *const texts[FEATURE_COUNT] = {
    [FEATURE_BASE] = "base",
#define FEATURE(name, leaf, subleaf, reg, bit, text) [FEATURE_##name] = text,
#include "cpu/state/feature.def"
#undef FEATURE
};

// What makes no sense without something else: `feature` is refused without `needs`.
static const struct {
    uint16_t feature, needs;
} dependencies[] = {
    {FEATURE_SSE, FEATURE_FXSR},
    {FEATURE_SSE2, FEATURE_SSE},
    {FEATURE_SSE3, FEATURE_SSE2},
    {FEATURE_SSSE3, FEATURE_SSE3},
    {FEATURE_SSE41, FEATURE_SSSE3},
    {FEATURE_SSE42, FEATURE_SSE41},
    {FEATURE_XSAVEOPT, FEATURE_XSAVE},
    {FEATURE_XSAVEC, FEATURE_XSAVE},
    {FEATURE_XGETBV1, FEATURE_XSAVEC},
    {FEATURE_XSAVES, FEATURE_XSAVEC},
    {FEATURE_XSAVE, FEATURE_FXSR},
    {FEATURE_AVX, FEATURE_XSAVE},
    {FEATURE_LM, FEATURE_PAE},
    {FEATURE_LM, FEATURE_MSR},
    {FEATURE_SYSCALL, FEATURE_LM},
    {FEATURE_NX, FEATURE_PAE},
    {FEATURE_PCID, FEATURE_LM},
    {FEATURE_PAGE1GB, FEATURE_LM},
    {FEATURE_INVPCID, FEATURE_PCID},
    {FEATURE_X2APIC, FEATURE_APIC},
    {FEATURE_TSC_DEADLINE, FEATURE_APIC},
    {FEATURE_VMX, FEATURE_MSR},
    {FEATURE_EIST, FEATURE_MSR},
    {FEATURE_RDTSCP, FEATURE_TSC},
    {FEATURE_TSC_ADJUST, FEATURE_TSC},
    {FEATURE_TSC_DEADLINE, FEATURE_TSC},
    {FEATURE_LM, FEATURE_SSE2},
    {FEATURE_LM, FEATURE_CMOV},
    {FEATURE_LM, FEATURE_CX8},
    {FEATURE_PKU, FEATURE_XSAVE},
    {FEATURE_LA57, FEATURE_LM},
    {FEATURE_BHI_CTRL, FEATURE_SPEC_CTRL},
    {FEATURE_AES, FEATURE_SSE2},
    {FEATURE_PCLMULQDQ, FEATURE_SSE2},
    {FEATURE_SHA, FEATURE_SSE2},
    {FEATURE_PMU, FEATURE_MSR},
    {FEATURE_PDCM, FEATURE_PMU},
    {FEATURE_ARCH_LBR, FEATURE_PDCM},
};
enum { DEPENDENCY_COUNT = sizeof(dependencies) / sizeof(dependencies[0]) };

const struct cpu_model *cpu_model_at(unsigned index) { return index < MODEL_COUNT ? &models[index] : NULL; }

const char *feature_text(enum feature feature) { return (unsigned)feature < FEATURE_COUNT ? texts[feature] : NULL; }

static bool text_is(const char *text, const char *word, size_t length) {
    return strlen(text) == length && !memcmp(text, word, length);
}

static const struct cpu_model *model_find(const char *word, size_t length) {
    for (unsigned i = 0; i < MODEL_COUNT; i++)
        if (text_is(models[i].name, word, length)) return &models[i];
    return NULL;
}

static unsigned feature_find(const char *word, size_t length) {
    for (unsigned f = FEATURE_BASE + 1; f < FEATURE_COUNT; f++)
        if (text_is(texts[f], word, length)) return f;
    return FEATURE_COUNT;
}

static bool unknown_model(const char *word, size_t length, char *error, size_t error_size) {
    int n = snprintf(error, error_size, "no CPU model is called '%.*s'; there are", (int)length, word);
    for (unsigned i = 0; i < MODEL_COUNT && n >= 0 && (size_t)n < error_size; i++)
        n += snprintf(error + n, error_size - (size_t)n, "%s %s", i ? "," : "", models[i].name);
    return false;
}

// What depends on a feature goes with it.
static void feature_remove(struct cpu_model *model, unsigned feature) {
    model->features[feature] = false;
    for (unsigned i = 0; i < DEPENDENCY_COUNT; i++)
        if (dependencies[i].needs == feature && model->features[dependencies[i].feature])
            feature_remove(model, dependencies[i].feature);
}

// What is not a feature: a number within its limits, of which the bits `never` are not set.
static const struct number {
    const char *key;
    size_t offset; // of a byte of struct cpu_model
    uint8_t greatest, never;
} numbers[] = {
    {"feature_control=", offsetof(struct cpu_model, feature_control), FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX, 2},
    {"preemption_timer_rate=", offsetof(struct cpu_model, preemption_timer_rate), 31, 0}, // SDM Vol. 3D, A.6
};

// One or two decimal digits.
static bool take_number(struct cpu_model *model, const char *word, size_t length) {
    for (const struct number *n = numbers; n < numbers + sizeof numbers / sizeof *numbers; n++) {
        size_t key = strlen(n->key), digits = length - key;
        if (length <= key || digits > 2 || memcmp(word, n->key, key) != 0) continue;
        unsigned value = 0;
        for (const char *p = word + key; p < word + length; p++) {
            if (*p < '0' || *p > '9') return false;
            value = 10 * value + (unsigned)(*p - '0');
        }
        if (value > n->greatest || value & n->never) return false;
        ((uint8_t *)model)[n->offset] = (uint8_t)value;
        return true;
    }
    return false;
}

static bool feature_apply(struct cpu_model *model, const char *word, size_t length, char *error, size_t error_size) {
    if (take_number(model, word, length)) return true;
    if (length < 2 || (word[0] != '+' && word[0] != '-')) {
        snprintf(error, error_size,
                 "'%.*s' is not +feature, -feature, feature_control=0, 1, 4 or 5, or preemption_timer_rate=0 to 31",
                 (int)length, word);
        return false;
    }
    unsigned feature = feature_find(word + 1, length - 1);
    if (feature == FEATURE_COUNT) {
        snprintf(error, error_size, "no CPU feature is called '%.*s'", (int)length - 1, word + 1);
        return false;
    }
    if (word[0] == '-') {
        feature_remove(model, feature);
        return true;
    }
    if (!implemented[feature]) {
        snprintf(error, error_size, "CPU feature '%s' is not implemented", texts[feature]);
        return false;
    }
    model->features[feature] = true;
    return true;
}

static bool dependencies_met(const struct cpu_model *model, char *error, size_t error_size) {
    for (unsigned i = 0; i < DEPENDENCY_COUNT; i++) {
        if (!model->features[dependencies[i].feature] || model->features[dependencies[i].needs]) continue;
        snprintf(error, error_size, "CPU feature '%s' needs '%s'", texts[dependencies[i].feature],
                 texts[dependencies[i].needs]);
        return false;
    }
    return true;
}

bool cpu_model_number(struct cpu_model *model, const char *word) { return take_number(model, word, strlen(word)); }

bool cpu_model_parse(const char *text, struct cpu_model *out, char *error, size_t error_size) {
    size_t length = strcspn(text, ",");
    const struct cpu_model *model = model_find(text, length);
    if (!model) return unknown_model(text, length, error, error_size);
    *out = *model;
    for (const char *at = text + length; *at == ',';) {
        length = strcspn(++at, ",");
        if (!feature_apply(out, at, length, error, error_size)) return false;
        at += length;
    }
    return dependencies_met(out, error, error_size);
}

// SSE4.2 string comparison: PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM. SDM Vol. 2B, 4.1.
//
// The first operand is the needle (set, ranges or string), the second is searched. An element is valid below its
// string's length: the length given in RAX and RDX, or the position of the first zero element.
#include "cpu/vector/vector.h"

enum aggregation { EQUAL_ANY, RANGES, EQUAL_EACH, EQUAL_ORDERED };
enum polarity { POSITIVE, NEGATIVE, MASKED_POSITIVE, MASKED_NEGATIVE };
#define IMM_WORDS BIT(0)
#define IMM_SIGNED BIT(1)
#define IMM_LAST BIT(6) // index: of the most significant bit; mask: of elements instead of bits

struct strings {
    int32_t needle[16], text[16]; // elements, extended
    unsigned needle_length, text_length, count;
};

static void elements(int32_t out[16], const union lane *v, unsigned imm) {
    for (unsigned i = 0; i < 16; i++) {
        if (imm & IMM_WORDS)
            out[i] = imm & IMM_SIGNED ? v->i16[i & 7] : v->u16[i & 7];
        else
            out[i] = imm & IMM_SIGNED ? v->i8[i] : v->u8[i];
    }
}
static unsigned length_implicit(const int32_t e[16], unsigned count) {
    unsigned n = 0;
    while (n < count && e[n]) n++;
    return n;
}
static unsigned length_explicit(int64_t length, unsigned count) {
    uint64_t magnitude = length < 0 ? 0 - (uint64_t)length : (uint64_t)length;
    return magnitude < count ? (unsigned)magnitude : count;
}

// IntRes1, Table 4-7 for the elements past a string's end.
static uint32_t compare_any(const struct strings *s, bool ranges) {
    uint32_t result = 0;
    for (unsigned j = 0; j < s->text_length; j++) {
        bool found = false;
        for (unsigned i = 0; i + ranges < s->needle_length; i += 1u + ranges)
            found |= ranges ? s->text[j] >= s->needle[i] && s->text[j] <= s->needle[i + 1] : s->text[j] == s->needle[i];
        result |= (uint32_t)found << j;
    }
    return result;
}
static uint32_t compare_each(const struct strings *s) {
    uint32_t result = 0;
    for (unsigned i = 0; i < s->count; i++) {
        bool a = i < s->needle_length, b = i < s->text_length;
        result |= (uint32_t)(a && b ? s->needle[i] == s->text[i] : a == b) << i;
    }
    return result;
}
static uint32_t compare_ordered(const struct strings *s) {
    uint32_t result = 0;
    for (unsigned j = 0; j < s->count; j++) {
        bool match = true;
        for (unsigned i = 0; i < s->needle_length && i + j < s->count; i++)
            match &= i + j < s->text_length && s->needle[i] == s->text[i + j];
        result |= (uint32_t)match << j;
    }
    return result;
}

// IntRes2, and the flags.
static uint32_t compare(struct cpu *cpu, const struct strings *s, unsigned imm) {
    enum aggregation aggregation = imm >> 2 & 3;
    enum polarity polarity = imm >> 4 & 3;
    uint32_t all = (1u << s->count) - 1, valid = (1u << s->text_length) - 1;
    uint32_t result = aggregation == EQUAL_EACH      ? compare_each(s)
                      : aggregation == EQUAL_ORDERED ? compare_ordered(s)
                                                     : compare_any(s, aggregation == RANGES);
    if (polarity == NEGATIVE) result ^= all;
    if (polarity == MASKED_NEGATIVE) result ^= valid;
    flags_set(&cpu->flags, (result ? FLAG_CF : 0) | (s->text_length < s->count ? FLAG_ZF : 0) |
                               (s->needle_length < s->count ? FLAG_SF : 0) | (result & 1 ? FLAG_OF : 0));
    return result;
}

static void set_index(struct cpu *cpu, uint32_t result, unsigned count, unsigned imm) {
    unsigned index = !result          ? count
                     : imm & IMM_LAST ? 31u - (unsigned)__builtin_clz(result)
                                      : (unsigned)__builtin_ctz(result);
    cpu->gpr[RCX] = index;
}
static void set_mask(struct cpu *cpu, uint32_t result, unsigned count, unsigned imm) {
    union lane mask = {.u64 = {0, 0}};
    if (!(imm & IMM_LAST)) mask.u32[0] = result;
    for (unsigned i = 0; imm & IMM_LAST && i < count; i++) {
        if (imm & IMM_WORDS)
            mask.i16[i] = (int16_t) - (int)(result >> i & 1);
        else
            mask.i8[i] = (int8_t) - (int)(result >> i & 1);
    }
    xmm_set(cpu, 0, &mask);
}

enum lengths { IMPLICIT = 0, EXPLICIT_32 = 32, EXPLICIT_64 = 64 };
enum result { INDEX, ELEMENT_MASK };

static enum outcome finish(struct cpu *cpu, const struct op *op, const union lane *source, enum lengths lengths,
                           enum result kind) {
    unsigned imm = (uint8_t)op->imm;
    struct strings s = {.count = imm & IMM_WORDS ? 8 : 16};
    union lane needle = xmm_get(cpu, op->dst);
    elements(s.needle, &needle, imm);
    elements(s.text, source, imm);
    uint64_t a = cpu->gpr[RAX], d = cpu->gpr[RDX];
    s.needle_length = lengths == IMPLICIT ? length_implicit(s.needle, s.count)
                                          : length_explicit(lengths == EXPLICIT_64 ? (int64_t)a : (int32_t)a, s.count);
    s.text_length = lengths == IMPLICIT ? length_implicit(s.text, s.count)
                                        : length_explicit(lengths == EXPLICIT_64 ? (int64_t)d : (int32_t)d, s.count);
    uint32_t result = compare(cpu, &s, imm);
    if (kind == INDEX)
        set_index(cpu, result, s.count, imm);
    else
        set_mask(cpu, result, s.count, imm);
    return OUT_OK;
}

#define STRING(name, lengths, kind)                                                                                    \
    BODY(sse_##name) {                                                                                                 \
        BODY_UNUSED;                                                                                                   \
        union lane s;                                                                                                  \
        TRY(xmm_source(cpu, op, F, 16, UNALIGNED, &s));                                                                \
        return finish(cpu, op, &s, lengths, kind);                                                                     \
    }                                                                                                                  \
    INSTANTIATE(sse_##name, NEXT, FORMS_VECTOR)
STRING(pcmpestri, EXPLICIT_32, INDEX)
STRING(pcmpestri_q, EXPLICIT_64, INDEX)
STRING(pcmpestrm, EXPLICIT_32, ELEMENT_MASK)
STRING(pcmpestrm_q, EXPLICIT_64, ELEMENT_MASK)
STRING(pcmpistri, IMPLICIT, INDEX)
STRING(pcmpistrm, IMPLICIT, ELEMENT_MASK)

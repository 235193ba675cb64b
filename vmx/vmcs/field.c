// VMCS fields by encoding, as VMREAD and VMWRITE name them. SDM Vol. 3C, 24.11.2; Vol. 3D, Appendix B.
#include "vmx/vmcs/vmcs.h"

static const struct {
    uint32_t encoding;
    const char *name, *text;
} fields[FIELD_COUNT] = {
#define FIELD(encoding, name, exists, part, text) [FIELD_##name] = {encoding, #name, text},
#include "vmx/vmcs/field.def"
#undef FIELD
};

const uint16_t vmcs_part_of[FIELD_COUNT] = {
#define FIELD(encoding, name, exists, part, text) [FIELD_##name] = PART_##part,
#include "vmx/vmcs/field.def"
#undef FIELD
};

// Bits of an encoding, Table 24-20.
#define ENCODING_HIGH BIT(0)
#define ENCODING_INDEX(e) ((e) >> 1 & 511)
#define ENCODING_TYPE(e) ((e) >> 10 & 3)
#define ENCODING_WIDTH(e) ((e) >> 13 & 3)
#define ENCODING_RESERVED (BITS(63, 15) | BIT(12))
enum { WIDTH_16, WIDTH_64, WIDTH_32, WIDTH_NATURAL };
enum { TYPE_CONTROL, TYPE_INFORMATION, TYPE_GUEST, TYPE_HOST };
enum { INDEXES = 40 }; // one more than any row's index

// [width][type][index]: field + 1, or 0.
static const uint8_t by_encoding[4][4][INDEXES] = {
#define FIELD(encoding, name, exists, part, text)                                                                      \
    [ENCODING_WIDTH(encoding)][ENCODING_TYPE(encoding)][ENCODING_INDEX(encoding)] = FIELD_##name + 1,
#include "vmx/vmcs/field.def"
#undef FIELD
};
_Static_assert(FIELD_COUNT < UINT8_MAX, "by_encoding holds a byte a field");

int field_by_encoding(const struct vmx *vmx, uint64_t encoding, bool *high) {
    *high = encoding & ENCODING_HIGH;
    if (encoding & ENCODING_RESERVED || ENCODING_INDEX(encoding) >= INDEXES) return -1;
    if (*high && ENCODING_WIDTH(encoding) != WIDTH_64) return -1;
    int field = by_encoding[ENCODING_WIDTH(encoding)][ENCODING_TYPE(encoding)][ENCODING_INDEX(encoding)] - 1;
    return likely(field >= 0 && vmx->capability.exists[field]) ? field : -1;
}

unsigned field_highest_index(const struct vmx *vmx) {
    unsigned highest = 0;
    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        unsigned index = ENCODING_INDEX(fields[f].encoding);
        if (vmx->capability.exists[f] && index > highest) highest = index;
    }
    return highest;
}

uint64_t field_mask(enum vmcs_field field) {
    unsigned width = ENCODING_WIDTH(fields[field].encoding);
    return width == WIDTH_16 ? UINT16_MAX : width == WIDTH_32 ? UINT32_MAX : UINT64_MAX;
}

const char *field_name(enum vmcs_field field) { return fields[field].name; }
const char *field_text(enum vmcs_field field) { return fields[field].text; }
uint32_t field_encoding(enum vmcs_field field) { return fields[field].encoding; }

// fields.def as a table. SDM Vol. 3C, 24.11.2: what an encoding says of its field.
#include "guest.h"

const struct field_row field_rows[FIELDS] = {
#define FIELD(encoding, name, kind, shadow) {FIELD_##name, kind, shadow},
#include "fields.def"
#undef FIELD
};

struct field_list fields_guest, fields_information, fields_shadowed, fields_shadow_writable;

static void add(struct field_list *list, unsigned index, bool wanted) {
    if (wanted) list->index[list->count++] = (uint8_t)index;
}

void fields_init(void) {
    for (unsigned i = 0; i < FIELDS; i++) {
        const struct field_row *row = &field_rows[i];
        add(&fields_guest, i, row->kind == GUEST && i != INDEX_GUEST_CR0 && i != INDEX_GUEST_CR4);
        add(&fields_information, i, row->kind == INFORMATION && i != INDEX_INSTRUCTION_ERROR);
        add(&fields_shadowed, i, row->shadow != NEVER);
        add(&fields_shadow_writable, i, row->shadow == WRITE);
    }
}

// Rows are in the order of their encodings.
int field_find(uint64_t encoding) {
    int low = 0, high = FIELDS - 1;
    while (low <= high) {
        int middle = (low + high) / 2;
        if (field_rows[middle].encoding == encoding) return middle;
        if (field_rows[middle].encoding < encoding)
            low = middle + 1;
        else
            high = middle - 1;
    }
    return -1;
}

uint64_t field_mask(unsigned index) {
    switch (field_rows[index].encoding >> 13 & 3) {
    case 0: return 0xffff;
    case 2: return 0xffffffff;
    default: return ~0ull;
    }
}

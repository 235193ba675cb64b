// Where a checkpoint has the value of a place: so that two checkpoints can be compared without going to either.
#ifndef DEVICES_ASKING_KEPT_PLACE_H
#define DEVICES_ASKING_KEPT_PLACE_H
#include "devices/asking/place.h"
#include <stddef.h>

enum kept_kind {
    KEPT_IN_IMAGE,  // of the state
    KEPT_IN_MEMORY, // in a page
    KEPT_IN_VMCS,   // on the processor, else in the page of its region
};
struct kept_place {
    enum kept_kind kind;
    unsigned bytes;
    size_t image; // offset in the image; in a VMCS: where the processor's VT-x begins
    bool has_page;
    uint32_t area; // the page, and where in it
    uint64_t page;
    unsigned offset;
    uint64_t vmcs;
    unsigned field;
};

// False: no checkpoint has the value as such.
bool kept_place(struct machine *machine, const struct place *place, struct kept_place *out);
// Out of a checkpoint's image and its content of the page, NULL for zeroes.
uint64_t kept_value(const struct kept_place *kept, const uint8_t *image, const uint8_t *page);

#endif

// What an instruction that is about to run copies into a place, and from where: moves, pushes and pops, string
// instructions, VMREAD and VMWRITE, RDMSR and WRMSR, control registers.
#ifndef MONITOR_COPIED_H
#define MONITOR_COPIED_H
#include "devices/asking/place.h"
#include "monitor/expression/look.h"

enum copied_kind {
    COPIED_FROM,      // another place, `source`
    COPIED_IMMEDIATE, // a constant in the instruction
    COPIED_NOT,       // it is worked out, or comes from elsewhere
};
struct copied {
    enum copied_kind kind;
    struct place source; // of as many bytes as are copied
    char name[80];
    struct place whole; // of a repeated string instruction: where all of the place was copied from; 0 bytes: not known
    unsigned offset;    // of the copied bytes in the place that was asked about
};
// `written`: a register, memory by its physical address, a VMCS field, an MSR.
void copied_by(const struct look *look, const struct view *view, const struct place *written, struct copied *out);
// Names of places as the monitor says them.
void place_name(const struct place *place, char *name, size_t size);

#endif

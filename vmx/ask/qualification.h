// The exit qualification, built and taken apart by the rows of qualification.def.
#ifndef VMX_QUALIFICATION_H
#define VMX_QUALIFICATION_H
#include "vmx/vmcs/names.h"
#include <stdbool.h>
#include <stdint.h>

enum cr_access { CR_TO, CR_FROM, CR_CLTS, CR_LMSW }; // Table 27-3
enum apic_access_type {
    APIC_EVENT = 3,
    APIC_PHYSICAL_EVENT = 10,
    APIC_PHYSICAL = 15
}; // Table 27-6, after enum apic_access

enum {
#define PART(reason, part, high, low, when, name, values) QUALIFICATION_##reason##_##part = (low),
#include "vmx/ask/qualification.def"
#undef PART
};
#define part(reason, part, value) ((uint64_t)(value) << QUALIFICATION_##reason##_##part)

// The parts of a qualification that mean something, in the order of the rows. `value`: the number; `text` and `length`:
// its meaning, if it has one.
struct qualification_part {
    uint8_t high, low;
    const char *name, *text;
    unsigned length;
    uint64_t value;
};
// The part at *row or the next that says something; *row moves past it. False: there is none.
bool qualification_next(unsigned reason, uint64_t qualification, unsigned *row, struct qualification_part *out);

#endif

// Names of places; see copied.h.
#include "monitor/show/copied.h"
#include "cpu/processor/register.h"
#include "monitor/explain/fact.h"
#include "monitor/explain/msr_name.h"
#include <inttypes.h>
#include <stdio.h>

void place_name(const struct place *p, char *name, size_t size) {
    const char *msr = p->space == PLACE_MSR ? msr_name((uint32_t)p->address) : NULL;
    struct register_row row;
    struct vmx_field field;
    snprintf(name, size, "a value");
    if (p->space == PLACE_PHYSICAL) snprintf(name, size, "u%u[phys:0x%" PRIx64 "]", p->bytes * 8u, p->address);
    if (p->space == PLACE_MSR && msr) snprintf(name, size, "%s", msr);
    if (p->space == PLACE_MSR && !msr) snprintf(name, size, "MSR 0x%" PRIx64, p->address);
    for (unsigned i = 0; p->space == PLACE_FIELD && vmx_field(i, &field); i++)
        if (field.encoding == p->address) snprintf(name, size, "%s of VMCS 0x%" PRIx64, field.name, p->vmcs);
    for (unsigned i = 0; p->space == PLACE_REGISTER && register_row(i, &row); i++)
        if (p->address >= row.offset && p->address < row.offset + row.bytes) {
            bool whole = p->address == row.offset && (p->bytes == row.bytes || row.bytes > 8);
            snprintf(name, size, whole ? "%s" : "%s, bytes %u to %u", row.name, (unsigned)(p->address - row.offset),
                     (unsigned)(p->address - row.offset) + p->bytes - 1);
            break;
        }
}

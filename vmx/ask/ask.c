// Who asks about what, and the memory that answers; see ask.h.
#include "vmx/ask/ask.h"

const uint8_t *ask_cpu_page(void *context, uint64_t physical) {
    const struct cpu *cpu = context;
    return physical_page(cpu, physical);
}

uint64_t ask_cpu_device(void *context, uint64_t physical, unsigned bytes) {
    struct cpu *cpu = context;
    return cpu->wire.platform->mmio_read(cpu->wire.platform->machine, cpu, physical, bytes);
}

uint64_t ask_memory(const struct ask *ask, uint64_t physical, unsigned bytes) {
    const struct memory_view *m = &ask->memory;
    const uint8_t *page = NULL;
    uint64_t value = 0;
    if (!(physical & ask->capability->physical_reserved)) page = m->page(m->context, physical & ~(PAGE_BYTES - 1));
    if (page)
        memcpy(&value, page + (physical & (PAGE_BYTES - 1)), bytes);
    else
        value = m->device ? m->device(m->context, physical, bytes) : ~0ull >> (64 - 8 * bytes);
    return value;
}

bool ask_ept_memory_type(const struct ask *ask, uint64_t type) {
    uint64_t cap = ask->capability->ept_vpid;
    return (type == 0 && cap & CAP_UNCACHEABLE) || (type == 6 && cap & CAP_WRITE_BACK);
}

bool ask_eptp(const struct ask *ask, uint64_t eptp) {
    return ask_ept_memory_type(ask, eptp & EPTP_MEMORY_TYPE) && (eptp >> 3 & 7) == 3 && !(eptp & BITS(11, 7)) &&
           !(eptp & ask->capability->physical_reserved);
}

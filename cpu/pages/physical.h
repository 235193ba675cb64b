// Accesses by physical address: RAM, ROM or MMIO; absent memory reads as all ones. For operands off the fast path, page
// walks and VT-x structures.
#ifndef CPU_PHYSICAL_H
#define CPU_PHYSICAL_H
#include "cpu/pages/pages.h"
#include <string.h>

ALWAYS_INLINE uint64_t bytes_get(const void *p, unsigned w) {
    uint64_t v = 0;
    if (w == 8) {
        v = *(const uint8_t *)p;
    } else if (w == 16) {
        uint16_t x;
        memcpy(&x, p, 2);
        v = x;
    } else if (w == 32) {
        uint32_t x;
        memcpy(&x, p, 4);
        v = x;
    } else
        memcpy(&v, p, 8);
    return v;
}
ALWAYS_INLINE void bytes_set(void *p, unsigned w, uint64_t v) { memcpy(p, &v, w / 8); }

// What lies at a physical address for this processor; not frame_exists: MMIO, or nothing.
ALWAYS_INLINE struct page_frame physical_frame(const struct cpu *cpu, uint64_t physical) {
    const struct platform *p = cpu->wire.platform;
    return p->page(p->machine, physical & ~(PAGE_BYTES - 1));
}
// Host address for reading; NULL for MMIO and for nothing.
ALWAYS_INLINE const uint8_t *physical_page(const struct cpu *cpu, uint64_t physical) {
    struct page_frame f = physical_frame(cpu, physical);
    return f.area ? frame_data(f) : NULL;
}

// w in bits. Within one page.
uint64_t physical_load(struct cpu *cpu, uint64_t physical, unsigned w);
void physical_store(struct cpu *cpu, uint64_t physical, unsigned w, uint64_t value);
// The same for any number of bytes within a page whose frame is known.
void frame_load_bytes(struct cpu *cpu, struct page_frame frame, uint64_t physical, uint8_t *to, unsigned size);
void frame_store_bytes(struct cpu *cpu, struct page_frame frame, uint64_t physical, const uint8_t *from, unsigned size);

// What a walk reads: OUT_SOLO when it is not in RAM and the instruction must first run alone. The second is for what
// else a walk touches.
enum outcome walk_load(struct cpu *cpu, uint64_t physical, unsigned w, uint64_t *value);
bool walk_waits(const struct cpu *cpu, uint64_t physical);

#endif

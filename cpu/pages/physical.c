// Accesses by physical address; see physical.h.
#include "cpu/pages/physical.h"

static unsigned offset_of(uint64_t physical) { return (unsigned)(physical & (PAGE_BYTES - 1)); }

static uint64_t mmio_load(struct cpu *cpu, uint64_t physical, unsigned size) {
    const struct platform *p = cpu->wire.platform;
    return p->mmio_read(p->machine, cpu, physical, size);
}

static void mmio_store(struct cpu *cpu, uint64_t physical, unsigned size, uint64_t value) {
    const struct platform *p = cpu->wire.platform;
    p->mmio_write(p->machine, cpu, physical, size, value);
}

// The largest naturally aligned piece of at most 8 bytes that starts at `physical`.
static unsigned piece(uint64_t physical, unsigned size) {
    unsigned n = 8;
    while (n > size || physical & (n - 1)) n /= 2;
    return n;
}

uint64_t physical_load(struct cpu *cpu, uint64_t physical, unsigned w) {
    const uint8_t *page = physical_page(cpu, physical);
    return page ? bytes_get(page + offset_of(physical), w) : mmio_load(cpu, physical, w / 8);
}

void physical_store(struct cpu *cpu, uint64_t physical, unsigned w, uint64_t value) {
    struct page_frame f = physical_frame(cpu, physical);
    if (!frame_writable(f)) {
        mmio_store(cpu, physical, w / 8, value);
        return;
    }
    (void)page_store(cpu->wire.pages, f, offset_of(physical), w / 8);
    if (unlikely(*frame_flags(f) & PAGE_SEEN))
        pages_tell_point(cpu->wire.pages, cpu, STORED_BY_PROCESSOR, physical, &value, w / 8);
    bytes_set(frame_data(f) + offset_of(physical), w, value);
}

void frame_load_bytes(struct cpu *cpu, struct page_frame f, uint64_t physical, uint8_t *to, unsigned size) {
    if (f.area) {
        memcpy(to, frame_data(f) + offset_of(physical), size);
        return;
    }
    for (unsigned n; size; size -= n, physical += n, to += n) {
        n = piece(physical, size);
        bytes_set(to, n * 8, mmio_load(cpu, physical, n));
    }
}

void frame_store_bytes(struct cpu *cpu, struct page_frame f, uint64_t physical, const uint8_t *from, unsigned size) {
    if (frame_writable(f)) {
        (void)page_store(cpu->wire.pages, f, offset_of(physical), size);
        memcpy(frame_data(f) + offset_of(physical), from, size);
        return;
    }
    for (unsigned n; size; size -= n, physical += n, from += n) {
        n = piece(physical, size);
        mmio_store(cpu, physical, n, bytes_get(from, n * 8));
    }
}

bool walk_waits(const struct cpu *cpu, uint64_t physical) {
    return unlikely(cpu->attempt.walks_in_block) && !physical_page(cpu, physical);
}

enum outcome walk_load(struct cpu *cpu, uint64_t physical, unsigned w, uint64_t *value) {
    const uint8_t *page = physical_page(cpu, physical);
    if (unlikely(!page && cpu->attempt.walks_in_block)) return OUT_SOLO;
    *value = page ? bytes_get(page + offset_of(physical), w) : mmio_load(cpu, physical, w / 8);
    return OUT_OK;
}

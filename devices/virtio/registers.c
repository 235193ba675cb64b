// The registers of virtio on PCI: the modern ones of 4.1.4.3 to 4.1.4.6 in memory, and the legacy ones of 4.1.4.10 by
// ports, which stand for the same. Each is a row: where it is, how it is read, and what a write does; an access of part
// of one reads or replaces that part. NOT IMPLEMENTED: access through configuration space (VIRTIO_PCI_CAP_PCI_CFG).
#include "devices/virtio/virtio.h"
#include <string.h>

enum { COMMON_AT = 0x0000, ISR_AT = 0x1000, OWN_AT = 0x2000, NOTIFY_AT = 0x3000, PART = 0x1000, NOTIFY_EACH = 4 };
enum { LEGACY_OWN = 20, LEGACY_OWN_MSIX = 24, LEGACY_PAGE = 4096 };

struct row {
    uint8_t at, bytes;
    uint64_t (*get)(struct virtio *v);
    void (*set)(struct virtio *v, uint64_t value); // NULL: it is read-only
};

static struct virtqueue *selected(struct virtio *v) {
    return v->queue_select < v->kind->queues ? &v->queue[v->queue_select] : NULL;
}

// --- shared by both ---
static uint64_t get_status(struct virtio *v) { return v->status; }
static void set_status(struct virtio *v, uint64_t value) { virtio_set_status(v, (uint8_t)value); }
static uint64_t get_queue_select(struct virtio *v) { return v->queue_select; }
static void set_queue_select(struct virtio *v, uint64_t value) { v->queue_select = (uint16_t)value; }
static uint64_t get_size(struct virtio *v) { return selected(v) ? selected(v)->size : 0; }
static uint64_t get_config_vector(struct virtio *v) { return v->config_vector; }
static uint16_t vector(const struct virtio *v, uint64_t value) { // one that is not there is none
    return value < v->host->identity->msix.vectors ? (uint16_t)value : VIRTIO_NO_VECTOR;
}
static void set_config_vector(struct virtio *v, uint64_t value) { v->config_vector = vector(v, value); }
static uint64_t get_vector(struct virtio *v) { return selected(v) ? selected(v)->vector : VIRTIO_NO_VECTOR; }
static void set_vector(struct virtio *v, uint64_t value) {
    if (selected(v)) selected(v)->vector = vector(v, value);
}
// Reading takes it back.
static uint64_t get_isr(struct virtio *v) {
    uint8_t isr = v->isr;
    v->isr = 0;
    device_interrupt(v->host, 0, false);
    return isr;
}

// --- modern ---
static uint64_t get_device_select(struct virtio *v) { return v->device_feature_select; }
static void set_device_select(struct virtio *v, uint64_t value) { v->device_feature_select = (uint32_t)value; }
static uint64_t get_device_feature(struct virtio *v) {
    return v->device_feature_select < 2 ? (uint32_t)(virtio_features(v, false) >> 32 * v->device_feature_select) : 0;
}
static uint64_t get_driver_select(struct virtio *v) { return v->driver_feature_select; }
static void set_driver_select(struct virtio *v, uint64_t value) { v->driver_feature_select = (uint32_t)value; }
static uint64_t get_driver_feature(struct virtio *v) {
    return v->driver_feature_select < 2 ? (uint32_t)(v->driver_features >> 32 * v->driver_feature_select) : 0;
}
static void set_driver_feature(struct virtio *v, uint64_t value) {
    unsigned shift = 32 * (v->driver_feature_select & 1);
    if (v->driver_feature_select > 1) return;
    v->driver_features = (v->driver_features & ~(0xffffffffull << shift)) | (value & 0xffffffff) << shift;
}
static uint64_t get_queues(struct virtio *v) { return v->kind->queues; }
static uint64_t get_generation(struct virtio *v) {
    (void)v;
    return 0;
}
static void set_size(struct virtio *v, uint64_t value) {
    bool good = value && value <= VIRTQUEUE_SIZE && (value & (value - 1)) == 0;
    if (selected(v) && good && !selected(v)->enabled) selected(v)->size = (uint16_t)value;
}
static uint64_t get_enable(struct virtio *v) { return selected(v) ? selected(v)->enabled : 0; }
static void set_enable(struct virtio *v, uint64_t value) {
    if (selected(v) && value == 1) selected(v)->enabled = 1;
}
static uint64_t get_notify_offset(struct virtio *v) { return v->queue_select; }
#define ADDRESS(member)                                                                                                \
    static uint64_t get_##member(struct virtio *v) { return selected(v) ? selected(v)->member : 0; }                   \
    static void set_##member(struct virtio *v, uint64_t value) {                                                       \
        if (selected(v) && !selected(v)->enabled) selected(v)->member = value;                                         \
    }
ADDRESS(descriptors)
ADDRESS(available)
ADDRESS(done)

static const struct row modern[] = {
    {0, 4, get_device_select, set_device_select},
    {4, 4, get_device_feature, NULL},
    {8, 4, get_driver_select, set_driver_select},
    {12, 4, get_driver_feature, set_driver_feature},
    {16, 2, get_config_vector, set_config_vector},
    {18, 2, get_queues, NULL},
    {20, 1, get_status, set_status},
    {21, 1, get_generation, NULL},
    {22, 2, get_queue_select, set_queue_select},
    {24, 2, get_size, set_size},
    {26, 2, get_vector, set_vector},
    {28, 2, get_enable, set_enable},
    {30, 2, get_notify_offset, NULL},
    {32, 8, get_descriptors, set_descriptors},
    {40, 8, get_available, set_available},
    {48, 8, get_done, set_done},
};
static const struct row isr_row[] = {{0, 1, get_isr, NULL}};

// --- legacy ---
static uint64_t get_features(struct virtio *v) { return (uint32_t)virtio_features(v, true); }
static uint64_t get_agreed(struct virtio *v) { return (uint32_t)v->driver_features; }
static void set_agreed(struct virtio *v, uint64_t value) { v->driver_features = value & virtio_features(v, true); }
static uint64_t get_page(struct virtio *v) { return selected(v) ? selected(v)->descriptors / LEGACY_PAGE : 0; }
// The rings lie one behind the other, the last one at the next page. 2.7.2
static void set_page(struct virtio *v, uint64_t value) {
    struct virtqueue *q = selected(v);
    if (!q) return;
    *q = (struct virtqueue){.size = VIRTQUEUE_SIZE, .vector = q->vector, .enabled = value != 0};
    q->descriptors = value * LEGACY_PAGE;
    q->available = q->descriptors + 16ull * q->size;
    q->done = (q->available + 6 + 2ull * q->size + LEGACY_PAGE - 1) & ~(uint64_t)(LEGACY_PAGE - 1);
    if (!q->enabled) virtio_queue_off(v, v->queue_select);
}
static uint64_t get_notify(struct virtio *v) {
    (void)v;
    return 0;
}
static void set_notify(struct virtio *v, uint64_t value) { virtio_notify(v, (unsigned)(value & 0xffff)); }

static const struct row legacy[] = {
    {0, 4, get_features, NULL},
    {4, 4, get_agreed, set_agreed},
    {8, 4, get_page, set_page},
    {12, 2, get_size, NULL},
    {14, 2, get_queue_select, set_queue_select},
    {16, 2, get_notify, set_notify},
    {18, 1, get_status, set_status},
    {19, 1, get_isr, NULL},
    {20, 2, get_config_vector, set_config_vector},
    {22, 2, get_vector, set_vector},
};

// --- accesses ---
struct rows {
    const struct row *row;
    unsigned count;
};
#define ROWS(table) ((struct rows){table, sizeof table / sizeof *table})

// The register that has the first byte of an access.
static const struct row *row_at(struct rows rows, uint64_t offset) {
    for (const struct row *r = rows.row; r < rows.row + rows.count; r++)
        if (offset >= r->at && offset < r->at + r->bytes) return r;
    return NULL;
}

static uint64_t mask(unsigned bytes) { return bytes == 8 ? ~0ull : (1ull << 8 * bytes) - 1; }

static uint64_t read_rows(struct virtio *v, struct rows rows, uint64_t offset, unsigned size) {
    const struct row *r = row_at(rows, offset);
    uint64_t value = r ? r->get(v) >> 8 * (offset - r->at) & mask(size) : 0;
    unsigned here = r ? (unsigned)(r->at + r->bytes - offset) : size;
    return here < size ? value | read_rows(v, rows, offset + here, size - here) << 8 * here : value;
}

static void write_rows(struct virtio *v, struct rows rows, uint64_t offset, unsigned size, uint64_t value) {
    const struct row *r = row_at(rows, offset);
    if (!r || !r->set) return;
    unsigned shift = 8 * (unsigned)(offset - r->at);
    bool whole = !shift && size >= r->bytes;
    uint64_t part = mask(size) << shift, old = whole ? 0 : r->get(v);
    r->set(v, ((old & ~part) | (value & mask(size)) << shift) & mask(r->bytes));
}

static uint64_t read_config(const struct virtio *v, uint64_t offset, unsigned size) {
    uint64_t value = 0;
    if (offset + size <= v->kind->config_bytes) memcpy(&value, v->config + offset, size);
    return value;
}

static void write_config(struct virtio *v, uint64_t offset, unsigned size, uint64_t value) {
    uint8_t before[VIRTIO_CONFIG];
    if (!v->kind->config_written || offset + size > v->kind->config_bytes) return;
    memcpy(before, v->config, sizeof before);
    memcpy(v->config + offset, &value, size);
    v->kind->config_written(v, before);
}

static unsigned legacy_own(const struct virtio *v) {
    return pci_uses_msix(v->host->function) ? LEGACY_OWN_MSIX : LEGACY_OWN;
}

uint64_t virtio_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    struct virtio *v = chip;
    if (space == VIRTIO_LEGACY) {
        unsigned own = legacy_own(v);
        return offset >= own ? read_config(v, offset - own, size) : read_rows(v, ROWS(legacy), offset, size);
    }
    if (space != VIRTIO_MODERN) return 0;
    switch (offset / PART * PART) {
    case COMMON_AT: return read_rows(v, ROWS(modern), offset, size);
    case ISR_AT: return read_rows(v, ROWS(isr_row), offset - ISR_AT, size);
    case OWN_AT: return read_config(v, offset - OWN_AT, size);
    default: return 0;
    }
}

void virtio_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    struct virtio *v = chip;
    if (space == VIRTIO_LEGACY) {
        unsigned own = legacy_own(v);
        if (offset >= own)
            write_config(v, offset - own, size, value);
        else
            write_rows(v, ROWS(legacy), offset, size, value);
    } else if (space == VIRTIO_MODERN && offset < ISR_AT) {
        write_rows(v, ROWS(modern), offset, size, value);
    } else if (space == VIRTIO_MODERN && offset >= NOTIFY_AT) {
        virtio_notify(v, (unsigned)((offset - NOTIFY_AT) / NOTIFY_EACH));
    } else if (space == VIRTIO_MODERN && offset >= OWN_AT) {
        write_config(v, offset - OWN_AT, size, value);
    }
}

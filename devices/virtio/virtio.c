// Devices of virtio: status, features, requests and interrupts; see virtio.h.
#include "devices/virtio/virtio.h"
#include <string.h>

enum {
    STATUS_DRIVER_OK = 4,
    STATUS_FEATURES_OK = 8,
    STATUS_NEEDS_RESET = 64,
    ISR_QUEUE = 1,
    ISR_CONFIG = 2,
    LEGACY_ID = 0x1000,
    MODERN_ID = 0x1040,
    PCI_CAPABILITY_VENDOR = 9,
};

// --- what is agreed on ---
uint64_t virtio_features(const struct virtio *v, bool legacy) {
    uint64_t common = 1ull << VIRTIO_INDIRECT | 1ull << VIRTIO_EVENT_INDEX;
    return v->kind->features | common | (legacy ? 1ull << VIRTIO_ANY_LAYOUT : 1ull << VIRTIO_VERSION_1);
}

struct virtqueue_rules virtio_rules(const struct virtio *v) {
    return (struct virtqueue_rules){&v->host->master, virtio_has(v, VIRTIO_INDIRECT),
                                    virtio_has(v, VIRTIO_EVENT_INDEX)};
}

void virtio_reset(struct virtio *v) {
    if (v->serving) clock_disarm(v->host->clock, v->timer);
    v->driver_features = 0;
    v->device_feature_select = v->driver_feature_select = 0;
    v->queue_select = 0;
    v->config_vector = VIRTIO_NO_VECTOR;
    v->status = v->isr = v->serving = 0;
    device_interrupt(v->host, 0, false);
    for (unsigned i = 0; i < VIRTIO_QUEUES; i++)
        v->queue[i] = (struct virtqueue){.size = i < v->kind->queues ? VIRTQUEUE_SIZE : 0, .vector = VIRTIO_NO_VECTOR};
}

static bool is_power(uint16_t size) { return size && (size & (size - 1)) == 0; }
static bool has_vector(const struct virtio *v, uint16_t vector) {
    return vector == VIRTIO_NO_VECTOR || vector < v->host->identity->msix.vectors;
}

bool virtio_valid(const struct virtio *v) {
    if (!has_vector(v, v->config_vector)) return false;
    for (unsigned i = 0; i < VIRTIO_QUEUES; i++) {
        const struct virtqueue *q = &v->queue[i];
        if (!has_vector(v, q->vector) || (q->size ? !is_power(q->size) : q->enabled)) return false;
    }
    return !v->serving || v->queue[v->serving - 1].enabled;
}

// --- interrupts ---
static void interrupt(struct virtio *v, uint16_t vector, uint8_t why) {
    v->isr |= why;
    if (!pci_uses_msix(v->host->function)) {
        device_interrupt(v->host, 0, true); // until the driver reads why
        return;
    }
    if (vector == VIRTIO_NO_VECTOR) return;
    device_interrupt(v->host, 0, false); // of the pin, if it was asserted before the messages
    device_interrupt(v->host, vector, true);
    device_interrupt(v->host, vector, false);
}

// The driver has done what it must not: nothing more is done until it begins anew. 2.1.2
static void fail(struct virtio *v) {
    v->status |= STATUS_NEEDS_RESET;
    v->serving = 0;
    interrupt(v, v->config_vector, ISR_CONFIG);
}

// --- requests ---
static bool serves(const struct virtio *v, unsigned queue) {
    return v->status & STATUS_DRIVER_OK && !(v->status & STATUS_NEEDS_RESET) && queue < v->kind->queues &&
           v->queue[queue].enabled;
}

// Takes up the next request of a queue. False: it has none.
static bool take_up(struct virtio *v, unsigned queue) {
    struct virtqueue_rules rules = virtio_rules(v);
    if (!serves(v, queue)) return false;
    struct virtqueue *q = &v->queue[queue];
    enum virtqueue_found found = virtqueue_look(q, &rules, &v->chain);
    if (found == VIRTQUEUE_EMPTY) {
        // Between the look and the wish to be told the driver cannot have made one available: it is not its turn.
        if (!virtqueue_wait(q, &rules)) fail(v);
        return false;
    }
    if (found == VIRTQUEUE_BROKEN) {
        fail(v);
        return false;
    }
    v->serving = (uint8_t)(queue + 1);
    clock_arm(v->host->clock, v->timer, clock_now(v->host->clock) + v->kind->begin(v, queue, &v->chain));
    return true;
}

// Begins behind the queue that was served last.
static void go_on(struct virtio *v, unsigned last) {
    for (unsigned i = 1; i <= v->kind->queues; i++)
        if (take_up(v, (last + i) % v->kind->queues)) return;
}

// The queue is not enabled any more: what it was served is forgotten, and others have their turn.
void virtio_queue_off(struct virtio *v, unsigned queue) {
    if (v->serving != queue + 1) return;
    clock_disarm(v->host->clock, v->timer);
    v->serving = 0;
    go_on(v, queue);
}

void virtio_notify(struct virtio *v, unsigned queue) {
    if (!v->serving) (void)take_up(v, queue);
}

static void fire(void *chip) {
    struct virtio *v = chip;
    unsigned queue = v->serving - 1u;
    struct virtqueue_rules rules = virtio_rules(v);
    bool wanted;
    v->serving = 0;
    if (!serves(v, queue)) return;
    enum virtqueue_found found = virtqueue_look(&v->queue[queue], &rules, &v->chain);
    if (found == VIRTQUEUE_BROKEN) {
        fail(v);
        return;
    }
    if (found == VIRTQUEUE_REQUEST) {
        uint32_t bytes = v->kind->finish(v, queue, &v->chain);
        if (!virtqueue_finish(&v->queue[queue], &rules, &v->chain, bytes, &wanted)) {
            fail(v);
            return;
        }
        if (wanted) interrupt(v, v->queue[queue].vector, ISR_QUEUE);
    }
    go_on(v, queue);
}

// --- status ---
// Features that were not offered are not agreed on. 3.1.1
static bool features_agreed(const struct virtio *v) {
    return !(v->driver_features & ~virtio_features(v, false)) && virtio_has(v, VIRTIO_VERSION_1);
}

void virtio_set_status(struct virtio *v, uint8_t status) {
    bool began = !(v->status & STATUS_DRIVER_OK) && status & STATUS_DRIVER_OK;
    if (!status) {
        virtio_reset(v);
        return;
    }
    if (status & STATUS_FEATURES_OK && !(v->status & STATUS_FEATURES_OK) && !features_agreed(v))
        status &= (uint8_t)~STATUS_FEATURES_OK;
    v->status = (uint8_t)(status | (v->status & STATUS_NEEDS_RESET));
    if (began && !v->serving) go_on(v, 0); // what was made available before
}

// --- life ---
// Where the parts of the modern interface lie in their base address register. 4.1.4
static const uint8_t common[14] = {16, 1, VIRTIO_MODERN, 0, 0, 0, 0, 0x00, 0, 0, 0, 0x10, 0, 0},
                     isr[14] = {16, 3, VIRTIO_MODERN, 0, 0, 0, 0, 0x10, 0, 0, 0, 0x10, 0, 0},
                     own[14] = {16, 4, VIRTIO_MODERN, 0, 0, 0, 0, 0x20, 0, 0, 0, 0x10, 0, 0},
                     notify[18] = {20, 2, VIRTIO_MODERN, 0, 0, 0, 0, 0x30, 0, 0, 0, 0x10, 0, 0, 4, 0, 0, 0}, fixed[18];
static const struct pci_capability capabilities[] = {
    {PCI_CAPABILITY_VENDOR, sizeof common, common, fixed, 0},
    {PCI_CAPABILITY_VENDOR, sizeof isr, isr, fixed, 0},
    {PCI_CAPABILITY_VENDOR, sizeof own, own, fixed, 0},
    {PCI_CAPABILITY_VENDOR, sizeof notify, notify, fixed, 0},
};

static void identify(struct virtio *v, struct pci_identity *id) {
    static const uint16_t legacy_ids[] = {[1] = 0, [2] = 1, [3] = 3, [4] = 5, [5] = 2}; // 4.1.2.1
    uint16_t kind = v->kind->id;
    bool legacy = !v->legacy_off && kind < sizeof legacy_ids / sizeof *legacy_ids;
    id->device = (uint16_t)(legacy ? LEGACY_ID + legacy_ids[kind] : MODERN_ID + kind);
    id->revision = !legacy;
    id->subsystem = legacy ? kind : 0x1100;
    if (!legacy) id->bar[VIRTIO_LEGACY] = (struct pci_bar){0};
    if (v->modern_off) {
        id->bar[VIRTIO_MODERN] = (struct pci_bar){0};
        return;
    }
    id->capability = capabilities;
    id->capabilities = sizeof capabilities / sizeof *capabilities;
}

const char *virtio_create(struct virtio *v, const struct virtio_kind *kind, struct device_host *host) {
    if (v->legacy_off && v->modern_off) return "disable-legacy and disable-modern leave nothing: leave one of them out";
    v->kind = kind;
    v->host = host;
    v->timer = clock_timer_new(host->clock, fire, v);
    identify(v, host->identity);
    return NULL;
}

// What all devices of virtio have: features that are agreed on, a status, queues, and the two ways in which PCI shows
// them: legacy, by ports, and modern, by capabilities and memory. VIRTIO 1.2, 2.1 to 2.4, 4.1.
//
// A device serves one request at a time. When it is noticed, `begin` says how long it takes; when that time has come,
// `finish` does it, from the queue as it is then.
#ifndef DEVICES_VIRTIO_H
#define DEVICES_VIRTIO_H
#include "devices/bus/device.h"
#include "devices/pci/function.h"
#include "devices/timer/clock.h"
#include "devices/virtio/queue.h"

enum { VIRTIO_QUEUES = 4 /* at most */, VIRTIO_CONFIG = 64, VIRTIO_NO_VECTOR = 0xffff };
// Feature bits that belong to no kind of device. 2.2, 6.
enum {
    VIRTIO_ANY_LAYOUT = 27,
    VIRTIO_INDIRECT = 28,
    VIRTIO_EVENT_INDEX = 29,
    VIRTIO_VERSION_1 = 32,
};

struct virtio;
// What is particular of a kind.
struct virtio_kind {
    uint16_t id; // 5
    unsigned queues;
    uint64_t features;
    unsigned config_bytes;
    // What a request takes, in cycles. It is looked at again when it is finished: nothing is kept of it.
    uint64_t (*begin)(struct virtio *v, unsigned queue, const struct virtqueue_chain *chain);
    uint32_t (*finish)(struct virtio *v, unsigned queue, const struct virtqueue_chain *chain); // bytes written
    void (*config_written)(struct virtio *v, const uint8_t *before); // takes back what cannot be written
};

struct virtio {
    // architectural
    uint64_t driver_features;
    uint32_t device_feature_select, driver_feature_select;
    uint16_t queue_select, config_vector;
    uint8_t status, isr;
    uint8_t serving; // 1 + the queue whose request is being served; 0: none
    struct virtqueue queue[VIRTIO_QUEUES];
    // the kind's
    uint8_t config[VIRTIO_CONFIG];
    // wiring
    const struct virtio_kind *kind;
    struct device_host *host;
    unsigned timer;
    bool legacy_off, modern_off;
    struct virtqueue_chain chain; // of the request in hand, within one call
};
// Of every struct that begins with a struct virtio.
#define VIRTIO_STATE(type, member)                                                                                     \
    STATE_ONE(type, member.driver_features), STATE_ONE(type, member.device_feature_select),                            \
        STATE_ONE(type, member.driver_feature_select), STATE_ONE(type, member.queue_select),                           \
        STATE_ONE(type, member.config_vector), STATE_ONE(type, member.status), STATE_ONE(type, member.isr),            \
        STATE_ONE_TO(type, member.serving, VIRTIO_QUEUES), STATE_EACH_TO(type, member.queue, size, VIRTQUEUE_SIZE),    \
        STATE_EACH(type, member.queue, vector), STATE_EACH_TO(type, member.queue, enabled, 1),                         \
        STATE_EACH(type, member.queue, next), STATE_EACH(type, member.queue, used),                                    \
        STATE_EACH(type, member.queue, signalled), STATE_EACH_TO(type, member.queue, signalled_once, 1),               \
        STATE_EACH(type, member.queue, descriptors), STATE_EACH(type, member.queue, available),                        \
        STATE_EACH(type, member.queue, done), STATE_ARRAY(type, member.config)

bool virtio_valid(const struct virtio *v); // of what was loaded

// Its base address registers: legacy ports, the table of MSI-X, what is modern. `identity` for those rows.
enum virtio_bar { VIRTIO_LEGACY, VIRTIO_MSIX, VIRTIO_MODERN = 4 };
#define VIRTIO_IDENTITY(class_of, subclass_of)                                                                         \
    {                                                                                                                  \
        .vendor = 0x1af4, .class = class_of, .subclass = subclass_of, .subsystem_vendor = 0x1af4, .pin = 1,            \
        .command = 0x0003, .msix = {.vectors = 2, .bar = VIRTIO_MSIX, .pending = 0x800}, .bar = {                      \
            [VIRTIO_LEGACY] = {.bytes = 128, .widths = WIDTH_1 | WIDTH_2 | WIDTH_4, .kind = PCI_PORTS},                \
            [VIRTIO_MSIX] = {.bytes = 4096, .widths = WIDTH_4, .kind = PCI_MEMORY},                                    \
            [VIRTIO_MODERN] = {.bytes = 0x4000,                                                                        \
                               .widths = WIDTH_1 | WIDTH_2 | WIDTH_4,                                                  \
                               .kind = PCI_MEMORY_64 | PCI_PREFETCHABLE}                                               \
        }                                                                                                              \
    }
// Every kind has these options.
#define VIRTIO_OPTIONS(type, member)                                                                                   \
    {"disable-legacy", "on|off", OPTION_SWITCH, offsetof(type, member.legacy_off), 1, 0, 0, 1, "on or off"}, {         \
        "disable-modern", "on|off", OPTION_SWITCH, offsetof(type, member.modern_off), 1, 0, 0, 1, "on or off"          \
    }

// For rows of devices. virtio_create: NULL, or what is wrong.
const char *virtio_create(struct virtio *v, const struct virtio_kind *kind, struct device_host *host);
void virtio_reset(struct virtio *v);
uint64_t virtio_read(void *v, unsigned space, uint64_t offset, unsigned size);
void virtio_write(void *v, unsigned space, uint64_t offset, unsigned size, uint64_t value);

// For kinds.
struct virtqueue_rules virtio_rules(const struct virtio *v);
static inline bool virtio_has(const struct virtio *v, unsigned feature) { return v->driver_features >> feature & 1; }

// For registers.c.
void virtio_notify(struct virtio *v, unsigned queue);
void virtio_queue_off(struct virtio *v, unsigned queue); // `enabled` went
void virtio_set_status(struct virtio *v, uint8_t status);
uint64_t virtio_features(const struct virtio *v, bool legacy); // that are offered

#endif

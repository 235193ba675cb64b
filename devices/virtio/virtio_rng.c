// Random numbers by virtio, from the machine's seed: the same ones in each run. VIRTIO 1.2, 5.4.
#include "devices/virtio/virtio.h"

enum { REQUEST_US = 20, MOST = 4096 }; // bytes that are given for one request

struct virtio_rng {
    struct virtio virtio; // first
    uint64_t random;      // architectural
};

static const struct state_field fields[] = {VIRTIO_STATE(struct virtio_rng, virtio),
                                            STATE_ONE(struct virtio_rng, random)};
static bool rng_valid(const void *rng) { return virtio_valid(&((const struct virtio_rng *)rng)->virtio); }
static const struct state_table rng_state = STATE_TABLE("virtio-rng", fields, rng_valid);

static const struct device_option options[] = {VIRTIO_OPTIONS(struct virtio_rng, virtio)};

static uint64_t rng_begin(struct virtio *v, unsigned queue, const struct virtqueue_chain *c) {
    (void)queue, (void)c;
    return v->host->clock->hz / 1000000 * REQUEST_US;
}

// SplitMix64, as everything random here.
static uint64_t next(struct virtio_rng *r) {
    uint64_t z = r->random += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static uint32_t rng_finish(struct virtio *v, unsigned queue, const struct virtqueue_chain *c) {
    (void)queue;
    struct virtqueue_rules rules = virtio_rules(v);
    uint64_t bytes = c->write_bytes < MOST ? c->write_bytes : MOST, done = 0;
    while (done < bytes) {
        uint64_t word = next((struct virtio_rng *)v), n = bytes - done < sizeof word ? bytes - done : sizeof word;
        uint64_t given = virtqueue_give(c, &rules, done, &word, n);
        done += given;
        if (given < n) break;
    }
    return (uint32_t)done;
}

static const struct virtio_kind kind = {.id = 4, .queues = 1, .begin = rng_begin, .finish = rng_finish};

static const char *rng_create(void *chip, struct device_host *host) {
    struct virtio_rng *r = chip;
    r->random = host->seed ^ host->number;
    return virtio_create(&r->virtio, &kind, host);
}

static void rng_reset(void *chip) { virtio_reset(chip); } // the numbers go on

static const struct pci_identity identity = VIRTIO_IDENTITY(0, 0xff);

DEVICE(virtio_rng) = {.name = "virtio-rng-pci",
                      .alias = "virtio-rng",
                      .help = "random numbers, from -seed",
                      .read = virtio_read,
                      .write = virtio_write,
                      .reset = rng_reset,
                      .state = &rng_state,
                      .bytes = sizeof(struct virtio_rng),
                      .option = options,
                      .options = sizeof options / sizeof *options,
                      .function = &identity,
                      .create = rng_create};

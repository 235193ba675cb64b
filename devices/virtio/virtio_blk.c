// A disk by virtio. VIRTIO 1.2, 5.2. One queue; its requests are served one after the other, each for as long as
// drive_cycles says.
#include "devices/disk/drive.h"
#include "devices/virtio/virtio.h"
#include <string.h>

enum {
    SIZE_MAX_BIT = 1,
    SEG_MAX = 2,
    GEOMETRY = 4,
    READ_ONLY = 5,
    BLK_SIZE = 6,
    FLUSH = 9,
    TOPOLOGY = 10,
    CONFIG_WCE = 11,
    DISCARD = 13,
    WRITE_ZEROES = 14
};                                                                             // feature bits
enum { IN = 0, OUT = 1, FLUSHES = 4, GET_ID = 8, DISCARDS = 11, ZEROES = 13 }; // requests
enum { OK, IOERR, UNSUPPORTED };                                               // what a request's last byte says
enum {
    HEADER = 16,
    ID_BYTES = 20,
    CHUNK = 64 << 10,
    MOST = 64 << 20,         // bytes of a request: more is refused, as an error of the medium
    RANGE = 16,              // bytes of a range to discard or to fill with zeroes
    RANGE_SECTORS = 1 << 17, // of one, at most
    HEADS = 16,
    TRACK = 63,
};

struct blk_config { // 5.2.4
    uint64_t capacity;
    uint32_t size_max, seg_max;
    uint16_t cylinders;
    uint8_t heads, sectors;
    uint32_t blk_size;
    uint8_t physical_block_exp, alignment_offset;
    uint16_t min_io_size;
    uint32_t opt_io_size;
    uint8_t writeback, unused0;
    uint16_t num_queues;
    uint32_t max_discard_sectors, max_discard_seg, discard_sector_alignment;
    uint32_t max_write_zeroes_sectors, max_write_zeroes_seg;
    uint8_t write_zeroes_may_unmap, unused1[3];
};
_Static_assert(sizeof(struct blk_config) <= VIRTIO_CONFIG, "the configuration has room");

struct virtio_blk {
    struct virtio virtio; // first
    // wiring
    char drive_id[DRIVE_ID], serial[DRIVE_SERIAL];
    uint32_t physical_block_size, bootindex;
    struct virtio_kind kind;
    struct drive *drive;
    uint8_t chunk[CHUNK];
};

static const struct state_field fields[] = {VIRTIO_STATE(struct virtio_blk, virtio)};
static bool blk_valid(const void *blk) { return virtio_valid(&((const struct virtio_blk *)blk)->virtio); }
static const struct state_table blk_state = STATE_TABLE("virtio-blk", fields, blk_valid);

static const struct device_option options[] = {
    {"drive", "ID", OPTION_TEXT, offsetof(struct virtio_blk, drive_id), DRIVE_ID, 0, 0, DRIVE_ID - 1, DEVICE_NO_DRIVE},
    DEVICE_OPTION(struct virtio_blk, serial, "TEXT", TEXT, 0, 0, DRIVE_SERIAL - 1, "a text of at most 20 characters"),
    DEVICE_OPTION(struct virtio_blk, physical_block_size, "BYTES", POWER, 512, 512, 32768,
                  "a power of two from 512 to 32768"),
    VIRTIO_OPTIONS(struct virtio_blk, virtio),
    DEVICE_BOOTINDEX(struct virtio_blk),
};

// --- a request ---
struct request {
    uint32_t type;
    uint64_t sector;
    uint64_t bytes; // of data
};

// Its header, and where its data are; the last byte that the device writes is the status. False: it has no room for
// these.
static bool look_at(const struct virtio_blk *b, const struct virtqueue_chain *c, struct request *r) {
    struct __attribute__((packed)) {
        uint32_t type, reserved;
        uint64_t sector;
    } header;
    struct virtqueue_rules rules = virtio_rules(&b->virtio);
    *r = (struct request){0};
    if (!c->write_bytes || virtqueue_take(c, &rules, 0, &header, sizeof header) != sizeof header) return false;
    r->type = header.type;
    r->sector = header.sector;
    r->bytes = header.type == IN || header.type == GET_ID ? c->write_bytes - 1 : c->read_bytes - HEADER;
    return true;
}

static bool on_disk(const struct virtio_blk *b, const struct request *r) {
    return r->bytes % DRIVE_SECTOR == 0 && r->bytes <= MOST && r->sector <= drive_bytes(b->drive) / DRIVE_SECTOR &&
           drive_has(b->drive, r->sector * DRIVE_SECTOR, r->bytes);
}

// Of a request to fill with zeroes, or to forget: its one range. What is wrong with it, or OK.
struct range {
    uint64_t sector;
    uint32_t count, flags;
};
static uint8_t look_at_range(const struct virtio_blk *b, const struct virtqueue_chain *c, const struct request *r,
                             struct range *range) {
    struct virtqueue_rules rules = virtio_rules(&b->virtio);
    const uint32_t known = r->type == ZEROES; // bit 0 of zeroes: may unmap
    if (drive_read_only(b->drive)) return IOERR;
    if (r->bytes != RANGE) return r->bytes % RANGE ? IOERR : UNSUPPORTED; // one, as the configuration says
    if (virtqueue_take(c, &rules, HEADER, range, sizeof *range) != sizeof *range) return IOERR;
    if (range->flags & ~known) return UNSUPPORTED;
    if (range->count > RANGE_SECTORS || range->sector > drive_bytes(b->drive) / DRIVE_SECTOR ||
        !drive_has(b->drive, range->sector * DRIVE_SECTOR, (uint64_t)range->count * DRIVE_SECTOR))
        return IOERR;
    return OK;
}

// --- its time ---
// How many bytes of the disk it reads or writes.
static uint64_t moves(const struct virtio_blk *b, const struct virtqueue_chain *c, const struct request *r) {
    struct range range;
    if (r->type == ZEROES && look_at_range(b, c, r, &range) == OK) return (uint64_t)range.count * DRIVE_SECTOR;
    return (r->type == IN || r->type == OUT) && on_disk(b, r) ? r->bytes : 0;
}

static uint64_t blk_begin(struct virtio *v, unsigned queue, const struct virtqueue_chain *c) {
    (void)queue;
    struct virtio_blk *b = (struct virtio_blk *)v;
    struct request r;
    uint64_t bytes = look_at(b, c, &r) ? moves(b, c, &r) : 0;
    if (bytes && r.type == IN) drive_want(b->drive, r.sector * DRIVE_SECTOR, r.bytes);
    enum drive_work work = r.type == IN ? DRIVE_READS : r.type == FLUSHES ? DRIVE_FLUSHES : DRIVE_WRITES;
    return drive_cycles(b->drive, work, bytes);
}

// --- what is done ---
static uint8_t read_data(struct virtio_blk *b, const struct virtqueue_chain *c, const struct request *r,
                         uint32_t *written) {
    struct virtqueue_rules rules = virtio_rules(&b->virtio);
    if (!on_disk(b, r)) return IOERR;
    for (uint64_t done = 0, n; done < r->bytes; done += n) {
        n = r->bytes - done < CHUNK ? r->bytes - done : CHUNK;
        if (!drive_read(b->drive, r->sector * DRIVE_SECTOR + done, n, b->chunk)) return IOERR;
        if (virtqueue_give(c, &rules, done, b->chunk, n) != n) return IOERR;
        *written += (uint32_t)n;
    }
    return OK;
}

static uint8_t write_data(struct virtio_blk *b, const struct virtqueue_chain *c, const struct request *r) {
    struct virtqueue_rules rules = virtio_rules(&b->virtio);
    if (!on_disk(b, r) || drive_read_only(b->drive)) return IOERR;
    for (uint64_t done = 0, n; done < r->bytes; done += n) {
        n = r->bytes - done < CHUNK ? r->bytes - done : CHUNK;
        if (virtqueue_take(c, &rules, HEADER + done, b->chunk, n) != n) return IOERR;
        if (!drive_write(b->drive, r->sector * DRIVE_SECTOR + done, n, b->chunk)) return IOERR;
    }
    bool through = !((const struct blk_config *)b->virtio.config)->writeback;
    return !through || drive_flush(b->drive) ? OK : IOERR;
}

static uint8_t get_id(struct virtio_blk *b, const struct virtqueue_chain *c, const struct request *r,
                      uint32_t *written) {
    struct virtqueue_rules rules = virtio_rules(&b->virtio);
    char id[ID_BYTES] = "";
    const char *serial = *b->serial ? b->serial : drive_serial(b->drive);
    memcpy(id, serial, strlen(serial) < ID_BYTES ? strlen(serial) : ID_BYTES);
    uint64_t n = r->bytes < ID_BYTES ? r->bytes : ID_BYTES;
    *written = (uint32_t)virtqueue_give(c, &rules, 0, id, n);
    return *written == n ? OK : IOERR;
}

// Ranges to fill with zeroes, or to forget: those stay as they are, which is allowed.
static uint8_t ranges(struct virtio_blk *b, const struct virtqueue_chain *c, const struct request *r) {
    struct range range;
    uint8_t wrong = look_at_range(b, c, r, &range);
    if (wrong != OK || r->type != ZEROES) return wrong;
    return drive_zero(b->drive, range.sector * DRIVE_SECTOR, (uint64_t)range.count * DRIVE_SECTOR) ? OK : IOERR;
}

static uint8_t carry_out(struct virtio_blk *b, const struct virtqueue_chain *c, const struct request *r,
                         uint32_t *written) {
    switch (r->type) {
    case IN: return read_data(b, c, r, written);
    case OUT: return write_data(b, c, r);
    case FLUSHES: return drive_flush(b->drive) ? OK : IOERR;
    case GET_ID: return get_id(b, c, r, written);
    case DISCARDS:
    case ZEROES: return ranges(b, c, r);
    default: return UNSUPPORTED;
    }
}

static uint32_t blk_finish(struct virtio *v, unsigned queue, const struct virtqueue_chain *c) {
    (void)queue;
    struct virtio_blk *b = (struct virtio_blk *)v;
    struct virtqueue_rules rules = virtio_rules(v);
    struct request r;
    uint32_t written = 0;
    uint8_t status = look_at(b, c, &r) ? carry_out(b, c, &r, &written) : IOERR;
    uint32_t given = c->write_bytes ? (uint32_t)virtqueue_give(c, &rules, c->write_bytes - 1, &status, 1) : 0;
    return written + given;
}

// --- configuration ---
static void fill_config(struct virtio_blk *b) {
    uint64_t sectors = drive_bytes(b->drive) / DRIVE_SECTOR, cylinders = sectors / (HEADS * TRACK);
    struct blk_config c = {.capacity = sectors,
                           .seg_max = VIRTQUEUE_SIZE - 2,
                           .cylinders = (uint16_t)(cylinders > 16383 ? 16383
                                                   : cylinders < 2   ? 2
                                                                     : cylinders),
                           .heads = HEADS,
                           .sectors = TRACK,
                           .blk_size = DRIVE_SECTOR,
                           .physical_block_exp = (uint8_t)__builtin_ctz(b->physical_block_size / DRIVE_SECTOR),
                           .writeback = 1,
                           .num_queues = 1,
                           .max_discard_sectors = RANGE_SECTORS,
                           .max_discard_seg = 1,
                           .discard_sector_alignment = 1,
                           .max_write_zeroes_sectors = RANGE_SECTORS,
                           .max_write_zeroes_seg = 1,
                           .write_zeroes_may_unmap = 1};
    memcpy(b->virtio.config, &c, sizeof c);
}

// Of all that is there the cache's mode alone can be written.
static void blk_config_written(struct virtio *v, const uint8_t *before) {
    struct blk_config c;
    uint8_t mode = ((const struct blk_config *)v->config)->writeback & 1;
    memcpy(&c, before, sizeof c);
    if (virtio_has(v, CONFIG_WCE)) c.writeback = mode;
    memcpy(v->config, &c, sizeof c);
}

static const uint64_t features =
    1ull << SEG_MAX | 1ull << GEOMETRY | 1ull << BLK_SIZE | 1ull << FLUSH | 1ull << TOPOLOGY | 1ull << CONFIG_WCE;
static const uint64_t changing = 1ull << DISCARD | 1ull << WRITE_ZEROES;

static const char *blk_create(void *chip, struct device_host *host) {
    struct virtio_blk *b = chip;
    b->drive = device_drive(host, b->drive_id);
    if (!b->drive) return DEVICE_NO_DRIVE;
    b->kind = (struct virtio_kind){.id = 2,
                                   .queues = 1,
                                   .features = features | (drive_read_only(b->drive) ? 1ull << READ_ONLY : changing),
                                   .config_bytes = sizeof(struct blk_config),
                                   .begin = blk_begin,
                                   .finish = blk_finish,
                                   .config_written = blk_config_written};
    const char *wrong = virtio_create(&b->virtio, &b->kind, host);
    return wrong ? wrong : device_boots(host, host->function, b->bootindex, "disk@0,0");
}

static void blk_reset(void *chip) {
    virtio_reset(chip);
    fill_config(chip);
}

static const struct pci_identity identity = VIRTIO_IDENTITY(1, 0);

DEVICE(virtio_blk) = {.name = "virtio-blk-pci",
                      .alias = "virtio-blk",
                      .help = "a disk, of a -drive with if=none or virtio",
                      .read = virtio_read,
                      .write = virtio_write,
                      .reset = blk_reset,
                      .state = &blk_state,
                      .bytes = sizeof(struct virtio_blk),
                      .option = options,
                      .options = sizeof options / sizeof *options,
                      .function = &identity,
                      .create = blk_create};

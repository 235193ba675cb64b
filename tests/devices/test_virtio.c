// Devices of virtio, as a driver sees them: what a disk and a source of random numbers do by the modern and the legacy
// interface; interrupts; and that no ring, however it is made, does harm.
#include "cpu/state/cpu.h"
#include "devices/disk/memory_image.h"
#include "devices/snapshot/snapshot.h"
#include "tests/door.h"
#include "tests/tap.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECTORS = 4096, BYTES = SECTORS * 512, RAM = 4 << 20, DISK = 5, RNG = 6 };
enum { RINGS = 0x100000, DATA = 0x200000, QUEUE = 256, IN = 0, OUT = 1, FLUSH = 4, GET_ID = 8, ZEROES = 13 };
enum { NEXT = 1, WRITE = 2, INDIRECT = 4 };
static uint8_t image_bytes[BYTES];
static struct memory_image image;

static struct machine *begin(const char *option, bool read_only) {
    struct machine_config config;
    struct drive_config disk = {.id = "d", .serial = "VX-4711", .read_only = read_only, .bytes = BYTES};
    char error[200], text[100];
    image = (struct memory_image){.data = image_bytes, .bytes = BYTES};
    for (unsigned i = 0; i < BYTES; i++) image_bytes[i] = (uint8_t)(i * 13 + (i >> 9));
    disk.back = memory_image_back(&image);
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    config.ram_bytes = RAM;
    snprintf(text, sizeof text, "virtio-blk-pci,drive=d,addr=5%s", option);
    if (!machine_config_drive(&config, &disk, error, sizeof error) ||
        !machine_config_device(&config, text, error, sizeof error) ||
        !machine_config_device(&config, "virtio-rng-pci,addr=6", error, sizeof error))
        bail("%s", error);
    struct machine *m = machine_new(&config, error, sizeof error);
    if (!m) bail("no machine: %s", error);
    return m;
}

// --- accesses ---
static void out(struct machine *m, uint16_t port, unsigned size, uint32_t value) {
    inside_platform(m)->port_out(m, inside_cpu(m, 0), port, size, value);
}
static uint32_t in(struct machine *m, uint16_t port, unsigned size) {
    return inside_platform(m)->port_in(m, inside_cpu(m, 0), port, size);
}
static uint32_t config(struct machine *m, unsigned device, unsigned reg) {
    out(m, 0xcf8, 4, 0x80000000u | device << 11 | reg);
    return in(m, 0xcfc, 4);
}
static void set_config(struct machine *m, unsigned device, unsigned reg, uint32_t value) {
    out(m, 0xcf8, 4, 0x80000000u | device << 11 | reg);
    out(m, 0xcfc, 4, value);
}
static uint64_t modern;
static void put(struct machine *m, unsigned at, unsigned size, uint64_t value) {
    inside_platform(m)->mmio_write(m, inside_cpu(m, 0), modern + at, size, value);
}
static uint64_t get(struct machine *m, unsigned at, unsigned size) {
    return inside_platform(m)->mmio_read(m, inside_cpu(m, 0), modern + at, size);
}
static void store(struct machine *m, uint64_t at, unsigned bytes, uint64_t value) {
    memcpy(inside_ram(m, at, bytes), &value, bytes);
}
static uint64_t load(struct machine *m, uint64_t at, unsigned bytes) {
    uint64_t value = 0;
    memcpy(&value, machine_ram(m, at, bytes), bytes);
    return value;
}
// Time passes; no instruction matters here.
static void wait(struct machine *m, uint64_t cycles) {
    struct cpu *cpu = inside_cpu(m, 0);
    field_put(cpu, "time.surplus_cycles", field(cpu, "time.surplus_cycles") + cycles);
    (void)machine_run(m, 0);
}

// --- a driver ---
static uint64_t available = RINGS + 16 * QUEUE, used = RINGS + 0x2000;
static uint16_t made, descriptor; // requests so far; the next free descriptor

static void switch_on(struct machine *m, unsigned device) {
    modern = (config(m, device, 0x20) & ~15u) | (uint64_t)config(m, device, 0x24) << 32;
    set_config(m, device, 4, 0x0007);
}

static void bring_up(struct machine *m, unsigned device, uint64_t features) {
    switch_on(m, device);
    put(m, 20, 1, 0);
    memset(inside_ram(m, RINGS, 0x3000), 0, 0x3000);
    made = descriptor = 0;
    put(m, 20, 1, 3);
    for (unsigned half = 0; half < 2; half++) put(m, 8, 4, half), put(m, 12, 4, features >> 32 * half);
    put(m, 20, 1, 11);
    put(m, 22, 2, 0);
    put(m, 32, 4, RINGS), put(m, 36, 4, 0);
    put(m, 40, 4, available), put(m, 44, 4, 0);
    put(m, 48, 4, used), put(m, 52, 4, 0);
    put(m, 28, 2, 1);
    put(m, 20, 1, 15);
}

static void describe(struct machine *m, uint64_t table, unsigned n, uint64_t address, uint32_t bytes, unsigned flags,
                     unsigned next) {
    uint64_t at = table + 16ull * n;
    store(m, at, 8, address);
    store(m, at + 8, 4, bytes);
    store(m, at + 12, 2, flags);
    store(m, at + 14, 2, next);
}

static void make_available(struct machine *m, unsigned head) {
    store(m, available + 4 + 2ull * (made % QUEUE), 2, head);
    store(m, available + 2, 2, ++made);
}

// Header at DATA, data at DATA + 4096, status at DATA + 16.
static void request(struct machine *m, uint32_t type, uint64_t sector, uint32_t bytes) {
    unsigned d = descriptor = (uint16_t)((descriptor + 3) % (QUEUE - 8)), to_device = type == OUT || type == ZEROES;
    store(m, DATA, 4, type), store(m, DATA + 8, 8, sector), store(m, DATA + 16, 1, 0xff);
    describe(m, RINGS, d, DATA, 16, NEXT, bytes ? d + 1 : d + 2);
    if (bytes) describe(m, RINGS, d + 1, DATA + 4096, bytes, to_device ? NEXT : NEXT | WRITE, d + 2);
    describe(m, RINGS, d + 2, DATA + 16, 1, WRITE, 0);
    make_available(m, d);
}
static unsigned ask(struct machine *m, uint32_t type, uint64_t sector, uint32_t bytes) {
    request(m, type, sector, bytes);
    put(m, 0x3000, 2, 0);
    wait(m, 1000000);
    return (unsigned)load(m, DATA + 16, 1);
}

// --- tests ---
static void disk(void) {
    struct machine *m = begin("", false);
    ok(config(m, DISK, 0) == 0x10011af4 && config(m, DISK, 8) == 0x01000000 && config(m, DISK, 0x2c) == 0x00021af4 &&
           config(m, RNG, 0) == 0x10051af4,
       "the IDs are those of transitional devices");
    bring_up(m, DISK, 1ull << 32);
    ok(get(m, 20, 1) == 15, "the features are agreed on");
    ok(get(m, 0x2000, 4) == SECTORS && get(m, 0x2000 + 20, 4) == 512, "capacity and sector");
    uint8_t *data = inside_ram(m, DATA + 4096, 8192);
    request(m, IN, 10, 8192);
    put(m, 0x3000, 2, 0);
    ok(load(m, DATA + 16, 1) == 0xff && image.wanted == 8192, "a read takes time, and is wanted at once");
    wait(m, 1000000);
    ok(load(m, DATA + 16, 1) == 0 && memcmp(data, image_bytes + 5120, 8192) == 0, "a read");
    ok(load(m, used + 2, 2) == 1 && load(m, used + 8, 4) == 8193, "it is used, with its length");
    ok(get(m, 0x1000, 1) == 1 && get(m, 0x1000, 1) == 0, "the interrupt says why, once");
    memset(data, 0x5a, 8192);
    ok(ask(m, OUT, 20, 8192) == 0 && image_bytes[20 * 512] != 0x5a, "a write leaves the image alone");
    memset(data, 0, 8192);
    ok(ask(m, IN, 21, 1024) == 0 && data[0] == 0x5a && data[1023] == 0x5a, "and is read back");
    store(m, DATA + 4096, 8, 22), store(m, DATA + 4104, 8, 2);
    ok(ask(m, ZEROES, 0, 16) == 0 && ask(m, IN, 22, 1536) == 0 && !data[0] && !data[1023] && data[1024] == 0x5a,
       "sectors are filled with zeroes");
    store(m, DATA + 4096, 8, 0), store(m, DATA + 4104, 8, SECTORS);
    request(m, ZEROES, 0, 16), put(m, 0x3000, 2, 0);
    wait(m, cpu_model_at(0)->tsc_hz / 1000000 * 500);
    ok(load(m, DATA + 16, 1) == 0xff, "which takes time by what is filled: 2 MBytes no half a millisecond");
    wait(m, cpu_model_at(0)->tsc_hz / 1000000 * 700);
    ok(load(m, DATA + 16, 1) == 0, "but little more than one");
    ok(ask(m, GET_ID, 0, 20) == 0 && strcmp((char *)data, "VX-4711") == 0, "the serial number");
    ok(ask(m, FLUSH, 0, 0) == 0, "a flush");
    ok(ask(m, IN, SECTORS - 1, 1024) == 1 && ask(m, IN, ~0ull, 512) == 1 && ask(m, OUT, 0, 100) == 1,
       "nothing beyond the end, no half of a sector");
    ok(ask(m, 77, 0, 512) == 2, "an unknown request is told so");
    machine_free(m);
    m = begin("", true);
    bring_up(m, DISK, 1ull << 32);
    ok(ask(m, OUT, 0, 512) == 1 && ask(m, ZEROES, 0, 16) == 1, "a read-only disk refuses writes");
    put(m, 0, 4, 0);
    ok(get(m, 4, 4) >> 5 & 1, "and says that it does");
    machine_free(m);
}

static void rings(void) {
    struct machine *m = begin("", false);
    uint8_t *data = inside_ram(m, DATA + 4096, 8192);
    bring_up(m, DISK, 1ull << 32 | 1ull << 28 | 1ull << 29);
    uint64_t table = DATA + 0x8000;
    store(m, DATA, 8, IN), store(m, DATA + 8, 8, 3);
    describe(m, table, 0, DATA, 16, NEXT, 1);
    for (unsigned i = 0; i < 8; i++)
        describe(m, table, 1 + i, DATA + 4096 + 100 * i, i < 7 ? 100 : 324, NEXT | WRITE, 2 + i);
    describe(m, table, 9, DATA + 16, 1, WRITE, 0);
    describe(m, RINGS, 0, table, 160, INDIRECT, 0);
    make_available(m, 0);
    put(m, 0x3000, 2, 0);
    wait(m, 1000000);
    ok(load(m, DATA + 16, 1) == 0 && memcmp(data, image_bytes + 1536, 1024) == 0, "an indirect table of odd pieces");
    ok(get(m, 0x1000, 1) == 1 && load(m, used + 4 + 8 * QUEUE, 2) == 1,
       "the first interrupts, and the next is waited for");
    store(m, available + 4 + 2 * QUEUE, 2, 2); // tell me when the third is used
    ok(ask(m, IN, 0, 512) == 0 && get(m, 0x1000, 1) == 0, "no interrupt before the one that is asked for");
    ok(ask(m, IN, 0, 512) == 0 && get(m, 0x1000, 1) == 1, "and one there");
    bring_up(m, DISK, 1ull << 32);
    store(m, available, 2, 1);
    ok(ask(m, IN, 0, 512) == 0 && get(m, 0x1000, 1) == 0, "no interrupt where the driver wants none");
    for (unsigned i = 0; i < 100; i++) request(m, IN, i, 512);
    put(m, 0x3000, 2, 0);
    wait(m, 1000000), wait(m, 10000000);
    for (unsigned i = 0; i < 200; i++) wait(m, 100000);
    ok(load(m, used + 2, 2) == 101, "a hundred requests at once, one notice");
    machine_free(m);
}

// Both devices: MSI-X, and what the legacy ports do.
static void others(void) {
    struct machine *m = begin("", false);
    bring_up(m, RNG, 1ull << 32);
    describe(m, RINGS, 0, DATA, 64, WRITE, 0);
    make_available(m, 0);
    put(m, 0x3000, 2, 0);
    wait(m, 1000000);
    ok(load(m, used + 8, 4) == 64 && load(m, DATA, 8) && load(m, DATA, 8) != load(m, DATA + 8, 8), "random numbers");
    uint64_t first = load(m, DATA, 8);
    machine_free(m);
    m = begin("", false);
    bring_up(m, RNG, 1ull << 32);
    describe(m, RINGS, 0, DATA, 64, WRITE, 0);
    make_available(m, 0);
    put(m, 0x3000, 2, 0);
    wait(m, 1000000);
    ok(load(m, DATA, 8) == first, "which are the seed's");
    switch_on(m, DISK);
    uint16_t ports = (uint16_t)(config(m, DISK, 0x10) & ~3u);
    out(m, (uint16_t)(ports + 18), 1, 0), out(m, (uint16_t)(ports + 18), 1, 3);
    ok(in(m, (uint16_t)(ports + 12), 2) == QUEUE && in(m, (uint16_t)(ports + 20), 4) == SECTORS,
       "legacy: the queue's size, the capacity");
    memset(inside_ram(m, RINGS, 0x3000), 0, 0x3000);
    out(m, (uint16_t)(ports + 8), 4, RINGS / 4096), out(m, (uint16_t)(ports + 18), 1, 7);
    made = descriptor = 0;
    request(m, IN, 1, 512);
    out(m, (uint16_t)(ports + 16), 2, 0);
    wait(m, 1000000);
    ok(load(m, DATA + 16, 1) == 0 && memcmp(machine_ram(m, DATA + 4096, 512), image_bytes + 512, 512) == 0 &&
           load(m, used + 2, 2) == 1 && in(m, (uint16_t)(ports + 19), 1) == 1,
       "legacy: a read");
    machine_free(m);
    m = begin(",disable-legacy=on", false);
    ok(config(m, DISK, 0) == 0x10421af4 && (config(m, DISK, 8) & 255) == 1 && !config(m, DISK, 0x10), "without legacy");
    machine_free(m);
}

// What a driver must not do: the device stops until it is reset.
static void refused(void) {
    struct machine *m = begin("", false);
    bring_up(m, DISK, 1ull << 32 | 1ull << 28);
    describe(m, RINGS, 0, DATA, 16, NEXT, 0);
    make_available(m, 0);
    put(m, 0x3000, 2, 0);
    ok(get(m, 20, 1) == (15 | 64), "a chain without end");
    bring_up(m, DISK, 1ull << 32 | 1ull << 28);
    describe(m, RINGS, 0, DATA, 16, WRITE | NEXT, 1), describe(m, RINGS, 1, DATA, 16, 0, 0);
    make_available(m, 0);
    put(m, 0x3000, 2, 0);
    ok(get(m, 20, 1) == (15 | 64), "what is read behind what is written");
    bring_up(m, DISK, 1ull << 32 | 1ull << 28);
    describe(m, RINGS, 0, DATA, 16, INDIRECT, 0), describe(m, DATA, 0, DATA, 16, INDIRECT, 0);
    make_available(m, 0);
    put(m, 0x3000, 2, 0);
    ok(get(m, 20, 1) == (15 | 64), "a table in a table");
    bring_up(m, DISK, 1ull << 32);
    put(m, 20, 1, 0);
    put(m, 32, 4, RINGS), put(m, 40, 4, available), put(m, 48, 4, RAM);
    put(m, 20, 1, 11), put(m, 28, 2, 1), put(m, 20, 1, 15);
    request(m, IN, 0, 512), put(m, 0x3000, 2, 0), wait(m, 1000000);
    ok(get(m, 20, 1) & 64, "rings that are no memory");
    put(m, 20, 1, 0), put(m, 20, 1, 3);
    put(m, 8, 4, 1), put(m, 12, 4, 0), put(m, 20, 1, 11);
    ok(get(m, 20, 1) == 3, "features without those of version 1");
    put(m, 24, 2, 100);
    ok(get(m, 24, 2) == QUEUE, "a size that is no power of two");
    bring_up(m, DISK, 1ull << 32);
    describe(m, RINGS, 3, DATA, 16, NEXT, 4), describe(m, RINGS, 4, RAM - 256, 512, NEXT | WRITE, 5),
        describe(m, RINGS, 5, DATA + 16, 1, WRITE, 0);
    store(m, DATA, 8, IN), store(m, DATA + 8, 8, 0);
    make_available(m, 3), put(m, 0x3000, 2, 0), wait(m, 1000000);
    ok(load(m, DATA + 16, 1) == 1, "data that are no memory are an error of the request");
    machine_free(m);
}

// --- saved and loaded ---
struct bytes {
    uint8_t *data;
    size_t used, at;
};
static bool put_bytes(void *context, const void *from, size_t count) {
    struct bytes *b = context;
    if (!(b->data = realloc(b->data, b->used + count))) bail("no memory");
    memcpy(b->data + b->used, from, count);
    b->used += count;
    return true;
}
static size_t get_bytes(void *context, void *to, size_t count) {
    struct bytes *b = context;
    size_t n = count < b->used - b->at ? count : b->used - b->at;
    memcpy(to, b->data + b->at, n);
    b->at += n;
    return n;
}

static struct machine *copy(struct machine *m) {
    struct bytes bytes = {NULL, 0, 0};
    struct snapshot_head head;
    char error[200] = "";
    const char *wrong = snapshot_save(m, &(struct sink){&bytes, put_bytes}, NULL);
    struct snapshot *s = snapshot_open(&(struct source){&bytes, get_bytes}, NULL);
    const struct setup *setup = s && !wrong && snapshot_head(s, &head) ? snapshot_setup(s) : NULL;
    if (!setup) bail("%s", wrong ? wrong : snapshot_wrong(s));
    struct machine_config config = setup->config;
    config.drive[0].back = memory_image_back(&image);
    struct machine *other = machine_new(&config, error, sizeof error);
    if (!other || !snapshot_load(s, other, true)) bail("%s%s", error, snapshot_wrong(s));
    snapshot_free(s);
    free(bytes.data);
    return other;
}

static void saved(void) {
    struct machine *m = begin("", false);
    bring_up(m, DISK, 1ull << 32 | 1ull << 29);
    for (unsigned i = 0; i < 60; i++) request(m, i % 3 ? IN : OUT, 7 * i, 512 * (i % 8 + 1));
    put(m, 0x3000, 2, 0);
    loop_begin("saved in the middle of transfers, and loaded into another machine");
    for (unsigned i = 0; i < 30; i++) {
        wait(m, 17000);
        struct machine *other = copy(m);
        for (unsigned n = 0; n < 5; n++) {
            loop_check(machine_hash(other) == machine_hash(m), "after %u and %u", i, n);
            wait(m, 23456), wait(other, 23456);
        }
        machine_free(other);
    }
    loop_end();
    machine_free(m);
}

// A legacy driver takes a queue away whose request is being served.
static void taken_away(void) {
    struct machine *m = begin("", false);
    switch_on(m, DISK);
    uint16_t ports = (uint16_t)(config(m, DISK, 0x10) & ~3u);
    memset(inside_ram(m, RINGS, 0x3000), 0, 0x3000);
    made = descriptor = 0;
    out(m, (uint16_t)(ports + 8), 4, RINGS / 4096), out(m, (uint16_t)(ports + 18), 1, 7);
    request(m, IN, 1, 512), out(m, (uint16_t)(ports + 16), 2, 0);
    out(m, (uint16_t)(ports + 8), 4, 0);
    ok(!machine_loaded(m), "legacy: no queue while its request is served: a possible state");
    machine_free(copy(m));
    wait(m, 1000000);
    ok(load(m, DATA + 16, 1) == 0xff, "the request is not done");
    out(m, (uint16_t)(ports + 8), 4, RINGS / 4096), out(m, (uint16_t)(ports + 16), 2, 0), wait(m, 1000000);
    ok(load(m, DATA + 16, 1) == 0, "until the queue is back");
    machine_free(m);
}

// Whether a state is taken in which a register of the disk that names a vector has this value.
static bool takes_vector(const char *name, uint16_t vector) {
    struct machine *m = begin("", false);
    struct machine_part p;
    for (unsigned i = 0; machine_part(m, i, &p) && strcmp(p.table->name, "virtio-blk");) i++;
    uint8_t *bytes = malloc(state_size(p.table)), *at = bytes;
    if (!bytes) bail("no memory");
    state_save(p.table, p.object, bytes);
    for (uint32_t i = 0; i < p.table->count; at += (size_t)p.table->fields[i].width * p.table->fields[i].count, i++)
        if (strstr(p.table->fields[i].name, name)) memcpy(at, &vector, sizeof vector);
    uint32_t index;
    bool taken = !state_load(p.table, p.object, bytes, &index) && !machine_loaded(m);
    free(bytes);
    machine_free(m);
    return taken;
}

static void vectors(void) {
    static const char *const names[] = {"config_vector", "].vector"};
    loop_begin("vectors that are not there are not loaded");
    for (unsigned i = 0; i < 2; i++) {
        loop_check(takes_vector(names[i], 1) && takes_vector(names[i], 0xffff), "%s: 1, and none", names[i]);
        loop_check(!takes_vector(names[i], 2) && !takes_vector(names[i], 156), "%s: 2, and 156", names[i]);
    }
    loop_end();
}

// --- whatever a driver does ---
static uint64_t source;
static uint64_t next(void) {
    uint64_t z = source += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    return z ^ z >> 27;
}

static void scribble(struct machine *m) {
    uint64_t r = next();
    unsigned n = r % 16;
    uint64_t address = r >> 8 & 3 ? DATA + (next() & 0xffff) : next() >> next() % 64;
    uint32_t bytes = r >> 10 & 3 ? (uint32_t)(next() & 0x1fff) : (uint32_t)next();
    describe(m, r >> 12 & 1 ? RINGS : DATA + 0x8000, n, address, bytes, (unsigned)(r >> 16 & 7),
             (unsigned)(r >> 20 & (r >> 32 & 7 ? 15 : 0xffff)));
    store(m, DATA + (r >> 40 & 0xff8), 8, next() >> next() % 64 & (r >> 60 ? 0xff : ~0ull));
    if (r >> 52 & 1) make_available(m, (unsigned)next() % 17);
}

static uint64_t fuzz(uint64_t seed, unsigned rounds) {
    source = seed;
    struct machine *m = begin(seed % 2 ? "" : ",disable-modern=on", seed % 3 == 0);
    for (unsigned i = 0; i < rounds; i++) {
        unsigned device = next() % 4 ? DISK : RNG;
        uint16_t ports = (uint16_t)(config(m, device, 0x10) & ~3u);
        if (i % 64 == 0) bring_up(m, device, 1ull << 32 | (next() & 3) << 28);
        switch_on(m, device);
        for (unsigned n = next() % 8; n; n--) scribble(m);
        unsigned size = 1u << next() % 3, at = (unsigned)(next() % 4 * 0x1000 + next() % 64) & ~(size - 1);
        if (next() % 4 == 0) put(m, at, size, next() >> next() % 64);
        if (next() % 8 == 0) (void)get(m, at, size);
        if (next() % 4 == 0) out(m, (uint16_t)(ports + at % 128), size, (uint32_t)(next() >> next() % 64));
        if (next() % 16 == 0) out(m, (uint16_t)(ports + 8), 4, RINGS / 4096), out(m, (uint16_t)(ports + 18), 1, 7);
        put(m, 0x3000, 2, 0), out(m, (uint16_t)(ports + 16), 2, 0);
        if (next() % 16 == 0) out(m, (uint16_t)(ports + 8), 4, 0);
        loop_check(i % 8 || !machine_loaded(m), "seed %lu, round %u: its own state is impossible", (unsigned long)seed,
                   i);
        wait(m, next() % 100000);
    }
    uint64_t hash = machine_hash(m);
    machine_free(m);
    return hash;
}

int main(int argc, char **argv) {
    unsigned seeds = argc > 1 ? (unsigned)atoi(argv[1]) : 12;
    disk();
    rings();
    others();
    refused();
    saved();
    taken_away();
    vectors();
    loop_begin("random rings and registers, twice the same");
    for (uint64_t seed = 1; seed <= seeds; seed++)
        loop_check(fuzz(seed, 400) == fuzz(seed, 400), "seed %lu", (unsigned long)seed);
    loop_end();
    return done_testing();
}

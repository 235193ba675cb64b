// Drives: what is written lies over the image, by sectors; times; what the host cannot do.
#include "devices/disk/drive.h"
#include "devices/disk/memory_image.h"
#include "tests/door.h"
#include "tests/tap.h"
#include <stdlib.h>
#include <string.h>

enum { SECTORS = 300, BYTES = SECTORS * DRIVE_SECTOR };
static uint8_t image_bytes[BYTES], model[BYTES];
static struct memory_image image = {.data = image_bytes, .bytes = BYTES};
static char last_error[400];

static void fail(void *owner, const char *text) {
    (void)owner;
    strncpy(last_error, text, sizeof last_error - 1);
}

static struct memory *fresh(void) {
    static struct memory memory;
    if (memory.ram) memory_free(&memory);
    memory = (struct memory){0};
    if (!memory_init(&memory, 4096)) bail("no memory");
    return &memory;
}

static void begin(struct drive *d, bool read_only, bool through) {
    image = (struct memory_image){.data = image_bytes, .bytes = BYTES, .writes = through};
    struct drive_config config = {.id = "d", .image = "disk.img", .read_only = read_only, .bytes = BYTES};
    config.back = memory_image_back(&image);
    for (unsigned i = 0; i < BYTES; i++) image_bytes[i] = model[i] = (uint8_t)(i * 7 + (i >> 9));
    if (!drive_init(d, &config, fresh(), 1000000000)) bail("no memory");
    d->fail = fail;
    *last_error = '\0';
}

// Random reads and writes, also of nothing but zeroes, agree with a plain array.
static void against_model(bool through) {
    static uint8_t buffer[BYTES];
    struct drive d;
    uint32_t random = 1;
    begin(&d, false, through);
    loop_begin("2,000 reads and writes %s", through ? "through to the image" : "over the image");
    for (unsigned i = 0; i < 2000; i++) {
        random = random * 1664525 + 1013904223;
        uint64_t first = (random >> 8) % SECTORS, most = SECTORS - first, count = (random >> 20) % 40 % (most + 1);
        uint64_t at = first * DRIVE_SECTOR, bytes = count * DRIVE_SECTOR;
        bool good;
        if (random >> 30 == 0) {
            for (uint64_t b = 0; b < bytes; b++) model[at + b] = buffer[b] = (uint8_t)(random >> b % 8);
            good = drive_write(&d, at, bytes, buffer);
        } else if (random >> 30 == 1 && i % 8 == 0) {
            memset(model + at, 0, bytes);
            good = drive_zero(&d, at, bytes);
        } else {
            good = drive_read(&d, at, bytes, buffer) && memcmp(buffer, model + at, bytes) == 0;
        }
        loop_check(good, "%u: %lu sectors at %lu", i, (unsigned long)count, (unsigned long)first);
    }
    loop_end();
    bool same = memcmp(image_bytes, model, BYTES) == 0;
    ok(through ? same : !same && !image.written, "the image %s", through ? "has it all" : "is as it was");
    drive_free(&d);
}

static void limits(void) {
    uint8_t buffer[2 * DRIVE_SECTOR];
    struct drive d;
    begin(&d, true, false);
    ok(drive_read(&d, BYTES - 1024, 1024, buffer) && !drive_read(&d, BYTES - 512, 1024, buffer) &&
           !drive_read(&d, ~511ull, 1024, buffer) && !drive_read(&d, 100, 512, buffer),
       "nothing is read beyond the end, or in between sectors");
    ok(!drive_write(&d, 0, 512, buffer) && !drive_zero(&d, 0, 512) && !*last_error,
       "nothing is written to a read-only drive");
    drive_want(&d, 0, 1024), drive_want(&d, BYTES, 512);
    ok(image.wanted == 1024, "what is wanted is told");
    drive_free(&d);
    struct drive_config odd = {.id = "odd", .bytes = 1000, .back = memory_image_back(&image)};
    image.bytes = 1000;
    ok(drive_init(&d, &odd, fresh(), 1) && drive_bytes(&d) == 1024 && drive_read(&d, 512, 512, buffer) && buffer[487] &&
           !buffer[488],
       "half a sector at the end is filled with zeroes");
    drive_free(&d);
    odd.cdrom = odd.read_only = true;
    ok(drive_init(&d, &odd, fresh(), 1) && drive_bytes(&d) == 2048 && drive_removable(&d),
       "a CD-ROM's sectors have 2048 bytes");
    drive_free(&d);
}

// The host has room for what is written, and none behind it, where the bits are that say so.
static const char *room_for_data(void *context, uint8_t *overlay, uint64_t at, uint64_t bytes) {
    (void)context, (void)overlay;
    return at + bytes > BYTES ? "No room" : NULL;
}

static void no_room(void) {
    uint8_t buffer[512] = {1};
    struct drive d;
    begin(&d, false, false);
    d.config.back.overlay_room = room_for_data;
    ok(!drive_write(&d, BYTES - 512, 512, buffer) && strstr(last_error, "keeping 512 bytes at 153088: No room") &&
           overlay_written(&d.overlay) == 0,
       "what is written needs room for its bit, too: %s", last_error);
    drive_free(&d);
}

static void errors(void) {
    uint8_t buffer[512] = {1};
    struct drive d;
    begin(&d, false, false);
    ok(drive_write(&d, 512, 512, buffer), "a write");
    image.fail = "Input/output error";
    ok(drive_read(&d, 512, 512, buffer) && !*last_error, "what was written needs no image");
    ok(!drive_read(&d, 0, 1024, model) &&
           strstr(last_error, "drive d (disk.img): reading 512 bytes at 0: Input/output"),
       "a host error is told: %s", last_error);
    drive_free(&d);
    begin(&d, false, true);
    image.fail = "No space left on device";
    ok(!drive_write(&d, 0, 512, buffer) && strstr(last_error, "writing 512 bytes at 0: No space"), "%s", last_error);
    ok(!drive_flush(&d) && strstr(last_error, "flushing"), "%s", last_error);
    drive_free(&d);
}

static void times(void) {
    struct drive d;
    begin(&d, false, false);
    ok(drive_cycles(&d, DRIVE_READS, 0) == 40000 && drive_cycles(&d, DRIVE_READS, 1 << 20) == 40000 + 512000,
       "40 microseconds, and half a nanosecond a byte");
    ok(drive_cycles(&d, DRIVE_FLUSHES, 0) == 100000, "100 microseconds for a flush");
    d.config.cdrom = true;
    ok(drive_cycles(&d, DRIVE_READS, 2048) == 220000, "a CD-ROM reads 100 MBytes a second");
    drive_free(&d);
}

// By the machine: names, places, and the end of a run by the host's fault.
static void machine(void) {
    struct machine_config config;
    struct drive_config disk = {.id = "hda", .interface = DRIVE_IDE, .bytes = BYTES}, other = disk;
    char error[200];
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    config.ram_bytes = 1 << 20;
    disk.back = memory_image_back(&image);
    ok(machine_config_drive(&config, &disk, error, sizeof error), "a drive");
    ok(!machine_config_drive(&config, &other, error, sizeof error) && strstr(error, "has that place"), "%s", error);
    other.index = 1;
    ok(!machine_config_drive(&config, &other, error, sizeof error) && strstr(error, "named hda already"), "%s", error);
    config.drive[0].interface = DRIVE_VIRTIO;
    ok(!machine_new(&config, error, sizeof error) &&
           strstr(error, "nothing on this machine takes drive 0 of if=virtio"),
       "%s", error);
    config.drive[0].interface = DRIVE_NONE;
    struct machine *m = machine_new(&config, error, sizeof error);
    if (!m) bail("no machine: %s", error);
    struct device_host *host = &m->board.host;
    struct drive *d = device_drive(host, "hda");
    ok(d && !device_drive(host, "hda") && !device_drive(host, "hdb"), "a controller takes a drive, once");
    image = (struct memory_image){.data = image_bytes, .bytes = BYTES, .fail = "Input/output error"};
    ok(!drive_read(d, 0, 512, model) && machine_run(m, 1) == MACHINE_HOST_ERROR &&
           machine_run(m, 1) == MACHINE_HOST_ERROR,
       "a host error ends the run: %s", machine_host_error(m));
    machine_free(m);
}

// What is written over an image is state: the hash has it, and so it must be the same when it is written again.
static void state(void) {
    uint8_t bytes[512] = {1};
    struct machine_config config;
    struct drive_config disk = {.id = "d", .bytes = 1ull << 30, .back = memory_image_back(&image)};
    char error[200];
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    config.ram_bytes = 1 << 20;
    if (!machine_config_drive(&config, &disk, error, sizeof error)) bail("%s", error);
    struct machine *m = machine_new(&config, error, sizeof error);
    if (!m) bail("no machine: %s", error);
    struct drive *d = device_drive(&m->board.host, "d");
    uint64_t before = machine_hash(m);
    ok(drive_write(d, 1023ull << 20, 512, bytes) && machine_hash(m) != before, "what is written is in the hash");
    uint64_t written = machine_hash(m);
    ok(drive_zero(d, 1023ull << 20, 512) && machine_hash(m) != before && machine_hash(m) != written,
       "zeroes over the image are not the image");
    ok(overlay_written(&d->overlay) == 1, "one sector is written");
    machine_free(m);
}

int main(void) {
    state();
    against_model(false);
    against_model(true);
    limits();
    errors();
    no_room();
    times();
    machine();
    return done_testing();
}

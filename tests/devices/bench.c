#include "bench.h"
#include "cpu/state/cpu.h"
#include "tests/tap.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t now(void *source) { return ((struct bench *)source)->cycle; }

uint8_t bench_byte(uint64_t sector, unsigned byte) {
    return (uint8_t)(sector * 7 + (sector >> 8) * 13 + byte * 3 + byte / 256);
}

bool bench_has(const uint8_t *data, uint64_t sector, uint64_t sectors) {
    for (uint64_t i = 0; i < sectors * 512; i++)
        if (data[i] != bench_byte(sector + i / 512, i % 512)) return false;
    return true;
}

static const struct block_back *medium(void *media, unsigned number) {
    const struct bench *b = media;
    return number == 1 && b->other.data ? &b->other_back : NULL;
}

struct drive_medium bench_disc(struct bench *b, uint64_t sectors) {
    struct memory_image *image = &b->other;
    free(image->data);
    *image = (struct memory_image){.data = malloc(sectors * 512), .bytes = sectors * 512};
    for (uint64_t i = 0; image->data && i < image->bytes; i++)
        image->data[i] = bench_byte(BENCH_OTHER + i / 512, i % 512);
    b->other_back = memory_image_back(image);
    return (struct drive_medium){1, sectors * 512, 0x1234, "other"};
}

struct drive *bench_drive(struct bench *b, const char *id) {
    for (unsigned i = 0; i < b->board->drives; i++)
        if (!strcmp(b->board->drive[i].config.id, id)) return &b->board->drive[i];
    bail("there is no drive %s", id);
}

static void add_drive(struct bench *b, struct machine_config *config, unsigned n, uint64_t sectors) {
    struct memory_image *image = &b->image[n];
    struct drive_config d = {.cdrom = n == 1, .bytes = sectors * 512};
    char error[200];
    if (!sectors) return;
    *image = (struct memory_image){.data = malloc(sectors * 512), .bytes = sectors * 512};
    for (uint64_t i = 0; image->data && i < image->bytes; i++) image->data[i] = bench_byte(i / 512, i % 512);
    snprintf(d.id, sizeof d.id, "d%u", n);
    d.back = memory_image_back(image);
    d.back.medium = medium, d.back.media = b;
    if (!machine_config_drive(config, &d, error, sizeof error)) bail("%s", error);
}

void bench_begin(struct bench *b, const char *const *devices, uint64_t d0, uint64_t d1) {
    struct machine_config config = {0};
    char error[200] = "";
    *b = (struct bench){.board = calloc(1, sizeof *b->board)};
    if (!b->board || !memory_init(&b->memory, BENCH_RAM)) bail("no memory");
    add_drive(b, &config, 0, d0);
    add_drive(b, &config, 1, d1);
    for (unsigned i = 0; devices[i]; i++)
        if (!machine_config_device(&config, devices[i], error, sizeof error)) bail("%s", error);
    clock_init(&b->board->clock, 1000000000, now, NULL, b);
    if (!board_init(b->board, &config, &b->memory, error, sizeof error)) bail("%s", error);
    board_reset(b->board);
}

void bench_end(struct bench *b) {
    board_free(b->board);
    free(b->board);
    memory_free(&b->memory);
    for (unsigned i = 0; i < BENCH_DRIVES; i++) free(b->image[i].data);
    free(b->other.data);
}

void bench_copy(struct bench *from, struct bench *to, const char *const *devices) {
    struct machine_part a, c;
    uint32_t element;
    bench_begin(to, devices, from->image[0].bytes / 512, 0);
    to->cycle = from->cycle;
    memcpy(to->memory.ram, from->memory.ram, BENCH_RAM);
    for (unsigned i = 0; board_part(from->board, i, &a) && board_part(to->board, i, &c); i++) {
        uint8_t *bytes = malloc(state_size(a.table) + 1);
        if (!bytes) bail("no memory");
        state_save(a.table, a.object, bytes);
        if (state_load(c.table, c.object, bytes, &element)) bail("%s was not loaded", a.name);
        free(bytes);
    }
    for (unsigned i = 0; i < from->board->drives; i++)
        if (from->board->drive[i].overlay.data)
            memcpy(to->board->drive[i].overlay.data, from->board->drive[i].overlay.data,
                   overlay_bytes(from->board->drive[i].bytes));
    board_loaded(to->board);
    if (bench_wrong(to)) bail("%s is not valid", bench_wrong(to));
}

const char *bench_wrong(struct bench *b) {
    struct machine_part p;
    for (unsigned i = 0; board_part(b->board, i, &p); i++)
        if (p.table->valid && !p.table->valid(p.object)) return p.name;
    return NULL;
}

uint64_t bench_hash(struct bench *b) {
    struct machine_part p;
    uint64_t hash = 0;
    for (unsigned i = 0; board_part(b->board, i, &p); i++)
        if (!p.table->unhashed) hash = state_hash(p.table, p.object, hash);
    for (unsigned i = 0; i < BENCH_RAM; i += 8) {
        uint64_t word;
        memcpy(&word, b->memory.ram + i, 8);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15;
        hash ^= hash >> 29;
    }
    return hash;
}

void bench_pass(struct bench *b, uint64_t cycles) {
    uint64_t end = b->cycle + cycles;
    while (b->board->clock.next <= end) {
        if (b->board->clock.next > b->cycle) b->cycle = b->board->clock.next;
        clock_run(&b->board->clock);
    }
    b->cycle = end;
}

static void choose(struct bench *b, unsigned place, unsigned reg) {
    bus_out(&b->board->bus, 0xcf8, 4, 0x80000000 | place << 8 | (reg & ~3u));
}
uint32_t bench_config(struct bench *b, unsigned place, unsigned reg) {
    choose(b, place, reg);
    return bus_in(&b->board->bus, 0xcfc, 4);
}
void bench_config_set(struct bench *b, unsigned place, unsigned reg, uint32_t value) {
    choose(b, place, reg);
    bus_out(&b->board->bus, 0xcfc, 4, value);
}
bool bench_line(const struct bench *b, unsigned input) { return b->board->sources[input]; }

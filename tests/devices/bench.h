// A board with drives on its controllers, for the tests of disk devices: nothing but the board, time that passes when
// it is told to, and images in memory.
#pragma once
#include "devices/board/board.h"
#include "devices/disk/memory_image.h"

enum { BENCH_RAM = 4 << 20, BENCH_DRIVES = 2 };

struct bench {
    struct board *board;
    struct memory memory;
    struct memory_image image[BENCH_DRIVES];
    struct memory_image other; // a disc that can be put in
    struct block_back other_back;
    uint64_t cycle;
};

// Devices as -device has them, NULL behind the last. Drives d0 and d1 have `sectors` sectors of 512 bytes (0: it is not
// there), d1 is a CD-ROM; byte i of sector n is bench_byte(n, i).
void bench_begin(struct bench *bench, const char *const *devices, uint64_t d0_sectors, uint64_t d1_sectors);
void bench_end(struct bench *bench);
// The medium 1, of so many sectors, the first of which is as number BENCH_OTHER.
enum { BENCH_OTHER = 777 };
struct drive_medium bench_disc(struct bench *bench, uint64_t sectors);
struct drive *bench_drive(struct bench *bench, const char *id);
uint8_t bench_byte(uint64_t sector, unsigned byte);
bool bench_has(const uint8_t *data, uint64_t sector, uint64_t sectors); // the bytes of these
// Another board of the same devices, with d0 as large as this one's, into which the state of this one is loaded.
void bench_copy(struct bench *from, struct bench *to, const char *const *devices);
const char *bench_wrong(struct bench *bench);          // a part whose state could not be loaded; NULL: none
uint64_t bench_hash(struct bench *bench);              // of the state and of memory
void bench_pass(struct bench *bench, uint64_t cycles); // time
static inline uint8_t *bench_ram(struct bench *b, uint64_t at) { return b->memory.ram + at; }
uint32_t bench_config(struct bench *bench, unsigned place, unsigned reg);
void bench_config_set(struct bench *bench, unsigned place, unsigned reg, uint32_t value);
bool bench_line(const struct bench *bench, unsigned input); // an interrupt input of the board

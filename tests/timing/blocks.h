// Basic blocks through the timing model that runs guests: many copies of a block in a loop, as blocks are measured on
// silicon (docs/timing.md).
#ifndef TESTS_TIMING_BLOCKS_H
#define TESTS_TIMING_BLOCKS_H
#include <stdbool.h>
#include <stdint.h>

enum { BLOCK_BYTES = 512 };
struct measured {
    char kind; // r registers only, m loads and stores, c several blocks behind each other
    uint8_t bytes[BLOCK_BYTES];
    unsigned length, instructions;
    double cycles;    // of one pass, on silicon
    double predicted; // by the model; below 0: it could not run
};

// A block for judging; the others are for fitting. By a hash of its bytes.
bool block_judges(const struct measured *block);
// A line "kind,bytes,instructions,cycles". False: it is none.
bool block_read(const char *line, struct measured *out);

struct block_bench;
struct block_bench *block_bench_new(const char *model);
void block_bench_free(struct block_bench *bench);
void block_bench_run(struct block_bench *bench, struct measured *block);

#endif

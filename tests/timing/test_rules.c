// Rules of the Golden Cove family in small blocks of our own, whose cycles follow from the rules (docs/timing.md).
#include "tests/tap.h"
#include "tests/timing/blocks.h"
#include <math.h>
#include <stdio.h>

static const struct {
    const char *block; // kind, bytes, instructions, cycles of a pass
    const char *rule;
} rules[] = {
    {"r,4889d8,1,0.17", "moves of registers are eliminated: 6 a cycle"},
    {"r,4889db,1,1.0", "but not of a register to itself"},
    {"r,31db,1,0.17", "zeroing idioms are not executed"},
    {"r,01d8,1,1.0", "a chain of additions is a cycle each"},
    {"r,4883c001,1,0.17", "additions of small immediates to 64 bits are done at rename"},
    {"r,83c001,1,1.0", "but not to 32 bits"},
    {"r,480fafc3,1,3.0", "a multiplication takes 3 cycles"},
    {"r,480fafd8480fafc8,2,3.0", "two of them that do not depend on each other: as long as the chains"},
    {"r,488d04d8,1,2.0", "LEA with a scaled index takes 2"},
    {"r,80c401,1,3.0", "high-byte registers: 3"},
    {"r,f20f58c1,1,3.0", "an addition of doubles: 3"},
    {"r,f20f59c1,1,4.0", "a multiplication of doubles: 4"},
    {"r,d3e0,1,1.0", "a shift by CL: two micro-operations on two ports"},
    {"r,6681fb3412,1,3.0", "a 16-bit immediate stops the decoders for 3 cycles"},
    {"r,48bb8877665544332211,1,0.5", "64-bit immediates: two a cycle"},
    {"m,488b1b,1,5.0", "a load that the next one's address depends on: 5 cycles"},
    {"m,488b03,1,0.5", "loads of the same 4 bytes: two a cycle"},
    {"m,488903,1,0.5", "stores to one line: two a cycle"},
    {"m,488903488b03,2,0.5", "a load of what was just stored, by the same register: renamed"},
    {"m,880b488b1b,2,18.0", "a load of more than was stored cannot be forwarded: 18"},
    {"m,880b4c8b1b,2,0.5", "18 of latency: where nothing depends on it, stores and loads of other turns go on"},
    {"m,884b014c8b1b,2,18.0",
     "unless the store is to the load's middle: it waits for the store, which waits for retirement"},
    {"m,4889034889430841ffc30f1003,4,18.0", "or more than one store is needed"},
};

int main(void) {
    struct block_bench *bench = block_bench_new("golden-cove");
    for (unsigned i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct measured b;
        bool read = block_read(rules[i].block, &b);
        if (read) block_bench_run(bench, &b);
        diag("%s: %.3f cycles", rules[i].block, b.predicted);
        ok(read && fabs(b.predicted / b.cycles - 1) < 0.06, "%s", rules[i].rule);
    }
    block_bench_free(bench);
    return done_testing();
}

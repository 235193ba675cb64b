// The small programs of make bench: each does a fixed amount of work and prints one number, which is the same
// everywhere.
#ifndef BENCH_PROGRAMS_H
#define BENCH_PROGRAMS_H
#include <stdint.h>

typedef uint64_t program_fn(void);
#define PROGRAMS(X)                                                                                                    \
    X(sieve)                                                                                                           \
    X(matrix)                                                                                                          \
    X(crc) X(collatz) X(queens) X(sort) X(table) X(big) X(bytecode) X(tokens) X(bodies) X(spectral) X(mandelbrot)      \
        X(fourier) X(packed_single) X(packed_double) X(sines) X(powers) X(extended) X(legendre) X(copies) X(strings)   \
            X(allocate) X(trees) X(faults) X(cow) X(signals) X(syscalls) X(forks) X(execs) X(pipes) X(threads)         \
                X(modified) X(generated)
#define DECLARE(name) program_fn program_##name;
PROGRAMS(DECLARE)
#undef DECLARE

// The same numbers in every run.
static inline uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}
#define DIE_IF(condition) ((condition) ? __builtin_trap() : (void)0)

#endif

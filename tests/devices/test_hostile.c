// No sequence of register accesses crashes or hangs the board, and each has one outcome. `make test-long` does more.
#include "fuzz.h"
#include "tests/tap.h"

int main(void) {
    loop_begin("random register accesses, twice the same");
    for (uint64_t seed = 1; seed <= 10; seed++) {
        uint64_t hash = fuzz_board(seed, 2000);
        loop_check(hash == fuzz_board(seed, 2000), "seed %lu", (unsigned long)seed);
    }
    loop_end();
    ok(fuzz_board(1, 2000) != fuzz_board(2, 2000), "seeds differ");
    loop_begin("disk controllers: registers, lists, tables and packets at random, twice the same");
    for (uint64_t seed = 1; seed <= 10; seed++) {
        uint64_t hash = fuzz_disk(seed, 300);
        loop_check(hash && hash == fuzz_disk(seed, 300), "seed %lu", (unsigned long)seed);
    }
    loop_end();
    loop_begin("flash and firmware's files: commands and requests at random, twice the same");
    for (uint64_t seed = 1; seed <= 6; seed++)
        loop_check(fuzz_firmware(seed, 500) == fuzz_firmware(seed, 500), "seed %lu", (unsigned long)seed);
    loop_end();
    loop_begin("display and keyboard: registers, memory and inputs at random; looking at it changes nothing");
    for (uint64_t seed = 1; seed <= 10; seed++) {
        uint64_t hash = fuzz_display(seed, 3000, true);
        loop_check(hash && hash == fuzz_display(seed, 3000, false), "seed %lu", (unsigned long)seed);
    }
    loop_end();
    return done_testing();
}

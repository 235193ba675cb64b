// Register fuzz for a minute.
#include "fuzz.h"
#include "tests/tap.h"
#include <time.h>

int main(void) {
    time_t end = time(NULL) + 60;
    loop_begin("random register accesses for a minute");
    for (uint64_t seed = 1000; time(NULL) < end; seed++)
        loop_check(fuzz_board(seed, 20000), "seed %lu", (unsigned long)seed);
    loop_end();
    end = time(NULL) + 60;
    loop_begin("disk controllers for a minute");
    for (uint64_t seed = 1000; time(NULL) < end; seed++)
        loop_check(fuzz_disk(seed, 2000), "seed %lu", (unsigned long)seed);
    loop_end();
    end = time(NULL) + 60;
    loop_begin("flash and firmware's files for a minute");
    for (uint64_t seed = 1000; time(NULL) < end; seed++)
        loop_check(fuzz_firmware(seed, 2000), "seed %lu", (unsigned long)seed);
    loop_end();
    end = time(NULL) + 60;
    loop_begin("display and keyboard for a minute");
    for (uint64_t seed = 1000; time(NULL) < end; seed++)
        loop_check(fuzz_display(seed, 20000, true), "seed %lu", (unsigned long)seed);
    loop_end();
    return done_testing();
}

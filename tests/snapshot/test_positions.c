// A hypervisor in a hypervisor in a hypervisor, and Linux with four processors, saved and made anew at random
// positions. `make test-long` does a thousand of each.
#include "tests/snapshot/positions.h"
#include "tests/tap.h"

int main(void) {
    static const struct course turtles = {.name = "turtles depth=3",
                                          .kernel = "turtles.elf",
                                          .append = "depth=3",
                                          .ram_bytes = 64 << 20,
                                          .steps = 22000000,
                                          .cpus = 1,
                                          .positions = 200};
    static const struct course linux_smp = {.name = "Linux with four processors",
                                            .kernel = "vmlinuz",
                                            .append = "console=ttyS0",
                                            .ram_bytes = 128 << 20,
                                            .steps = 300000000,
                                            .cpus = 4,
                                            .positions = 12};
    positions_try(&turtles);
    positions_try(&linux_smp);
    return done_testing();
}

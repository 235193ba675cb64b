// A thousand random positions each of three runs, saved and made anew; COUNT=N: so many.
#include "tests/snapshot/positions.h"
#include "tests/tap.h"
#include <stdlib.h>

int main(void) {
    static const struct course courses[] = {
        {"turtles depth=3", "turtles.elf", NULL, "depth=3", 64 << 20, 22000000, 1, 1000},
        {"Linux with four processors", "vmlinuz", "initramfs.cpio", "console=ttyS0 vmxray=boot", 256 << 20, 2000000000,
         4, 1000},
        {"Linux under KVM under KVM", "vmlinuz", "nested.cpio",
         "console=ttyS0 reboot=t panic=-1 vmxray=nested levels=2", 1 << 30, 6000000000, 1, 1000},
    };
    const char *count = getenv("COUNT");
    for (unsigned i = 0; i < sizeof courses / sizeof *courses; i++) {
        struct course course = courses[i];
        if (count) course.positions = (unsigned)strtoul(count, NULL, 0);
        positions_try(&course);
    }
    return done_testing();
}

// A machine that is saved and made anew at many random positions, beside one that is left alone.
#ifndef TESTS_SNAPSHOT_POSITIONS_H
#define TESTS_SNAPSHOT_POSITIONS_H
#include <stdint.h>

struct course {
    const char *name, *kernel, *initrd, *append; // kernel and initrd: in the folders of built and downloaded guests
    uint64_t ram_bytes, steps;                   // up to there
    unsigned cpus, positions;
};
// One claim: at each position the machine made of the snapshot has the hash of the other one, and goes on from there to
// the next. SKIP when the guest is not there.
void positions_try(const struct course *course);

#endif

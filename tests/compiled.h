// A machine whose code is compiled before it first runs (cpu/engine/tier.h).
#ifndef TESTS_COMPILED_H
#define TESTS_COMPILED_H
#include "devices/machine/machine.h"
#include <sys/mman.h> // the includer defines _GNU_SOURCE

// False: this build has no second tier, or the host gives no such memory. One machine at a time.
static inline bool compiled(struct machine *machine) {
    enum { BYTES = 16 << 20 };
    static struct code_memory memory;
    if (!memory.bytes) {
        void *write = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        void *run = write == MAP_FAILED ? MAP_FAILED : mremap(write, 0, BYTES, MREMAP_MAYMOVE);
        if (run == MAP_FAILED || mprotect(run, BYTES, PROT_READ | PROT_EXEC)) return false;
        memory = (struct code_memory){.write = write, .run = run, .bytes = BYTES, .heat = 1};
    }
    return machine_compile(machine, &memory);
}

#endif

// Memory for compiled code: mapped twice, so that no address is writable and executable. It has no file, whose size a
// limit (ulimit -f) could forbid.
#define _GNU_SOURCE // mremap
#include "monitor/jail/code_pages.h"
#include <sys/mman.h>

bool code_pages_open(struct code_memory *memory, size_t bytes) {
    void *write = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (write == MAP_FAILED) return false;
    void *run = mremap(write, 0, bytes, MREMAP_MAYMOVE); // of 0 bytes: the same pages once more
    if (run != MAP_FAILED && !mprotect(run, bytes, PROT_READ | PROT_EXEC)) {
        *memory = (struct code_memory){.write = write, .run = run, .bytes = bytes};
        return true;
    }
    if (run != MAP_FAILED) munmap(run, bytes);
    munmap(write, bytes);
    return false;
}

// Memory for compiled code: one anonymous file, mapped twice, so that no address is writable and executable.
#define _GNU_SOURCE
#include "monitor/host/code_pages.h"
#include <sys/mman.h>
#include <unistd.h>

bool code_pages_open(struct code_memory *memory, size_t bytes) {
    int fd = memfd_create("vmxray code", MFD_CLOEXEC);
    if (fd < 0) return false;
    bool sized = !ftruncate(fd, (off_t)bytes);
    void *write = sized ? mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    void *run = write == MAP_FAILED ? MAP_FAILED : mmap(NULL, bytes, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    close(fd);
    if (run == MAP_FAILED && write != MAP_FAILED) munmap(write, bytes);
    if (run == MAP_FAILED) return false;
    *memory = (struct code_memory){write, run, bytes};
    return true;
}

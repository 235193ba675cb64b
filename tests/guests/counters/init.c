// The first process of a Linux guest: what performance counters say through perf_event_open(2), one line each, then power off. The loop
// has two instructions, one of them a branch, LOOPS times.
#define _GNU_SOURCE
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOOPS = 1000000, PERIOD = 50000, PAGES = 8, PAGE = 4096 };

static int event_open(struct perf_event_attr *attr) {
    attr->size = sizeof *attr;
    attr->disabled = 1;
    attr->exclude_kernel = 1;
    return (int)syscall(SYS_perf_event_open, attr, 0, -1, -1, 0);
}

static void loop(int fd) {
    ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
    __asm__ volatile("mov %0, %%ecx\n1: dec %%ecx\njnz 1b" : : "i"(LOOPS) : "ecx", "cc");
    ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
}

static void count(const char *name, uint32_t type, uint64_t config) {
    struct perf_event_attr attr = {.type = type, .config = config};
    uint64_t value = 0;
    int fd = event_open(&attr);
    if (fd < 0) {
        printf("counters: %s not supported\n", name);
        return;
    }
    loop(fd);
    if (read(fd, &value, sizeof value) != sizeof value) value = ~0ull;
    printf("counters: %s %llu\n", name, (unsigned long long)value);
    close(fd);
}

// As `perf record` does: each PERIOD instructions a sample in a ring of pages, perhaps with the last branches. They must lie in the
// loop.
static void record(const char *name, bool with_branches) {
    struct perf_event_attr attr = {.type = PERF_TYPE_HARDWARE,
                                   .config = PERF_COUNT_HW_INSTRUCTIONS,
                                   .sample_period = PERIOD,
                                   .sample_type = PERF_SAMPLE_IP | (with_branches ? PERF_SAMPLE_BRANCH_STACK : 0),
                                   .branch_sample_type =
                                       with_branches ? PERF_SAMPLE_BRANCH_USER | PERF_SAMPLE_BRANCH_ANY : 0};
    int fd = event_open(&attr);
    struct perf_event_mmap_page *ring = mmap(NULL, (1 + PAGES) * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || ring == MAP_FAILED) {
        printf("counters: %s not supported\n", name);
        return;
    }
    loop(fd);
    unsigned samples = 0, entries = 0, same = 0;
    const uint8_t *data = (const uint8_t *)ring + PAGE;
    for (uint64_t at = 0; at < ring->data_head && at < (uint64_t)PAGES * PAGE;) {
        struct perf_event_header header;
        uint64_t ip, branches = 0, entry[3];
        memcpy(&header, data + at, sizeof header);
        if (header.type == PERF_RECORD_SAMPLE) {
            memcpy(&ip, data + at + sizeof header, 8);
            if (with_branches) memcpy(&branches, data + at + sizeof header + 8, 8);
            samples++;
            for (uint64_t i = 0; i < branches; i++, entries++) {
                memcpy(entry, data + at + sizeof header + 16 + i * sizeof entry, sizeof entry);
                same += entry[0] - entry[1] == 2 && ip - entry[1] <= 2; // JNZ, 2 bytes behind its target
            }
        }
        at += header.size;
    }
    printf("counters: %s %u\n", name, samples);
    if (with_branches) printf("counters: branches recorded %u, of the loop %u\n", entries, same);
}

int main(void) {
    count("instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS);
    count("cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES);
    count("branches", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS);
    count("branch-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES);
    count("raw-instructions", PERF_TYPE_RAW, 0xc0);
    record("samples", false);
    record("samples-with-branches", true);
    fflush(stdout);
    reboot(RB_POWER_OFF);
    return 0;
}

// A run of a system that works, with what is needed to ask about its past: which pages it stores to, and what its
// memory was at some moments before the end.
#ifndef TESTS_BENCH_COURSE_H
#define TESTS_BENCH_COURSE_H
#include "cpu/pages/pages.h"
#include "devices/asking/place.h"
#include "devices/history/timeline.h"
#include "monitor/load/load.h"

enum { COURSE_SLICE = 100000000, COURSE_SLICES = 1000 }; // steps of a slice; so many at most
enum { FAR_STEPS = 1000000000, BACK_STEPS = 100000000, BACK_ROOM = 30000000 };

// A moment before the end, and all of the memory then.
struct course_copy {
    uint64_t step;
    uint8_t *bytes; // NULL: the run is shorter
};
struct course {
    struct boot boot;
    struct machine *m;
    struct timeline *t;
    uint64_t ram_bytes, end;
    double ms[COURSE_SLICES + 1]; // processor time up to a slice's beginning
    struct page_watcher watcher;
    uint16_t *slices;                             // of each page: in how many of the last ones it was stored to
    struct course_copy far, before, behind, last; // FAR_STEPS before the end, BACK_STEPS and a bit, less a bit; the end
};
struct course_wish {
    const char *kernel, *initrd, *append;
    uint64_t steps, ram_bytes, history_bytes;
    unsigned cpus;
};
void course_run(struct course *course, const struct course_wish *wish);
void course_free(struct course *course);
double course_free_ms(const struct course *course, uint64_t from, uint64_t to); // what the run itself took for a span

uint64_t course_word(const struct course_copy *copy, uint64_t address); // of the memory at that moment
// A random word that is wanted, of a page that is; false: none was found.
struct course_search {
    bool (*page)(const struct course *course, uint64_t page);
    bool (*word)(const struct course *course, uint64_t address);
};
bool course_find(const struct course *course, const struct course_search *search, uint64_t *address);

double now_ms(void); // of processor time, all threads together
uint64_t any(uint64_t below);
__attribute__((noreturn)) void die(const char *why, const char *what);

#endif

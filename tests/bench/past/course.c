// The run; see course.h.
#include "tests/bench/past/course.h"
#include "cpu/state/model.h"
#include "monitor/files/packed.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static uint64_t seed = 88172645463325252ull;
uint64_t any(uint64_t below) {
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return seed % below;
}

void die(const char *why, const char *what) {
    fprintf(stderr, "bench-past: %s (%s)\n", why, what ? what : "");
    exit(1);
}

static struct machine *make(struct course *c, const struct course_wish *wish) {
    struct machine_config config;
    char error[200];
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    config.ram_bytes = wish->ram_bytes;
    config.cpus = wish->cpus;
    struct machine *m = machine_new(&config, error, sizeof error);
    const struct boot_wish boot = {.kernel = wish->kernel, .initrd = wish->initrd, .append = wish->append};
    if (!m || !boot_open(&c->boot, &boot) || !boot_load(&c->boot, m)) die("cannot be loaded", wish->kernel);
    return m;
}

// --- what it stores to ---

static void stored(void *context, const struct area *area, uint64_t page, const uint8_t *old) {
    struct course *c = context;
    (void)old;
    uint64_t at = area->base / PAGE_BYTES + page;
    if (at < c->ram_bytes / PAGE_BYTES) c->slices[at]++;
}

static void copy_memory(const struct course *c, struct course_copy *copy) {
    copy->step = machine_steps(c->m);
    if (!(copy->bytes = calloc(1, c->ram_bytes))) die("no memory", "a copy of the guest's");
    for (uint64_t at = 0; at < c->ram_bytes; at += PAGE_BYTES) {
        const void *page = machine_ram(c->m, at, PAGE_BYTES);
        if (page) memcpy(copy->bytes + at, page, PAGE_BYTES);
    }
}

// --- the run ---

static void run_to(struct course *c, uint64_t step) {
    while (machine_steps(c->m) < step) {
        enum machine_stop why = timeline_run(c->t, step - machine_steps(c->m));
        if (why != MACHINE_STEPS && why != MACHINE_IDLE) die("the run ends before it has done all steps", NULL);
    }
}

// Copies are made at these steps; what they take is no part of the run's time.
static void pass(struct course *c, uint64_t step, struct course_copy *copy, double *aside) {
    if (step > machine_steps(c->m)) run_to(c, step);
    double begin = now_ms();
    copy_memory(c, copy);
    *aside += now_ms() - begin;
}

static void run_slice(struct course *c, uint64_t end, double *aside) {
    const struct {
        uint64_t before;
        struct course_copy *copy;
    } stop[] = {{FAR_STEPS, &c->far}, {BACK_STEPS + BACK_ROOM, &c->before}, {BACK_STEPS - BACK_ROOM, &c->behind}};
    uint64_t next = machine_steps(c->m) / COURSE_SLICE * COURSE_SLICE + COURSE_SLICE;
    if (next > end) next = end;
    for (unsigned i = 0; i < sizeof stop / sizeof *stop; i++)
        if (end > stop[i].before && end - stop[i].before <= next && !stop[i].copy->bytes)
            pass(c, end - stop[i].before, stop[i].copy, aside);
    run_to(c, next);
    if (next + FAR_STEPS <= end) memset(c->slices, 0, c->ram_bytes / PAGE_BYTES * sizeof *c->slices);
    pages_mark(machine_pages(c->m), &c->watcher);
}

void course_run(struct course *c, const struct course_wish *wish) {
    c->m = make(c, wish);
    c->ram_bytes = wish->ram_bytes;
    c->end = wish->steps;
    c->slices = calloc(wish->ram_bytes / PAGE_BYTES, sizeof *c->slices);
    c->watcher = (struct page_watcher){.context = c, .before_first_store = stored};
    if (!(c->t = timeline_new(c->m, wish->history_bytes)) || !c->slices ||
        !pages_watch(machine_pages(c->m), &c->watcher))
        die("no memory", NULL);
    timeline_set_packer(c->t, packed_by_zstd_in_memory());
    double begin = now_ms(), aside = 0;
    for (unsigned i = 0; machine_steps(c->m) < c->end && i < COURSE_SLICES; i++) {
        run_slice(c, c->end, &aside);
        c->ms[i + 1] = now_ms() - begin - aside;
    }
    pages_unwatch(machine_pages(c->m), &c->watcher);
    copy_memory(c, &c->last);
}

double course_free_ms(const struct course *c, uint64_t from, uint64_t to) {
    uint64_t first = from / COURSE_SLICE, last = (to + COURSE_SLICE - 1) / COURSE_SLICE;
    return (c->ms[last] - c->ms[first]) * (double)(to - from) / (double)((last - first) * COURSE_SLICE);
}

void course_free(struct course *c) {
    timeline_free(c->t);
    boot_close(&c->boot);
    machine_free(c->m);
    free(c->slices);
    free(c->far.bytes), free(c->before.bytes), free(c->behind.bytes), free(c->last.bytes);
}

// --- places ---

uint64_t course_word(const struct course_copy *copy, uint64_t address) {
    uint64_t word = 0;
    if (copy->bytes) memcpy(&word, copy->bytes + address, sizeof word);
    return word;
}

bool course_find(const struct course *c, const struct course_search *search, uint64_t *address) {
    enum { TRIES = 200000, WORDS = PAGE_BYTES / 8 };
    for (unsigned i = 0; i < TRIES; i++) {
        uint64_t page = any(c->ram_bytes / PAGE_BYTES);
        if (search->page && !search->page(c, page)) continue;
        uint64_t first = any(WORDS);
        for (unsigned k = 0; k < WORDS; k++) {
            *address = page * PAGE_BYTES + (first + k) % WORDS * 8;
            if (search->word(c, *address)) return true;
        }
    }
    return false;
}

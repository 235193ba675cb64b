// What hashing and saving a machine's state take: a guest's memory written whole, then a few pages between two hashes.
// Medians of user-mode processor time, in microseconds.
#include "cpu/state/model.h"
#include "devices/machine/machine.h"
#include "devices/machine/machine_input.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TIMES = 31, MBYTES = 512, WRITTEN_MBYTES = 128 };

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b) {
    return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}
static double median(double *times) {
    qsort(times, TIMES, sizeof *times, by_value);
    return times[TIMES / 2];
}

static void write_page(struct machine *m, uint64_t at, uint64_t value) {
    static uint64_t page[512];
    for (unsigned i = 0; i < 512; i++) page[i] = value * (i + 1);
    const struct input input = {.kind = INPUT_MEMORY, .where = at, .bytes = sizeof page, .data = page};
    if (!machine_alter(m, &input)) exit(1);
}

static double hash_after(struct machine *m, unsigned pages, uint64_t *value) {
    double times[TIMES];
    for (unsigned i = 0; i < TIMES; i++) {
        for (unsigned p = 0; p < pages; p++) write_page(m, (1 << 20) + 4096ull * p, ++*value);
        double begin = now_us();
        (void)machine_hash(m);
        times[i] = now_us() - begin;
    }
    return median(times);
}

static double save(struct machine *m) {
    double times[TIMES];
    static uint8_t bytes[1 << 20];
    for (unsigned i = 0; i < TIMES; i++) {
        struct machine_part part;
        double begin = now_us();
        for (unsigned p = 0; machine_part(m, p, &part); p++)
            if (part.object && state_size(part.table) <= sizeof bytes) state_save(part.table, part.object, bytes);
        times[i] = now_us() - begin;
    }
    return median(times);
}

int main(void) {
    struct machine_config config;
    char error[200];
    uint64_t value = 1;
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    config.ram_bytes = MBYTES << 20;
    struct machine *m = machine_new(&config, error, sizeof error);
    if (!m) return fprintf(stderr, "%s\n", error), 1;
    for (unsigned p = 0; p < WRITTEN_MBYTES * 256; p++) write_page(m, (1 << 20) + 4096ull * p, ++value);
    double begin = now_us();
    (void)machine_hash(m);
    double whole = now_us() - begin;
    printf("hash of %d MBytes that were written       %9.0f us\n", WRITTEN_MBYTES, whole);
    printf("the same again, nothing written           %9.0f us\n", hash_after(m, 0, &value));
    printf("the same, 100 pages written in between    %9.0f us\n", hash_after(m, 100, &value));
    printf("saving all state but memory               %9.0f us\n", save(m));
    machine_free(m);
}

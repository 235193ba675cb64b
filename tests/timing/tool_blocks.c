// tool_blocks FILE [MODEL] [-v]: what the model says of measured blocks, and the errors.
#include "tests/timing/blocks.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 20000 };
struct errors {
    double of[MOST];
    unsigned count, failed;
};

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double mean(const double *of, unsigned count) {
    double sum = 0;
    for (unsigned i = 0; i < count; i++) sum += of[i];
    return count ? sum / count : 0;
}

static void print(const char *name, struct errors *e) {
    if (!e->count) return;
    qsort(e->of, e->count, sizeof e->of[0], ascending);
    unsigned within = 0, worst = (e->count + 19) / 20;
    while (within < e->count && e->of[within] <= 0.05) within++;
    printf("%-12s %5u blocks  mean %6.2f %%  median %6.2f %%  worst twentieth %7.2f %%  within 5 %%: %5.1f of 100",
           name, e->count, 100 * mean(e->of, e->count), 100 * e->of[e->count / 2],
           100 * mean(e->of + e->count - worst, worst), 100.0 * within / e->count);
    if (e->failed) printf("  (%u did not run)", e->failed);
    printf("\n");
}

static void verbose(const struct measured *b) {
    printf("%c %d %8.4f %8.4f %+7.1f%% %u ", b->kind, block_judges(b), b->cycles, b->predicted,
           100 * (b->predicted / b->cycles - 1), b->instructions);
    for (unsigned i = 0; i < b->length; i++) printf("%02x", b->bytes[i]);
    printf("\n");
}

int main(int argc, char **argv) {
    static struct errors errors[3][2];
    static char line[4096];
    FILE *file = argc > 1 ? fopen(argv[1], "r") : NULL;
    if (!file) return fprintf(stderr, "tool_blocks FILE [MODEL] [-v]\n"), 2;
    bool all = argc > 3;
    struct block_bench *bench = block_bench_new(argc > 2 ? argv[2] : "golden-cove");
    while (fgets(line, sizeof line, file)) {
        struct measured b;
        if (!block_read(line, &b)) continue;
        block_bench_run(bench, &b);
        const char *kinds = "rmc", *kind = strchr(kinds, b.kind);
        if (!kind) continue;
        struct errors *e = &errors[kind - kinds][block_judges(&b)];
        if (b.predicted < 0)
            e->failed++;
        else
            e->of[e->count++] = fabs(b.predicted / b.cycles - 1);
        if (all) verbose(&b);
    }
    static const char *const names[3][2] = {{"r fit", "r judge"}, {"m fit", "m judge"}, {"c fit", "c judge"}};
    for (unsigned i = 0; i < 3; i++)
        for (unsigned j = 0; j < 2; j++) print(names[i][j], &errors[i][j]);
    block_bench_free(bench);
    return 0;
}

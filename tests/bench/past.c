// What going back and asking takes, on a run of a system that works: user-mode processor time.
//     bench-past KERNEL INITRD APPEND STEPS
#include "cpu/state/model.h"
#include "devices/asking/scan.h"
#include "devices/asking/seek.h"
#include "devices/history/timeline.h"
#include "devices/machine/machine_observe.h"
#include "monitor/load/load.h"
#include "vmx/level/view.h"
#include "vmx/vmcs/vmx.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MBYTES = 512, HISTORY = 512 << 20, GOES = 100, STEPS_BACK = 5, FAR = 100000000 };

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b) {
    return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static void tell(const char *what, double *ms, unsigned count) {
    qsort(ms, count, sizeof *ms, by_value);
    printf("%-50s median %7.1f ms, 95 of 100 within %7.1f ms, most %7.1f ms\n", what, ms[count / 2],
           ms[count * 95 / 100], ms[count - 1]);
}

static uint64_t seed = 88172645463325252ull;
static uint64_t any(uint64_t below) {
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return seed % below;
}

static void die(const char *why, const char *what) {
    fprintf(stderr, "bench-past: %s (%s)\n", why, what ? what : "");
    exit(1);
}

static struct machine *make(char **argv, struct boot *boot) {
    struct machine_config config;
    char error[200];
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    config.ram_bytes = (uint64_t)MBYTES << 20;
    struct machine *m = machine_new(&config, error, sizeof error);
    if (!m || !boot_open(boot, &(struct boot_wish){.kernel = argv[1], .initrd = argv[2], .append = argv[3]}) ||
        !boot_load(boot, m))
        die("cannot be loaded", argv[1]);
    return m;
}

static double run(struct machine *m, struct timeline *t, uint64_t steps) {
    double begin = now_ms();
    while (machine_steps(m) < steps) {
        enum machine_stop why = timeline_run(t, steps - machine_steps(m));
        if (why != MACHINE_STEPS && why != MACHINE_IDLE) break;
    }
    return now_ms() - begin;
}

static void go_about(struct machine *m, struct timeline *t) {
    double go[GOES], back[GOES * STEPS_BACK];
    const char *wrong = NULL;
    uint64_t end = machine_steps(m);
    for (unsigned i = 0; i < GOES; i++) {
        double begin = now_ms();
        if (!timeline_go_step(t, 1000 + any(end - 1000), &wrong)) die("goto", wrong);
        go[i] = now_ms() - begin;
        for (unsigned j = 0; j < STEPS_BACK; j++) {
            begin = now_ms();
            if (!timeline_go_step(t, machine_steps(m) - 1, &wrong)) die("a step back", wrong);
            back[i * STEPS_BACK + j] = now_ms() - begin;
        }
    }
    tell("goto a random step", go, GOES);
    tell("a step back", back, GOES * STEPS_BACK);
}

// --- questions ---

static void ask(struct timeline *t, const char *name, const struct place *place) {
    struct change c;
    const char *wrong = NULL;
    struct timeline_facts f;
    timeline_facts(t, &f);
    if (!timeline_go(t, &f.end, &wrong)) die("the end", wrong);
    double begin = now_ms();
    enum search found = timeline_changed(t, place, SEARCH_QUICKLY, &c, &wrong);
    printf("when-written, %-36s %7.1f ms, ", name, now_ms() - begin);
    if (found == SEARCH_FOUND)
        printf("%llu steps before, %llu not looked into\n", (unsigned long long)(f.end.steps - c.step),
               (unsigned long long)c.unsearched);
    else
        printf("%s\n", found == SEARCH_NOTHING ? "never" : wrong);
}

static bool count(void *context, const struct change *change) {
    (void)change;
    ++*(unsigned *)context;
    return true;
}

static void list(struct timeline *t, const char *name, const struct place *place, struct scan_span span,
                 double free_ms) {
    unsigned changes = 0;
    const char *wrong = NULL;
    double begin = now_ms();
    if (timeline_values(t, place, span, count, &changes, &wrong) == SEARCH_WRONG) die("values", wrong);
    double ms = now_ms() - begin;
    printf("values, %-42s %7.1f ms, %.2f times a free run, %u values\n", name, ms, ms / free_ms, changes);
}

int main(int argc, char **argv) {
    struct boot boot;
    if (argc != 5) die("KERNEL INITRD APPEND STEPS", NULL);
    uint64_t steps = strtoull(argv[4], NULL, 0);
    struct machine *m = make(argv, &boot);
    struct timeline *t = timeline_new(m, HISTORY);
    if (!t) die("no memory", NULL);
    double free_ms = run(m, t, steps);
    struct timeline_facts f;
    timeline_facts(t, &f);
    printf("%llu steps in %.0f ms, %u checkpoints\n", (unsigned long long)machine_steps(m), free_ms, f.checkpoints);
    go_about(m, t);
    const struct place stack = {.space = PLACE_PHYSICAL, .bytes = 8, .address = 0x100000};
    const struct place cr3 = {.space = PLACE_REGISTER, .bytes = 8, .address = offsetof(struct cpu, control.cr3)};
    const struct place lstar = {.space = PLACE_MSR, .bytes = 8, .address = 0xc0000082};
    const struct place rax = {.space = PLACE_REGISTER, .bytes = 8, .address = offsetof(struct cpu, gpr)};
    ask(t, "a word of memory", &stack);
    ask(t, "CR3", &cr3);
    ask(t, "an MSR", &lstar);
    ask(t, "RAX", &rax);
    uint64_t end = f.end.steps, from = end > FAR ? end - FAR : 0;
    double part = free_ms * (double)(end - from) / (double)end;
    list(t, "a word of memory", &stack, (struct scan_span){from, end}, part);
    list(t, "CR3", &cr3, (struct scan_span){from, end}, part);
    list(t, "an MSR", &lstar, (struct scan_span){from, end}, part);
    struct scan_span few = {end > 3000000 ? end - 3000000 : 0, end};
    double begin = now_ms();
    unsigned changes = 0;
    const char *wrong = NULL;
    (void)timeline_values(t, &rax, few, count, &changes, &wrong);
    printf("values, %-42s %7.1f million steps a second\n", "RAX",
           (double)(few.to - few.from) / 1e3 / (now_ms() - begin));
    timeline_free(t);
    boot_close(&boot);
    machine_free(m);
    return 0;
}

// What going back and asking takes, on a run of a system that works: user-mode processor time.
//     bench-past KERNEL INITRD APPEND STEPS [MBYTES [PROCESSORS [WORKERS]]]
#include "tests/bench/past/ask.h"
#include "tests/side.h"
#include <stdio.h>
#include <stdlib.h>

enum { MBYTE = 1 << 20, USUAL_MBYTES = 512, HISTORY = 512 << 20, WORTH_STEPS = 20000000 };

static unsigned number(int argc, char **argv, int index, unsigned usual) {
    return index < argc ? (unsigned)strtoul(argv[index], NULL, 0) : usual;
}

int main(int argc, char **argv) {
    static struct course c;
    if (argc < 5) die("KERNEL INITRD APPEND STEPS [MBYTES [PROCESSORS [WORKERS]]]", NULL);
    const struct course_wish wish = {.kernel = argv[1],
                                     .initrd = argv[2],
                                     .append = argv[3],
                                     .steps = strtoull(argv[4], NULL, 0),
                                     .ram_bytes = (uint64_t)number(argc, argv, 5, USUAL_MBYTES) * MBYTE,
                                     .history_bytes = HISTORY,
                                     .cpus = number(argc, argv, 6, 1)};
    struct side_by_side side = side_by_side(number(argc, argv, 7, 1), WORTH_STEPS);
    course_run(&c, &wish);
    timeline_set_side_by_side(c.t, &side);
    struct timeline_facts f;
    timeline_facts(c.t, &f);
    printf("%llu steps in %.0f ms, %u checkpoints, %llu MBytes, kept from step %llu on; %u workers\n",
           (unsigned long long)machine_steps(c.m), course_free_ms(&c, 0, c.end), f.checkpoints,
           (unsigned long long)f.bytes / MBYTE, (unsigned long long)f.first.steps, side.workers);
    (void)fflush(stdout);
    go_about(&c);
    ask_when(&c);
    go_back_to(&c);
    list_values(&c);
    course_free(&c);
    return 0;
}

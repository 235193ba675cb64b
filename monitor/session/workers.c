// Threads for questions about the past; see workers.h. The main thread shows how far they are, and ends them when
// somebody asks.
#define _GNU_SOURCE // sched_getaffinity
#include "monitor/session/workers.h"
#include "devices/history/timeline.h"
#include "monitor/session/crowd.h"
#include <sched.h>

enum { USUAL_MOST = 8, WORTH_STEPS = 20000000 };
_Static_assert((int)OPTIONS_WORKERS == (int)CROWD_MOST, "as many threads as can be asked for");

unsigned workers_usual(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    unsigned cores = (unsigned)CPU_COUNT(&set);
    return cores < USUAL_MOST ? cores : USUAL_MOST;
}

static void look(void *context, const struct side_by_side_work *work) {
    struct run *run = context;
    uint64_t steps, most;
    if (run_is_interrupted(run)) work->end(work->of);
    work->progress(work->of, &steps, &most);
    progress_search(&run->progress, steps, most);
}

static bool run_side_by_side(void *context, unsigned workers, const struct side_by_side_work *work) {
    return crowd_run(workers, work, look, context);
}

void workers_serve(struct run *run) {
    run->side = (struct side_by_side){run, run->options->history_workers, WORTH_STEPS, run_side_by_side};
    timeline_set_side_by_side(run->timeline, &run->side);
}

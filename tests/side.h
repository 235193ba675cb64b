// Threads for searches of the past, in tests (devices/history/side_by_side.h).
#ifndef TESTS_SIDE_H
#define TESTS_SIDE_H
#include "devices/history/side_by_side.h"
#include <pthread.h>

enum { SIDE_MOST = 16 };

struct side_thread {
    const struct side_by_side_work *work;
    unsigned worker;
};

static void *side_run_one(void *context) {
    const struct side_thread *s = context;
    s->work->work(s->work->of, s->worker);
    return NULL;
}

static bool side_run(void *context, unsigned workers, const struct side_by_side_work *work) {
    pthread_t thread[SIDE_MOST];
    struct side_thread one[SIDE_MOST];
    unsigned count = 0;
    (void)context;
    for (; count < workers && count < SIDE_MOST; count++) {
        one[count] = (struct side_thread){work, count};
        if (pthread_create(&thread[count], NULL, side_run_one, &one[count]) != 0) break;
    }
    for (unsigned i = 0; i < count; i++) pthread_join(thread[i], NULL);
    return count;
}

static inline struct side_by_side side_by_side(unsigned workers, uint64_t worth_steps) {
    return (struct side_by_side){.workers = workers, .worth_steps = worth_steps, .run = side_run};
}

#endif

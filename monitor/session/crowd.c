// Threads that are started for one piece of work; see crowd.h.
#define _GNU_SOURCE // pthread_sigmask
#include "monitor/session/crowd.h"
#include "monitor/files/packed.h"
#include "monitor/files/wait.h"
#include <pthread.h>
#include <signal.h>

enum { LOOK_MS = 2 };

struct crowd {
    const struct side_by_side_work *work;
    unsigned next, left; // the number that the next thread takes; how many are at work
};

static void *work(void *context) {
    struct crowd *c = context;
    c->work->work(c->work->of, __atomic_fetch_add(&c->next, 1, __ATOMIC_RELAXED));
    packed_thread_ends();
    __atomic_fetch_sub(&c->left, 1, __ATOMIC_RELEASE);
    return NULL;
}

// Signals are the main thread's. How many there are.
static unsigned start(struct crowd *c, pthread_t *thread, unsigned count) {
    sigset_t all, before;
    unsigned started = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    c->left = count;
    while (started < count && pthread_create(&thread[started], NULL, work, c) == 0) started++;
    __atomic_fetch_sub(&c->left, count - started, __ATOMIC_RELAXED);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

bool crowd_run(unsigned count, const struct side_by_side_work *job,
               void (*look)(void *, const struct side_by_side_work *), void *context) {
    struct crowd c = {.work = job};
    pthread_t thread[CROWD_MOST];
    unsigned started = start(&c, thread, count < CROWD_MOST ? count : CROWD_MOST);
    while (__atomic_load_n(&c.left, __ATOMIC_ACQUIRE)) {
        wait_pass(LOOK_MS);
        look(context, job);
    }
    for (unsigned i = 0; i < started; i++) pthread_join(thread[i], NULL);
    return started;
}

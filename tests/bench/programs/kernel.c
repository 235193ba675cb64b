// What the kernel does for programs.
#include "programs.h"
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile uint64_t handled;
static void handler(int number) { handled += (uint64_t)number; }
uint64_t program_signals(void) {
    signal(SIGUSR1, handler);
    for (unsigned i = 0; i < 40000; i++) raise(SIGUSR1);
    return handled;
}

uint64_t program_syscalls(void) {
    uint64_t r = 0;
    for (unsigned i = 0; i < 1000000; i++) r += syscall(SYS_getppid) > 0;
    return r;
}

uint64_t program_forks(void) {
    uint64_t r = 0;
    for (unsigned i = 0; i < 700; i++) {
        int status = 0;
        pid_t child = fork();
        DIE_IF(child < 0);
        if (!child) _exit((int)(i & 63));
        DIE_IF(waitpid(child, &status, 0) != child);
        r += (uint64_t)WEXITSTATUS(status);
    }
    return r;
}

static int exec_nothing(void) {
    int status = 0;
    pid_t child = vfork();
    DIE_IF(child < 0);
    if (!child) {
        execl("/proc/self/exe", "programs", "nothing", (char *)0);
        _exit(99);
    }
    DIE_IF(waitpid(child, &status, 0) != child);
    return WEXITSTATUS(status);
}
uint64_t program_execs(void) {
    uint64_t r = 0;
    for (unsigned i = 0; i < 300; i++) r += exec_nothing() == 0;
    return r;
}

uint64_t program_pipes(void) {
    int there[2], back[2];
    DIE_IF(pipe(there) || pipe(back));
    pid_t child = fork();
    DIE_IF(child < 0);
    for (uint64_t v; !child;) {
        if (read(there[0], &v, sizeof v) != sizeof v || v == ~0ull) _exit(0);
        v = v * 3 + 1;
        DIE_IF(write(back[1], &v, sizeof v) != sizeof v);
    }
    uint64_t v = 1, end = ~0ull;
    for (unsigned i = 0; i < 15000; i++) {
        DIE_IF(write(there[1], &v, sizeof v) != sizeof v);
        DIE_IF(read(back[0], &v, sizeof v) != sizeof v);
        v &= 0xffffff;
    }
    DIE_IF(write(there[1], &end, sizeof end) != sizeof end);
    waitpid(child, 0, 0);
    return v;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned turn_of;
static uint64_t turns;
static void *player(void *argument) {
    unsigned me = *(unsigned *)argument;
    for (unsigned i = 0; i < 15000; i++) {
        pthread_mutex_lock(&lock);
        while (turn_of != me) pthread_cond_wait(&changed, &lock);
        turns += me + 1;
        turn_of = 1 - me;
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&lock);
    }
    return 0;
}
uint64_t program_threads(void) {
    pthread_t other;
    unsigned one = 1, zero = 0;
    DIE_IF(pthread_create(&other, 0, player, &one));
    player(&zero);
    pthread_join(other, 0);
    return turns;
}

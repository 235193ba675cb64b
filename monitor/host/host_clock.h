// The host's clocks, for waits and for what is said of speed: nothing of them reaches the machine.
#ifndef MONITOR_HOST_CLOCK_H
#define MONITOR_HOST_CLOCK_H
#include <time.h>

static inline double host_seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

#endif

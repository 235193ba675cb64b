// The host's clocks; see host_clock.h.
#include "monitor/host/host_clock.h"

double host_seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

uint64_t host_date(bool local) {
    time_t now = time(NULL);
    struct tm here;
    if (!local) return (uint64_t)now;
    localtime_r(&now, &here);
    return (uint64_t)(now + here.tm_gmtoff);
}

// The host's clocks, for waits and for what is said of speed: nothing of them reaches the machine, but the date that
// -rtc base=utc asks for.
#ifndef MONITOR_HOST_CLOCK_H
#define MONITOR_HOST_CLOCK_H
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

double host_seconds(clockid_t clock);
uint64_t host_date(bool local); // seconds since 1970, of UTC or of the host's time zone

#endif

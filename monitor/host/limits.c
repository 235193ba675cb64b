// Limits of the process; see limits.h. The limit of file sizes is met where files are written
// (monitor/files/written.c), that of open files where they are opened, that of memory where it is asked for.
#include "monitor/host/limits.h"
#include "monitor/files/complaint.h"
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

bool limits_fit(size_t stack_bytes) {
    struct rlimit stack;
    if (getrlimit(RLIMIT_STACK, &stack) != 0 || stack.rlim_cur >= stack_bytes) return true;
    return complain("the stack may have %zu KBytes only, and %zu are needed: raise its limit (ulimit -s)",
                    (size_t)stack.rlim_cur >> 10, stack_bytes >> 10);
}

uint64_t limits_memory_bytes(void) {
    struct rlimit space;
    uint64_t bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    return getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur < bytes ? space.rlim_cur : bytes;
}

static bool is_named(const char *variable) {
    const char *value = getenv(variable);
    return value && *value;
}

bool limits_has_windows(void) { return is_named("DISPLAY") || is_named("WAYLAND_DISPLAY"); }

void limits_refuse_launch(void) { (void)setenv("DBUS_SESSION_BUS_ADDRESS", "disabled:", 0); }

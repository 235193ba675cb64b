// Waiting; see wait.h.
#include "monitor/files/wait.h"
#include "monitor/files/signals.h"
#include <errno.h>
#include <poll.h>
#include <time.h>

enum { PIECE_MS = 50, BESIDE_MS = 15 }; // a signal just before poll() is seen after so long

static struct {
    void (*function)(void *context);
    void *context;
} beside;

void wait_set_beside(void (*function)(void *), void *context) {
    beside.function = function;
    beside.context = context;
}

long long wait_clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

// The next piece of a wait that ends then; -1: it is over.
static int piece_of(long long end) {
    long long most = beside.function ? BESIDE_MS : PIECE_MS, left = end < 0 ? most : end - wait_clock_ms();
    return (int)(left > most ? most : left < 0 ? -1 : left);
}

static bool wait_for(int fd, short events, int milliseconds, bool (*gives_up)(void)) {
    long long end = milliseconds < 0 ? -1 : wait_clock_ms() + milliseconds;
    for (int piece; (piece = piece_of(end)) >= 0;) {
        if (events == POLLIN && milliseconds && beside.function) beside.function(beside.context);
        struct pollfd poller = {.fd = fd, .events = events};
        int found = poll(&poller, 1, piece);
        if (found > 0) return true;
        if ((found < 0 && errno != EINTR) || gives_up() || (found == 0 && piece == 0)) return false;
    }
    return false;
}

static bool a_signal_ends(void) { return signals_ending(); }
static bool a_signal_came(void) { return signals_ending() || signals_is_asked(); }
static bool patience_is_over(void) { return signals_patience() == 0; }

bool wait_readable(int fd, int milliseconds) { return wait_for(fd, POLLIN, milliseconds, a_signal_ends); }
bool wait_input(int fd, int milliseconds) { return wait_for(fd, POLLIN, milliseconds, a_signal_came); }
bool wait_writable(int fd, int milliseconds) { return wait_for(fd, POLLOUT, milliseconds, patience_is_over); }
void wait_pass(int milliseconds) { (void)wait_for(-1, 0, milliseconds, a_signal_came); }

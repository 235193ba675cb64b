// The pager: the launcher's, with the text on its standard input.
#define _GNU_SOURCE // pipe2
#include "monitor/host/pager.h"
#include "monitor/files/signals.h"
#include "monitor/files/wait.h"
#include "monitor/jail/launcher.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

enum { LOOK_MS = 20 };

// As much of it as the person wants to see.
static void feed(int fd, const char *text, size_t bytes) {
    while (bytes && !signals_ending() && wait_writable(fd, -1)) {
        ssize_t wrote = write(fd, text, bytes < PIPE_BUF ? bytes : PIPE_BUF);
        if (wrote < 0 && errno != EINTR && errno != EAGAIN) return;
        if (wrote > 0) text += wrote;
        if (wrote > 0) bytes -= (size_t)wrote;
    }
}

// Its status; a run that ends does not wait for the person.
static int finish(void) {
    int status;
    while (!launcher_ended(&status)) {
        if (signals_ending()) launcher_signal(signals_patience() ? SIGTERM : SIGKILL);
        (void)wait_writable(-1, LOOK_MS);
    }
    return status;
}

bool pager_show(const char *text, size_t bytes) {
    int pipe[2];
    if (!launcher_is_open() || pipe2(pipe, O_CLOEXEC) != 0) return false;
    void (*before)(int) = signal(SIGINT, SIG_IGN); // the pager's
    bool started = launcher_start(LAUNCHER_PAGER, pipe[0]);
    close(pipe[0]);
    if (started) feed(pipe[1], text, bytes);
    close(pipe[1]);
    int status = started ? finish() : LAUNCHER_NO_SUCH_COMMAND;
    signal(SIGINT, before);
    return status != LAUNCHER_NO_SUCH_COMMAND;
}

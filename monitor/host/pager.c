// The pager: a shell that runs $PAGER, with the text on its standard input.
#define _GNU_SOURCE // pipe2
#include "monitor/host/pager.h"
#include "monitor/files/signals.h"
#include "monitor/files/wait.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_MS = 20, NO_SUCH_COMMAND = 127 };
extern char **environ;

static bool start(const char *command, int input, pid_t *pid) {
    char *const arguments[] = {"sh", "-c", (char *)command, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    bool started = posix_spawn(pid, "/bin/sh", &actions, &attributes, arguments, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return started;
}

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
static int finish(pid_t pid) {
    int status = 0;
    pid_t ended;
    while ((ended = waitpid(pid, &status, WNOHANG)) == 0 || (ended < 0 && errno == EINTR)) {
        if (signals_ending()) kill(pid, signals_patience() ? SIGTERM : SIGKILL);
        (void)wait_writable(-1, LOOK_MS);
    }
    return ended == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

bool pager_show(const char *text, size_t bytes) {
    const char *pager = getenv("PAGER");
    int pipe[2];
    pid_t pid;
    setenv("LESS", "FRX", 0);
    if (pipe2(pipe, O_CLOEXEC) != 0) return false;
    void (*before)(int) = signal(SIGINT, SIG_IGN); // the pager's
    bool started = start(pager && *pager ? pager : "less", pipe[0], &pid);
    close(pipe[0]);
    if (started) feed(pipe[1], text, bytes);
    close(pipe[1]);
    int status = started ? finish(pid) : NO_SUCH_COMMAND;
    signal(SIGINT, before);
    return status != NO_SUCH_COMMAND;
}

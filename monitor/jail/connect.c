// Connecting; see connect.h.
#define _GNU_SOURCE // environ, pipe2
#include "monitor/jail/connect.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CONNECT_MS = 10000 };

static int failed(char *why, size_t size, const char *text) {
    snprintf(why, size, "%s", text);
    return -1;
}

// --- sockets ---

static int connect_within(int fd, const struct sockaddr *address, socklen_t size) {
    int error = 0;
    socklen_t error_size = sizeof error;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    if (connect(fd, address, size) == 0) return fd;
    struct pollfd poller = {.fd = fd, .events = POLLOUT};
    if (errno == EINPROGRESS || errno == EINTR) {
        if (poll(&poller, 1, CONNECT_MS) <= 0) error = ETIMEDOUT;
        if (!error && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size) == 0 && !error) return fd;
    } else {
        error = errno;
    }
    close(fd);
    errno = error;
    return -1;
}

static int to_unix(const char *path, char *why, size_t size) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!*path) return failed(why, size, "a path is missing behind unix:");
    if (strlen(path) >= sizeof address.sun_path)
        return failed(why, size, "the path is too long for a socket, which may have 107 bytes");
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) fd = connect_within(fd, (const struct sockaddr *)&address, sizeof address);
    return fd >= 0 ? fd : failed(why, size, strerror(errno));
}

static int to_tcp(const char *text, char *why, size_t size) {
    char host[256];
    snprintf(host, sizeof host, "%s", text);
    char *colon = strrchr(host, ':');
    if (!colon || !colon[1]) return failed(why, size, "write tcp:HOST:PORT");
    *colon = '\0';
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int fd = -1, wrong = getaddrinfo(*host ? host : "127.0.0.1", colon + 1, &hints, &found);
    if (wrong) return failed(why, size, gai_strerror(wrong));
    errno = ENOENT;
    for (const struct addrinfo *a = found; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (fd >= 0) fd = connect_within(fd, a->ai_addr, a->ai_addrlen);
    }
    freeaddrinfo(found);
    return fd >= 0 ? fd : failed(why, size, strerror(errno));
}

int connect_to(const char *where, char *why, size_t size) {
    if (strncmp(where, "unix:", 5) == 0) return to_unix(where + 5, why, size);
    if (strncmp(where, "tcp:", 4) == 0) return to_tcp(where + 4, why, size);
    return failed(why, size, "write exec:COMMAND, unix:PATH or tcp:HOST:PORT");
}

// --- commands ---

// With one of its streams at that descriptor.
static bool spawn(const char *command, int stream, int fd, int *pid) {
    char *const arguments[] = {"sh", "-c", (char *)(size_t)command, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGINT);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fd, stream);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setpgroup(&attributes, 0); // Ctrl-C is for the monitor
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    errno = posix_spawn(pid, "/bin/sh", &actions, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return errno == 0;
}

static int with_command(const char *command, int stream, int *pid, char *why, size_t size) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return failed(why, size, strerror(errno));
    int mine = ends[stream == STDIN_FILENO], its = ends[stream != STDIN_FILENO];
    bool started = spawn(command, stream, its, pid);
    close(its);
    if (started) return mine;
    close(mine);
    return failed(why, size, strerror(errno));
}

int connect_from_command(const char *command, int *pid, char *why, size_t size) {
    return with_command(command, STDOUT_FILENO, pid, why, size);
}

int connect_to_command(const char *command, int *pid, char *why, size_t size) {
    return with_command(command, STDIN_FILENO, pid, why, size);
}

bool connect_command_ended(int pid, int *status) {
    int how = 0;
    if (waitpid(pid, &how, WNOHANG) != pid) return false;
    *status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
    return true;
}

void connect_command_end(int pid) {
    int status;
    kill(-pid, SIGTERM);
    (void)waitpid(pid, &status, 0);
}

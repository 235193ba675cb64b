// The process that executes programs; see launcher.h. Descriptors over sockets: unix(7), SCM_RIGHTS.
#define _GNU_SOURCE // environ
#include "monitor/jail/launcher.h"
#include "monitor/jail/connect.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_MS = 20 }; // between looks at whether the program has ended

static const struct {
    const char *variable, *standard; // of the environment at the start
} programs[] = {[LAUNCHER_PAGER] = {"PAGER", "less"}};

static struct {
    const char *place[LAUNCHER_PLACES];
    int count;
} allowed;

struct request {
    enum { START, SIGNAL, CONNECT } kind;
    int value; // the program; the signal; the place
};

static int launcher = -1; // the socket that leads to it; -1: there is none

// --- messages ---

// `descriptor` goes along; -1: none does.
static bool send_message(int channel, const void *bytes, size_t size, int descriptor) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec vector = {(void *)bytes, size};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    if (descriptor >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        control.header = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.header), &descriptor, sizeof(int));
    }
    ssize_t sent;
    do sent = sendmsg(channel, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)size;
}

// How many bytes came, -1: errno. *descriptor is what came along; -1: nothing did.
static ssize_t receive_message(int channel, void *bytes, size_t size, int flags, int *descriptor) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec vector = {bytes, size};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t got;
    do got = recvmsg(channel, &message, MSG_CMSG_CLOEXEC | flags);
    while (got < 0 && errno == EINTR);
    const struct cmsghdr *header = got < 0 ? NULL : CMSG_FIRSTHDR(&message);
    *descriptor = -1;
    if (header && header->cmsg_type == SCM_RIGHTS) memcpy(descriptor, CMSG_DATA(header), sizeof(int));
    return got;
}

// False: whoever asks is gone.
static bool receive_request(int channel, struct request *request, int *descriptor) {
    return receive_message(channel, request, sizeof *request, 0, descriptor) == (ssize_t)sizeof *request;
}

// --- the small process ---

static bool is_command(const char *place) { return strncmp(place, "exec:", 5) == 0; }

// What the keyboard sends is for the program; this process ends when the one that it serves does.
static void ignore_signals(sigset_t *ignored) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM, SIGPIPE, SIGXCPU, SIGXFSZ};
    sigemptyset(ignored);
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (signal(numbers[i], SIG_IGN) != SIG_IGN) sigaddset(ignored, numbers[i]);
    signal(SIGTSTP, SIG_DFL);
    signal(SIGCONT, SIG_DFL);
}

// NULL: there is no such program.
static const char *command_of(int program) {
    int place = program - LAUNCHER_PLACE;
    if (place >= 0) return place < allowed.count && is_command(allowed.place[place]) ? allowed.place[place] + 5 : NULL;
    if (program < 0) return NULL;
    const char *command = getenv(programs[program].variable);
    return command && *command ? command : programs[program].standard;
}

static bool start(int program, int input, const sigset_t *defaults, pid_t *pid) {
    const char *command = command_of(program);
    if (!command) return false;
    char *const arguments[] = {"sh", "-c", (char *)(uintptr_t)command, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    bool started = posix_spawn(pid, "/bin/sh", &actions, &attributes, arguments, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return started;
}

// Its status, when it has ended. Meanwhile signals are passed on; when who asked for it is gone, it goes too.
static int attend(int channel, pid_t pid) {
    int status = 0, unwanted;
    struct pollfd poller = {.fd = channel, .events = POLLIN};
    while (waitpid(pid, &status, WNOHANG) != pid) {
        struct request request;
        if (poll(&poller, 1, LOOK_MS) <= 0) continue;
        bool there = receive_request(channel, &request, &unwanted);
        if (unwanted >= 0) close(unwanted);
        kill(pid, there ? request.value : SIGTERM);
        if (!there) _exit(0);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

static void serve_connection(int channel, int place) {
    char why[LAUNCHER_WHY] = "there is no such place";
    bool known = place >= 0 && place < allowed.count && !is_command(allowed.place[place]);
    int connected = known ? connect_to(allowed.place[place], why, sizeof why) : -1;
    (void)send_message(channel, why, sizeof why, connected);
    if (connected >= 0) close(connected);
}

static void serve_program(int channel, int program, int input, const sigset_t *ignored) {
    pid_t pid;
    bool started = input >= 0 && start(program, input, ignored, &pid);
    if (input >= 0) close(input);
    int status = started ? attend(channel, pid) : LAUNCHER_NO_SUCH_COMMAND;
    (void)send_message(channel, &status, sizeof status, -1);
}

static _Noreturn void serve(int channel) {
    struct request request;
    sigset_t ignored;
    int input;
    ignore_signals(&ignored);
    prctl(PR_SET_NAME, "vmxray-launcher");
    setenv("LESS", "FRX", 0);
    while (receive_request(channel, &request, &input)) {
        if (request.kind == START)
            serve_program(channel, request.value, input, &ignored);
        else if (input >= 0)
            close(input);
        if (request.kind == CONNECT) serve_connection(channel, request.value);
    }
    _exit(0);
}

// --- this side ---

bool launcher_allow(const char *place) {
    if (allowed.count == LAUNCHER_PLACES) return false;
    allowed.place[allowed.count++] = place;
    return true;
}

int launcher_place(const char *place) {
    for (int i = 0; i < allowed.count; i++)
        if (strcmp(allowed.place[i], place) == 0) return i;
    return -1;
}

bool launcher_open(void) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return false;
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        serve(ends[1]);
    }
    close(ends[1]);
    if (pid < 0) close(ends[0]);
    launcher = pid < 0 ? -1 : ends[0];
    return pid > 0;
}

bool launcher_is_open(void) { return launcher >= 0; }

void launcher_close(void) {
    if (launcher >= 0) close(launcher);
    launcher = -1;
}

bool launcher_start(int program, int input) {
    const struct request request = {START, program};
    return launcher_is_open() && send_message(launcher, &request, sizeof request, input);
}

bool launcher_ended(int *status) {
    ssize_t got = recv(launcher, status, sizeof *status, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (got != (ssize_t)sizeof *status) *status = LAUNCHER_NO_SUCH_COMMAND; // it is gone
    return true;
}

void launcher_signal(int number) {
    const struct request request = {SIGNAL, number};
    (void)send_message(launcher, &request, sizeof request, -1);
}

bool launcher_connect(int place) {
    const struct request request = {CONNECT, place};
    return launcher_is_open() && send_message(launcher, &request, sizeof request, -1);
}

bool launcher_connected(int *descriptor, char why[LAUNCHER_WHY]) {
    ssize_t got = receive_message(launcher, why, LAUNCHER_WHY, MSG_DONTWAIT, descriptor);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (got != LAUNCHER_WHY) snprintf(why, LAUNCHER_WHY, "the launcher has gone");
    why[LAUNCHER_WHY - 1] = '\0';
    return true;
}

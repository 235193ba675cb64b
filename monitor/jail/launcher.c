// The process that executes programs; see launcher.h. Descriptors over sockets: unix(7), SCM_RIGHTS.
#define _GNU_SOURCE // environ
#include "monitor/jail/launcher.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
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

struct request {
    enum { START, SIGNAL } kind;
    int value; // the program; or the signal
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

// False: whoever asks is gone. *descriptor is what came along; -1: nothing did.
static bool receive_request(int channel, struct request *request, int *descriptor) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec vector = {request, sizeof *request};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t got;
    do got = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *descriptor = -1;
    if (header && header->cmsg_type == SCM_RIGHTS) memcpy(descriptor, CMSG_DATA(header), sizeof(int));
    return got == (ssize_t)sizeof *request;
}

// --- the small process ---

// What the keyboard sends is for the program; this process ends when the one that it serves does.
static void ignore_signals(sigset_t *ignored) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM, SIGPIPE, SIGXCPU, SIGXFSZ};
    sigemptyset(ignored);
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (signal(numbers[i], SIG_IGN) != SIG_IGN) sigaddset(ignored, numbers[i]);
    signal(SIGTSTP, SIG_DFL);
    signal(SIGCONT, SIG_DFL);
}

static bool start(unsigned program, int input, const sigset_t *defaults, pid_t *pid) {
    if (program >= sizeof programs / sizeof *programs) return false;
    const char *command = getenv(programs[program].variable);
    char *const arguments[] = {"sh", "-c", (char *)(command && *command ? command : programs[program].standard), NULL};
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

static _Noreturn void serve(int channel) {
    struct request request;
    sigset_t ignored;
    int input;
    ignore_signals(&ignored);
    prctl(PR_SET_NAME, "vmxray-launcher");
    setenv("LESS", "FRX", 0);
    while (receive_request(channel, &request, &input)) {
        pid_t pid;
        bool started = request.kind == START && input >= 0 && start((unsigned)request.value, input, &ignored, &pid);
        if (input >= 0) close(input);
        if (request.kind != START) continue; // it has ended already
        int status = started ? attend(channel, pid) : LAUNCHER_NO_SUCH_COMMAND;
        (void)send_message(channel, &status, sizeof status, -1);
    }
    _exit(0);
}

// --- this side ---

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

bool launcher_start(enum launcher_program program, int input) {
    const struct request request = {START, (int)program};
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

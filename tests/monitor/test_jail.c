// The jail: what its rows leave to a run, and what ends it. Each case is a process of its own, which closes its jail
// and tries one call.
#define _GNU_SOURCE
#include "monitor/files/signals.h"
#include "monitor/jail/jail.h"
#include "monitor/jail/launcher.h"
#include "tests/tap.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REFUSED = 8, LEFT = 0, NO_JAIL = 99, TEXT_BYTES = 600 };

static void restore(void) { (void)!write(STDERR_FILENO, "restored;", 9); }

// In a child: closes the jail, then tries it. Its status (128 and the signal when one ended it), and what it said.
static int status_in_jail(unsigned uses, void (*attempt)(const void *), const void *context, char text[TEXT_BYTES]) {
    int ends[2], status;
    char why[200];
    fflush(stdout);
    if (pipe(ends) != 0) bail("no pipe");
    pid_t pid = fork();
    if (pid == 0) {
        static const struct signals_terminal hooks = {.restore = restore};
        dup2(ends[1], STDERR_FILENO);
        signals_set_terminal(&hooks);
        if (!jail_close(uses, REFUSED, why, sizeof why)) _exit(NO_JAIL);
        attempt(context);
        _exit(LEFT);
    }
    close(ends[1]);
    ssize_t got, used = 0;
    while ((got = read(ends[0], text + used, (size_t)(TEXT_BYTES - 1 - used))) > 0) used += got;
    text[used] = '\0';
    close(ends[0]);
    if (waitpid(pid, &status, 0) != pid) bail("no child");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// --- every row, with its use and without ---

struct row {
    unsigned use;
    int call, error;
    const char *name;
    unsigned conditions, argument;
    unsigned long mask, value;
};

// What the call is given meets the row's condition, and is wrong otherwise: nothing comes of it.
static void call_row(const void *context) {
    const struct row *row = context;
    unsigned long a[6] = {(unsigned long)-1};
    if (row->conditions) a[row->argument] = row->value;
    errno = 0;
    long result = syscall(row->call, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (row->error && (result != -1 || errno != row->error)) _exit(1);
}

static bool is_said(const char *text, const char *call) {
    char wanted[100];
    snprintf(wanted, sizeof wanted, "system call %s (", call);
    return strncmp(text, "restored;vmxray: the jail has ended this run", 44) == 0 && strstr(text, wanted) &&
           text[strlen(text) - 1] == '\n';
}

static void every_row(void) {
#define ANY 0, 0, 0, 0
#define IS(argument, value) 1, argument, ~0ul, value
#define HAS(argument, bits, value) 1, argument, bits, value
#define LACKS(argument, bits) HAS(argument, bits, 0)
#define ALLOW(use, call, condition) {JAIL_##use, SCMP_SYS(call), 0, #call, condition},
#define REFUSE(use, call, condition, error) {JAIL_##use, SCMP_SYS(call), error, #call, condition},
    const struct row rows[] = {
#include "monitor/jail/jail.def"
    };
#undef ALLOW
#undef REFUSE
    char text[TEXT_BYTES];
    loop_begin("each row is for the runs that have its use, and for no other");
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        if (row->use == JAIL_BASE) continue; // every run of the other tests uses these
        int with = status_in_jail(row->use, call_row, row, text);
        loop_check(with == LEFT, "row %u, %s, with its use: status %d, %s", i, row->name, with, text);
        int without = status_in_jail(JAIL_BASE, call_row, row, text);
        loop_check(without == REFUSED && is_said(text, row->name), "row %u, %s, without its use: status %d, %s", i,
                   row->name, without, text);
    }
    loop_end();
}

// --- what a guest that broke out would try ---

#define EVERYTHING (JAIL_TERMINAL | JAIL_WRITES | JAIL_COMMANDS | JAIL_EDITOR | JAIL_DOOR | JAIL_LAUNCHER)

struct call {
    const char *name;
    int number;
    unsigned long argument[6];
};

static void make_call(const void *context) {
    const struct call *c = context;
    syscall(c->number, c->argument[0], c->argument[1], c->argument[2], c->argument[3], c->argument[4], c->argument[5]);
}

#define CALL(name, ...)                                                                                                \
    {                                                                                                                  \
#name, SYS_##name, { __VA_ARGS__ }                                                                             \
    }
static const struct call planted[] = {
    CALL(execve, (unsigned long)"/bin/true"),
    CALL(execveat, AT_FDCWD, (unsigned long)"/bin/true"),
    CALL(fork),
    CALL(vfork),
    CALL(clone, SIGCHLD),
    CALL(clone3),
    CALL(ptrace),
    CALL(process_vm_readv, 1),
    CALL(process_vm_writev, 1),
    CALL(kill, 0),
    CALL(tgkill, 1, 1, 0),
    CALL(connect, (unsigned long)-1),
    CALL(open, 0),
    CALL(openat, AT_FDCWD, (unsigned long)"/proc/self/mem", O_RDWR),
    CALL(creat, 0),
    CALL(openat2),
    CALL(mprotect, 0, 0, PROT_READ | PROT_EXEC),
    CALL(pkey_mprotect, 0, 0, PROT_READ | PROT_EXEC),
    CALL(memfd_create),
    CALL(shmat),
    CALL(personality, 0x0400000),
    CALL(ioctl, 0, TIOCSTI),
    CALL(ioctl, 0, TIOCSPGRP),
    CALL(ioctl, 0, TIOCLINUX),
    CALL(fcntl, 0, F_SETOWN),
    CALL(fcntl, 0, F_DUPFD),
    CALL(setsockopt, 0, SOL_SOCKET, SO_REUSEADDR),
    CALL(prctl, PR_SET_SECCOMP),
    CALL(prctl, PR_SET_MM),
    CALL(seccomp),
    CALL(bpf),
    CALL(io_uring_setup),
    CALL(userfaultfd),
    CALL(perf_event_open),
    CALL(mount),
    CALL(unshare),
    CALL(setns),
    CALL(chroot),
    CALL(setuid),
    CALL(chmod),
    CALL(symlink),
    CALL(mkdir),
    CALL(mknod),
    CALL(init_module),
    CALL(reboot),
    CALL(keyctl),
    CALL(arch_prctl),
    CALL(modify_ldt),
};

static void planted_calls(void) {
    char text[TEXT_BYTES];
    loop_begin("a call that no run needs ends it, with its name and a status, the terminal put in order");
    for (unsigned i = 0; i < sizeof planted / sizeof *planted; i++) {
        int status = status_in_jail(EVERYTHING, make_call, &planted[i], text);
        loop_check(status == REFUSED && is_said(text, planted[i].name), "%s: status %d, %s", planted[i].name, status,
                   text);
    }
    loop_end();
}

static void map_executable(const void *context) {
    (void)context;
    (void)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static void map_data(const void *context) {
    (void)context;
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED || mprotect(at, 4096, PROT_READ) != 0) _exit(1);
}
static void raise_signal(const void *context) { raise(*(const int *)context); }
static void call_i386(const void *context) {
    (void)context;
#ifdef __x86_64__
    long result = 20; // getpid there, writev here
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory");
#else
    raise(SIGSYS);
#endif
}

static void others(void) {
    char text[TEXT_BYTES];
    static const int system_call = SIGSYS, death = SIGKILL;
    ok(status_in_jail(0, map_executable, NULL, text) == REFUSED && is_said(text, "mmap"),
       "memory that can be executed is refused");
    ok(status_in_jail(0, map_data, NULL, text) == LEFT, "memory that cannot is not");
    ok(status_in_jail(0, raise_signal, &death, text) == 128 + SIGKILL, "a signal to itself is left");
    ok(status_in_jail(0, raise_signal, &system_call, text) == 128 + SIGSYS && !strstr(text, "jail"),
       "SIGSYS from somebody is no refusal");
    ok(status_in_jail(EVERYTHING, call_i386, NULL, text) == 128 + SIGSYS, "the numbers of 32-bit programs: killed");
}

// --- the launcher ---

static int finish(void) {
    int status = -1;
    for (unsigned turn = 0; turn < 3000 && !launcher_ended(&status); turn++) usleep(10000);
    return status;
}

static void launch_in_jail(const void *context) {
    (void)context;
    int ends[2];
    setenv("PAGER", "exit 3", 1); // it has its own
    if (pipe2(ends, O_CLOEXEC) != 0) _exit(1);
    if (!launcher_start(LAUNCHER_PAGER, ends[0])) _exit(2);
    close(ends[0]);
    if (write(ends[1], "line\n", 5) != 5) _exit(3);
    close(ends[1]);
    int status;
    while (!launcher_ended(&status)) poll(NULL, 0, 10);
    if (status != 5) _exit(4);
}

static void launcher(void) {
    char text[TEXT_BYTES];
    int null = open("/dev/null", O_RDONLY);
    setenv("PAGER", "read word; test \"$word\" = line && exit 5", 1);
    ok(launcher_open() && launcher_is_open(), "the launcher");
    ok(status_in_jail(JAIL_LAUNCHER, launch_in_jail, NULL, text) == LEFT,
       "a program is executed for a run in its jail, and no other than at the start");
    ok(launcher_start((enum launcher_program)7, null) && finish() == LAUNCHER_NO_SUCH_COMMAND,
       "a program that is not in its table is none");
    ok(launcher_start(LAUNCHER_PAGER, -1) && finish() == LAUNCHER_NO_SUCH_COMMAND, "nor is one without its input");
    launcher_signal(SIGKILL); // nobody's
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) bail("no pipe");
    ok(launcher_start(LAUNCHER_PAGER, ends[0]), "a program that waits");
    launcher_signal(SIGKILL);
    ok(finish() == 0, "a signal is passed on");
    launcher_close();
    int status;
    ok(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0, "it ends when nobody can ask any more");
    ok(!launcher_start(LAUNCHER_PAGER, null), "and starts nothing then");
    close(null);
}

static void nothing(const void *context) { (void)context; }

int main(void) {
    char text[TEXT_BYTES];
    signals_open();
    signal(SIGPIPE, SIG_DFL);
    int status = status_in_jail(0, nothing, NULL, text);
    if (status == NO_JAIL) {
        skip("the jail", "there is none here: a build with sanitizers or counters, or no seccomp");
        return done_testing();
    }
    ok(status == LEFT, "a run that does nothing");
    every_row();
    planted_calls();
    others();
    launcher();
    return done_testing();
}
